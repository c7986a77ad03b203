"""Instance normalization: every channel of every sample has mean 0 and variance 1."""

import math

import numpy as np

from descent.checks import integer, layer_input, number
from descent.layers._layer import Layer
from descent.layers._parameter import Parameter
from descent.layers._standardize import (
    add_gradient,
    inverse,
    refuse_overflow,
    standardize,
    standardize_backward,
)
from descent.norms import row_norms


class _InstanceNorm(Layer):
    """Instance normalization of arrays (N, C, …); a subclass says which shapes it takes."""

    def __init__(
        self,
        num_features,
        eps=1e-5,
        momentum=0.1,
        affine=False,
        track_running_stats=False,
        *,
        dtype=np.float64,
    ):
        self.num_features = C = integer("num_features", num_features, at_least=1)
        self.eps = float(number("eps", eps, at_least=0))
        self.momentum = number("momentum", momentum, at_least=0, at_most=1)
        self.dtype = np.dtype(dtype)
        self.weight = Parameter(np.ones(C, dtype)) if affine else None
        self.bias = Parameter(np.zeros(C, dtype)) if affine else None
        self.track_running_stats = track_running_stats
        if track_running_stats:
            self.buffer_names = ("running_mean", "running_var", "num_batches_tracked")
            self.running_mean = np.zeros(C, dtype)
            self.running_var = np.ones(C, dtype)
            self.num_batches_tracked = np.zeros((), np.int64)

    def __repr__(self):
        return f"{type(self).__name__}({self.num_features})"

    def forward(self, x):
        x = layer_input(x, ("N", self.num_features, *self._positions), self.dtype)
        channels = x.reshape(len(x), self.num_features, -1)  # (N, C, L)
        uses_sample = self.training or not self.track_running_stats
        if uses_sample:
            x_hat, inverse_std = self._standardized(channels)
        else:
            inverse_std = inverse(np.sqrt(self.running_var + self.eps))[:, None]  # (C, 1)
            x_hat = (channels - self.running_mean[:, None]) * inverse_std
        if self.weight is None:
            y = x_hat.copy()
        else:
            y = self.weight.data[:, None] * x_hat
            y += self.bias.data[:, None]
        return self.keep(y.reshape(x.shape), x_hat, inverse_std, uses_sample)

    def _standardized(self, x):
        L = x.shape[2]
        if L == 1:
            raise ValueError(
                f"x must have more than one value per channel, got shape {x.shape[:2]} and one "
                "position: the variance of one value is 0"
            )
        x_hat, inverse_std = standardize(x, self.eps)  # (N, C, L), (N, C, 1)
        if self.training and self.track_running_stats:
            self._track(x, (row_norms(x_hat) / inverse_std / math.sqrt(L))[..., 0])
        return x_hat, inverse_std

    def _track(self, x, std):
        L, m = x.shape[2], self.momentum
        with np.errstate(over="ignore"):
            variance = (std**2).mean(axis=0) * (L / (L - 1))  # (C,)
        refuse_overflow(
            x, variance, f"the variance of channel {int(np.isfinite(variance).argmin())}"
        )
        self.running_mean += m * (x.mean(axis=(0, 2)) - self.running_mean)
        self.running_var += m * (variance - self.running_var)

    def backward(self, gradient, input_gradient=True):
        x_hat, inverse_std, uses_sample = self.recall(gradient)
        delta = gradient.reshape(x_hat.shape)  # (N, C, L)
        if self.weight is not None:
            add_gradient(self.bias, delta.sum(axis=(0, 2)))
            add_gradient(self.weight, (delta * x_hat).sum(axis=(0, 2)))
            delta = self.weight.data[:, None] * delta
        if not input_gradient:
            return None
        if not uses_sample:
            return (inverse_std * delta).reshape(gradient.shape)
        return standardize_backward(delta, x_hat, inverse_std).reshape(gradient.shape)


class InstanceNorm1d(_InstanceNorm):
    r"""Instance normalization of signals: `InstanceNorm2d` for arrays (N, C, L).

    Parameters
    ----------
    num_features : int
        C
    eps, momentum, affine, track_running_stats, dtype
        As for `InstanceNorm2d`.

    Examples
    --------
    >>> InstanceNorm1d(2)(np.array([[[0.0, 2.0], [10.0, 30.0]]])).round(3)
    array([[[-1.,  1.],
            [-1.,  1.]]])
    """

    _positions = ("L",)


class InstanceNorm2d(_InstanceNorm):
    r"""Instance normalization of images: every channel of every image has mean 0 and variance 1.

    With the m = H·W values :math:`x_i` of one channel of one image,

    .. math::
        \hat x_i = \frac{x_i - \mu}{\sqrt{\sigma^2 + \epsilon}},\qquad
        y_i = \gamma \hat x_i + \beta,\qquad
        \mu = \frac1m \sum_i x_i,\qquad \sigma^2 = \frac1m \sum_i (x_i - \mu)^2

    The backward pass is that of `LayerNorm`. It is `GroupNorm` with one channel in each group;
    what differs are PyTorch's defaults, no :math:`\gamma` and :math:`\beta`, and the running
    statistics that can take the place of the image's own in evaluation mode.

    Parameters
    ----------
    num_features : int
        C
    eps : float ≥ 0
        :math:`\epsilon`, in the units of x squared.
    momentum : float in [0, 1]
        The share of a new batch in the running statistics: of the means over its images of
        :math:`\mu` and of :math:`\sigma^2 m / (m - 1)`.
    affine : bool
        Whether there are :math:`\gamma` and :math:`\beta`, of shape (C,).
    track_running_stats : bool
        Whether evaluation mode uses running statistics instead of the image's own.
    dtype : float64 or float32

    Attributes
    ----------
    weight, bias : Parameter, (C,), or None
        :math:`\gamma`, at first 1, and :math:`\beta`, at first 0.
    running_mean, running_var : float array, (C,)
        If they are tracked. `num_batches_tracked` stays 0, as in PyTorch.

    Raises
    ------
    ValueError
        An input whose shape is not (N, C, H, W), or images of one pixel if their own statistics
        are needed.
    TypeError
        An input whose dtype is not the layer's.

    References
    ----------
    Ulyanov, Vedaldi and Lempitsky (2016), "Instance Normalization: The Missing Ingredient for
    Fast Stylization", arXiv:1607.08022.

    Examples
    --------
    >>> InstanceNorm2d(1)(np.array([[[[1.0, 3.0]]], [[[50.0, 70.0]]]])).round(3)
    array([[[[-1.,  1.]]],
    <BLANKLINE>
    <BLANKLINE>
           [[[-1.,  1.]]]])
    """

    _positions = ("H", "W")
