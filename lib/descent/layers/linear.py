"""The fully connected layer."""

import numpy as np

from descent.checks import generator, layer_input
from descent.layers._layer import Layer
from descent.layers._parameter import Parameter


class Linear(Layer):
    r"""Every output is a weighted sum of every input.

    .. math:: y = x W^\top + b

    With :math:`\delta` the derivative of the loss with respect to :math:`y`,

    .. math::
        \frac{\partial L}{\partial W} = \delta^\top x,\qquad
        \frac{\partial L}{\partial b} = \sum_n \delta_n,\qquad
        \frac{\partial L}{\partial x} = \delta W.

    Parameters
    ----------
    in_features, out_features : int
    bias : bool
    rng : numpy.random.Generator
        Weights and biases start uniform in ±1/√in_features, PyTorch's default.
    dtype : float64 or float32

    Attributes
    ----------
    weight : Parameter, (out_features, in_features)
    bias : Parameter, (out_features,), or None

    Raises
    ------
    ValueError
        An input whose shape is not (N, in_features).
    TypeError
        An input whose dtype is not the layer's.

    Examples
    --------
    >>> layer = Linear(3, 2, rng=np.random.default_rng(0))
    >>> layer.weight.data[...] = [[1, 0, 0], [0, 1, 1]]
    >>> layer.bias.data[...] = [0, 10]
    >>> layer(np.array([[1.0, 2.0, 3.0]]))
    array([[ 1., 15.]])
    """

    def __init__(self, in_features, out_features, bias=True, *, rng, dtype=np.float64):
        bound = 1 / np.sqrt(in_features)
        shape = (out_features, in_features)
        generator("rng", rng)
        self.weight = Parameter(rng.uniform(-bound, bound, shape).astype(dtype))
        self.bias = (
            Parameter(rng.uniform(-bound, bound, out_features).astype(dtype)) if bias else None
        )

    def __repr__(self):
        out_features, in_features = self.weight.data.shape
        return f"Linear({in_features}, {out_features})"

    def forward(self, x):
        weight = self.weight.data
        x = layer_input(x, ("N", weight.shape[1]), weight.dtype)  # (N, in)
        y = x @ weight.T  # (N, out)
        if self.bias is not None:
            y += self.bias.data
        return self.keep(y, x.copy()) if self.keeps else y

    def backward(self, gradient, input_gradient=True):
        (x,) = self.recall(gradient)
        if self.weight.requires_grad:
            self.weight.grad += gradient.T @ x
        if self.bias is not None and self.bias.requires_grad:
            self.bias.grad += gradient.sum(axis=0)
        return gradient @ self.weight.data if input_gradient else None
