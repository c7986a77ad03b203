"""Adagrad: a rate of its own for every weight."""

import numpy as np

from descent.checks import NotFiniteError
from descent.optimizers._adaptive import Adaptive
from descent.optimizers._optimizer import descent_gradient, nonnegative
from descent.optimizers._quotient import quotient


class Adagrad(Adaptive):
    r"""Divide by the root of the sum of all squared gradients so far.

    .. math::
        g &\leftarrow g + \lambda w \\
        s &\leftarrow s + g^2 \\
        w &\leftarrow w - \frac{\eta}{1 + (t - 1)\,\kappa}\, \frac{g}{\sqrt s + \varepsilon}

    Under a constant gradient the t-th step is :math:`\eta/\sqrt t`, so T steps go about
    :math:`2 \eta \sqrt T` far.

    Parameters
    ----------
    params : list of Parameter, or of dicts of options
    lr : float ≥ 0
        :math:`\eta`
    lr_decay : float ≥ 0
        :math:`\kappa`
    weight_decay : float ≥ 0
        :math:`\lambda`
    initial_accumulator_value : float ≥ 0
        What :math:`s` starts at.
    eps : float ≥ 0
        :math:`\varepsilon`, added outside the root. At 0, a weight that never had a gradient stays.
    maximize : bool
        Go up instead of down.

    Raises
    ------
    ValueError
        A negative option. From ``step()``, a gradient with which :math:`s` would overflow.

    References
    ----------
    Duchi, Hazan and Singer (2011), "Adaptive Subgradient Methods for Online Learning and
    Stochastic Optimization", JMLR 12; this is its diagonal form.

    Examples
    --------
    >>> w = Parameter(np.array([1.0, 1.0]))
    >>> optimizer = Adagrad([w], lr=0.1)
    >>> w.grad[...] = [5.0, -0.01]
    >>> optimizer.step()
    >>> w.data.round(6)
    array([0.9, 1.1])
    """

    def __init__(
        self,
        params,
        lr=1e-2,
        lr_decay=0.0,
        weight_decay=0.0,
        initial_accumulator_value=0.0,
        eps=1e-10,
        *,
        maximize=False,
    ):
        super().__init__(
            params,
            lr=lr,
            lr_decay=lr_decay,
            weight_decay=weight_decay,
            initial_accumulator_value=initial_accumulator_value,
            eps=eps,
            maximize=maximize,
        )

    def check(self, *, maximize, **options):
        nonnegative(**options)

    def check_gradients(self):
        super().check_gradients()
        for run in self._runs:
            largest = float(np.finfo(run.g.dtype).max)
            for _, g, state in run.blocks:
                if state and not float(np.vdot(g, g)) + float(state["s"].max()) <= largest:
                    refuse_sum(state["s"], g)

    def update(
        self,
        w,
        g,
        state,
        *,
        lr,
        lr_decay,
        weight_decay,
        initial_accumulator_value,
        eps,
        maximize,
    ):
        if not state:
            state.update(t=0, s=np.full_like(w, initial_accumulator_value))
        g = descent_gradient(g, w, weight_decay=weight_decay, maximize=maximize)
        s = state["s"]
        s += g**2
        w -= lr / (1 + state["t"] * lr_decay) * quotient(g, np.sqrt(s) + eps)
        state["t"] += 1


def refuse_sum(s, g):
    """Refuse a gradient whose square makes the sum of squares infinite."""
    with np.errstate(over="ignore"):
        total = s + g**2
    if not np.isfinite(total).all():
        raise NotFiniteError(
            f"the sum of the squared gradients must be finite in {s.dtype}, but {s.max():.3g} and "
            f"the square of {g[total.argmax()]:.3g} are too large; nothing was changed"
        )
