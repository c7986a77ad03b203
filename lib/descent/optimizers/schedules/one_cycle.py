"""One cycle: the rate up and far down, momentum down and up."""

import math

from descent.checks import integer, number, one_of
from descent.optimizers.schedules._scheduler import LRScheduler, per_group


class OneCycleLR(LRScheduler):
    r"""The rate rises to a peak and falls far below its start, while momentum does the reverse.

    With T steps in all, of which a share p rises, the rate passes through

    .. math::
        \frac{\eta}{d} \text{ at } 0,\qquad \eta \text{ at } pT - 1,\qquad
        \frac{\eta}{d\,D} \text{ at } T - 1,

    and momentum through its largest value, its smallest, its largest. From one knot to the next,
    from a to b over a share s of the way, the value is

    .. math:: a + (b - a)\, r(s), \qquad
        r(s) = \tfrac12 (1 - \cos \pi s) \text{ for "cos"},\quad s \text{ for "linear"}.

    With three phases, the fall goes back to :math:`\eta / d` at :math:`2pT - 2` as fast as the
    rise, and then on to the end; momentum is back at its largest by then and stays there.

    At step T, after the last, PyTorch extrapolates the wave, which for "linear" can make the
    rate negative; here the last rate stays. Steps beyond T are refused, as in PyTorch.

    Parameters
    ----------
    optimizer : Optimizer or None
        With ``cycle_momentum`` its groups need "momentum" or "betas", of which the first cycles.
    max_lr : float > 0, or a list of one for each group
        :math:`\eta`, the peak. The optimizer's own rate plays no role: schedules that are made
        later for the same optimizer start from :math:`\eta / d`, as in PyTorch.
    total_steps : int ≥ 1, optional
        :math:`T`
    epochs, steps_per_epoch : int ≥ 1, optional
        Instead of `total_steps`, their product is :math:`T`.
    pct_start : float in [0, 1]
        :math:`p`, a share, in spite of its name. The rise must last more than a step,
        :math:`pT > 1`.
    anneal_strategy : {"cos", "linear"}
    cycle_momentum : bool
    base_momentum, max_momentum : float in [0, 1)
        The smallest momentum, at the peak, and the largest.
    div_factor, final_div_factor : float > 0
        :math:`d` and :math:`D`
    three_phase : bool
        Needs :math:`p \le 1/2`.

    Raises
    ------
    ValueError
        Options out of their ranges, an optimizer without momentum to cycle, a step beyond T.

    References
    ----------
    Smith and Topin (2019), "Super-Convergence: Very Fast Training of Neural Networks Using Large
    Learning Rates". The paper has three linear phases; the defaults, like PyTorch's, are two of
    cosine shape.

    Examples
    --------
    >>> schedule = OneCycleLR(None, max_lr=1.0, total_steps=10, anneal_strategy="linear")
    >>> [round(schedule.rate(t), 2) for t in range(10)]
    [0.04, 0.52, 1.0, 0.86, 0.71, 0.57, 0.43, 0.29, 0.14, 0.0]
    >>> [round(schedule.momentum(t), 3) for t in range(5)]
    [0.95, 0.9, 0.85, 0.864, 0.879]
    """

    def __init__(
        self,
        optimizer,
        max_lr,
        total_steps=None,
        epochs=None,
        steps_per_epoch=None,
        pct_start=0.3,
        anneal_strategy="cos",
        cycle_momentum=True,
        base_momentum=0.85,
        max_momentum=0.95,
        div_factor=25.0,
        final_div_factor=1e4,
        three_phase=False,
    ):
        for peak in max_lr if isinstance(max_lr, list | tuple) else [max_lr]:
            number("max_lr", peak, above=0)
        if total_steps is None:
            epochs = integer("epochs, in place of total_steps,", epochs, at_least=1)
            steps_per_epoch = integer("steps_per_epoch", steps_per_epoch, at_least=1)
            total_steps = epochs * steps_per_epoch
        total_steps = integer("total_steps", total_steps, at_least=1)
        pct_start = number("pct_start", pct_start, at_least=0, at_most=0.5 if three_phase else 1)
        if pct_start * total_steps <= 1:
            raise ValueError(
                "pct_start · total_steps, the steps of the rise, must be > 1, "
                f"got {pct_start} · {total_steps}"
            )
        self.max_lr = max_lr
        self.total_steps = total_steps
        self.anneal_strategy = one_of("anneal_strategy", anneal_strategy, ("cos", "linear"))
        self.cycle_momentum = cycle_momentum
        self.base_momentum = number("base_momentum", base_momentum, at_least=0, below=1)
        self.max_momentum = number("max_momentum", max_momentum, at_least=0, below=1)
        self.div_factor = number("div_factor", div_factor, above=0)
        self.final_div_factor = number("final_div_factor", final_div_factor, above=0)
        self.three_phase = three_phase
        back = [2 * pct_start * total_steps - 2] if three_phase else []
        self.knots = [0, pct_start * total_steps - 1, *back, total_steps - 1]
        super().__init__(optimizer)

    def initial_rates(self):
        peaks = per_group("max_lr", self.max_lr, self.groups())
        for i, group in enumerate(self.groups()):
            if self.cycle_momentum and not group.keys() & {"momentum", "betas"}:
                raise ValueError(
                    "cycle_momentum needs an optimizer with momentum or betas, but group "
                    f"{i} has only {sorted(group)}"
                )
        for initial, group, peak in zip(self.optimizer.initial, self.groups(), peaks, strict=True):
            initial["lr"] = peak / self.div_factor
            initial.setdefault("momentum", momentum_of(group))
        return peaks

    def rate(self, t, lr=1.0):
        """The rate at step t of a group whose peak is `lr`."""
        start = lr / self.div_factor
        back = [start] if self.three_phase else []
        return self._between(t, [start, lr, *back, start / self.final_div_factor])

    def momentum(self, t):
        """The momentum, or Adam's first beta, at step t."""
        back = [self.max_momentum] if self.three_phase else []
        return self._between(t, [self.max_momentum, self.base_momentum, *back, self.max_momentum])

    def apply(self, t):
        super().apply(t)
        if self.cycle_momentum:
            for group in self.groups():
                set_momentum(group, self.momentum(t))

    def take_back(self):
        if self.cycle_momentum:
            for initial, group in zip(self.optimizer.initial, self.groups(), strict=True):
                set_momentum(group, initial["momentum"])

    def _between(self, t, values):
        if t > self.total_steps:
            raise ValueError(f"step {t} is beyond total_steps = {self.total_steps}")
        t = min(t, self.total_steps - 1)
        i = next(i for i, knot in enumerate(self.knots[1:]) if t <= knot)
        (left, right), (a, b) = self.knots[i : i + 2], values[i : i + 2]
        s = (t - left) / (right - left)
        if self.anneal_strategy == "cos":
            s = 0.5 * (1 - math.cos(math.pi * s))
        return a + (b - a) * s


def momentum_of(group):
    """A group's momentum, or the first of its betas."""
    return group["betas"][0] if "betas" in group else group.get("momentum")


def set_momentum(group, momentum):
    """Set a group's momentum, or the first of its betas."""
    if "betas" in group:
        group["betas"] = (momentum, *group["betas"][1:])
    else:
        group["momentum"] = momentum
