"""Curvature from gradients alone: Hessian times vector, and the largest eigenvalue."""

import numpy as np

from descent.checks import float_array, generator, integer, matching, number
from descent.norms import vector_norm
from descent.optimizers._convergence import ConvergenceError


def hessian_vector_product(gradient, w, v, *, h=None):
    r"""The Hessian times a vector, by central differences of the gradient.

    .. math::
        H v \approx \lVert v \rVert\, \frac{g(w + h u) - g(w - h u)}{2h}, \qquad
        u = \frac{v}{\lVert v \rVert}

    Two gradients, whatever the number of parameters; exact up to rounding if the function is
    quadratic. The error is of order :math:`h^2` from the formula and :math:`\epsilon / h` from
    rounding.

    Parameters
    ----------
    gradient : callable
        :math:`g`, from an array of ``w``'s shape to one of the same shape.
    w, v : float arrays, same shape
    h : float > 0, optional
        How far to move, by default the cube root of the machine epsilon: 6e-6 in float64.

    Returns
    -------
    product : float array, ``w``'s shape

    Raises
    ------
    ValueError
        Shapes that differ, h that is not positive.

    References
    ----------
    Pearlmutter (1994), "Fast Exact Multiplication by the Hessian", Neural Computation 6, for the
    difference and for an exact way.

    Examples
    --------
    The Hessian of the sum of cubes is diagonal, 6 w:

    >>> w, v = np.array([1.0, 2.0]), np.array([1.0, 1.0])
    >>> hessian_vector_product(lambda w: 3 * w**2, w, v).round(6)
    array([ 6., 12.])
    """
    w, v = matching(w=w, v=v)
    h = float(np.finfo(w.dtype).eps) ** (1 / 3) if h is None else number("h", h, above=0)
    length = vector_norm([v])
    if length == 0:
        return np.zeros_like(w)
    step = v * (h / length)
    above = np.copy(gradient(w + step))  # the next call may overwrite it
    matching(gradient=above, w=w)
    return (above - gradient(w - step)) * (length / (2 * h))


def power_iteration(product, size, *, rng, start=None, tolerance=1e-6, max_iter=1000):
    r"""The eigenvalue of largest absolute value of a symmetric matrix, and its eigenvector.

    .. math::
        u_{k+1} = \frac{A u_k}{\lVert A u_k \rVert}, \qquad \lambda_k = u_k^\top A u_k

    It stops when :math:`\lVert A u_k - \lambda_k u_k \rVert \le \text{tolerance}\cdot|\lambda_k|`.
    Then an eigenvalue lies that near to :math:`\lambda_k`, and mostly much nearer: the error of
    :math:`\lambda_k` is of the order of the square. The other directions shrink by
    :math:`|\lambda_2/\lambda_1|` in each iteration.

    Parameters
    ----------
    product : callable
        :math:`u \mapsto A u`, for arrays of shape (size,).
    size : int ≥ 1
    rng : numpy.random.Generator
        Draws the first vector.
    start : float array, (size,), optional
        The first vector, instead of a random one: an eigenvector of a similar matrix saves
        iterations.
    tolerance : float > 0
    max_iter : int ≥ 1

    Returns
    -------
    eigenvalue : float
    eigenvector : float array, (size,), of length 1

    Raises
    ------
    ConvergenceError
        Not there after `max_iter` products, as happens when λ and −λ are eigenvalues both.
    ValueError
        Options out of their ranges; a start of another shape, or zero; a product that is not
        finite.

    References
    ----------
    Golub and Van Loan (2013), "Matrix Computations", 4th edition, section 8.2.

    Examples
    --------
    >>> A = np.array([[2.0, 1.0], [1.0, 2.0]])
    >>> eigenvalue, u = power_iteration(lambda u: A @ u, 2, rng=np.random.default_rng(0))
    >>> round(eigenvalue, 6), np.abs(u).round(4)
    (3.0, array([0.7071, 0.7071]))
    """
    size = integer("size", size, at_least=1)
    generator("rng", rng)
    tolerance = number("tolerance", tolerance, above=0)
    max_iter = integer("max_iter", max_iter, at_least=1)
    u = rng.standard_normal(size) if start is None else float_array("start", start)
    if u.shape != (size,) or not u.any():
        raise ValueError(f"start must have shape ({size},) and not be zero, got {u!r}")
    for _ in range(max_iter):
        u = u / vector_norm([u])
        product_u = product(u)
        eigenvalue = float(u @ product_u)
        residual = vector_norm([product_u - eigenvalue * u])
        if not np.isfinite(residual):
            raise ValueError(f"product must return finite numbers, got {product_u}")
        if residual <= tolerance * abs(eigenvalue):
            return eigenvalue, u
        u = product_u
    raise ConvergenceError(
        f"no eigenvalue within {max_iter} iterations: the last is {eigenvalue:.6g}, its residual "
        f"{residual:.1e}, allowed {tolerance * abs(eigenvalue):.1e}"
    )


def sharpness(gradient, w, *, rng, start=None, h=None, tolerance=1e-3, max_iter=1000):
    r"""The largest eigenvalue of the Hessian at w, and its eigenvector.

    .. math:: \lambda_{\max} = \max_{\lVert u \rVert = 1} u^\top H u

    Gradient descent with rate :math:`\eta` is stable along all directions while
    :math:`\lambda_{\max} < 2/\eta`. Power iteration finds the eigenvalue of largest absolute
    value; should that be a negative :math:`\lambda`, it is used a second time on
    :math:`H - \lambda I`, whose eigenvalues are all ≥ 0.

    Parameters
    ----------
    gradient : callable
        From an array of ``w``'s shape to one of the same shape. For a network it writes its
        argument into ``net.flat.data``, runs the network forward and backward, and returns
        ``net.flat.grad``; the weights must be put back afterwards.
    w : float array, (P,)
    rng, start, tolerance, max_iter
        As in `power_iteration`. The tolerance is relative; it is coarse by default, because
        neighboring eigenvalues of a network lie close together.
    h
        As in `hessian_vector_product`.

    Returns
    -------
    eigenvalue : float
    eigenvector : float array, (P,)

    Raises
    ------
    ConvergenceError, ValueError
        As `power_iteration`.

    References
    ----------
    Cohen et al. (2021), "Gradient Descent on Neural Networks Typically Occurs at the Edge of
    Stability", ICLR.

    Examples
    --------
    A saddle, x² − 3 y²:

    >>> slope = lambda w: np.array([2.0, -6.0]) * w
    >>> value, u = sharpness(slope, np.array([1.0, 1.0]), rng=np.random.default_rng(0))
    >>> round(value, 3)
    2.0
    """
    w = float_array("w", w)
    options = {"rng": rng, "start": start, "tolerance": tolerance, "max_iter": max_iter}

    def product(v):
        return hessian_vector_product(gradient, w, v.astype(w.dtype, copy=False), h=h)

    eigenvalue, u = power_iteration(product, w.size, **options)
    if eigenvalue >= 0:
        return eigenvalue, u
    above_lowest, u = power_iteration(lambda v: product(v) - eigenvalue * v, w.size, **options)
    return eigenvalue + above_lowest, u
