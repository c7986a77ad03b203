"""Convolution of images."""

import numpy as np

from descent.checks import float_array, generator, integer, ndim, one_of
from descent.layers._layer import Layer
from descent.layers._parameter import Parameter
from descent.layers._windows import crop, images, output_size, pad, padded_size, pair, taps


def im2col(x, kernel_size, *, stride=1, padding=0, dilation=1):
    r"""Copy what each window of an image sees into one column of a matrix.

    .. math::
        X_{n,\ (c, i, j),\ (u, v)} = x_{n,\ c,\ s u + d i - p,\ s v + d j - p}

    with zeros outside the image. A convolution is then a product of matrices. This is
    PyTorch's `unfold`.

    Parameters
    ----------
    x : float array, (N, C, H, W)
    kernel_size : int or pair of int
        Height and width k of the window.
    stride : int or pair of int
        :math:`s`, from one window to the next.
    padding : int, pair of int, "valid" or "same"
        :math:`p`, pixels of zeros around the image; see `Conv2d`.
    dilation : int or pair of int
        :math:`d`, from one place in the window to the next.

    Returns
    -------
    columns : float array, (N, C·k·k, OH·OW)
        OH and OW are given by `conv_output_size`.

    Raises
    ------
    ValueError
        An `x` of another shape, a window larger than the padded image, options out of range.
    TypeError
        An `x` that is not of floats, options that are not integers.

    References
    ----------
    Chellapilla, Puri and Simard (2006), "High Performance Convolutional Neural Networks for
    Document Processing".

    Examples
    --------
    >>> x = np.array([[[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]]])
    >>> im2col(x, 2)
    array([[[1., 2.],
            [2., 3.],
            [4., 5.],
            [5., 6.]]])
    """
    x = images(x)
    kernel_size, margins, steps = _window(kernel_size, stride, padding, dilation)
    OH, OW = output_size(x.shape[2:], kernel_size, margins=margins, **steps)
    columns = np.empty((*x.shape[:2], *kernel_size, OH, OW), x.dtype)
    for i, j, seen in taps(pad(x, margins), kernel_size, (OH, OW), **steps):
        columns[:, :, i, j] = seen
    return columns.reshape(len(x), -1, OH * OW)


def col2im(columns, image_size, kernel_size, *, stride=1, padding=0, dilation=1):
    r"""Add the columns back to the pixels that they were copied from.

    The adjoint (the transpose) of `im2col`, and so its backward pass:

    .. math:: \langle \mathrm{im2col}(x),\, Y \rangle = \langle x,\, \mathrm{col2im}(Y) \rangle

    A pixel that m windows saw receives m numbers. This is PyTorch's `fold`.

    Parameters
    ----------
    columns : float array, (N, C·k·k, OH·OW)
    image_size : int or pair of int
        H and W. The size of the columns does not tell it: a stride may skip the last pixels.
    kernel_size, stride, padding, dilation
        As in `im2col`.

    Returns
    -------
    x : float array, (N, C, H, W)

    Raises
    ------
    ValueError
        Columns of another shape, a window larger than the padded image, options out of range.
    TypeError
        Columns that are not of floats, options that are not integers.

    Examples
    --------
    >>> x = np.array([[[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]]])
    >>> col2im(im2col(x, 2), (2, 3), 2)
    array([[[[ 1.,  4.,  3.],
             [ 4., 10.,  6.]]]])
    """
    columns = float_array("columns", columns)
    ndim("columns", columns, 3, "(N, C·k·k, OH·OW)")
    image_size = pair("image_size", image_size, at_least=1)
    kernel_size, margins, steps = _window(kernel_size, stride, padding, dilation)
    OH, OW = output_size(image_size, kernel_size, margins=margins, **steps)
    N, rows, places = columns.shape
    area = kernel_size[0] * kernel_size[1]
    if places != OH * OW or rows % area:
        raise ValueError(
            f"columns must have shape (N, C·{area}, {OH * OW}) for an image of {image_size} and "
            f"a kernel of {kernel_size}, got {columns.shape}"
        )
    columns = columns.reshape(N, -1, *kernel_size, OH, OW)
    x = np.zeros((*columns.shape[:2], *padded_size(image_size, margins)), columns.dtype)
    for i, j, seen in taps(x, kernel_size, (OH, OW), **steps):
        seen += columns[:, :, i, j]
    return crop(x, margins)


class Conv2d(Layer):
    r"""Every output pixel is a weighted sum of the input pixels in a window around it.

    .. math::
        y_{n, o, u, v} = b_o
            + \sum_{c, i, j} w_{o, c, i, j}\; x_{n,\ c,\ s u + d i - p,\ s v + d j - p}

    with zeros outside the image. (Mathematicians call it a cross-correlation: the kernel is not
    flipped.) With :math:`\delta` the derivative of the loss with respect to :math:`y`,

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
        self.kernel_size, self.margins, steps = _window(kernel_size, stride, padding, dilation)
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
            for w, seen in zip(self._weight_rows(), self._seen(rows, OH), strict=True):
                y[part] += w @ self._grouped(seen)
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
                for i, seen in enumerate(self._seen(rows, OH)):
                    grad = (self._grouped(seen) @ delta.swapaxes(2, 3)).sum(axis=0)  # (G, C·k, O/G)
                    self.weight.grad[:, :, i] += grad.swapaxes(1, 2).reshape(-1, C, k_w)
            if input_gradient:
                d_rows = np.zeros_like(rows)
                for w, seen in zip(self._weight_rows(), self._seen(d_rows, OH), strict=True):
                    seen += (w.swapaxes(1, 2) @ delta).reshape(seen.shape)
                columns = d_rows.reshape(*rows.shape[:2], -1)
                x[part] = col2im(columns, padded_size, (1, k_w), **self._along_width())
        return crop(x, self.margins) if input_gradient else None

    def _along_width(self):
        return {"stride": (1, self.stride[1]), "dilation": (1, self.dilation[1])}

    def _weight_rows(self):
        """The rows of the kernel, (k, G, O/G, C·k)."""
        _, C, k_h, k_w = self.weight.data.shape
        return self.weight.data.transpose(2, 0, 1, 3).reshape(k_h, self.groups, -1, C * k_w)

    def _seen(self, rows, OH):
        """For each row of the kernel what it sees: views (N, G·C·k, OH, OW) of the rows."""
        (k_h, _), (s_h, _), (d_h, _) = self.kernel_size, self.stride, self.dilation
        steps = {"stride": (s_h, 1), "dilation": (d_h, 1)}
        return [view for _, _, view in taps(rows, (k_h, 1), (OH, rows.shape[3]), **steps)]

    def _grouped(self, x):
        """From (N, G·C, H, W) to (N, G, C, H·W)."""
        return x.reshape(len(x), self.groups, x.shape[1] // self.groups, -1)


def _parts(samples, nbytes):
    """Cut a batch into slices of about 2 MB, but at least one sample."""
    size = max(1, 2**21 // nbytes)
    return [slice(start, start + size) for start in range(0, samples, size)]


def _window(kernel_size, stride, padding, dilation):
    """The kernel size, the padding as margins, and the steps, after checks and as pairs."""
    kernel_size = pair("kernel_size", kernel_size, at_least=1)
    stride = pair("stride", stride, at_least=1)
    dilation = pair("dilation", dilation, at_least=1)
    steps = {"stride": stride, "dilation": dilation}
    if not isinstance(padding, str):
        height, width = pair("padding", padding, at_least=0)
        return kernel_size, ((height, height), (width, width)), steps
    one_of("padding", padding, ("valid", "same"))
    if padding == "valid":
        return kernel_size, ((0, 0), (0, 0)), steps
    if stride != (1, 1):
        raise ValueError(f"padding 'same' needs stride 1, got stride {stride}")
    totals = [d * (k - 1) for k, d in zip(kernel_size, dilation, strict=True)]
    return kernel_size, tuple((total // 2, total - total // 2) for total in totals), steps
