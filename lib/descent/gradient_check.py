"""Comparing a gradient with central differences."""

import numpy as np

from descent.checks import float_array, generator


class GradientError(AssertionError):
    """A gradient that central differences contradict."""


def numerical_gradient(function, x, *, h=1e-5):
    r"""Gradient of a scalar function by central differences.

    .. math:: \frac{\partial f}{\partial x_i} \approx \frac{f(x + h e_i) - f(x - h e_i)}{2h}

    The error is of order :math:`h^2` from the formula and :math:`\epsilon / h` from rounding,
    so h near the cube root of the machine epsilon serves best.

    Parameters
    ----------
    function : callable
        Takes an array of `x`'s shape, returns a number. It may look at `x` itself: the entries
        are changed one at a time in place, and put back.
    x : float array
    h : float

    Returns
    -------
    gradient : float64 array, `x`'s shape

    Examples
    --------
    >>> numerical_gradient(lambda x: (x**3).sum(), np.array([1.0, 2.0])).round(6)
    array([ 3., 12.])
    """
    x = float_array("x", x)
    gradient = np.empty(x.shape)
    for index in np.ndindex(x.shape):
        kept = x[index]
        try:
            x[index] = kept + h
            above = float(function(x))
            x[index] = kept - h
            below = float(function(x))
        finally:
            x[index] = kept
        gradient[index] = (above - below) / (2 * h)
    return gradient


def relative_error(a, b, *, floor=1e-8):
    r"""Largest difference of two arrays, relative to their largest entry.

    .. math:: \frac{\max_i |a_i - b_i|}{\max(\max_i |a_i|,\ \max_i |b_i|,\ \text{floor})}

    Relative to the largest entry, not entry by entry: next to a large gradient, the rounding
    of a tiny one says nothing. Shapes that differ are refused with a ValueError.
    """
    a, b = np.asarray(a), np.asarray(b)
    if a.shape != b.shape:
        raise ValueError(f"a and b must have equal shapes, got {a.shape} and {b.shape}")
    scale = max(np.abs(a).max(initial=0), np.abs(b).max(initial=0), floor)
    return float(np.abs(a - b).max(initial=0) / scale)


def check_gradient(function, x, *, h=1e-5, tolerance=1e-6, name="gradient"):
    """Compare the gradient that a function returns with central differences of its value.

    Parameters
    ----------
    function : callable
        Takes `x`, returns (value, gradient), such as ``lambda z: cross_entropy(z, y)``.
    x : float64 array
        Best away from kinks, where the two sides differ.
    h, tolerance : float
    name : str
        What to call the gradient when it fails.

    Returns
    -------
    error : float
        The `relative_error`.

    Raises
    ------
    GradientError
        If the error exceeds the tolerance, with the worst entry, both values and their ratio.

    Examples
    --------
    >>> check_gradient(lambda x: ((x**2).sum(), 2 * x), np.array([1.0, -3.0])) < 1e-9
    True
    """
    gradient = np.asarray(function(x)[1])
    expected = numerical_gradient(lambda x: function(x)[0], x, h=h)
    if gradient.shape != expected.shape:
        raise GradientError(f"{name} has shape {gradient.shape}, expected {expected.shape}")
    error = relative_error(gradient, expected)
    if not error <= tolerance:
        raise GradientError(_explain(name, gradient, expected, error, tolerance))
    return error


def check_layer(layer, x, rng, *, h=1e-5, tolerance=1e-6):
    r"""Check a layer's backward pass: the gradients of the input and of every parameter.

    The output is projected on a fixed random direction :math:`r`, which makes the scalar
    :math:`\langle r, f(x) \rangle` with :math:`\delta = r`.

    Parameters
    ----------
    layer : Layer
        Deterministic: what it draws at random must be the same at every call.
    x : float64 array
    rng : numpy.random.Generator

    Returns
    -------
    errors : dict from "input" and the parameters' names to float

    Raises
    ------
    GradientError
        As `check_gradient`.
    """
    generator("rng", rng)
    direction = rng.standard_normal(layer.forward(x).shape)

    def loss(_):
        return (layer.forward(x) * direction).sum()

    layer.zero_grad()
    loss(x)
    gradients = {"input": (x, layer.backward(direction))}
    gradients |= {name: (p.data, p.grad.copy()) for name, p in layer.named_parameters().items()}
    return {
        name: check_gradient(
            lambda v, g=g: (loss(v), g), array, h=h, tolerance=tolerance, name=f"gradient of {name}"
        )
        for name, (array, g) in gradients.items()
    }


def _explain(name, gradient, expected, error, tolerance):
    worst = np.unravel_index(np.argmax(np.abs(gradient - expected)), gradient.shape)
    index = tuple(int(i) for i in worst)
    came, wanted = gradient[worst], expected[worst]
    ratio = f", {came / wanted:.4g} times as large" if wanted else ""
    return (
        f"{name} is off by a relative error of {error:.1e} (allowed {tolerance:.0e}). The worst "
        f"entry is at index {index}: it is {came:.6g}, central differences give {wanted:.6g}{ratio}"
    )
