"""Optimizers around another optimizer."""

from descent.optimizers._optimizer import Optimizer


class Wrapper(Optimizer):
    """What leaves the steps to another optimizer, and shares its groups and states.

    Schedules, ``zero_grad`` and the like work on either.

    Attributes
    ----------
    optimizer : Optimizer
        The one inside.
    """

    def __init__(self, optimizer):
        if not isinstance(optimizer, Optimizer):
            raise TypeError(f"optimizer must be an Optimizer such as SGD, got {optimizer!r}")
        self.optimizer = optimizer

    @property
    def param_groups(self):
        return self.optimizer.param_groups

    @property
    def defaults(self):
        return self.optimizer.defaults

    @property
    def state(self):
        return self.optimizer.state

    @property
    def initial(self):
        return self.optimizer.initial

    def parameters(self):
        return self.optimizer.parameters()

    def add_param_group(self, param_group):
        self.optimizer.add_param_group(param_group)

    def check_gradients(self):
        self.optimizer.check_gradients()

    def zero_grad(self):
        self.optimizer.zero_grad()

    def train(self):
        self.optimizer.train()
        return self

    def eval(self):
        self.optimizer.eval()
        return self

    def state_dict(self):
        return self.optimizer.state_dict()

    def load_state_dict(self, saved):
        self.optimizer.load_state_dict(saved)

    def __getstate__(self):
        return vars(self)
