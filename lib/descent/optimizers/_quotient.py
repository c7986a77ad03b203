"""Division where the divisor may be 0."""

import numpy as np


def quotient(a, b):
    """a / b in the memory of b, and 0 where b is 0.

    With eps = 0, a weight that never had a gradient is divided by 0: it stays where it is.
    """
    try:
        with np.errstate(divide="raise", invalid="raise"):
            return np.divide(a, b, out=b)
    except FloatingPointError:  # raised at the end, after the division
        b[~np.isfinite(b)] = 0
        return b
