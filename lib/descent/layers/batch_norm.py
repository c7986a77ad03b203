"""Batch normalization: every channel has mean 0 and variance 1 over the batch."""

import numpy as np

from descent.checks import integer, layer_input, number
from descent.layers._layer import Layer
from descent.layers._parameter import Parameter
from descent.layers._standardize import add_gradient, inverse, refuse_overflow


class _BatchNorm(Layer):
    """Batch normalization of arrays (N, C, …); a subclass says which shapes it takes."""

    def __init__(
        self,
        num_features,
        eps=1e-5,
        momentum=0.1,
        affine=True,
        track_running_stats=True,
        *,
        dtype=np.float64,
    ):
        self.num_features = C = integer("num_features", num_features, at_least=1)
        self.eps = float(number("eps", eps, at_least=0))
        self.momentum = momentum
        if momentum is not None:
            momentum = number("momentum", momentum, at_least=0, at_most=1)
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
        x = layer_input(x, self._axes(np.ndim(x)), self.dtype)
        shape = x.shape
        x = x.reshape(len(x), self.num_features, -1)  # (N, C, L)
        uses_batch = self.training or not self.track_running_stats
        if uses_batch:
            centered, mean, variance = self._batch_statistics(x)
        else:
            centered, variance = x - self.running_mean[:, None], self.running_var[:, None]
        inverse_std = inverse(np.sqrt(variance + self.eps))  # (C, 1)
        if self.training and self.track_running_stats:
            self._track(mean, variance, len(x) * x.shape[2])
        if self.weight is None:
            y = inverse_std * centered
        else:
            y = self.weight.data[:, None] * inverse_std * centered
            y += self.bias.data[:, None]
        return self.keep(y.reshape(shape), centered, inverse_std, uses_batch)

    def _batch_statistics(self, x):
        N, _, L = x.shape
        if N * L == 1:
            raise ValueError(
                f"x must have more than one value per channel, got shape {x.shape}: "
                "the variance of a batch of one is 0; call eval() to use the running statistics"
            )
        with np.errstate(over="ignore", invalid="ignore"):
            mean = _channel_sums(x) / (N * L)
            centered = x - mean
            variance = _channel_dots(centered, centered) / (N * L)
            if (mean**2 > variance).any():  # the deviations hold the rounding of a large mean
                rest = _channel_sums(centered) / (N * L)
                mean += rest
                centered -= rest
                variance = _channel_dots(centered, centered) / (N * L)
        channel = int(np.isfinite(variance).argmin())
        refuse_overflow(x, variance, f"the variance of channel {channel}")
        return centered, mean, variance

    def _track(self, mean, variance, count):
        self.num_batches_tracked += 1
        m = 1 / int(self.num_batches_tracked) if self.momentum is None else self.momentum
        unbiased_variance = variance[:, 0] * (count / (count - 1))
        self.running_mean += m * (mean[:, 0] - self.running_mean)
        self.running_var += m * (unbiased_variance - self.running_var)

    def backward(self, gradient, input_gradient=True):
        centered, inverse_std, uses_batch = self.recall(gradient)
        delta = gradient.reshape(centered.shape)  # (N, C, L)
        d_bias = _channel_sums(delta)  # (C, 1)
        d_weight = _channel_dots(delta, centered) * inverse_std
        scale = inverse_std
        if self.weight is not None:
            add_gradient(self.bias, d_bias[:, 0])
            add_gradient(self.weight, d_weight[:, 0])
            scale = self.weight.data[:, None] * scale
        if not input_gradient:
            return None
        if not uses_batch:
            return (scale * delta).reshape(gradient.shape)
        # ∂L/∂x = γ s (δ − ∂L/∂β / m − x̂ ∂L/∂γ / m), with x̂ = s (x − μ), in four passes
        m = delta.size // self.num_features
        dx = (inverse_std * d_weight / m) * centered
        dx += d_bias / m
        np.subtract(delta, dx, out=dx)
        dx *= scale
        return dx.reshape(gradient.shape)


def _channel_sums(a):
    return np.einsum("ncl->c", a)[:, None]  # (C, 1)


def _channel_dots(a, b):
    return np.vecdot(a, b).sum(axis=0)[:, None]  # (C, 1)


class BatchNorm1d(_BatchNorm):
    r"""Batch normalization of features: `BatchNorm2d` for arrays (N, C) or (N, C, L).

    Parameters
    ----------
    num_features : int
        C
    eps, momentum, affine, track_running_stats, dtype
        As for `BatchNorm2d`.

    Examples
    --------
    >>> BatchNorm1d(2)(np.array([[0.0, 10.0], [2.0, 10.0]])).round(3)
    array([[-1.,  0.],
           [ 1.,  0.]])
    """

    def _axes(self, ndim):
        return ("N", self.num_features) if ndim == 2 else ("N", self.num_features, "L")


class BatchNorm2d(_BatchNorm):
    r"""Batch normalization of images: every channel has mean 0 and variance 1 over the batch.

    With the m = N·H·W values :math:`x_i` of one channel in the batch,

    .. math::
        \mu = \frac1m \sum_i x_i,\qquad \sigma^2 = \frac1m \sum_i (x_i - \mu)^2,\qquad
        \hat x_i = \frac{x_i - \mu}{\sqrt{\sigma^2 + \epsilon}},\qquad y_i = \gamma \hat x_i + \beta

    In training mode the running statistics move towards those of the batch,

    .. math::
        \bar\mu \leftarrow (1 - \rho)\,\bar\mu + \rho\,\mu,\qquad
        \bar\sigma^2 \leftarrow (1 - \rho)\,\bar\sigma^2 + \rho\,\frac{m}{m-1}\,\sigma^2

    and in evaluation mode they take the place of :math:`\mu` and :math:`\sigma^2`: the batch is
    normalized with its biased variance, but the unbiased one is stored.

    **The backward pass.** Write :math:`s = 1/\sqrt{\sigma^2 + \epsilon}`. The parameters get

    .. math::
        \frac{\partial L}{\partial \beta} = \sum_i \delta_i,\qquad
        \frac{\partial L}{\partial \gamma} = \sum_i \delta_i \hat x_i

    An input :math:`x_j` moves its own output, and all others through :math:`\mu` and :math:`s`.
    Since :math:`\partial \mu / \partial x_j = 1/m` and, the deviations summing to zero,
    :math:`\partial \sigma^2 / \partial x_j = 2 (x_j - \mu)/m`, we have
    :math:`\partial s / \partial x_j = -s^3 (x_j - \mu)/m = -s^2 \hat x_j / m` and

    .. math::
        \frac{\partial \hat x_i}{\partial x_j}
        = s\,\Bigl([i = j] - \frac1m\Bigr) - \frac{s}{m}\, \hat x_i \hat x_j

    Summed against :math:`\gamma\,\delta_i` this gives

    .. math::
        \frac{\partial L}{\partial x_j} = \gamma s\, \Bigl(\delta_j
        - \frac1m \frac{\partial L}{\partial \beta}
        - \hat x_j\, \frac1m \frac{\partial L}{\partial \gamma}\Bigr)

    In evaluation mode :math:`\mu` and :math:`s` are constants, and
    :math:`\partial L / \partial x_j = \gamma s\, \delta_j`.

    Parameters
    ----------
    num_features : int
        C
    eps : float ≥ 0
        :math:`\epsilon`, in the units of x squared.
    momentum : float in [0, 1], or None
        :math:`\rho`, the share of the new batch, as in PyTorch. None gives the plain average over
        all batches so far, :math:`\rho = 1/t`.
    affine : bool
        Whether there are :math:`\gamma` and :math:`\beta`.
    track_running_stats : bool
        If not, evaluation mode uses the batch too.
    dtype : float64 or float32

    Attributes
    ----------
    weight, bias : Parameter, (C,), or None
        :math:`\gamma`, at first 1, and :math:`\beta`, at first 0.
    running_mean, running_var : float array, (C,)
        :math:`\bar\mu`, at first 0, and :math:`\bar\sigma^2`, at first 1.
    num_batches_tracked : int array, ()

    Raises
    ------
    ValueError
        An input whose shape is not (N, C, H, W), or a batch with one value per channel when the
        batch's own statistics are needed.
    TypeError
        An input whose dtype is not the layer's.

    References
    ----------
    Ioffe and Szegedy (2015), "Batch Normalization: Accelerating Deep Network Training by
    Reducing Internal Covariate Shift", ICML. There the running averages are not prescribed
    in this form: evaluation uses averages over training batches.

    Examples
    --------
    >>> layer = BatchNorm2d(1)
    >>> layer(np.array([[[[1.0, 3.0]]], [[[5.0, 7.0]]]])).ravel().round(3)
    array([-1.342, -0.447,  0.447,  1.342])
    >>> layer.running_mean, layer.running_var.round(3)
    (array([0.4]), array([1.567]))
    """

    def _axes(self, ndim):
        return ("N", self.num_features, "H", "W")
