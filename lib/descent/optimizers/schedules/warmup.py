"""Schedules that begin with a small rate."""

import math

from descent.checks import integer, number, one_of
from descent.optimizers.schedules._scheduler import LRScheduler


class LinearLR(LRScheduler):
    r"""A factor that goes along a straight line: linear warm-up, or linear decay.

    .. math:: \eta_t = \eta \left(a + (b - a) \min\{t / T,\ 1\}\right)

    Parameters
    ----------
    optimizer : Optimizer or None
    start_factor : float in (0, 1]
        :math:`a`, the factor at step 0.
    end_factor : float in [0, 1]
        :math:`b`, the factor from step T on.
    total_iters : int ≥ 1
        :math:`T`

    Raises
    ------
    ValueError
        A factor out of its range, T below 1.

    References
    ----------
    Goyal et al. (2017), "Accurate, Large Minibatch SGD: Training ImageNet in 1 Hour",
    arXiv:1706.02677, section 2.2, for the warm-up.

    Examples
    --------
    >>> schedule = LinearLR(None, start_factor=0.25, total_iters=3)
    >>> [schedule.rate(t) for t in range(5)]
    [0.25, 0.5, 0.75, 1.0, 1.0]
    """

    def __init__(self, optimizer, start_factor=1 / 3, end_factor=1.0, total_iters=5):
        self.start_factor = number("start_factor", start_factor, above=0, at_most=1)
        self.end_factor = number("end_factor", end_factor, at_least=0, at_most=1)
        self.total_iters = integer("total_iters", total_iters, at_least=1)
        super().__init__(optimizer)

    def rate(self, t, lr=1.0):
        share = min(t / self.total_iters, 1)
        return lr * (self.start_factor + (self.end_factor - self.start_factor) * share)


class WarmupStableDecay(LRScheduler):
    r"""A linear rise, a long constant stretch, and a fall at the end.

    With W steps of warm-up, D steps of decay and T in all,

    .. math::
        \eta_t = \eta \cdot \begin{cases}
            (t + 1) / W & t < W \\
            1 & W \le t \le T - D \\
            b + (1 - b)\, c\!\left(\dfrac{t - (T - D)}{D}\right) & T - D < t \le T \\
            b & t > T
        \end{cases}
        \qquad
        c(s) = \begin{cases}
            1 - s & \text{linear} \\
            1 - \sqrt{s} & \text{sqrt} \\
            \tfrac12 (1 + \cos \pi s) & \text{cosine}
        \end{cases}

    Unlike a cosine, it need not know T before the decay begins: from one long constant stretch,
    runs of several lengths can branch off. PyTorch has no such schedule.

    Parameters
    ----------
    optimizer : Optimizer or None
    total_steps : int
        :math:`T`
    warmup_steps, decay_steps : int ≥ 0
        :math:`W` and :math:`D`, together at most T. Step W − 1 is the first at the full rate.
    decay : {"linear", "sqrt", "cosine"}
        :math:`c`
    end_factor : float in [0, 1]
        :math:`b`

    Raises
    ------
    ValueError
        Phases that do not fit into T steps, an unknown decay, a factor outside [0, 1].

    References
    ----------
    Hu et al. (2024), "MiniCPM: Unveiling the Potential of Small Language Models with Scalable
    Training Strategies", arXiv:2404.06395, for the name; Hägele et al. (2024), "Scaling Laws and
    Compute-Optimal Training Beyond Fixed Training Durations", NeurIPS, for the decays.

    Examples
    --------
    >>> schedule = WarmupStableDecay(None, total_steps=8, warmup_steps=2, decay_steps=4)
    >>> [schedule.rate(t) for t in range(9)]
    [0.5, 1.0, 1.0, 1.0, 1.0, 0.75, 0.5, 0.25, 0.0]
    """

    def __init__(
        self, optimizer, total_steps, *, warmup_steps, decay_steps, decay="linear", end_factor=0.0
    ):
        self.total_steps = integer("total_steps", total_steps, at_least=1)
        self.warmup_steps = integer("warmup_steps", warmup_steps, at_least=0)
        self.decay_steps = integer("decay_steps", decay_steps, at_least=0)
        if warmup_steps + decay_steps > total_steps:
            raise ValueError(
                f"warmup_steps + decay_steps must be at most total_steps, got {warmup_steps} + "
                f"{decay_steps} > {total_steps}"
            )
        self.decay = one_of("decay", decay, ("linear", "sqrt", "cosine"))
        self.end_factor = number("end_factor", end_factor, at_least=0, at_most=1)
        super().__init__(optimizer)

    def rate(self, t, lr=1.0):
        decay_start = self.total_steps - self.decay_steps
        if t < self.warmup_steps:
            return lr * (t + 1) / self.warmup_steps
        if t <= decay_start:
            return lr
        if t > self.total_steps:
            return lr * self.end_factor
        left = self._falling((t - decay_start) / self.decay_steps)
        return lr * (self.end_factor + (1 - self.end_factor) * left)

    def _falling(self, s):
        if self.decay == "linear":
            return 1 - s
        if self.decay == "sqrt":
            return 1 - math.sqrt(s)
        return 0.5 * (1 + math.cos(math.pi * s))
