"""Layers that only change the shape."""

from descent.checks import float_array
from descent.layers._layer import Layer


class Flatten(Layer):
    r"""Each sample's entries in one row, as a fully connected layer expects them.

    .. math:: (N, C, H, W) \to (N,\; C H W)

    Any number of axes; the first stays.

    Raises
    ------
    ValueError
        An input with less than two axes.
    TypeError
        An input that is not of floats.

    Examples
    --------
    >>> Flatten()(np.zeros((10, 16, 5, 5))).shape
    (10, 400)
    """

    def __repr__(self):
        return "Flatten()"

    def forward(self, x):
        x = float_array("x", x)
        if x.ndim < 2:
            raise ValueError(f"x must have shape (N, …), got {x.shape}")
        return self.keep(x.reshape(len(x), -1), x.shape)

    def backward(self, gradient):
        (shape,) = self.recall(gradient)
        return gradient.reshape(shape)
