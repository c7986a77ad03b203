"""Lookahead: k steps forward, one step back."""

import numpy as np

from descent.checks import entries, integer, number
from descent.optimizers._wrapper import Wrapper


class Lookahead(Wrapper):
    r"""After every k steps of another optimizer, go back to a point on the way.

    .. math::
        \phi \leftarrow \phi + \alpha\, (w - \phi), \qquad w \leftarrow \phi

    The slow weights :math:`\phi` start at the weights before the first step. The states of the
    optimizer inside, such as its momentum, are kept through all this.

    Parameters
    ----------
    optimizer : Optimizer
        It takes the fast steps.
    k : int ≥ 1
    alpha : float in [0, 1]
        :math:`\alpha`. At 1 nothing happens.

    Raises
    ------
    TypeError
        An optimizer that is none.
    ValueError
        Less than one step, alpha outside [0, 1].

    References
    ----------
    Zhang, Lucas, Hinton and Ba (2019), "Lookahead Optimizer: k steps forward, 1 step back",
    NeurIPS, algorithm 1.

    Examples
    --------
    >>> w = Parameter(np.array([1.0]))
    >>> optimizer = Lookahead(SGD([w], lr=0.1), k=2, alpha=0.5)
    >>> w.grad[...] = 1.0
    >>> for _ in range(2):
    ...     optimizer.step()
    >>> w.data
    array([0.9])
    """

    def __init__(self, optimizer, *, k=5, alpha=0.5):
        super().__init__(optimizer)
        self.k = integer("k", k, at_least=1)
        self.alpha = number("alpha", alpha, at_least=0, at_most=1)
        self.steps = 0
        self.slow = {}

    def _held(self):
        return [p for group in self.param_groups for p in group["params"]]

    def step(self, closure=None):
        slow = {p: self.slow[p] if p in self.slow else p.data.copy() for p in self._held()}
        loss = self.optimizer.step(closure)
        self.slow = slow
        self.steps += 1
        if self.steps % self.k == 0:
            for p, phi in slow.items():
                if p.requires_grad:
                    phi += self.alpha * (p.data - phi)
                    p.data[...] = phi
                else:
                    phi[...] = p.data
        return loss

    def state_dict(self):
        """Copies of the states inside, the slow weights and the number of steps."""
        return {
            "optimizer": self.optimizer.state_dict(),
            "slow": [phi.copy() for phi in self.slow.values()],
            "steps": self.steps,
        }

    def load_state_dict(self, saved):
        """Put back what `state_dict` gave, on an optimizer of parameters of the same shapes.

        Raises
        ------
        ValueError
            A state of something else, what the optimizer inside refuses, slow weights of other
            shapes. Then nothing has been changed.
        """
        entries("saved", saved, ("optimizer", "slow", "steps"))
        held = self._held()
        shapes = [p.data.shape for p in held]
        came = [np.shape(phi) for phi in saved["slow"]]
        if came and came != shapes:
            raise ValueError(f"saved['slow'] must have the shapes {shapes}, got {came}")
        steps = integer("saved['steps']", saved["steps"], at_least=0)
        self.optimizer.load_state_dict(saved["optimizer"])
        self.slow = dict(zip(held, map(np.copy, saved["slow"]), strict=False))  # or none yet
        self.steps = steps
