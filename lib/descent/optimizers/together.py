"""Several optimizers as one: a rule for the matrices, another for the rest."""

from descent.checks import entries
from descent.optimizers._optimizer import Optimizer, refuse_twice
from descent.optimizers._wrapper import Wrapper
from descent.optimizers.sam import SAM


class Together(Optimizer):
    r"""Optimizers that step together, each with its own parameters.

    Some rules are for some parameters alone: `Muon` takes the matrices of hidden layers, and
    leaves biases, norms and the output layer to another rule. To schedules, `train` and
    checkpoints the combination is one optimizer.

    Parameters
    ----------
    *optimizers : Optimizer
        Without common parameters. Wrappers such as `SAM` go around the combination.

    Attributes
    ----------
    optimizers : tuple of Optimizer
    param_groups : list of dicts
        The groups of all, one optimizer after the other: the groups themselves, so that a
        changed rate holds. Options differ from group to group.

    Raises
    ------
    TypeError
        Something that is no optimizer, or `SAM`.
    ValueError
        No optimizers, or a parameter that two of them would move; the latter also from `step`,
        where one of them took it in later.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> net = Sequential(Linear(4, 8, rng=rng), ReLU(), Linear(8, 3, rng=rng))
    >>> hidden, rest = net[0].weight, [net[0].bias, net[2].weight, net[2].bias]
    >>> optimizer = Together(Muon([hidden], lr=0.02), AdamW(rest, lr=1e-3))
    >>> [group["lr"] for group in optimizer.param_groups]
    [0.02, 0.001]
    """

    def __init__(self, *optimizers):
        if not optimizers:
            raise ValueError("optimizers is empty; expected some, such as Muon(…), AdamW(…)")
        for i, optimizer in enumerate(optimizers):
            if not isinstance(optimizer, Optimizer):
                raise TypeError(f"optimizers[{i}] must be an Optimizer, got {optimizer!r}")
            if _needs_closure(optimizer):
                raise TypeError(
                    f"optimizers[{i}] needs two gradients for a step, {optimizer!r}; put SAM "
                    "around Together, not into it"
                )
        self.optimizers, self._known = optimizers, 0
        self._refuse_shared()

    @property
    def param_groups(self):
        return [group for optimizer in self.optimizers for group in optimizer.param_groups]

    @property
    def state(self):
        return {p: s for optimizer in self.optimizers for p, s in optimizer.state.items()}

    @property
    def initial(self):
        return [initial for optimizer in self.optimizers for initial in optimizer.initial]

    def parameters(self):
        return [p for optimizer in self.optimizers for p in optimizer.parameters()]

    def add_param_group(self, param_group):
        raise TypeError("Together has no defaults for a group; add it to one of its optimizers")

    def step(self, closure=None):
        loss = None if closure is None else closure()
        self._refuse_shared()
        _check_options(self)
        self.check_gradients()
        for optimizer in self.optimizers:
            optimizer.step()
        return loss

    def check_gradients(self):
        for optimizer in self.optimizers:
            optimizer.check_gradients()

    def zero_grad(self):
        for optimizer in self.optimizers:
            optimizer.zero_grad()

    def train(self):
        for optimizer in self.optimizers:
            optimizer.train()
        return self

    def eval(self):
        for optimizer in self.optimizers:
            optimizer.eval()
        return self

    def state_dict(self):
        """The states of all, in order."""
        return {"optimizers": [optimizer.state_dict() for optimizer in self.optimizers]}

    def load_state_dict(self, saved):
        """Put back what `state_dict` gave, on a combination of the same optimizers.

        Raises
        ------
        ValueError
            A state of something else, another number of optimizers, or what one of them refuses.
            Then nothing has been changed.
        """
        entries("saved", saved, ("optimizers",))
        states, before = saved["optimizers"], self.state_dict()["optimizers"]
        if len(states) != len(before):
            raise ValueError(f"saved has {len(states)} optimizers, expected {len(before)}")
        try:
            self._load(states)
        except Exception:
            self._load(before)
            raise

    def _load(self, states):
        for optimizer, state in zip(self.optimizers, states, strict=True):
            optimizer.load_state_dict(state)

    def _refuse_shared(self):
        """Refuse parameters that two optimizers would move, also if one took them in later."""
        groups = self.param_groups
        if len(groups) > self._known:
            refuse_twice("optimizers", [p for group in groups for p in group["params"]])
            self._known = len(groups)

    def __getstate__(self):
        return vars(self)


def _needs_closure(optimizer):
    return isinstance(optimizer, SAM) or any(map(_needs_closure, _inner(optimizer)))


def _check_options(optimizer):
    """Refuse options that make no sense, of all optimizers before one of them steps."""
    if inner := _inner(optimizer):
        for each in inner:
            _check_options(each)
    else:
        optimizer._checked_options()


def _inner(optimizer):
    """The optimizers to which this one leaves the steps."""
    if isinstance(optimizer, Together):
        return optimizer.optimizers
    return (optimizer.optimizer,) if isinstance(optimizer, Wrapper) else ()
