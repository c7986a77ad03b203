"""Arithmetic at the edge: 0 / 0, and lengths whose squares are too large or too small."""

import math

import numpy as np


def quotient(a, b):
    """a / b, and 0 where b is 0: with eps = 0, a weight that never had a gradient stays."""
    try:
        with np.errstate(divide="raise", invalid="raise"):
            return a / b
    except FloatingPointError:
        return np.divide(a, b, out=np.zeros_like(a), where=b != 0)


def length(*arrays):
    """The Euclidean length of all arrays together; finite wherever it is not too large itself."""
    squares = sum(float(np.vdot(a, a)) for a in arrays)
    if 1e-30 < squares < math.inf:
        return math.sqrt(squares)
    largest = max(float(np.abs(a).max()) for a in arrays)
    if largest in (0, math.inf):
        return largest
    return largest * math.sqrt(sum(float(np.vdot(a / largest, a / largest)) for a in arrays))
