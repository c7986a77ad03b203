"""Stopping when validation no longer improves."""

from copy import deepcopy
from math import inf

from descent.checks import entries, integer, number, one_of, real


class EarlyStopping:
    """Keep the best state of a network, and say when to stop waiting for a better one.

    A value improves if it beats the best so far by more than `min_delta`. After `patience`
    values in a row that do not improve, it is time to stop.

    Parameters
    ----------
    patience : int ≥ 1
    min_delta : float ≥ 0
    mode : {"min", "max"}
        Whether small values are good (a loss) or large ones (an accuracy).

    Attributes
    ----------
    best : float
        The best value so far; infinite before the first.
    best_step : int or None
        When it came, counted from 1: the number of its epoch, if there is a value each epoch.
    best_state : dict or None
        A copy of the network's `state_dict` from then.
    waited : int
        Values since the best.

    Raises
    ------
    ValueError, TypeError
        A patience below 1, a negative `min_delta`, an unknown mode.

    References
    ----------
    Prechelt (1998), "Early Stopping — But When?", in Neural Networks: Tricks of the Trade.

    Examples
    --------
    >>> from descent.regularization import EarlyStopping
    >>> net = Linear(1, 1, rng=np.random.default_rng(0))
    >>> stopping = EarlyStopping(patience=2)
    >>> for epoch, loss in enumerate([3.0, 1.0, 2.0, 1.5, 0.5], start=1):
    ...     if stopping.step(loss, net):
    ...         break
    >>> epoch, stopping.best_step, stopping.best
    (4, 2, 1.0)
    >>> stopping.restore(net)
    """

    state_names = ("best", "best_step", "best_state", "steps", "waited")

    def __init__(self, patience, *, min_delta=0.0, mode="min"):
        self.patience = integer("patience", patience, at_least=1)
        self.min_delta = number("min_delta", min_delta, at_least=0)
        self.mode = one_of("mode", mode, ("min", "max"))
        self.best = inf if mode == "min" else -inf
        self.best_step = self.best_state = None
        self.steps = self.waited = 0

    def __repr__(self):
        return (
            f"EarlyStopping(patience={self.patience}, min_delta={self.min_delta}, "
            f"mode={self.mode!r})"
        )

    def step(self, value, net):
        """Take note of a validation value and, if it is the best, of the network's state.

        Parameters
        ----------
        value : float
            nan, as after divergence, is no improvement.
        net : Layer
            Anything with `state_dict`.

        Returns
        -------
        stop : bool
            Whether `patience` is used up.

        Raises
        ------
        TypeError
            A value that is no number. Then nothing has been noted.
        """
        value = real("value", value)
        self.steps += 1
        gain = self.best - value if self.mode == "min" else value - self.best
        if gain > self.min_delta:
            self.best, self.best_step, self.best_state = value, self.steps, net.state_dict()
            self.waited = 0
        else:
            self.waited += 1
        return self.waited >= self.patience

    def restore(self, net):
        """Put the best state back into the network.

        Raises
        ------
        ValueError
            If no value has come that is better than infinitely bad.
        """
        if self.best_state is None:
            raise ValueError("no state has been kept: step has seen no finite value yet")
        net.load_state_dict(self.best_state)

    def state_dict(self):
        """What has been seen so far; not the patience, the `min_delta` and the mode."""
        return deepcopy({name: getattr(self, name) for name in self.state_names})

    def load_state_dict(self, state):
        """Put back what `state_dict` gave. The patience, the `min_delta` and the mode stay.

        Raises
        ------
        ValueError
            A state of something else. Then nothing has been changed.
        """
        entries("state", state, self.state_names)
        vars(self).update(deepcopy(state))
