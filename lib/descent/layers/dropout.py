"""Dropout and its relatives: layers that switch parts of a network off at random."""

from descent.checks import float_array, generator, layer_input, number, one_of
from descent.layers._layer import Layer


class Dropout(Layer):
    r"""In training, each entry is set to zero with probability p, independently of all others.

    With :math:`m_i \in \{0, 1\}` random and :math:`P(m_i = 0) = p`,

    .. math::
        y_i = \frac{m_i\, x_i}{1 - p} \text{ in training},\qquad y_i = x_i \text{ in evaluation},
        \qquad \frac{\partial L}{\partial x_i} = \frac{m_i\, \delta_i}{1 - p}

    The division keeps the mean: :math:`\mathbb{E}\,y_i = x_i`. The variance that it brings is
    :math:`x_i^2\, p/(1 - p)`.

    Srivastava et al. instead train with :math:`y_i = m_i x_i` and multiply the weights that
    follow by the probability of keeping when testing; for a layer that is linear in x this is
    the same as :math:`y_i = (1 - p)\, x_i` in evaluation, which ``inverted=False`` does. Their
    :math:`p` is the probability of keeping, ours of dropping, as PyTorch's.

    Parameters
    ----------
    p : float in [0, 1]
        The probability that an entry is dropped. At 1 all outputs are zero.
    inverted : bool
        Scale in training (PyTorch) or in evaluation (Srivastava et al.).
    rng : numpy.random.Generator
        What the masks are drawn from, one for each forward pass in training.

    Raises
    ------
    ValueError
        A probability outside [0, 1].

    References
    ----------
    Srivastava, Hinton, Krizhevsky, Sutskever and Salakhutdinov (2014), "Dropout: A Simple Way to
    Prevent Neural Networks from Overfitting", JMLR 15.

    Examples
    --------
    >>> dropout = Dropout(0.5, rng=np.random.default_rng(0))
    >>> dropout(np.ones(6))
    array([2., 0., 0., 0., 2., 2.])
    >>> dropout.backward(np.ones(6))
    array([2., 0., 0., 0., 2., 2.])
    >>> dropout.eval()(np.ones(6))
    array([1., 1., 1., 1., 1., 1.])
    """

    def __init__(self, p=0.5, *, inverted=True, rng):
        self.p = float(number("p", p, at_least=0, at_most=1))
        self.inverted = inverted
        self.rng = generator("rng", rng)

    def __repr__(self):
        return f"{type(self).__name__}({self.p})"

    def forward(self, x):
        x = self._checked(x)
        keep = 1 - self.p
        if not self.training:
            factor = 1.0 if self.inverted else keep
        else:
            mask = self.rng.random(self._mask_shape(x.shape), dtype=x.dtype) >= self.p
            scale = 1 / keep if self.inverted and keep else 1.0
            factor = mask * x.dtype.type(scale)
        return self.keep(factor * x, factor)

    def backward(self, gradient):
        (factor,) = self.recall(gradient)
        return factor * gradient

    def _checked(self, x):
        return float_array("x", x)

    def _mask_shape(self, shape):
        return shape


class Dropout2d(Dropout):
    r"""Spatial dropout: whole channels of an image are set to zero with probability p.

    .. math:: y_{nchw} = \frac{m_{nc}\, x_{nchw}}{1 - p},\qquad P(m_{nc} = 0) = p

    Neighbouring pixels resemble each other, so that dropping single ones would hide little.

    Parameters
    ----------
    p : float in [0, 1]
        The probability that a channel is dropped.
    inverted : bool
        As for `Dropout`.
    rng : numpy.random.Generator

    Raises
    ------
    ValueError
        An input whose shape is not (N, C, H, W).

    References
    ----------
    Tompson, Goroshin, Jain, LeCun and Bregler (2015), "Efficient Object Localization Using
    Convolutional Networks", CVPR.

    Examples
    --------
    >>> Dropout2d(0.5, rng=np.random.default_rng(0))(np.ones((1, 3, 1, 2)))
    array([[[[2., 2.]],
            [[0., 0.]],
            [[0., 0.]]]])
    """

    def _checked(self, x):
        return layer_input(x, ("N", "C", "H", "W"))

    def _mask_shape(self, shape):
        return (*shape[:2], 1, 1)


class StochasticDepth(Dropout):
    r"""Whole samples are set to zero with probability p: the last step of a residual branch.

    .. math:: y_n = \frac{m_n\, x_n}{1 - p},\qquad P(m_n = 0) = p

    In ``Residual(Sequential(…, StochasticDepth(p, rng=rng)))`` the block is then skipped by the
    samples with :math:`m_n = 0`. Huang et al. draw once for the whole batch, which is
    ``mode="batch"``, and scale in evaluation, which is ``inverted=False``. The conventions are
    those of torchvision.

    Parameters
    ----------
    p : float in [0, 1]
        The probability that a sample is dropped.
    mode : {"row", "batch"}
        Draw for every sample, or once for all.
    inverted : bool
        As for `Dropout`.
    rng : numpy.random.Generator

    References
    ----------
    Huang, Sun, Liu, Sedra and Weinberger (2016), "Deep Networks with Stochastic Depth", ECCV.

    Examples
    --------
    >>> StochasticDepth(0.5, rng=np.random.default_rng(0))(np.ones((3, 2)))
    array([[2., 2.],
           [0., 0.],
           [0., 0.]])
    """

    def __init__(self, p, mode="row", *, inverted=True, rng):
        super().__init__(p, inverted=inverted, rng=rng)
        self.mode = one_of("mode", mode, ("row", "batch"))

    def __repr__(self):
        return f"StochasticDepth({self.p}, {self.mode!r})"

    def _mask_shape(self, shape):
        rows = shape[0] if self.mode == "row" else 1
        return (rows, *(1 for _ in shape[1:]))
