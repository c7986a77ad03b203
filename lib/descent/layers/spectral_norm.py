"""Spectral normalization: a linear layer that stretches no vector."""

import numpy as np

from descent.checks import NotFiniteError, generator, integer, number
from descent.layers._layer import Layer
from descent.layers._standardize import add_gradient
from descent.layers.conv import Conv2d
from descent.layers.linear import Linear
from descent.norms import vector_norm


class SpectralNorm(Layer):
    r"""A `Linear` or `Conv2d` layer whose weight is divided by its largest singular value.

    .. math:: y = \hat W x + b,\qquad \hat W = \frac{W}{\sigma},\qquad \sigma = u^\top W v

    with W as a matrix (out, everything else). Its first singular vectors u and v are followed by
    the power iteration, in training mode before each forward pass,

    .. math::
        u \leftarrow \frac{W v}{\|W v\|},\qquad v \leftarrow \frac{W^\top u}{\|W^\top u\|}

    As the layer is linear, it is enough to divide its output. With u and v as constants, and
    :math:`G = \partial L / \partial \hat W`,

    .. math::
        \frac{\partial L}{\partial W}
        = \frac1\sigma \bigl(G - \langle G, \hat W \rangle\, u v^\top\bigr),\qquad
        \langle G, \hat W \rangle = \langle \delta,\, y - b \rangle

    Parameters
    ----------
    layer : Linear or Conv2d
        It keeps W, under its own name.
    n_power_iterations : int ≥ 1
        For each forward pass in training mode. 15 more are done at the start.
    eps : float > 0
        The least norm by which the iteration divides.
    rng : numpy.random.Generator
        For u and v at the start.

    Attributes
    ----------
    u, v : float arrays, (out,) and (in·k·k,)
        Buffers. PyTorch, whose ``parametrizations.spectral_norm`` changes a module instead of
        wrapping it, calls them `_u` and `_v`.

    Raises
    ------
    TypeError
        A layer of another kind.
    ValueError
        From ``forward``, a weight of zeros, or one so large that its products overflow.

    References
    ----------
    Miyato, Kataoka, Koyama and Yoshida (2018), "Spectral Normalization for Generative
    Adversarial Networks", ICLR, algorithm 1.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> layer = Linear(2, 2, bias=False, rng=rng)
    >>> layer.weight.data[...] = [[5.0, 0.0], [0.0, 1.0]]
    >>> SpectralNorm(layer, rng=rng)(np.eye(2)).round(3) + 0.0
    array([[1. , 0. ],
           [0. , 0.2]])
    """

    buffer_names = ("u", "v")

    def __init__(self, layer, *, n_power_iterations=1, eps=1e-12, rng):
        if not isinstance(layer, (Linear, Conv2d)):
            raise TypeError(f"layer must be a Linear or a Conv2d, got {layer!r}")
        self.layer = layer
        self.n_power_iterations = integer("n_power_iterations", n_power_iterations, at_least=1)
        self.eps = float(number("eps", eps, above=0))
        W = self._matrix()
        self.u, self.v = (generator("rng", rng).normal(size=n).astype(W.dtype) for n in W.shape)
        self._iterate(15)

    def __repr__(self):
        return f"SpectralNorm({self.layer!r})"

    def forward(self, x):
        if self.training:
            self._iterate(self.n_power_iterations)
        u, v = self.u.copy(), self.v.copy()
        sigma = self._largest_singular_value(u, v)
        y = self.layer.forward(x)
        bias = self._bias(y.ndim)
        without_bias = (y - bias) / sigma  # Ŵ x
        return self.keep(without_bias + bias, without_bias, sigma, u, v)

    def backward(self, gradient, input_gradient=True):
        without_bias, sigma, u, v = self.recall(gradient)
        weight, bias = self.layer.weight, self.layer.bias
        inner = np.vdot(gradient, without_bias)  # ⟨G, Ŵ⟩
        add_gradient(weight, (-inner / sigma * np.outer(u, v)).reshape(weight.data.shape))
        axes = (0, *range(2, gradient.ndim))
        add_gradient(bias, (1 - 1 / sigma) * gradient.sum(axis=axes))  # the layer adds 1/σ of it
        return self.layer.backward(gradient / sigma, input_gradient=input_gradient)

    def _matrix(self):
        weight = self.layer.weight.data
        return weight.reshape(len(weight), -1)

    def _bias(self, ndim):
        bias = self.layer.bias
        return 0 if bias is None else bias.data.reshape(-1, *(1,) * (ndim - 2))

    def _largest_singular_value(self, u, v):
        sigma = u @ self._matrix() @ v
        if not (np.finfo(sigma.dtype).tiny <= sigma < np.inf):
            raise NotFiniteError(
                f"the largest singular value of the weight of {self.layer!r} must be > 0 and "
                f"finite in {sigma.dtype}, to be divided by; found {sigma:.3g}"
            )
        return sigma

    def _iterate(self, times):
        W = self._matrix()
        for _ in range(times):
            for vector, product in ((self.u, lambda: W @ self.v), (self.v, lambda: W.T @ self.u)):
                new = product()
                if new.any():  # a weight of zeros leaves the direction as it was
                    vector[...] = new / max(vector_norm([new]), self.eps)
