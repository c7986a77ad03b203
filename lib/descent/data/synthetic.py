"""Made-up surfaces and data, for experiments whose answer is known."""

import numpy as np

from descent.checks import float_array, floating, generator, integer, number


def bowl(condition, *, dimension=2, rng=None):
    r"""Hessian of a quadratic bowl: eigenvalues from 1 to κ, evenly spaced on a log scale.

    .. math:: H = Q \operatorname{diag}(1, \dots, \kappa)\, Q^\top

    Parameters
    ----------
    condition : float ≥ 1
        :math:`\kappa`, the largest eigenvalue over the smallest.
    dimension : int ≥ 2
    rng : numpy.random.Generator, optional
        Draws the rotation :math:`Q`; without it the axes of the bowl are the coordinates.

    Returns
    -------
    hessian : float64 array, (dimension, dimension)
        Symmetric; for `quadratic`.

    Raises
    ------
    ValueError, TypeError
        A condition below 1, a dimension below 2, no generator.

    Examples
    --------
    >>> from descent.data import bowl
    >>> bowl(100, dimension=3)
    array([[  1.,   0.,   0.],
           [  0.,  10.,   0.],
           [  0.,   0., 100.]])
    """
    condition = number("condition", condition, at_least=1)
    dimension = integer("dimension", dimension, at_least=2)
    hessian = np.diag(np.geomspace(1, condition, dimension))
    if rng is None:
        return hessian
    rotation, _ = np.linalg.qr(generator("rng", rng).standard_normal((dimension, dimension)))
    hessian = rotation @ hessian @ rotation.T
    return (hessian + hessian.T) / 2  # symmetric to the last digit


def quadratic(x, hessian):
    r"""The bowl with its minimum, 0, at the origin.

    .. math:: f(x) = \tfrac12 x^\top H x,\qquad \nabla f(x) = H x

    Parameters
    ----------
    x : float array, (…, D)
        One point, or an array of points.
    hessian : float array, (D, D)
        :math:`H`, symmetric, such as `bowl` gives.

    Returns
    -------
    value : float array, (…)
    gradient : float array, (…, D)

    Raises
    ------
    ValueError, TypeError
        Shapes that do not fit, a matrix that is not symmetric, integers.

    Examples
    --------
    >>> from descent.data import quadratic
    >>> value, gradient = quadratic(np.array([1.0, 2.0]), np.diag([1.0, 10.0]))
    >>> float(value), gradient
    (20.5, array([ 1., 20.]))
    """
    x, hessian = floating(x=x, hessian=hessian)
    size = x.shape[-1] if x.ndim else 0
    if hessian.shape != (size, size):
        raise ValueError(
            "x must have shape (…, D) and hessian (D, D), but x has shape "
            f"{x.shape}, hessian has shape {hessian.shape}"
        )
    if not np.allclose(hessian, hessian.T):
        raise ValueError("hessian must be symmetric; its transpose differs")
    gradient = x @ hessian
    return (x * gradient).sum(axis=-1) / 2, gradient


def rosenbrock(x, *, a=1.0, b=100.0):
    r"""Rosenbrock's curved valley; its minimum, 0, lies at (a, a²).

    .. math::
        f(x, y) = (a - x)^2 + b\,(y - x^2)^2,\qquad
        \nabla f = \begin{pmatrix} -2(a - x) - 4bx\,(y - x^2) \\ 2b\,(y - x^2) \end{pmatrix}

    Parameters
    ----------
    x : float array, (…, 2)
        One point, or an array of points.
    a, b : float

    Returns
    -------
    value : float array, (…)
    gradient : float array, (…, 2)

    Raises
    ------
    ValueError, TypeError
        Points that do not have two coordinates, integers.

    References
    ----------
    Rosenbrock (1960), "An Automatic Method for Finding the Greatest or Least Value of a
    Function", The Computer Journal 3.

    Examples
    --------
    >>> from descent.data import rosenbrock
    >>> value, gradient = rosenbrock(np.array([0.0, 1.0]))
    >>> float(value), gradient
    (101.0, array([ -2., 200.]))
    """
    x, y = _plane(x)
    valley = y - x**2
    value = (a - x) ** 2 + b * valley**2
    return value, np.stack([-2 * (a - x) - 4 * b * x * valley, 2 * b * valley], axis=-1)


def rosenbrock_hessian(x, *, a=1.0, b=100.0):
    r"""Second derivatives of Rosenbrock's valley.

    .. math:: \begin{pmatrix} 2 - 4b\,(y - 3x^2) & -4bx \\ -4bx & 2b \end{pmatrix}

    Parameters
    ----------
    x : float array, (2,)
    a, b : float
        As for `rosenbrock`; the second derivatives do not depend on `a`.

    Returns
    -------
    hessian : float array, (2, 2)

    Raises
    ------
    ValueError, TypeError
        Not one point of two coordinates, integers.

    Examples
    --------
    >>> from descent.data import rosenbrock_hessian
    >>> rosenbrock_hessian(np.array([1.0, 1.0]))
    array([[ 802., -400.],
           [-400.,  200.]])
    """
    x = float_array("x", x)
    if x.shape != (2,):
        raise ValueError(f"x must have shape (2,), got {x.shape}")
    x, y = x
    return np.array([[2 - 4 * b * (y - 3 * x**2), -4 * b * x], [-4 * b * x, 2 * b]], dtype=x.dtype)


def himmelblau(x):
    r"""Himmelblau's surface: four minima of the same depth, 0, one of them at (3, 2).

    .. math::
        f(x, y) = u^2 + v^2,\quad u = x^2 + y - 11,\quad v = x + y^2 - 7,\qquad
        \nabla f = \begin{pmatrix} 4xu + 2v \\ 2u + 4yv \end{pmatrix}

    Parameters
    ----------
    x : float array, (…, 2)
        One point, or an array of points.

    Returns
    -------
    value : float array, (…)
    gradient : float array, (…, 2)

    Raises
    ------
    ValueError, TypeError
        Points that do not have two coordinates, integers.

    References
    ----------
    Himmelblau (1972), "Applied Nonlinear Programming", McGraw-Hill.

    Examples
    --------
    >>> from descent.data import himmelblau
    >>> value, gradient = himmelblau(np.array([3.0, 2.0]))
    >>> float(value), gradient
    (0.0, array([0., 0.]))
    """
    x, y = _plane(x)
    u = x**2 + y - 11
    v = x + y**2 - 7
    return u**2 + v**2, np.stack([4 * x * u + 2 * v, 2 * u + 4 * y * v], axis=-1)


def beale(x):
    r"""Beale's surface: flat plains, steep corners, and one minimum, 0, at (3, ½).

    .. math::
        f(x, y) = \sum_{i=1}^{3} r_i^2,\quad r_i = c_i - x\,(1 - y^i),\quad
        c = (1.5,\ 2.25,\ 2.625),\qquad
        \nabla f = \sum_i 2 r_i \begin{pmatrix} y^i - 1 \\ i\,x\,y^{i-1} \end{pmatrix}

    Parameters
    ----------
    x : float array, (…, 2)
        One point, or an array of points.

    Returns
    -------
    value : float array, (…)
    gradient : float array, (…, 2)

    Raises
    ------
    ValueError, TypeError
        Points that do not have two coordinates, integers.

    References
    ----------
    Beale (1958), "On an iterative method for finding a local minimum of a function of more than
    one variable", Princeton University, Statistical Techniques Research Group.

    Examples
    --------
    >>> from descent.data import beale
    >>> value, gradient = beale(np.array([0.0, 0.0]))
    >>> float(value), gradient
    (14.203125, array([-12.75,   0.  ]))
    """
    x, y = _plane(x)
    value, along_x, along_y = 0, 0, 0
    for i, c in ((1, 1.5), (2, 2.25), (3, 2.625)):
        r = c - x * (1 - y**i)
        value = value + r**2
        along_x = along_x + 2 * r * (y**i - 1)
        along_y = along_y + 2 * r * i * x * y ** (i - 1)
    return value, np.stack([along_x, along_y], axis=-1)


def double_well(x, *, tilt=0.3):
    r"""Two valleys on a line, of different depth.

    .. math:: f(x) = (x^2 - 1)^2 + \tau x,\qquad f'(x) = 4x\,(x^2 - 1) + \tau

    With the default tilt the deep valley is at −1.036, a shallow one at .960, and the ridge
    between them at .075.

    Parameters
    ----------
    x : float array, any shape
    tilt : float
        :math:`\tau`; at 0 the valleys are equally deep.

    Returns
    -------
    value, gradient : float arrays, `x`'s shape

    Raises
    ------
    TypeError
        Integers.

    Examples
    --------
    >>> from descent.data import double_well
    >>> value, gradient = double_well(np.array([-1.0, 0.0, 1.0]))
    >>> value, gradient
    (array([-0.3,  1. ,  0.3]), array([0.3, 0.3, 0.3]))
    """
    x = float_array("x", x)
    return (x**2 - 1) ** 2 + tilt * x, 4 * x * (x**2 - 1) + tilt


def reddi_gradients(steps, *, C=3.0):
    r"""Gradients of Reddi, Kale and Kumar's online problem, on which Adam goes the wrong way.

    .. math::
        f_t(x) = \begin{cases} Cx & t = 1, 4, 7, \dots \\ -x & \text{otherwise} \end{cases}
        \qquad x \in [-1, 1],\quad t = 1, 2, \dots

    Three steps together have the slope :math:`C - 2`, so for C > 2 the best point is −1.

    Parameters
    ----------
    steps : int ≥ 1
    C : float > 2

    Returns
    -------
    gradients : float64 array, (steps,)
        :math:`f_1', f_2', \dots`; they do not depend on x.

    Raises
    ------
    ValueError, TypeError
        Fewer steps than 1, a C of at most 2.

    References
    ----------
    Reddi, Kale and Kumar (2018), "On the Convergence of Adam and Beyond", ICLR, section 3.

    Examples
    --------
    >>> from descent.data import reddi_gradients
    >>> reddi_gradients(5)
    array([ 3., -1., -1.,  3., -1.])
    """
    steps = integer("steps", steps, at_least=1)
    C = number("C", C, above=2)
    t = np.arange(1, steps + 1)
    return np.where(t % 3 == 1, float(C), -1.0)


def blobs(counts, centers, *, spread=1.0, rng):
    r"""Clouds of normally distributed points, one for each class.

    .. math:: x \sim N(c_k,\ s^2 I)

    Equal counts make the usual toy problem; ``counts=(1000, 50)`` makes an imbalanced one, 1 : 20.

    Parameters
    ----------
    counts : sequence of K ints
        Points of each class.
    centers : float array, (K, D)
        :math:`c_k`
    spread : float > 0
        :math:`s`, the standard deviation along each axis.
    rng : numpy.random.Generator

    Returns
    -------
    points : float64 array, (N, D)
    labels : int array, (N,)
        In 0 … K−1; the classes stand one after the other.

    Raises
    ------
    ValueError, TypeError
        Counts below 1, not as many counts as centers, a spread that is not positive, no generator.

    Examples
    --------
    >>> from descent.data import blobs
    >>> points, labels = blobs((3, 1), [[0, 0], [4, 4]], rng=np.random.default_rng(0))
    >>> points.shape, labels
    ((4, 2), array([0, 0, 0, 1]))
    """
    counts = [integer(f"counts[{k}]", count, at_least=1) for k, count in enumerate(counts)]
    centers = np.asarray(centers, dtype=np.float64)
    if centers.ndim != 2 or len(centers) != len(counts):
        raise ValueError(
            f"centers must have shape ({len(counts)}, D), one for each count, got {centers.shape}"
        )
    spread = number("spread", spread, above=0)
    labels = np.repeat(np.arange(len(counts)), counts)
    noise = generator("rng", rng).standard_normal((len(labels), centers.shape[1]))
    return centers[labels] + spread * noise, labels


def spirals(count, *, classes=2, turns=1.0, noise=0.05, rng):
    r"""Spiral arms around the origin, one for each class: not separable by lines.

    .. math::
        (r \cos\varphi,\ r \sin\varphi) + \sigma\varepsilon,\qquad
        \varphi = 2\pi \Big(T r + \frac{k}{K}\Big),\quad r = \frac{1}{n}, \dots, \frac{n}{n}

    Parameters
    ----------
    count : int ≥ 1
        Points on each arm, :math:`n`.
    classes : int ≥ 1
        :math:`K`
    turns : float
        :math:`T`, the revolutions of an arm.
    noise : float ≥ 0
        :math:`\sigma`; :math:`\varepsilon` is standard normal.
    rng : numpy.random.Generator

    Returns
    -------
    points : float64 array, (count · classes, 2)
    labels : int array, (count · classes,)
        One arm after the other, from the inside out.

    Raises
    ------
    ValueError, TypeError
        Counts below 1, negative noise, no generator.

    Examples
    --------
    >>> from descent.data import spirals
    >>> points, labels = spirals(2, turns=0.5, noise=0, rng=np.random.default_rng(0))
    >>> points.round(9) + 0.0
    array([[ 0. ,  0.5],
           [-1. ,  0. ],
           [ 0. , -0.5],
           [ 1. ,  0. ]])
    """
    count = integer("count", count, at_least=1)
    classes = integer("classes", classes, at_least=1)
    turns = number("turns", turns)
    noise = number("noise", noise, at_least=0)
    labels = np.repeat(np.arange(classes), count)
    radius = np.tile(np.arange(1, count + 1) / count, classes)
    angle = 2 * np.pi * (turns * radius + labels / classes)
    points = radius[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    return points + noise * generator("rng", rng).standard_normal(points.shape), labels


def linear_data(count, weight, *, bias=0.0, noise=1.0, rng):
    r"""Points whose targets follow a linear law, with noise.

    .. math:: y = X w + b + \sigma\varepsilon,\qquad X,\ \varepsilon \sim N(0, 1)

    Parameters
    ----------
    count : int ≥ 1
    weight : float array, (D,)
        :math:`w`
    bias : float
    noise : float ≥ 0
        :math:`\sigma`
    rng : numpy.random.Generator

    Returns
    -------
    x : float64 array, (count, D)
    y : float64 array, (count,)

    Raises
    ------
    ValueError, TypeError
        A count below 1, weights that are no vector, negative noise, no generator.

    Examples
    --------
    >>> from descent.data import linear_data
    >>> x, y = linear_data(4, [2.0, -1.0], bias=3, noise=0, rng=np.random.default_rng(0))
    >>> np.allclose(y, 2 * x[:, 0] - x[:, 1] + 3)
    True
    """
    count = integer("count", count, at_least=1)
    weight = np.asarray(weight, dtype=np.float64)
    if weight.ndim != 1 or weight.size == 0:
        raise ValueError(f"weight must have shape (D,), got {weight.shape}")
    bias = number("bias", bias)
    noise = number("noise", noise, at_least=0)
    x = generator("rng", rng).standard_normal((count, len(weight)))
    return x, x @ weight + bias + noise * rng.standard_normal(count)


def contaminate(values, *, share=0.1, outlier=50.0, rng):
    """Replace a share of the values by one outlier.

    Parameters
    ----------
    values : float array, (N,)
        Left as it is.
    share : float in [0, 1]
        round(share · N) of the values are replaced.
    outlier : float
    rng : numpy.random.Generator
        Chooses which.

    Returns
    -------
    contaminated : float array, (N,)
    replaced : bool array, (N,)

    Raises
    ------
    ValueError, TypeError
        A share outside [0, 1], values that are no vector of floats, no generator.

    Examples
    --------
    >>> from descent.data import contaminate
    >>> contaminate(np.zeros(4), share=0.25, rng=np.random.default_rng(0))
    (array([ 0., 50.,  0.,  0.]), array([False,  True, False, False]))
    """
    values = float_array("values", values)
    if values.ndim != 1:
        raise ValueError(f"values must have shape (N,), got {values.shape}")
    share = number("share", share, at_least=0, at_most=1)
    outlier = number("outlier", outlier)
    replaced = np.zeros(len(values), dtype=bool)
    replaced[: round(share * len(values))] = True
    generator("rng", rng).shuffle(replaced)
    return np.where(replaced, values.dtype.type(outlier), values), replaced


def _plane(x):
    x = float_array("x", x)
    if x.shape[-1:] != (2,):
        raise ValueError(f"x must have shape (…, 2), got {x.shape}")
    return x[..., 0], x[..., 1]
