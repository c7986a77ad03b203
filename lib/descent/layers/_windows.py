"""What convolution and pooling share: windows that slide over images."""

import numpy as np

from descent.checks import integer, layer_input, one_of


def pair(name, value, *, at_least):
    """Return one integer for both axes, or one for each, as a pair (height, width)."""
    values = tuple(value) if isinstance(value, (tuple, list)) else (value, value)
    if len(values) != 2:
        raise ValueError(f"{name} must be one integer or a pair (height, width), got {value}")
    return tuple(integer(name, v, at_least=at_least) for v in values)


def images(x, dtype=None, *, channels="C"):
    """Return a batch of images after checking its dtype and its shape (N, C, H, W)."""
    shape = np.shape(x)
    if len(shape) == 4 and shape[1] != channels == shape[3]:
        raise ValueError(
            f"x must have shape (N, {channels}, H, W), got {shape}: the channels seem to come "
            "last; x.transpose(0, 3, 1, 2) moves them to the second axis"
        )
    return layer_input(x, ("N", channels, "H", "W"), dtype)


def conv_output_size(size, kernel_size, *, stride=1, padding=0, dilation=1):
    r"""Number of places where a window fits along one axis of an image.

    .. math:: \left\lfloor \frac{n + p - d\,(k - 1) - 1}{s} \right\rfloor + 1

    Parameters
    ----------
    size : int
        :math:`n`, in pixels.
    kernel_size : int
        :math:`k`
    stride : int
        :math:`s`, from one window to the next.
    padding : int, or pair of int
        :math:`p` is twice this number of pixels, or the sum of a pair (before, after).
    dilation : int
        :math:`d`, from one place in the window to the next.

    Returns
    -------
    int
        At least 1.

    Raises
    ------
    TypeError
        Anything but integers.
    ValueError
        A window larger than the padded image; a size, kernel, stride or dilation below 1,
        negative padding.

    References
    ----------
    Dumoulin and Visin (2016), "A guide to convolution arithmetic for deep learning".

    Examples
    --------
    >>> conv_output_size(28, 5)
    24
    >>> conv_output_size(28, 3, stride=2, padding=1)
    14
    """
    size = integer("size", size, at_least=1)
    kernel_size = integer("kernel_size", kernel_size, at_least=1)
    stride = integer("stride", stride, at_least=1)
    dilation = integer("dilation", dilation, at_least=1)
    padding = pair("padding", padding, at_least=0)
    return _places(size, kernel_size, stride, padding, dilation)


def output_size(image_size, kernel_size, *, stride, margins=((0, 0), (0, 0)), dilation=(1, 1)):
    """`conv_output_size` for both axes, as a pair (OH, OW)."""
    return tuple(
        _places(*axis)
        for axis in zip(image_size, kernel_size, stride, margins, dilation, strict=True)
    )


def _places(size, kernel_size, stride, padding, dilation):
    padded = size + sum(padding)
    covered = dilation * (kernel_size - 1) + 1
    if covered > padded:
        raise ValueError(
            f"kernel_size {kernel_size} with dilation {dilation} covers {covered} pixels, more "
            f"than the {padded} of an image of size {size} with padding {padding}"
        )
    return (padded - covered) // stride + 1


def shifted_views(x, kernel_size, output_size, *, stride, dilation=(1, 1)):
    """For each place in the window, row by row: the pixels that all the windows see there.

    Yields the place (i, j) and a view of `x` of shape (N, C, OH, OW).
    """
    (OH, OW), (s_h, s_w), (d_h, d_w) = output_size, stride, dilation
    for i in range(kernel_size[0]):
        for j in range(kernel_size[1]):
            top, left = i * d_h, j * d_w
            yield i, j, x[:, :, top : top + s_h * OH : s_h, left : left + s_w * OW : s_w]


def pad(x, margins, value=0):
    """Add pixels of one value: `margins` are ((top, bottom), (left, right))."""
    (top, bottom), (left, right) = margins
    if not any((top, bottom, left, right)):
        return x
    N, C, H, W = x.shape
    padded = np.full((N, C, top + H + bottom, left + W + right), value, x.dtype)
    padded[:, :, top : top + H, left : left + W] = x
    return padded


def crop(x, margins):
    """Take away what `pad` added, as a view."""
    (top, bottom), (left, right) = margins
    return x[:, :, top : x.shape[2] - bottom, left : x.shape[3] - right]


def padded_size(image_size, margins):
    """The size of an image after `pad`."""
    return tuple(n + before + after for n, (before, after) in zip(image_size, margins, strict=True))


def window_options(kernel_size, stride, padding, dilation):
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
