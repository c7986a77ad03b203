"""What the normalizing layers share: mean 0 and variance 1 along the last axis."""

import math

import numpy as np

from descent.checks import NotFiniteError
from descent.norms import row_norms


def standardize(x, eps):
    """Give every row mean 0 and variance 1; returns the rows and 1/√(σ² + ε), (…, 1)."""
    with np.errstate(over="ignore", invalid="ignore"):
        x_hat = x - x.mean(axis=-1, keepdims=True)
        x_hat -= x_hat.mean(axis=-1, keepdims=True)  # what rounding left of a large mean
        std = row_norms(x_hat) / math.sqrt(x.shape[-1])
    refuse_overflow(x, std, "a mean or a variance")
    inverse_std = inverse(np.hypot(std, math.sqrt(eps)))
    x_hat *= inverse_std
    return x_hat, inverse_std


def standardize_backward(delta, x_hat, inverse_std):
    """∂L/∂x = s (δ − mean(δ) − x̂ mean(δ x̂)), of every row."""
    slope = np.vecdot(delta, x_hat)[..., None] / delta.shape[-1]
    return inverse_std * (delta - delta.mean(axis=-1, keepdims=True) - slope * x_hat)


def inverse(std):
    """1/std, where std may be 0 only because ε is."""
    if (std < np.finfo(std.dtype).tiny).any():
        raise ValueError(
            f"a variance is 0, or too small to divide by in {std.dtype}; that needs eps > 0"
        )
    return 1 / std


def refuse_overflow(x, statistic, name):
    """Refuse finite numbers of which a statistic is not finite."""
    if not np.isfinite(statistic).all() and np.isfinite(x).all():
        raise NotFiniteError(
            f"x is too large: in {x.dtype} {name} overflows, with values up to "
            f"{np.abs(x).max():.3g}"
        )


def add_gradient(parameter, gradient):
    """Add to the gradient of a parameter, unless there is none or it is frozen."""
    if parameter is not None and parameter.requires_grad:
        parameter.grad += gradient
