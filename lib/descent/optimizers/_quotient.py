"""Division where the divisor may be 0."""

import numpy as np


def quotient(a, b):
    """a / b, and 0 where b is 0: with eps = 0, a weight that never had a gradient stays."""
    try:
        with np.errstate(divide="raise", invalid="raise"):
            return a / b
    except FloatingPointError:
        return np.divide(a, b, out=np.zeros_like(a), where=b != 0)
