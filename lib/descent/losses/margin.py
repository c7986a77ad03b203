"""Losses that ask for a margin: of the right class over the threshold, or over the others.

Each raises ValueError for shapes that do not fit, a label or an option out of its range, nan or
inf, and TypeError for scores that are not floats and class indices that are not integers.

At a kink every slope between those of its two sides is a subgradient. Which one a loss takes
stands at its gradient, beside what PyTorch takes.
"""

import numpy as np

from descent.checks import finite_result, float_array, number, one_of
from descent.losses._inputs import signs, weighed_classes
from descent.losses._reduce import reduce


def hinge(scores, target, *, margin=1.0, reduction="mean"):
    r"""Hinge loss of a binary classifier, whose labels are −1 and 1.

    .. math::
        \ell(s, y) = \max(0,\ m - y s), \qquad
        \frac{\partial \ell}{\partial s} = -y\,[\,y s < m\,]

    Parameters
    ----------
    scores : float array
        A positive score says class 1, a negative one class −1.
    target : array of −1 and 1, the same shape
        Labels 0 and 1 are refused: with them every negative would cost exactly m.
    margin : float ≥ 0
        :math:`m`
    reduction : {"mean", "sum", "none"}
        "mean" divides by the number of scores.

    Returns
    -------
    value : float, or an array of ``scores``'s shape for "none"
    gradient : float array, ``scores``'s shape
        With respect to the scores. At the kink every slope between :math:`-y` and 0 is a
        subgradient; this returns 0, as PyTorch's ``relu(margin - y * s)`` does. Its
        ``clamp(min=0)`` gives :math:`-y` there.

    References
    ----------
    Cortes and Vapnik (1995), "Support-Vector Networks", Machine Learning 20.

    Examples
    --------
    >>> hinge(np.array([1.2, -0.5, 0.8]), np.array([1, -1, 1]), reduction="none")
    (array([0. , 0.5, 0.2]), array([ 0.,  1., -1.]))
    """
    scores = float_array("scores", scores)
    y = signs(target, scores.shape, scores.dtype)
    margin = float(number("margin", margin, at_least=0))
    loss = np.maximum(0, margin - y * scores)
    finite_result(loss, scores=scores)
    return reduce(loss, np.where(loss > 0, -y, 0), reduction)


def squared_hinge(scores, target, *, margin=1.0, reduction="mean"):
    r"""Square of the hinge loss, which has no kink.

    .. math::
        \ell(s, y) = \max(0,\ m - y s)^2, \qquad
        \frac{\partial \ell}{\partial s} = -2 y \max(0,\ m - y s)

    Parameters
    ----------
    scores : float array
        A positive score says class 1, a negative one class −1.
    target : array of −1 and 1, the same shape
        Labels 0 and 1 are refused.
    margin : float ≥ 0
        :math:`m`
    reduction : {"mean", "sum", "none"}
        "mean" divides by the number of scores.

    Returns
    -------
    value : float, or an array of ``scores``'s shape for "none"
    gradient : float array, ``scores``'s shape
        With respect to the scores.

    References
    ----------
    Tang (2013), "Deep Learning using Linear Support Vector Machines", ICML workshop.

    Examples
    --------
    >>> squared_hinge(np.array([1.5, -0.5, 0.0]), np.array([1, -1, 1]), reduction="none")
    (array([0.  , 0.25, 1.  ]), array([-0.,  1., -2.]))
    """
    scores = float_array("scores", scores)
    y = signs(target, scores.shape, scores.dtype)
    margin = float(number("margin", margin, at_least=0))
    shortfall = np.maximum(0, margin - y * scores)
    loss = shortfall**2
    finite_result(loss, scores=scores)
    return reduce(loss, -2 * y * shortfall, reduction)


def perceptron(scores, target, *, reduction="mean"):
    r"""The perceptron's loss: by how much a score lies on the wrong side.

    .. math::
        \ell(s, y) = \max(0,\ -y s), \qquad
        \frac{\partial \ell}{\partial s} = -y\,[\,y s \le 0\,]

    It is the hinge loss without a margin. (A *perceptual* loss, which compares features of
    images, is another thing.)

    Parameters
    ----------
    scores : float array
        A positive score says class 1, a negative one class −1.
    target : array of −1 and 1, the same shape
        Labels 0 and 1 are refused.
    reduction : {"mean", "sum", "none"}
        "mean" divides by the number of scores.

    Returns
    -------
    value : float, or an array of ``scores``'s shape for "none"
    gradient : float array, ``scores``'s shape
        With respect to the scores. At a score of 0 every slope between :math:`-y` and 0 is a
        subgradient; this returns :math:`-y`, as Rosenblatt's rule does: with 0, weights that
        start at zero would never move. PyTorch's ``clamp(-y * s, min=0)`` does the same, its
        ``relu(-y * s)`` gives 0.

    References
    ----------
    Rosenblatt (1958), "The Perceptron", Psychological Review 65.

    Examples
    --------
    >>> perceptron(np.array([0.3, 0.3]), np.array([1, -1]), reduction="none")
    (array([0. , 0.3]), array([0., 1.]))
    """
    scores = float_array("scores", scores)
    y = signs(target, scores.shape, scores.dtype)
    loss = np.maximum(0, -y * scores)
    finite_result(loss, scores=scores)
    return reduce(loss, np.where(y * scores <= 0, -y, 0), reduction)


def multi_margin(scores, target, *, p=1, margin=1.0, weight=None, reduction="mean"):
    r"""Hinge loss over all wrong classes, divided by the number of classes, as in PyTorch.

    .. math::
        \ell(s, y) = \frac{w_y}{K} \sum_{j \ne y} h_j^p, \quad h_j = \max(0,\ m - s_y + s_j),
        \qquad
        \frac{\partial \ell}{\partial s_j} = \frac{w_y}{K}\, p\, h_j^{p-1}\,[h_j > 0]
        \quad (j \ne y), \qquad
        \frac{\partial \ell}{\partial s_y} = -\sum_{j \ne y} \frac{\partial \ell}{\partial s_j}

    PyTorch's formula divides by K although the sum has K − 1 terms; `weston_watkins` is the same
    sum for p = 1, undivided.

    Parameters
    ----------
    scores : float array, (N, K)
    target : int array, (N,)
        Class indices in 0 … K−1.
    p : {1, 2}
        The exponent.
    margin : float
        :math:`m`
    weight : float array, (K,), optional
        :math:`w`, one factor for each class.
    reduction : {"mean", "sum", "none"}
        "mean" divides by N, whatever the weights.

    Returns
    -------
    value : float, or an array of shape (N,) for "none"
    gradient : float array, (N, K)
        With respect to the scores. At a kink this returns 0, as PyTorch does.

    Examples
    --------
    >>> value, gradient = multi_margin(np.array([[1.0, 0.5, -1.0, 0.5]]), np.array([0]))
    >>> float(value), gradient
    (0.25, array([[-0.5 ,  0.25,  0.  ,  0.25]]))
    """
    p = int(one_of("p", p, (1, 2)))  # NumPy's integers would make float64 of float32
    excess, rows, y, w_y = _excesses(scores, target, margin, weight)
    scale = (w_y / excess.shape[1])[:, None]
    loss = (scale * excess**p).sum(axis=1)
    gradient = scale * (excess > 0 if p == 1 else 2 * excess)
    gradient[rows, y] = -gradient.sum(axis=1)
    return reduce(loss, gradient, reduction)


def weston_watkins(scores, target, *, margin=1.0, reduction="mean"):
    r"""Sum of the hinge losses against every wrong class.

    .. math::
        \ell(s, y) = \sum_{j \ne y} h_j, \quad h_j = \max(0,\ m - s_y + s_j), \qquad
        \frac{\partial \ell}{\partial s_j} = [h_j > 0] \quad (j \ne y), \qquad
        \frac{\partial \ell}{\partial s_y} = -\sum_{j \ne y} [h_j > 0]

    It is K times `multi_margin`. The paper asks for a margin of 2.

    Parameters
    ----------
    scores : float array, (N, K)
    target : int array, (N,)
        Class indices in 0 … K−1.
    margin : float
        :math:`m`
    reduction : {"mean", "sum", "none"}

    Returns
    -------
    value : float, or an array of shape (N,) for "none"
    gradient : float array, (N, K)
        With respect to the scores. At a kink this returns 0, as `multi_margin` does.

    References
    ----------
    Weston and Watkins (1999), "Support Vector Machines for Multi-Class Pattern Recognition",
    ESANN.

    Examples
    --------
    >>> value, gradient = weston_watkins(np.zeros((1, 4)), np.array([0]))
    >>> float(value), gradient
    (3.0, array([[-3.,  1.,  1.,  1.]]))
    """
    excess, rows, y, _ = _excesses(scores, target, margin)
    gradient = (excess > 0).astype(excess.dtype)
    gradient[rows, y] = -gradient.sum(axis=1)
    return reduce(excess.sum(axis=1), gradient, reduction)


def crammer_singer(scores, target, *, margin=1.0, reduction="mean"):
    r"""Hinge loss against the strongest wrong class.

    .. math::
        \ell(s, y) = \max_{j \ne y} h_j, \quad h_j = \max(0,\ m - s_y + s_j), \qquad
        \frac{\partial \ell}{\partial s_k} = -\frac{\partial \ell}{\partial s_y} = [h_k > 0],
        \quad k = \operatorname*{arg\,max}_{j \ne y} s_j

    and 0 for all other classes.

    Parameters
    ----------
    scores : float array, (N, K)
    target : int array, (N,)
        Class indices in 0 … K−1.
    margin : float
        :math:`m`
    reduction : {"mean", "sum", "none"}

    Returns
    -------
    value : float, or an array of shape (N,) for "none"
    gradient : float array, (N, K)
        With respect to the scores. Of several equally strong classes the first takes it all,
        where PyTorch's ``amax`` shares it equally; at a kink this returns 0.

    References
    ----------
    Crammer and Singer (2001), "On the Algorithmic Implementation of Multiclass Kernel-based
    Vector Machines", Journal of Machine Learning Research 2.

    Examples
    --------
    >>> value, gradient = crammer_singer(np.array([[1.0, 0.5, 0.8]]), np.array([0]))
    >>> float(value), gradient
    (0.8, array([[-1.,  0.,  1.]]))
    """
    excess, rows, y, _ = _excesses(scores, target, margin)
    strongest = excess.argmax(axis=1)
    loss = excess[rows, strongest]
    gradient = np.zeros_like(excess)
    gradient[rows, strongest] = loss > 0
    gradient[rows, y] -= loss > 0
    return reduce(loss, gradient, reduction)


def _excesses(scores, target, margin, weight=None):
    """By how much each wrong class comes within the margin of the right one, (N, K); 0 for the
    right one. Then the numbers of the rows, their labels, and the weights of these."""
    scores, y, w_y = weighed_classes("scores", scores, target, weight)
    margin = float(number("margin", margin))
    rows = np.arange(len(y))
    excess = np.maximum(0, margin - scores[rows, y, None] + scores)  # (N, K)
    excess[rows, y] = 0
    finite_result(excess, scores=scores)
    return excess, rows, y, w_y


def hinge_embedding(distances, target, *, margin=1.0, reduction="mean"):
    r"""PyTorch's ``HingeEmbeddingLoss``, which takes distances and is not the hinge loss.

    .. math::
        \ell(d, y) = \begin{cases} d & y = 1 \\ \max(0,\ m - d) & y = -1 \end{cases} \qquad
        \frac{\partial \ell}{\partial d} = \begin{cases}
            1 & y = 1 \\ -[\,d \le m\,] & y = -1
        \end{cases}

    It pulls pairs of label 1 together and pushes the others apart. Given a classifier's scores,
    it pushes the score of every positive *down*: that loss is `hinge`.

    Parameters
    ----------
    distances : float array
    target : array of −1 and 1, the same shape
        1 for pairs that belong together. Labels 0 and 1 are refused.
    margin : float
        :math:`m`
    reduction : {"mean", "sum", "none"}
        "mean" divides by the number of distances.

    Returns
    -------
    value : float, or an array of ``distances``'s shape for "none"
    gradient : float array, ``distances``'s shape
        With respect to the distances. At the kink every slope between −1 and 0 is a subgradient;
        this returns −1, as PyTorch does.

    Examples
    --------
    >>> hinge_embedding(np.array([1.2, -0.5, 0.8]), np.array([1, -1, 1]), reduction="none")
    (array([1.2, 1.5, 0.8]), array([ 1., -1.,  1.]))
    """
    distances = float_array("distances", distances)
    y = signs(target, distances.shape, distances.dtype)
    margin = float(number("margin", margin))
    together = y == 1
    loss = np.where(together, distances, np.maximum(0, margin - distances))
    finite_result(loss, distances=distances)
    return reduce(loss, y * (together | (distances <= margin)), reduction)
