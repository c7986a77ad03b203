"""Normalization of every sample alone: of its channels, of all its entries, of its length."""

import math

import numpy as np

from descent.checks import integer, layer_input, number
from descent.layers._layer import Layer
from descent.layers._parameter import Parameter
from descent.layers._standardize import (
    add_gradient,
    refuse_overflow,
    standardize,
    standardize_backward,
)
from descent.norms import row_norms


class LayerNorm(Layer):
    r"""Layer normalization: the last axes of every sample have mean 0 and variance 1.

    With the m entries :math:`x_i` of one sample's last axes,

    .. math::
        \hat x_i = \frac{x_i - \mu}{\sqrt{\sigma^2 + \epsilon}},\qquad
        y_i = \gamma_i \hat x_i + \beta_i,\qquad
        \mu = \frac1m \sum_i x_i,\qquad \sigma^2 = \frac1m \sum_i (x_i - \mu)^2

    The derivative of :math:`\hat x` is the one derived for `BatchNorm2d`, with
    :math:`\hat\delta_i = \gamma_i \delta_i` in place of :math:`\gamma \delta_i`:

    .. math::
        \frac{\partial L}{\partial x_j} = \frac{1}{\sqrt{\sigma^2 + \epsilon}} \Bigl(\hat\delta_j
        - \frac1m \sum_i \hat\delta_i - \hat x_j\, \frac1m \sum_i \hat\delta_i \hat x_i\Bigr)

    and the parameters' derivatives are :math:`\sum \delta_i` and :math:`\sum \delta_i \hat x_i`,
    summed over the samples. Training and evaluation are the same.

    Parameters
    ----------
    normalized_shape : int or tuple of int
        The last axes of x.
    eps : float ≥ 0
        :math:`\epsilon`, in the units of x squared.
    elementwise_affine : bool
        Whether there are :math:`\gamma` and :math:`\beta`.
    bias : bool
        Whether there is :math:`\beta`.
    dtype : float64 or float32

    Attributes
    ----------
    weight, bias : Parameter of shape normalized_shape, or None
        :math:`\gamma`, at first 1, and :math:`\beta`, at first 0.

    Raises
    ------
    ValueError
        An input whose last axes are not normalized_shape.
    TypeError
        An input whose dtype is not the layer's.

    References
    ----------
    Ba, Kiros and Hinton (2016), "Layer Normalization", arXiv:1607.06450.

    Examples
    --------
    >>> LayerNorm(2)(np.array([[1.0, 3.0], [20.0, 10.0]])).round(3)
    array([[-1.,  1.],
           [ 1., -1.]])
    """

    def __init__(
        self, normalized_shape, eps=1e-5, elementwise_affine=True, bias=True, *, dtype=np.float64
    ):
        shape = normalized_shape if np.ndim(normalized_shape) else (normalized_shape,)
        self.normalized_shape = tuple(integer("normalized_shape", n, at_least=1) for n in shape)
        if not self.normalized_shape:
            raise ValueError("normalized_shape must name at least one axis, got ()")
        self.eps = float(number("eps", eps, at_least=0))
        self.dtype = np.dtype(dtype)
        with_bias = elementwise_affine and bias
        self.weight = (
            Parameter(np.ones(self.normalized_shape, dtype)) if elementwise_affine else None
        )
        self.bias = Parameter(np.zeros(self.normalized_shape, dtype)) if with_bias else None

    def __repr__(self):
        return f"LayerNorm({self.normalized_shape})"

    def forward(self, x):
        leading = [f"N{i}" for i in range(np.ndim(x) - len(self.normalized_shape))]
        x = layer_input(x, (*leading, *self.normalized_shape), self.dtype)
        rows = x.reshape(-1, math.prod(self.normalized_shape))  # (R, m)
        x_hat, inverse_std = standardize(rows, self.eps)
        y = x_hat.copy() if self.weight is None else self.weight.data.ravel() * x_hat
        if self.bias is not None:
            y += self.bias.data.ravel()
        return self.keep(y.reshape(x.shape), x_hat, inverse_std)

    def backward(self, gradient, input_gradient=True):
        x_hat, inverse_std = self.recall(gradient)
        delta = gradient.reshape(x_hat.shape)
        if self.bias is not None:
            add_gradient(self.bias, delta.sum(axis=0).reshape(self.normalized_shape))
        if self.weight is not None:
            add_gradient(self.weight, (delta * x_hat).sum(axis=0).reshape(self.normalized_shape))
            delta = self.weight.data.ravel() * delta
        if not input_gradient:
            return None
        return standardize_backward(delta, x_hat, inverse_std).reshape(gradient.shape)


class GroupNorm(Layer):
    r"""Group normalization: in every sample, each group of channels has mean 0 and variance 1.

    With the m entries :math:`x_i` of the C/G channels of one group, in one sample,

    .. math::
        \hat x_i = \frac{x_i - \mu}{\sqrt{\sigma^2 + \epsilon}},\qquad
        y_i = \gamma_{c(i)}\, \hat x_i + \beta_{c(i)},\qquad
        \mu = \frac1m \sum_i x_i,\qquad \sigma^2 = \frac1m \sum_i (x_i - \mu)^2

    where :math:`c(i)` is the channel. The backward pass is that of `LayerNorm`, with
    :math:`\hat\delta_i = \gamma_{c(i)} \delta_i`. Nothing depends on the rest of the batch, and
    training and evaluation are the same.

    Parameters
    ----------
    num_groups : int
        G, a divisor of C. 1 normalizes all channels together, C each on its own.
    num_channels : int
        C
    eps : float ≥ 0
        :math:`\epsilon`, in the units of x squared.
    affine : bool
        Whether there are :math:`\gamma` and :math:`\beta`.
    dtype : float64 or float32

    Attributes
    ----------
    weight, bias : Parameter, (C,), or None
        :math:`\gamma`, at first 1, and :math:`\beta`, at first 0.

    Raises
    ------
    ValueError
        An input whose shape is not (N, C, …); a number of groups that does not divide C.
    TypeError
        An input whose dtype is not the layer's.

    References
    ----------
    Wu and He (2018), "Group Normalization", ECCV.

    Examples
    --------
    >>> GroupNorm(2, 4)(np.array([[1.0, 3.0, 20.0, 10.0]])).round(3)
    array([[-1.,  1.,  1., -1.]])
    """

    def __init__(self, num_groups, num_channels, eps=1e-5, affine=True, *, dtype=np.float64):
        self.num_groups = integer("num_groups", num_groups, at_least=1)
        self.num_channels = integer("num_channels", num_channels, at_least=1)
        if num_channels % num_groups:
            raise ValueError(
                f"num_groups must divide num_channels {num_channels}, got {num_groups}"
            )
        self.eps = float(number("eps", eps, at_least=0))
        self.dtype = np.dtype(dtype)
        self.weight = Parameter(np.ones(num_channels, dtype)) if affine else None
        self.bias = Parameter(np.zeros(num_channels, dtype)) if affine else None

    def __repr__(self):
        return f"GroupNorm({self.num_groups}, {self.num_channels})"

    def forward(self, x):
        positions = [f"D{i}" for i in range(np.ndim(x) - 2)]
        x = layer_input(x, ("N", self.num_channels, *positions), self.dtype)
        groups = x.reshape(len(x), self.num_groups, -1)  # (N, G, m)
        x_hat, inverse_std = standardize(groups, self.eps)
        y = x_hat.reshape(len(x), self.num_channels, -1)  # (N, C, L)
        if self.weight is None:
            y = y.copy()
        else:
            y = self.weight.data[:, None] * y
            y += self.bias.data[:, None]
        return self.keep(y.reshape(x.shape), x_hat, inverse_std)

    def backward(self, gradient, input_gradient=True):
        x_hat, inverse_std = self.recall(gradient)
        delta = gradient.reshape(len(gradient), self.num_channels, -1)  # (N, C, L)
        if self.weight is not None:
            add_gradient(self.bias, delta.sum(axis=(0, 2)))
            add_gradient(self.weight, (delta * x_hat.reshape(delta.shape)).sum(axis=(0, 2)))
            delta = self.weight.data[:, None] * delta
        if not input_gradient:
            return None
        delta = delta.reshape(x_hat.shape)  # (N, G, m)
        return standardize_backward(delta, x_hat, inverse_std).reshape(gradient.shape)


class L2Normalize(Layer):
    r"""Every row divided by its Euclidean length, so that it lies on the unit sphere.

    .. math::
        y = \frac{x}{\max(\|x\|_2, \epsilon)},\qquad
        \frac{\partial L}{\partial x} = \frac{\delta - y\, \langle y, \delta \rangle}{\|x\|_2}

    The backward pass removes the part of :math:`\delta` along x, which would only change the
    length. Where the length is less than :math:`\epsilon` the layer is a division by
    :math:`\epsilon`, and so is its derivative. PyTorch has it as the function ``normalize``.

    Parameters
    ----------
    eps : float > 0
        :math:`\epsilon`

    Raises
    ------
    ValueError
        An input whose shape is not (N, D).

    Examples
    --------
    >>> L2Normalize()(np.array([[3.0, 4.0], [0.0, 2.0]]))
    array([[0.6, 0.8],
           [0. , 1. ]])
    """

    def __init__(self, eps=1e-12):
        self.eps = float(number("eps", eps, above=0))

    def __repr__(self):
        return f"L2Normalize(eps={self.eps})"

    def forward(self, x):
        x = layer_input(x, ("N", "D"))
        length = row_norms(x)  # (N, 1)
        refuse_overflow(x, length, "the length of a row")
        divisor = np.maximum(length, self.eps)
        y = x / divisor
        return self.keep(y, y.copy(), divisor, length >= self.eps) if self.keeps else y

    def backward(self, gradient):
        y, divisor, long_enough = self.recall(gradient)
        along = np.vecdot(y, gradient)[:, None] * y
        return (gradient - np.where(long_enough, along, 0)) / divisor
