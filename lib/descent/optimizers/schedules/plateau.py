"""A schedule that looks at a measured quantity."""

import math

from descent.checks import integer, number, one_of
from descent.optimizers.schedules._scheduler import Scheduler, per_group


class ReduceLROnPlateau(Scheduler):
    r"""Lower the rate when a metric has stopped improving.

    A metric m improves on the best so far, m*, if

    .. math::
        m &< m^* - \theta\, |m^*| \;\text{(min, rel)}, & m &< m^* - \theta \;\text{(min, abs)}, \\
        m &> m^* + \theta\, |m^*| \;\text{(max, rel)}, & m &> m^* + \theta \;\text{(max, abs)}.

    PyTorch has :math:`m^* (1 \mp \theta)` for "rel", which is the same for positive metrics. For
    negative ones it counts a metric that stands still, or becomes a little worse, as an
    improvement, and then never lowers the rate.

    After more than `patience` steps in a row without improvement,

    .. math:: \eta \leftarrow \max\{f \eta,\ \eta_{\min}\},

    and for the next `cooldown` steps none is counted as bad. There is no closed form: the rate
    depends on what was measured. The rates themselves belong to the optimizer's state.

    Parameters
    ----------
    optimizer : Optimizer
    mode : {"min", "max"}
        Whether a small metric is good (a loss) or a large one (an accuracy).
    factor : float in (0, 1)
        :math:`f`
    patience : int ≥ 0
        Steps without improvement that are borne.
    threshold : float ≥ 0
        :math:`\theta`
    threshold_mode : {"rel", "abs"}
    cooldown : int ≥ 0
    min_lr : float ≥ 0, or a list of one for each group
        :math:`\eta_{\min}`
    eps : float ≥ 0
        A change of the rate by no more than this is not made.

    Attributes
    ----------
    best : float
        m*, infinite before the first step.
    num_bad_epochs, cooldown_counter, last_epoch : int
        Steps without improvement in a row, steps of cooldown left, all steps.

    Raises
    ------
    ValueError
        Options out of their ranges, a metric that is nan or infinite.

    Examples
    --------
    >>> optimizer = SGD([Parameter(np.zeros(2))], lr=1.0)
    >>> schedule = ReduceLROnPlateau(optimizer, factor=0.5, patience=1)
    >>> for loss in [0.9, 0.8, 0.8, 0.8, 0.8]:
    ...     schedule.step(loss)
    ...     print(*schedule.get_last_lr(), end=" ")
    1.0 1.0 1.0 0.5 0.5
    """

    state_names = ("last_epoch", "best", "num_bad_epochs", "cooldown_counter")

    def __init__(
        self,
        optimizer,
        mode="min",
        factor=0.1,
        patience=10,
        threshold=1e-4,
        threshold_mode="rel",
        cooldown=0,
        min_lr=0.0,
        eps=1e-8,
    ):
        super().__init__(optimizer)
        self.mode = one_of("mode", mode, ("min", "max"))
        self.factor = number("factor", factor, above=0, below=1)
        self.patience = integer("patience", patience, at_least=0)
        self.threshold = number("threshold", threshold, at_least=0)
        self.threshold_mode = one_of("threshold_mode", threshold_mode, ("rel", "abs"))
        self.cooldown = integer("cooldown", cooldown, at_least=0)
        self.min_lrs = [
            number("min_lr", lr, at_least=0) for lr in per_group("min_lr", min_lr, self.groups())
        ]
        self.eps = number("eps", eps, at_least=0)
        self.best = math.inf if mode == "min" else -math.inf
        self.num_bad_epochs = 0
        self.cooldown_counter = 0

    def step(self, metrics):
        """Take note of the metric, and lower the rates if it is time."""
        metrics = float(number("metrics", metrics))
        self.last_epoch += 1
        if self._improves(metrics):
            self.best = metrics
            self.num_bad_epochs = 0
        else:
            self.num_bad_epochs += 1
        if self.cooldown_counter > 0:
            self.cooldown_counter -= 1
            self.num_bad_epochs = 0
        if self.num_bad_epochs > self.patience:
            self._reduce()
            self.cooldown_counter = self.cooldown
            self.num_bad_epochs = 0

    def _improves(self, metrics):
        if math.isinf(self.best):
            return True
        least = self.threshold * (abs(self.best) if self.threshold_mode == "rel" else 1)
        return metrics > self.best + least if self.mode == "max" else metrics < self.best - least

    def _reduce(self):
        for group, min_lr in zip(self.groups(), self.min_lrs, strict=True):
            lr = max(group["lr"] * self.factor, min_lr)
            if group["lr"] - lr > self.eps:
                group["lr"] = lr
