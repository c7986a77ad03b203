"""SAM: descend by the gradient at the worst point nearby."""

from descent.checks import generator, number
from descent.norms import vector_norm
from descent.optimizers._wrapper import Wrapper


class SAM(Wrapper):
    r"""Sharpness-aware minimization: step by the gradient found a little way uphill.

    .. math::
        \epsilon &= \rho\, \frac{\nabla L(w)}{\lVert \nabla L(w) \rVert} \\
        w &\leftarrow w - \operatorname{step}\bigl(\nabla L(w + \epsilon)\bigr)

    where step is that of the optimizer inside, and the norm is over all parameters together.
    To first order this descends :math:`\max_{\lVert \epsilon \rVert \le \rho} L(w + \epsilon)`,
    which is large where the minimum is sharp. Each step costs two gradients.

    Both gradients must be those of one function. The closure looks at the same batch twice, and
    with `rng` both passes draw the same numbers, so that dropout switches off the same units.
    Running means, as in batch normalization, see both passes, and with them the statistics at
    :math:`w + \epsilon`: the running mean moves twice in a step, as in most implementations.

    Parameters
    ----------
    optimizer : Optimizer
        It takes the step, at the weights as they were, to the last bit.
    rho : float ≥ 0
        :math:`\rho`, the radius.
    rng : numpy.random.Generator, or a list of them, optional
        What the closure draws from. Before the second pass they are set back to where they stood
        before the first.

    Raises
    ------
    TypeError
        An optimizer that is none; from ``step()``, no closure.
    ValueError
        A negative radius.

    References
    ----------
    Foret, Kleiner, Mobahi and Neyshabur (2021), "Sharpness-Aware Minimization for Efficiently
    Improving Generalization", ICLR, algorithm 1.

    Examples
    --------
    On :math:`L = \frac12 w^2` the gradient is taken at 2.5 rather than at 2:

    >>> w = Parameter(np.array([2.0]))
    >>> optimizer = SAM(SGD([w], lr=0.1), rho=0.5)
    >>> def closure():
    ...     optimizer.zero_grad()
    ...     w.grad += w.data
    ...     return 0.5 * (w.data**2).sum()
    >>> float(optimizer.step(closure)), w.data
    (2.0, array([1.75]))
    """

    def __init__(self, optimizer, rho=0.05, *, rng=()):
        super().__init__(optimizer)
        self.rho = number("rho", rho, at_least=0)
        generators = rng if isinstance(rng, list | tuple) else [rng]
        self.generators = [generator("rng", each) for each in generators]
        self.kept = None

    def step(self, closure=None):
        """Step once, and return the loss before it.

        Parameters
        ----------
        closure : callable
            Sets the gradients to zero, runs forward and backward, returns the loss. Called twice,
            so it must look at the same batch. If the second call fails, the weights are put back.
        """
        if closure is None:
            raise TypeError(
                "closure is missing: SAM needs two gradients, so call step(closure), or "
                "first_step() and second_step()"
            )
        drawn_from = [each.bit_generator.state for each in self.generators]
        loss = closure()
        self.first_step()
        for each, state in zip(self.generators, drawn_from, strict=True):
            each.bit_generator.state = state
        try:
            closure()
        except BaseException:
            self._go_back()
            raise
        self.second_step()
        return loss

    def first_step(self):
        """Go uphill to :math:`w + \\epsilon` by the gradients at :math:`w`."""
        if self.kept is not None:
            raise RuntimeError("first_step was called twice; second_step must come between")
        self.check_gradients()
        moving = self.parameters()
        self.kept = [(p, p.data.copy()) for p in moving]
        norm = vector_norm([p.grad for p in moving]) if moving else 0.0
        for p in moving if norm else []:
            p.data += self.rho * (p.grad / norm)

    def second_step(self):
        """Go back to :math:`w`, and step by the gradients at :math:`w + \\epsilon`."""
        if self.kept is None:
            raise RuntimeError("second_step was called without first_step")
        self._go_back()
        self.optimizer.step()

    def _go_back(self):
        for p, kept in self.kept:
            p.data[...] = kept
        self.kept = None
