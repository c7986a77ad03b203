"""Schedules that lower the rate from the start."""

from bisect import bisect_right

from descent.checks import integer, number, real
from descent.optimizers.schedules._scheduler import LRScheduler, ascending, per_group


class LambdaLR(LRScheduler):
    r"""A rate multiplied by any function of the step.

    .. math:: \eta_t = \eta\, f(t)

    Parameters
    ----------
    optimizer : Optimizer or None
    lr_lambda : callable, or a list of one for each group
        :math:`f`, from an int to a float.

    Raises
    ------
    TypeError
        Something that cannot be called, or that returns no number.
    ValueError
        A list whose length is not the number of groups; while training, a rate that is negative
        or not finite.

    Examples
    --------
    The 1/t decay of Robbins and Monro:

    >>> schedule = LambdaLR(None, lambda t: 1 / (1 + t))
    >>> [schedule.rate(t) for t in (0, 1, 3)]
    [1.0, 0.5, 0.25]
    """

    def __init__(self, optimizer, lr_lambda):
        for function in lr_lambda if isinstance(lr_lambda, list | tuple) else [lr_lambda]:
            if not callable(function):
                raise TypeError(f"lr_lambda must be a function of the step, got {function!r}")
        self.lr_lambda = lr_lambda
        super().__init__(optimizer)

    def rate(self, t, lr=1.0):
        return lr * real(f"lr_lambda({t})", self.lr_lambda(t))

    def rates(self, t):
        lambdas = per_group("lr_lambda", self.lr_lambda, self.groups())
        factors = [real(f"lr_lambda({t})", function(t)) for function in lambdas]
        return [lr * factor for lr, factor in zip(self.base_lrs, factors, strict=True)]


class ConstantLR(LRScheduler):
    r"""A smaller rate for the first steps.

    .. math:: \eta_t = \eta \cdot \begin{cases} f & t < T \\ 1 & t \ge T \end{cases}

    Parameters
    ----------
    optimizer : Optimizer or None
    factor : float in [0, 1]
        :math:`f`
    total_iters : int ≥ 0
        :math:`T`

    Raises
    ------
    ValueError
        A factor outside [0, 1], a negative number of steps.

    Examples
    --------
    >>> schedule = ConstantLR(None, factor=0.5, total_iters=2)
    >>> [schedule.rate(t, lr=0.1) for t in range(4)]
    [0.05, 0.05, 0.1, 0.1]
    """

    def __init__(self, optimizer, factor=1 / 3, total_iters=5):
        self.factor = number("factor", factor, at_least=0, at_most=1)
        self.total_iters = integer("total_iters", total_iters, at_least=0)
        super().__init__(optimizer)

    def rate(self, t, lr=1.0):
        return lr * self.factor if t < self.total_iters else lr


class StepLR(LRScheduler):
    r"""A rate that falls by a factor every so many steps.

    .. math:: \eta_t = \eta\, \gamma^{\lfloor t / s \rfloor}

    Parameters
    ----------
    optimizer : Optimizer or None
    step_size : int ≥ 1
        :math:`s`
    gamma : float > 0
        :math:`\gamma`

    Raises
    ------
    ValueError
        A step size below 1, a factor that is not positive.

    Examples
    --------
    >>> schedule = StepLR(None, step_size=2, gamma=0.5)
    >>> [schedule.rate(t) for t in range(5)]
    [1.0, 1.0, 0.5, 0.5, 0.25]
    """

    def __init__(self, optimizer, step_size, gamma=0.1):
        self.step_size = integer("step_size", step_size, at_least=1)
        self.gamma = number("gamma", gamma, above=0)
        super().__init__(optimizer)

    def rate(self, t, lr=1.0):
        return lr * self.gamma ** (t // self.step_size)


class MultiStepLR(LRScheduler):
    r"""A rate that falls by a factor at given steps.

    .. math:: \eta_t = \eta\, \gamma^{\#\{m \,:\, m \le t\}}

    Parameters
    ----------
    optimizer : Optimizer or None
    milestones : list of int ≥ 1, ascending
        The steps :math:`m`. One that occurs twice counts twice.
    gamma : float > 0
        :math:`\gamma`

    Raises
    ------
    ValueError
        Milestones that are not in ascending order, a factor that is not positive.

    Examples
    --------
    >>> schedule = MultiStepLR(None, milestones=[1, 3], gamma=0.5)
    >>> [schedule.rate(t) for t in range(5)]
    [1.0, 0.5, 0.5, 0.25, 0.25]
    """

    def __init__(self, optimizer, milestones, gamma=0.1):
        self.milestones = ascending("milestones", milestones)
        self.gamma = number("gamma", gamma, above=0)
        super().__init__(optimizer)

    def rate(self, t, lr=1.0):
        return lr * self.gamma ** bisect_right(self.milestones, t)


class ExponentialLR(LRScheduler):
    r"""A rate that falls by the same factor at each step.

    .. math:: \eta_t = \eta\, \gamma^t

    Parameters
    ----------
    optimizer : Optimizer or None
    gamma : float > 0
        :math:`\gamma`

    Raises
    ------
    ValueError
        A factor that is not positive.

    Examples
    --------
    >>> schedule = ExponentialLR(None, gamma=0.5)
    >>> [schedule.rate(t) for t in range(4)]
    [1.0, 0.5, 0.25, 0.125]
    """

    def __init__(self, optimizer, gamma):
        self.gamma = number("gamma", gamma, above=0)
        super().__init__(optimizer)

    def rate(self, t, lr=1.0):
        return lr * self.gamma**t


class PolynomialLR(LRScheduler):
    r"""A rate that falls to zero along a power of the steps that are left.

    .. math:: \eta_t = \eta \left(1 - \frac{\min\{t, T\}}{T}\right)^p

    With p = 1 it falls along a straight line; the larger p, the sooner it is small. Networks for
    segmentation are often trained with p = 0.9.

    Parameters
    ----------
    optimizer : Optimizer or None
    total_iters : int ≥ 1
        :math:`T`, from which on the rate is 0.
    power : float ≥ 0
        :math:`p`

    Raises
    ------
    ValueError
        T below 1, a negative power.

    References
    ----------
    Chen, Papandreou, Kokkinos, Murphy and Yuille (2018), "DeepLab: Semantic Image Segmentation
    with Deep Convolutional Nets, Atrous Convolution, and Fully Connected CRFs", IEEE
    Transactions on Pattern Analysis and Machine Intelligence 40, section 4.1.2.

    Examples
    --------
    >>> schedule = PolynomialLR(None, total_iters=4, power=2.0)
    >>> [schedule.rate(t) for t in range(6)]
    [1.0, 0.5625, 0.25, 0.0625, 0.0, 0.0]
    """

    def __init__(self, optimizer, total_iters=5, power=1.0):
        self.total_iters = integer("total_iters", total_iters, at_least=1)
        self.power = number("power", power, at_least=0)
        super().__init__(optimizer)

    def rate(self, t, lr=1.0):
        return lr * (1 - min(t / self.total_iters, 1)) ** self.power
