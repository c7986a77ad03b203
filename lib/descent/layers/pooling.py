"""Pooling: each window of an image becomes one number."""

import numpy as np

from descent.layers._layer import Layer
from descent.layers._windows import crop, images, output_size, pad, padded_size, pair, shifted_views


class _Pool2d(Layer):
    """A window of `kernel_size` that moves by `stride`, over every channel alone."""

    def __init__(self, kernel_size, stride=None, padding=0):
        self.kernel_size = pair("kernel_size", kernel_size, at_least=1)
        self.stride = self.kernel_size if stride is None else pair("stride", stride, at_least=1)
        self.padding = pair("padding", padding, at_least=0)
        if any(2 * p > k for p, k in zip(self.padding, self.kernel_size, strict=True)):
            raise ValueError(
                f"padding must be at most half of kernel_size {self.kernel_size}, or a window "
                f"could hold padding alone, got {padding}"
            )
        self.margins = tuple((p, p) for p in self.padding)

    def __repr__(self):
        return (
            f"{type(self).__name__}({self.kernel_size}, stride={self.stride}, "
            f"padding={self.padding})"
        )

    def _output_size(self, image_size):
        return output_size(image_size, self.kernel_size, stride=self.stride, margins=self.margins)

    def _views(self, padded, size):
        views = shifted_views(padded, self.kernel_size, size, stride=self.stride)
        return [view for _, _, view in views]


class MaxPool2d(_Pool2d):
    r"""The largest pixel of each window.

    .. math::
        y_{n, c, u, v} = \max_{i, j}\; x_{n,\ c,\ s u + i - p,\ s v + j - p}

    The derivative goes to the pixel that won, and where several are equally large, to the first
    of them, row by row; of several nan, to the last. All as in PyTorch.

    Parameters
    ----------
    kernel_size : int or pair of int
    stride : int or pair of int, optional
        :math:`s`; the size of the kernel unless given, so that windows do not overlap.
    padding : int or pair of int
        :math:`p`, pixels of −∞ on either side; at most half of the kernel.

    Raises
    ------
    ValueError
        Options out of range; an input that is not (N, C, H, W), a window larger than the
        padded image.
    TypeError
        Options that are not integers, an input that is not of floats.

    References
    ----------
    Riesenhuber and Poggio (1999), "Hierarchical models of object recognition in cortex",
    Nature Neuroscience 2.

    Examples
    --------
    >>> pool = MaxPool2d(2)
    >>> pool(np.array([[[[1.0, 2.0, 7.0, 7.0], [4.0, 3.0, 7.0, 7.0]]]]))
    array([[[[4., 7.]]]])
    >>> pool.backward(np.array([[[[0.5, 0.25]]]]))
    array([[[[0.  , 0.  , 0.25, 0.  ],
             [0.5 , 0.  , 0.  , 0.  ]]]])
    """

    def forward(self, x):
        x = images(x)
        size = self._output_size(x.shape[2:])
        padded = pad(x, self.margins, -np.inf)
        first, *others = self._views(padded, size)
        y = first.copy()
        # Which pixel of the window is largest: at first the first one inside the image.
        winner = np.zeros(y.shape, np.min_scalar_type(len(others)))
        winner += self._first_inside(size).astype(winner.dtype)
        for place, view in enumerate(others, 1):
            larger = view > y
            # Places count upwards: the maximum is the last one that was larger than all before.
            np.maximum(winner, winner.dtype.type(place) * larger, out=winner)
            np.maximum(y, view, out=y)
        if np.isnan(y.max()):
            for place, view in enumerate((first, *others)):
                winner[np.isnan(view)] = place
        return self.keep(y, winner, padded.shape)

    def _first_inside(self, size):
        """For each window the number of its first pixel that is no padding, (OH, OW)."""
        rows, columns = (
            np.maximum(0, p - s * np.arange(n))
            for p, s, n in zip(self.padding, self.stride, size, strict=True)
        )
        return rows[:, None] * self.kernel_size[1] + columns

    def backward(self, gradient):
        winner, padded_shape = self.recall(gradient)
        x = np.zeros(padded_shape, gradient.dtype)
        for place, view in enumerate(self._views(x, gradient.shape[2:])):
            view += gradient * (winner == place)
        return crop(x, self.margins)


class AvgPool2d(_Pool2d):
    r"""The mean of each window.

    .. math::
        y_{n, c, u, v} = \frac{1}{m_{u, v}} \sum_{i, j} x_{n,\ c,\ s u + i - p,\ s v + j - p}

    with zeros outside the image. Each pixel of a window receives :math:`\delta / m`.

    Parameters
    ----------
    kernel_size : int or pair of int
    stride : int or pair of int, optional
        :math:`s`; the size of the kernel unless given, so that windows do not overlap.
    padding : int or pair of int
        :math:`p`, pixels of zeros on either side; at most half of the kernel.
    count_include_pad : bool
        Whether :math:`m` counts the whole window, padding included, or only the pixels of the
        window that lie in the image.

    Raises
    ------
    ValueError
        Options out of range; an input that is not (N, C, H, W), a window larger than the
        padded image.
    TypeError
        Options that are not integers, an input that is not of floats.

    Examples
    --------
    >>> pool = AvgPool2d(2)
    >>> pool(np.array([[[[1.0, 2.0, 7.0, 7.0], [4.0, 3.0, 7.0, 7.0]]]]))
    array([[[[2.5, 7. ]]]])
    >>> pool.backward(np.array([[[[4.0, 8.0]]]]))
    array([[[[1., 1., 2., 2.],
             [1., 1., 2., 2.]]]])
    """

    def __init__(self, kernel_size, stride=None, padding=0, *, count_include_pad=True):
        super().__init__(kernel_size, stride, padding)
        self.count_include_pad = count_include_pad

    def forward(self, x):
        x = images(x)
        image_size = x.shape[2:]
        size = self._output_size(image_size)
        y = sum(self._views(pad(x, self.margins), size)) / self._count(image_size, size, x.dtype)
        return self.keep(y, image_size)

    def backward(self, gradient):
        (image_size,) = self.recall(gradient)
        size = gradient.shape[2:]
        share = gradient / self._count(image_size, size, gradient.dtype)
        x = np.zeros((*gradient.shape[:2], *padded_size(image_size, self.margins)), share.dtype)
        for view in self._views(x, size):
            view += share
        return crop(x, self.margins)

    def _count(self, image_size, size, dtype):
        ones = np.ones((1, 1, *image_size), dtype)
        value = 1 if self.count_include_pad else 0
        return sum(self._views(pad(ones, self.margins, value), size))


class GlobalAvgPool2d(Layer):
    r"""The mean of each channel over the whole image.

    .. math::
        y_{n, c} = \frac{1}{H W} \sum_{h, w} x_{n, c, h, w},\qquad
        \frac{\partial L}{\partial x_{n, c, h, w}} = \frac{\delta_{n, c}}{H W}

    PyTorch's `AdaptiveAvgPool2d(1)` followed by `Flatten`: the result has shape (N, C), as a
    fully connected layer expects it.

    Raises
    ------
    ValueError
        An input whose shape is not (N, C, H, W).
    TypeError
        An input that is not of floats.

    References
    ----------
    Lin, Chen and Yan (2014), "Network In Network", ICLR.

    Examples
    --------
    >>> pool = GlobalAvgPool2d()
    >>> pool(np.array([[[[1.0, 2.0], [4.0, 5.0]]]]))
    array([[3.]])
    >>> pool.backward(np.array([[2.0]]))
    array([[[[0.5, 0.5],
             [0.5, 0.5]]]])
    """

    def __repr__(self):
        return "GlobalAvgPool2d()"

    def forward(self, x):
        x = images(x)
        return self.keep(x.mean(axis=(2, 3)), x.shape)

    def backward(self, gradient):
        (shape,) = self.recall(gradient)
        _, _, H, W = shape
        return np.broadcast_to((gradient / (H * W))[:, :, None, None], shape).copy()
