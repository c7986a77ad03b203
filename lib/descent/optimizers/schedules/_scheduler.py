"""What every schedule has: the rate at a step, a step, and a state."""

import copy

from descent.checks import entries, integer, number
from descent.optimizers._optimizer import Optimizer


class Scheduler:
    """What all schedules share: they change ``group["lr"]`` of an optimizer, and can resume."""

    state_names = ("last_epoch",)

    def __init__(self, optimizer):
        if not isinstance(optimizer, Optimizer | None):
            raise TypeError(f"optimizer must be an Optimizer or None, got {optimizer!r}")
        self.optimizer = optimizer
        self.last_epoch = 0

    def groups(self):
        """The groups of the optimizer, whose rates this schedule changes."""
        if self.optimizer is None:
            raise ValueError("optimizer is None: this schedule can only tell its rate(t)")
        return self.optimizer.param_groups

    def get_last_lr(self):
        """The rate of each group now."""
        return [group["lr"] for group in self.groups()]

    def state_dict(self):
        """What changes while training. The options are given anew to the constructor."""
        return {name: copy.deepcopy(getattr(self, name)) for name in self.state_names}

    def load_state_dict(self, state):
        """Put back what `state_dict` gave.

        Raises
        ------
        ValueError
            Entries that are missing or unknown. Then nothing has been changed.
        """
        entries("state", state, self.state_names)
        integer("state['last_epoch']", state["last_epoch"], at_least=0)
        for name, value in state.items():
            setattr(self, name, copy.deepcopy(value))


class LRScheduler(Scheduler):
    """A rule for the learning rate at each step.

    A subclass writes ``rate(t, lr=1.0)``: the rate at step t of parameters whose rate would be
    `lr` without the schedule. It depends on nothing else, so it can be tabulated and drawn; with
    lr = 1 it is the factor. The rate of step 0 is set when the schedule is made, and each call
    of `step` sets the next. A rate that is negative or not finite is refused, and nothing has
    been changed then.

    PyTorch computes most rates from the one before, here they come from the formula. The two
    agree as long as nothing else changes ``group["lr"]``; whatever does is overwritten here.

    Parameters
    ----------
    optimizer : Optimizer or None
        Its ``group["lr"]`` will be changed. None serves to look at `rate` alone.

    Attributes
    ----------
    last_epoch : int
        The step t whose rate is set now. Whether a step is a batch or an epoch depends on when
        `step` is called; the name is PyTorch's.
    base_lrs : list of float
        The rates of the groups before any schedule changed them. Schedules made one after the
        other for one optimizer start from the same rates.
    """

    state_names = ("last_epoch", "base_lrs")

    def __init__(self, optimizer):
        super().__init__(optimizer)
        if optimizer is not None:
            self.base_lrs = self.initial_rates()
            self.apply(0)

    def initial_rates(self):
        """The rates of the groups without the schedule; the optimizer remembers them."""
        groups = zip(self.optimizer.initial, self.groups(), strict=True)
        return [initial.setdefault("lr", group["lr"]) for initial, group in groups]

    def check_base_lrs(self):
        """Refuse base rates that are none, such as those of another kind of schedule."""
        for i, lr in enumerate(self.base_lrs):
            number(f"state['base_lrs'][{i}]", lr, at_least=0)

    def rates(self, t):
        """The rate of each group at step t."""
        return [self.rate(t, lr) for lr in self.base_lrs]

    def apply(self, t):
        """Set the rates of step t."""
        groups, rates = self.groups(), self.rates(t)
        if len(groups) != len(rates):
            raise ValueError(f"the optimizer has {len(groups)} groups, the schedule {len(rates)}")
        rates = [number(f"the rate of step {t}", lr, at_least=0) for lr in rates]
        for group, lr in zip(groups, rates, strict=True):
            group["lr"] = lr

    def take_back(self):
        """Undo what making the schedule did to the groups, apart from their rates."""

    def step(self):
        """Set the rates of the next step; call it after the optimizer's own step."""
        t = self.last_epoch + 1
        self.apply(t)
        self.last_epoch = t

    def load_state_dict(self, state):
        """Put back what `state_dict` gave, and set the rates that belong to it.

        To resume, make the optimizer and the schedule, then load the state of the optimizer,
        then that of the schedule: making a schedule sets rates, and for some momenta.

        Raises
        ------
        TypeError, ValueError
            Entries that are missing, unknown or of another kind, another number of groups, a
            step after the end. Then nothing has been changed.
        """
        before = self.state_dict()
        try:
            super().load_state_dict(state)
            self.check_base_lrs()
            self.apply(self.last_epoch)
        except (TypeError, ValueError):
            super().load_state_dict(before)
            raise


def per_group(name, value, groups):
    """A list with one entry for each group, from one value for all or from such a list."""
    values = list(value) if isinstance(value, list | tuple) else [value] * len(groups)
    if len(values) != len(groups):
        raise ValueError(
            f"{name} must be one value or a list of {len(groups)}, one for each group, "
            f"got {len(values)}"
        )
    return values


def ascending(name, steps):
    """Return a list of steps, integers ≥ 1 in ascending order, or raise ValueError."""
    steps = [integer(f"{name}[{i}]", step, at_least=1) for i, step in enumerate(steps)]
    if steps != sorted(steps):
        raise ValueError(f"{name} must be in ascending order, got {steps}")
    return steps
