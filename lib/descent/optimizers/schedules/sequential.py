"""One schedule after the other."""

from bisect import bisect_right

from descent.optimizers.schedules._scheduler import LRScheduler, ascending


class SequentialLR(LRScheduler):
    r"""One schedule after the other, such as a warm-up and then a decay.

    .. math:: \eta_t = \eta^{(i)}_{t - m_i}, \qquad m_i \le t < m_{i+1},\quad m_0 = 0

    Each schedule counts from 0 at its milestone, and multiplies the optimizer's rate, not the
    rate that the schedule before it has reached. A later `OneCycleLR` leaves the momentum alone
    until its turn; PyTorch's changes it from the first step on.

    Parameters
    ----------
    optimizer : Optimizer or None
    schedulers : list of LRScheduler
        Made for the same optimizer.
    milestones : list of int ≥ 1, ascending
        :math:`m_1, m_2, \dots`, one fewer than schedules.

    Raises
    ------
    TypeError
        A schedule without a ``rate(t)``, such as ReduceLROnPlateau.
    ValueError
        Schedules of another optimizer, numbers that do not fit, milestones out of order.

    Examples
    --------
    >>> warmup = LinearLR(None, start_factor=0.5, total_iters=2)
    >>> schedule = SequentialLR(None, [warmup, ExponentialLR(None, gamma=0.1)], milestones=[2])
    >>> [round(schedule.rate(t), 3) for t in range(5)]
    [0.5, 0.75, 1.0, 0.1, 0.01]
    """

    def __init__(self, optimizer, schedulers, milestones):
        for i, schedule in enumerate(schedulers):
            if not isinstance(schedule, LRScheduler):
                raise TypeError(f"schedulers[{i}] must be an LRScheduler, got {schedule!r}")
            if schedule.optimizer is not optimizer:
                raise ValueError(f"schedulers[{i}] was made for another optimizer")
        if len(schedulers) != len(milestones) + 1:
            raise ValueError(
                "milestones must be one fewer than schedulers, "
                f"got {len(milestones)} for {len(schedulers)}"
            )
        self.schedulers = list(schedulers)
        self.milestones = ascending("milestones", milestones)
        if optimizer is not None:
            self.take_back()
        super().__init__(optimizer)

    @property
    def base_lrs(self):
        """The base rates of each schedule, a list for each."""
        return [schedule.base_lrs for schedule in self.schedulers]

    @base_lrs.setter
    def base_lrs(self, values):
        if len(values) != len(self.schedulers):
            raise ValueError(f"state has {len(values)} schedules, expected {len(self.schedulers)}")
        for schedule, base_lrs in zip(self.schedulers, values, strict=True):
            schedule.base_lrs = base_lrs

    def initial_rates(self):
        return self.base_lrs

    def check_base_lrs(self):
        for schedule in self.schedulers:
            schedule.check_base_lrs()

    def rates(self, t):
        schedule, start = self._turn(t)
        return schedule.rates(t - start)

    def rate(self, t, lr=1.0):
        schedule, start = self._turn(t)
        return schedule.rate(t - start, lr)

    def apply(self, t):
        schedule, start = self._turn(t)
        schedule.apply(t - start)

    def take_back(self):
        for schedule in self.schedulers:
            schedule.take_back()

    def _turn(self, t):
        """The schedule whose turn it is at step t, and the step at which it began."""
        i = bisect_right(self.milestones, t)
        return self.schedulers[i], [0, *self.milestones][i]
