"""Schedules that fall along a cosine."""

import math

from descent.checks import integer, number
from descent.optimizers.schedules._scheduler import LRScheduler


class CosineAnnealingLR(LRScheduler):
    r"""Half a cosine wave, from the full rate to the least.

    .. math::
        \eta_t = \eta_{\min} + \tfrac12 (\eta - \eta_{\min})
        \left(1 + \cos \frac{\pi t}{T_{\max}}\right)

    After :math:`T_{\max}` the wave goes on: the rate rises again and is back at
    :math:`\eta` at :math:`2\,T_{\max}`. PyTorch's recursion does the same. For the jumps back up
    see `CosineAnnealingWarmRestarts`.

    Parameters
    ----------
    optimizer : Optimizer or None
    T_max : int ≥ 1
        Steps from the full rate to the least.
    eta_min : float ≥ 0
        :math:`\eta_{\min}`, a rate, not a factor, and the same for all groups.

    Raises
    ------
    ValueError
        T_max below 1, a negative eta_min.

    References
    ----------
    Loshchilov and Hutter (2017), "SGDR: Stochastic Gradient Descent with Warm Restarts", ICLR.

    Examples
    --------
    >>> schedule = CosineAnnealingLR(None, T_max=4)
    >>> [round(schedule.rate(t), 3) for t in range(7)]
    [1.0, 0.854, 0.5, 0.146, 0.0, 0.146, 0.5]
    """

    def __init__(self, optimizer, T_max, eta_min=0.0):
        self.T_max = integer("T_max", T_max, at_least=1)
        self.eta_min = number("eta_min", eta_min, at_least=0)
        super().__init__(optimizer)

    def rate(self, t, lr=1.0):
        return half_wave(t / self.T_max, lr, self.eta_min)


class CosineAnnealingWarmRestarts(LRScheduler):
    r"""Half a cosine wave, again and again: down slowly, up at once.

    .. math::
        \eta_t = \eta_{\min} + \tfrac12 (\eta - \eta_{\min})
        \left(1 + \cos \frac{\pi\, (t - s_i)}{T_i}\right), \qquad
        T_i = T_0\, m^i, \quad s_i = T_0 + \dots + T_{i-1}, \quad s_i \le t < s_{i+1}

    The least rate itself is never reached: the step that would have it begins the next wave. The
    best weights are those just before a restart, :math:`t = s_i - 1`.

    Parameters
    ----------
    optimizer : Optimizer or None
    T_0 : int ≥ 1
        Steps of the first wave.
    T_mult : int ≥ 1
        :math:`m`, how many times as long as the one before each wave lasts.
    eta_min : float ≥ 0
        :math:`\eta_{\min}`, a rate, not a factor, and the same for all groups.

    Raises
    ------
    ValueError
        T_0 or T_mult below 1, a negative eta_min.

    References
    ----------
    Loshchilov and Hutter (2017), "SGDR: Stochastic Gradient Descent with Warm Restarts", ICLR,
    equation 5.

    Examples
    --------
    >>> schedule = CosineAnnealingWarmRestarts(None, T_0=2, T_mult=2)
    >>> [round(schedule.rate(t), 3) for t in range(8)]
    [1.0, 0.5, 1.0, 0.854, 0.5, 0.146, 1.0, 0.962]
    """

    def __init__(self, optimizer, T_0, T_mult=1, eta_min=0.0):
        self.T_0 = integer("T_0", T_0, at_least=1)
        self.T_mult = integer("T_mult", T_mult, at_least=1)
        self.eta_min = number("eta_min", eta_min, at_least=0)
        super().__init__(optimizer)

    def rate(self, t, lr=1.0):
        length = self.T_0
        if self.T_mult == 1:
            t %= length
        while t >= length:
            t, length = t - length, length * self.T_mult
        return half_wave(t / length, lr, self.eta_min)


def half_wave(share, top, bottom):
    """The height of half a cosine wave from `top` at 0 to `bottom` at 1."""
    return bottom + 0.5 * (top - bottom) * (1 + math.cos(math.pi * share))
