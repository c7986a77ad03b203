"""Convolution of images."""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from descent.checks import generator, integer
from descent.layers._layer import Layer
from descent.layers._parameter import Parameter
from descent.layers._windows import (
    crop,
    images,
    output_size,
    pad,
    shifted_views,
    window_options,
)
from descent.layers.im2col import col2im, im2col


def conv2d(x, weight, bias=None, stride=1, padding=0, dilation=1):
    r"""The formula of `Conv2d` as it stands, for reading; the layer computes the same faster.

    .. math::
        y_{n, o, u, v} = b_o
            + \sum_{c, i, j} w_{o, c, i, j}\; x_{n,\ c,\ s u + d i - p,\ s v + d j - p}

    Parameters
    ----------
    x : float array, (N, C, H, W)
    weight : float array, (O, C, k, k)
    bias : float array, (O,), optional
    stride, padding, dilation
        As for `Conv2d`.

    Returns
    -------
    y : float array, (N, O, OH, OW)

    Raises
    ------
    ValueError, TypeError
        As for `Conv2d`.

    Examples
    --------
    >>> conv2d(np.array([[[[1.0, 1.0, 5.0, 5.0]]]]), np.array([[[[-1.0, 1.0]]]]))
    array([[[[0., 4., 0.]]]])
    """
    x = images(x, channels=weight.shape[1])
    size, margins, steps = window_options(weight.shape[2:], stride, padding, dilation)
    output_size(x.shape[2:], size, margins=margins, **steps)  # refuses windows that do not fit
    (s_h, s_w), (d_h, d_w) = steps["stride"], steps["dilation"]

    covered = (d_h * (size[0] - 1) + 1, d_w * (size[1] - 1) + 1)
    windows = sliding_window_view(pad(x, margins), covered, axis=(2, 3))
    windows = windows[:, :, ::s_h, ::s_w, ::d_h, ::d_w]  # (N, C, OH, OW, k, k)
    y = np.einsum("nchwij,ocij->nohw", windows, weight, optimize=True)
    return y if bias is None else y + bias[:, None, None]


class Conv2d(Layer):
    r"""Every output pixel is a weighted sum of the input pixels in a window around it.

    .. math::
        y_{n, o, u, v} = b_o
            + \sum_{c, i, j} w_{o, c, i, j}\; x_{n,\ c,\ s u + d i - p,\ s v + d j - p}

    with zeros outside the image. (Mathematicians call it a cross-correlation: the kernel is not
    flipped.) `conv2d` is this formula in a few lines. With :math:`\delta` the derivative of the
    loss with respect to :math:`y`,

    .. math::
        \frac{\partial L}{\partial w_{o, c, i, j}}
            = \sum_{n, u, v} \delta_{n, o, u, v}\; x_{n,\ c,\ s u + d i - p,\ s v + d j - p},\qquad
        \frac{\partial L}{\partial b_o} = \sum_{n, u, v} \delta_{n, o, u, v},

    .. math::
        \frac{\partial L}{\partial x_{n, c, h, w}}
            = \sum_{o, i, j} \sum_{\substack{u:\ s u + d i - p = h \\ v:\ s v + d j - p = w}}
            w_{o, c, i, j}\; \delta_{n, o, u, v}.

    The work is done by products of matrices, one for each row i of the kernel. `im2col` with
    windows one pixel high copies each pixel k times, not k·k times: what row i of the kernel sees
    is then a run of its image rows, which needs no further copy unless the stride skips rows.
    The batch is worked off in parts that fit into the processor's cache: going through the main
    memory k times would take longer than the products.

    Parameters
    ----------
    in_channels, out_channels : int
    kernel_size : int or pair of int
        Height and width of the window.
    stride : int or pair of int
        :math:`s`, from one window to the next.
    padding : int, pair of int, "valid" or "same"
        :math:`p`, pixels of zeros on either side of the height and the width. "valid" is 0;
        "same" keeps the image size, with stride 1 alone: it adds d (k − 1) pixels in all, the
        odd one below and on the right.
    dilation : int or pair of int
        :math:`d`, from one place in the window to the next.
    groups : int
        Cuts the channels into groups of equal size; an output sees the inputs of its own group
        alone. With groups = in_channels each channel is filtered by itself.
    bias : bool
    rng : numpy.random.Generator
        Weights and biases start uniform in ±1/√(in_channels / groups · k · k), PyTorch's default.
    dtype : float64 or float32

    Attributes
    ----------
    weight : Parameter, (out_channels, in_channels / groups, k, k)
    bias : Parameter, (out_channels,), or None
    kernel_size, stride, dilation : pairs of int
    margins : pairs (top, bottom) and (left, right)
        The padding in pixels.
    groups : int

    Raises
    ------
    ValueError
        Channels that the groups do not divide, options out of range, "same" with a stride; an
        input whose shape is not (N, in_channels, H, W), a window larger than the padded image.
    TypeError
        Sizes that are not integers; an input whose dtype is not the layer's.

    References
    ----------
    LeCun, Bottou, Bengio and Haffner (1998), "Gradient-based learning applied to document
    recognition", Proceedings of the IEEE 86.

    Examples
    --------
    >>> layer = Conv2d(1, 1, (1, 2), bias=False, rng=np.random.default_rng(0))
    >>> layer.weight.data[...] = [[[[-1, 1]]]]
    >>> layer(np.array([[[[1.0, 1.0, 5.0, 5.0]]]]))
    array([[[[0., 4., 0.]]]])
    >>> layer.backward(np.ones((1, 1, 1, 3)))
    array([[[[-1., 0., 0., 1.]]]])

    A depthwise separable convolution filters each channel by itself, and then mixes the channels
    pixel by pixel. It needs about k² times fewer weights than a convolution that does both:

    >>> rng = np.random.default_rng(0)
    >>> depthwise = Conv2d(32, 32, 3, padding=1, groups=32, bias=False, rng=rng)
    >>> separable = Sequential(depthwise, Conv2d(32, 64, 1, rng=rng))
    >>> parameter_count(separable), parameter_count(Conv2d(32, 64, 3, padding=1, rng=rng))
    (2400, 18496)
    """

    def __init__(
        self,
        in_channels,
        out_channels,
        kernel_size,
        stride=1,
        padding=0,
        dilation=1,
        groups=1,
        bias=True,
        *,
        rng,
        dtype=np.float64,
    ):
        generator("rng", rng)
        self.groups = integer("groups", groups, at_least=1)
        for name, channels in (("in_channels", in_channels), ("out_channels", out_channels)):
            if integer(name, channels, at_least=1) % groups:
                raise ValueError(f"{name} must be a multiple of groups {groups}, got {channels}")
        self.kernel_size, self.margins, steps = window_options(
            kernel_size, stride, padding, dilation
        )
        self.stride, self.dilation = steps["stride"], steps["dilation"]
        shape = (out_channels, in_channels // groups, *self.kernel_size)
        bound = 1 / np.sqrt(np.prod(shape[1:]))
        self.weight = Parameter(rng.uniform(-bound, bound, shape).astype(dtype))
        self.bias = (
            Parameter(rng.uniform(-bound, bound, out_channels).astype(dtype)) if bias else None
        )

    def __repr__(self):
        out_channels, in_channels = self.weight.data.shape[:2]
        return (
            f"Conv2d({self.groups * in_channels}, {out_channels}, {self.kernel_size}, "
            f"stride={self.stride}, padding={self.margins}, dilation={self.dilation}, "
            f"groups={self.groups})"
        )

    def forward(self, x):
        O, C, _, k_w = self.weight.data.shape
        x = images(x, self.weight.data.dtype, channels=self.groups * C)
        steps = {"stride": self.stride, "dilation": self.dilation}
        OH, OW = output_size(x.shape[2:], self.kernel_size, margins=self.margins, **steps)
        x = pad(x, self.margins)
        N, _, H, W = x.shape
        bias = 0 if self.bias is None else self.bias.data.reshape(self.groups, -1, 1)
        y = np.empty((N, self.groups, O // self.groups, OH * OW), x.dtype)
        parts = []
        for part in _parts(N, k_w * x[0].nbytes):
            columns = im2col(x[part], (1, k_w), **self._along_width())
            rows = columns.reshape(*columns.shape[:2], H, OW)  # (n, G·C·k, H, OW)
            if self.keeps:
                parts.append((part, rows))
            y[part] = bias
            for w, view in zip(self._weight_rows(), self._kernel_row_views(rows, OH), strict=True):
                y[part] += w @ self._grouped(view)
        return self.keep(y.reshape(N, O, OH, OW), parts, (H, W))

    def backward(self, gradient, input_gradient=True):
        parts, padded_size = self.recall(gradient)
        (N, _, OH, _), (_, C, _, k_w) = gradient.shape, self.weight.data.shape
        if self.bias is not None and self.bias.requires_grad:
            self.bias.grad += np.einsum("nohw->o", gradient)  # gradient.sum(…), but faster
        if input_gradient:
            x = np.zeros((N, self.groups * C, *padded_size), gradient.dtype)
        for part, rows in parts:
            delta = self._grouped(gradient[part])  # (n, G, O/G, OH·OW)
            if self.weight.requires_grad:
                for i, view in enumerate(self._kernel_row_views(rows, OH)):
                    grad = (self._grouped(view) @ delta.swapaxes(2, 3)).sum(axis=0)  # (G, C·k, O/G)
                    self.weight.grad[:, :, i] += grad.swapaxes(1, 2).reshape(-1, C, k_w)
            if input_gradient:
                d_rows = np.zeros_like(rows)
                for w, view in zip(
                    self._weight_rows(), self._kernel_row_views(d_rows, OH), strict=True
                ):
                    view += (w.swapaxes(1, 2) @ delta).reshape(view.shape)
                columns = d_rows.reshape(*rows.shape[:2], -1)
                x[part] = col2im(columns, padded_size, (1, k_w), **self._along_width())
        return crop(x, self.margins) if input_gradient else None

    def _along_width(self):
        return {"stride": (1, self.stride[1]), "dilation": (1, self.dilation[1])}

    def _weight_rows(self):
        """The rows of the kernel, (k, G, O/G, C·k)."""
        _, C, k_h, k_w = self.weight.data.shape
        return self.weight.data.transpose(2, 0, 1, 3).reshape(k_h, self.groups, -1, C * k_w)

    def _kernel_row_views(self, rows, OH):
        """For each row of the kernel what it sees: views (N, G·C·k, OH, OW) of the rows."""
        (k_h, _), (s_h, _), (d_h, _) = self.kernel_size, self.stride, self.dilation
        steps = {"stride": (s_h, 1), "dilation": (d_h, 1)}
        return [view for _, _, view in shifted_views(rows, (k_h, 1), (OH, rows.shape[3]), **steps)]

    def _grouped(self, x):
        """From (N, G·C, H, W) to (N, G, C, H·W)."""
        return x.reshape(len(x), self.groups, x.shape[1] // self.groups, -1)


def _parts(samples, nbytes):
    """Cut a batch into slices of about 2 MB, but at least one sample."""
    size = max(1, 2**21 // nbytes)
    return [slice(start, start + size) for start in range(0, samples, size)]
