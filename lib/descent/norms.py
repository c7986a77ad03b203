r"""Lengths of vectors, also where squares would overflow or vanish.

.. math:: \lVert x \rVert = s\, \lVert x / s \rVert, \qquad s = \max_i |x_i|

The squares of float32 numbers overflow beyond 1.8e19 and lose their digits below 1e-19. The
division costs time, and is done only where the plain length is out of the safe range.
"""

import math

import numpy as np

SAFE = 1e-12  # a length above it owes nothing to entries whose squares vanished


def vector_norm(arrays, order=2.0):
    r"""The length of all arrays together, as if they were one vector.

    Parameters
    ----------
    arrays : list of float arrays
    order : float > 0, or infinity
        :math:`p` of :math:`\lVert x \rVert_p`; infinity stands for the largest absolute entry.

    Returns
    -------
    float
        nan or infinite only if an entry is, or if the length itself is beyond float64.

    Examples
    --------
    >>> x = np.array([3e30, 4e30], np.float32)
    >>> f"{vector_norm([x]):.4g}", f"{np.sqrt(np.vdot(x, x)):.4g}"
    ('5e+30', 'inf')
    """
    if order == 2:
        length = math.sqrt(sum(float(np.vdot(a, a)) for a in arrays))
        if SAFE < length < math.inf:
            return length
    scale = float(np.max([np.abs(a).max() for a in arrays], initial=0))
    if order == math.inf or not 0 < scale < math.inf:
        return scale
    lengths = [np.linalg.norm((a / scale).ravel(), order) for a in arrays]
    return scale * float(np.linalg.norm(lengths, order))


def row_norms(x):
    """The Euclidean length of every row.

    Parameters
    ----------
    x : float array, (…, D)

    Returns
    -------
    float array, (…, 1)

    Examples
    --------
    >>> row_norms(np.array([[3.0, 4.0], [0.0, 0.0], [3e200, 4e200]]))
    array([[5.e+000],
           [0.e+000],
           [5.e+200]])
    """
    with np.errstate(over="ignore", invalid="ignore"):
        lengths = np.sqrt(np.vecdot(x, x))[..., None]
        if ((lengths > SAFE) & (lengths < math.inf)).all():
            return lengths
        scale = np.abs(x).max(axis=-1, keepdims=True)
        divisor = np.where((scale > 0) & (scale < math.inf), scale, 1)
        scaled = x / divisor
        return divisor * np.sqrt(np.vecdot(scaled, scaled))[..., None]
