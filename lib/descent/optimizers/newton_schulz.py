"""Newton-Schulz iterations: matrices made orthogonal by products alone."""

import numpy as np

from descent.checks import float_array, integer, ndim, number
from descent.norms import vector_norm

COEFFICIENTS = (3.4445, -4.7750, 2.0315)
NARROW = 1 - 5e-6  # an interval so narrow that the best polynomial is its limit, up to rounding


def newton_schulz(matrix, *, steps=5, coefficients=COEFFICIENTS, eps=1e-7):
    r"""Make a matrix nearly orthogonal: keep its singular vectors, move its singular values to 1.

    .. math::
        X \leftarrow \frac{G}{\max(\lVert G \rVert_F,\, \varepsilon)}, \qquad
        \text{then repeatedly} \qquad
        X \leftarrow a X + (b A + c A^2) X, \quad A = X X^\top

    Each step applies the odd polynomial :math:`p(s) = a s + b s^3 + c s^5` to every singular
    value :math:`s`, at the cost of three matrix products and without any decomposition. The
    default coefficients make the slope at zero large rather than converge: five steps take all
    of [0.003, 1] into [0.68, 1.21], and smaller values part of the way. Every step may have
    coefficients of its own, such as those of `polar_express`.

    PyTorch computes this in bfloat16, with about three digits; here the dtype is kept.

    Parameters
    ----------
    matrix : float array, (rows, columns)
        :math:`G`
    steps : int ≥ 0
    coefficients : three floats, or a sequence of such triples
        :math:`a, b, c`, for all steps, or one triple after the other for each step; the last
        serves for all steps that are left.
    eps : float > 0
        :math:`\varepsilon`, so that a zero matrix stays zero.

    Returns
    -------
    float array, (rows, columns)
        Near :math:`U V^\top`, where :math:`G = U S V^\top`.

    Raises
    ------
    ValueError
        Not a matrix, coefficients that are no triples, an eps that is not positive, negative steps.
    TypeError
        Entries that are not floats.

    References
    ----------
    Jordan et al. (2024), "Muon: An optimizer for hidden layers in neural networks",
    kellerjordan.github.io/posts/muon; Bernstein and Newhouse (2024), "Old Optimizer, New Norm:
    An Anthology", arXiv:2409.20325.

    Examples
    --------
    >>> newton_schulz(np.diag([3.0, -1.0])).round(2) + 0.0
    array([[ 0.75,  0.  ],
           [ 0.  , -1.13]])
    """
    matrix = float_array("matrix", matrix)
    ndim("matrix", matrix, 2, "(rows, columns)")
    steps = integer("steps", steps, at_least=0)
    triples = check_coefficients("coefficients", coefficients)
    eps = number("eps", eps, above=0)
    tall = matrix.shape[0] > matrix.shape[1]
    x = matrix.T if tall else matrix  # the Gram matrix is the smaller one
    # In float32 the largest entry may be finite and the length not.
    x = (x / np.float64(max(vector_norm([x]), eps))).astype(x.dtype, copy=False)
    for k in range(steps):
        a, b, c = triples[min(k, len(triples) - 1)]
        gram = x @ x.T
        x = a * x + (b * gram + c * gram @ gram) @ x
    return x.T if tall else x


def polar_express(steps=5, *, lower=1e-3, cushion=0.02407327424182761, safety=1.01):
    r"""Coefficients for `newton_schulz`, each step's the best for what the steps before it leave.

    If the singular values lie in :math:`[\ell, u]`, the best odd polynomial of degree five is

    .. math:: p = \arg\min_{a, b, c}\ \max_{\ell \le s \le u} |1 - (a s + b s^3 + c s^5)|.

    It takes them into :math:`[p(\ell),\, 2 - p(\ell)]`, the interval for the next step. The
    first interval is [`lower`, 1]. With the defaults, five steps take all of [0.001, 1] into
    [0.84, 1.13], eight into 1 up to rounding.

    Parameters
    ----------
    steps : int ≥ 1
    lower : float in (0, 1)
        The smallest singular value that matters, as a share of the matrix' length.
    cushion : float in [0, 1)
        No polynomial is made for :math:`\ell < \text{cushion} \cdot u`; otherwise the slope at
        zero would be paid for with values far from 1 in the middle.
    safety : float ≥ 1
        The polynomials are taken at s / `safety`, so that rounding cannot lead beyond u; except
        for their limit (15/8, −10/8, 3/8), once all values are within 5e-6.

    Returns
    -------
    coefficients : list of triples (a, b, c)

    Raises
    ------
    ValueError
        Options out of their ranges.

    References
    ----------
    Amsel, Persson, Musco and Gower (2025), "The Polar Express: Optimal Matrix Sign Methods and
    Their Application to the Muon Algorithm", arXiv:2505.16932, algorithm 1.

    Examples
    --------
    >>> newton_schulz(np.diag([3.0, -0.01]), steps=8, coefficients=polar_express(8)).round(6) + 0.0
    array([[ 1.,  0.],
           [ 0., -1.]])
    """
    steps = integer("steps", steps, at_least=1)
    lower = number("lower", lower, above=0, below=1)
    cushion = number("cushion", cushion, at_least=0, below=1)
    safety = number("safety", safety, at_least=1)
    coefficients, least, largest = [], lower, 1.0
    for _ in range(steps):
        p = _best_quintic(max(least, cushion * largest), largest)
        p = p * (2 / (_value(p, least) + _value(p, largest)))  # as far below 1 as above it
        shrunk = 1 if least > NARROW * largest else safety
        coefficients.append(tuple((p / [shrunk, shrunk**3, shrunk**5]).tolist()))
        least = _value(p, least)
        largest = 2 - least
    return coefficients


def _value(coefficients, s):
    a, b, c = coefficients
    return a * s + b * s**3 + c * s**5


def _best_quintic(low, high):
    """The odd polynomial of degree five nearest to 1 on [low, high], by Remez' exchange.

    Its error has one size E at four points, with alternating signs: the ends, and the two places
    between them where its slope, a + 3 b s² + 5 c s⁴, is zero.
    """
    if low > NARROW * high:  # the limit; nearer to it the equations are singular
        return np.array([15 / 8 / high, -10 / 8 / high**3, 3 / 8 / high**5])
    inner, error, before = [(3 * low + high) / 4, (low + 3 * high) / 4], 0.0, np.inf
    while abs(error - before) > 1e-15:
        before = error
        s = np.array([low, *inner, high])
        a, b, c, error = np.linalg.solve(
            np.column_stack([s, s**3, s**5, [1, -1, 1, -1]]), np.ones(4)
        )
        root = np.sqrt(9 * b**2 - 20 * a * c)
        inner = np.sqrt([(-3 * b - root) / (10 * c), (-3 * b + root) / (10 * c)])
    return np.array([a, b, c])


def check_coefficients(name, coefficients):
    """Return a list of triples, from one triple or from a sequence of them."""
    try:
        table = np.asarray(coefficients, np.float64)
    except (TypeError, ValueError):
        table = np.empty(0)
    if table.shape != (3,) and (table.ndim != 2 or table.shape[1] != 3 or len(table) == 0):
        raise ValueError(f"{name} must be three numbers or a list of triples, got {coefficients!r}")
    if not np.isfinite(table).all():
        raise ValueError(f"{name} must be finite, got {coefficients!r}")
    return table.reshape(-1, 3).tolist()
