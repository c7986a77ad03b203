"""Windows of an image as columns of a matrix, and back."""

import numpy as np

from descent.checks import float_array, ndim
from descent.layers._windows import (
    crop,
    images,
    output_size,
    pad,
    padded_size,
    pair,
    shifted_views,
    window_options,
)


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
    kernel_size, margins, steps = window_options(kernel_size, stride, padding, dilation)
    OH, OW = output_size(x.shape[2:], kernel_size, margins=margins, **steps)
    columns = np.empty((*x.shape[:2], *kernel_size, OH, OW), x.dtype)
    for i, j, view in shifted_views(pad(x, margins), kernel_size, (OH, OW), **steps):
        columns[:, :, i, j] = view
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
    kernel_size, margins, steps = window_options(kernel_size, stride, padding, dilation)
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
    for i, j, view in shifted_views(x, kernel_size, (OH, OW), **steps):
        view += columns[:, :, i, j]
    return crop(x, margins)
