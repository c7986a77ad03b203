"""Losses on embeddings: what belongs together shall lie together.

Each returns its value and a tuple of gradients, one for each of its embeddings, in the order of
the arguments. Each raises ValueError for shapes that do not fit, a label or an option out of its
range, nan or inf, and TypeError for embeddings that are not floats, or of two dtypes.
"""

import numpy as np

from descent.checks import finite_result, matching, ndim, number
from descent.losses._inputs import signs
from descent.losses._reduce import reduce
from descent.losses.classification import cross_entropy


def contrastive(input1, input2, target, *, margin=1.0, reduction="mean"):
    r"""Contrastive loss on pairs: pulls the similar together, pushes the others a margin apart.

    .. math::
        \ell(a, b, y) = \begin{cases}
            \tfrac12 D^2 & y = 1 \\ \tfrac12 \max(0,\ m - D)^2 & y = -1
        \end{cases}
        \qquad D = \lVert a - b \rVert, \qquad
        \frac{\partial \ell}{\partial a} = -\frac{\partial \ell}{\partial b}
        = \begin{cases}
            a - b & y = 1 \\ -\max(0,\ m - D)\,\frac{a - b}{D} & y = -1
        \end{cases}

    Parameters
    ----------
    input1, input2 : float array, (N, D)
        The embeddings :math:`a` and :math:`b` of each pair.
    target : array of −1 and 1, (N,)
        1 for pairs that belong together, as in `cosine_embedding`. The paper writes Y = 0 for
        those and Y = 1 for the others; labels 0 and 1 are refused.
    margin : float > 0
        :math:`m`
    reduction : {"mean", "sum", "none"}
        "mean" divides by N.

    Returns
    -------
    value : float, or an array of shape (N,) for "none"
    gradients : two float arrays, (N, D)
        With respect to ``input1`` and ``input2``. Two equal embeddings of different classes have
        no direction to part in; their gradient is 0.

    References
    ----------
    Hadsell, Chopra and LeCun (2006), "Dimensionality Reduction by Learning an Invariant Mapping",
    CVPR, equation 4.

    Examples
    --------
    >>> a, b = np.array([[3.0, 4.0]]), np.array([[0.0, 0.0]])
    >>> value, (d_a, d_b) = contrastive(a, b, np.array([1]))
    >>> float(value), d_a, d_b
    (12.5, array([[3., 4.]]), array([[-3., -4.]]))
    """
    input1, input2 = _embeddings(input1=input1, input2=input2)
    y = signs(target, input1.shape[:1], input1.dtype)
    margin = float(number("margin", margin, above=0))
    difference = input1 - input2
    distance, direction = _norm(difference, 2)  # (N,), (N, D)
    shortfall = np.maximum(0, margin - distance)
    pull = np.where(y == 1, distance, -shortfall)  # the slope of the loss in the distance
    loss = pull**2 / 2
    finite_result(loss, input1=input1, input2=input2)
    gradient = pull[:, None] * direction
    return _reduce(loss, (gradient, -gradient), reduction)


def triplet(
    anchor, positive, negative, *, margin=1.0, p=2.0, eps=1e-6, swap=False, reduction="mean"
):
    r"""Triplet loss: the positive shall be nearer to the anchor than the negative, by a margin.

    .. math::
        \ell = \max(0,\ d(a, p) - d(a, n) + m), \qquad
        d(u, v) = \lVert u - v + \epsilon \rVert_p, \qquad
        \frac{\partial d}{\partial u_i} = -\frac{\partial d}{\partial v_i}
        = \operatorname{sign}(\delta_i)\Bigl(\frac{|\delta_i|}{d}\Bigr)^{p - 1},
        \quad \delta = u - v + \epsilon

    The distances are not squared, which is PyTorch's form; FaceNet squares them.

    Parameters
    ----------
    anchor, positive, negative : float array, (N, D)
    margin : float > 0
        :math:`m`
    p : float ≥ 1
        Which norm.
    eps : float ≥ 0
        :math:`\epsilon`, added to every entry of a difference, as PyTorch does, so that equal
        embeddings keep a direction.
    swap : bool
        Take the smaller of :math:`d(a, n)` and :math:`d(p, n)` in place of :math:`d(a, n)`.
    reduction : {"mean", "sum", "none"}
        "mean" divides by N, also over triplets whose loss is 0.

    Returns
    -------
    value : float, or an array of shape (N,) for "none"
    gradients : three float arrays, (N, D)
        With respect to ``anchor``, ``positive`` and ``negative``. At the kink of the margin this
        returns the slope of the positive side, as PyTorch does; where swap finds two equal
        distances, the mean of both.

    References
    ----------
    Schroff, Kalenichenko and Philbin (2015), "FaceNet", CVPR; Balntas et al. (2016), "Learning
    local feature descriptors with triplets and shallow convolutional neural networks", BMVC, for
    the swap.

    Examples
    --------
    >>> a, p, n = np.array([[0.0, 0.0]]), np.array([[0.0, 2.0]]), np.array([[1.0, 0.0]])
    >>> value, (d_a, d_p, d_n) = triplet(a, p, n)
    >>> float(value.round(3)), d_p.round(3), d_n.round(3)
    (2.0, array([[-0.,  1.]]), array([[-1.,  0.]]))
    """
    anchor, positive, negative = _embeddings(anchor=anchor, positive=positive, negative=negative)
    margin = float(number("margin", margin, above=0))
    p = float(number("p", p, at_least=1))
    eps = float(number("eps", eps, at_least=0))
    d_ap, slope_ap = _norm(anchor - positive + eps, p)  # (N,), (N, D)
    d_an, slope_an = _norm(anchor - negative + eps, p)
    if swap:
        d_pn, slope_pn = _norm(positive - negative + eps, p)
        swapped = np.heaviside(d_an - d_pn, 0.5).astype(anchor.dtype)[:, None]
        slope_an, slope_pn = (1 - swapped) * slope_an, swapped * slope_pn
        d_an = np.minimum(d_an, d_pn)
    else:
        slope_pn = 0
    excess = d_ap - d_an + margin
    finite_result(excess, anchor=anchor, positive=positive, negative=negative)
    active = (excess >= 0)[:, None]
    gradients = (
        active * (slope_ap - slope_an),
        active * (-slope_ap - slope_pn),
        active * (slope_an + slope_pn),
    )
    return _reduce(np.maximum(0, excess), gradients, reduction)


def info_nce(queries, keys, *, temperature=0.1, symmetric=False, reduction="mean"):
    r"""InfoNCE: each query shall find its own key among all the keys of the batch.

    .. math::
        \ell_i = -\log \frac{e^{s_{ii}}}{\sum_j e^{s_{ij}}}, \qquad
        s_{ij} = \frac{\cos(q_i, k_j)}{\tau}

    This is `cross_entropy` over the similarities :math:`s`, with class i for row i. Written with
    the unit vectors :math:`\hat q, \hat k` and :math:`G = \partial L / \partial s`,

    .. math::
        \frac{\partial L}{\partial \hat q_i} = \frac1\tau \sum_j G_{ij} \hat k_j, \qquad
        \frac{\partial L}{\partial q_i}
        = \frac{1}{\lVert q_i \rVert}\,(1 - \hat q_i \hat q_i^\top)\,
          \frac{\partial L}{\partial \hat q_i},

    and likewise for the keys. When all embeddings are equal the loss is :math:`\log N`.

    Parameters
    ----------
    queries, keys : float array, (N, D)
        Row i of one belongs to row i of the other; N ≥ 2.
    temperature : float > 0
        :math:`\tau`
    symmetric : bool
        The mean of this loss and of the one with queries and keys exchanged, as in CLIP.
    reduction : {"mean", "sum", "none"}
        "mean" divides by N.

    Returns
    -------
    value : float, or an array of shape (N,) for "none"
        In nats.
    gradients : two float arrays, (N, D)
        With respect to ``queries`` and ``keys``. Since every key takes part in every loss, the
        gradients for "none" are those of the sum.

    References
    ----------
    van den Oord, Li and Vinyals (2018), "Representation Learning with Contrastive Predictive
    Coding", whose score is bilinear and not a cosine; Radford et al. (2021), "Learning
    Transferable Visual Models From Natural Language Supervision", ICML.

    Examples
    --------
    >>> value, (d_queries, d_keys) = info_nce(np.ones((4, 2)), np.ones((4, 2)))
    >>> float(value.round(4)), round(float(np.log(4)), 4)
    (1.3863, 1.3863)
    """
    queries, keys = _embeddings(queries=queries, keys=keys)
    if len(queries) < 2:
        raise ValueError("queries and keys must have at least 2 rows, so that there is a choice")
    temperature = float(number("temperature", temperature, above=0))
    q, q_length = _unit(queries)  # (N, D), (N, 1)
    k, k_length = _unit(keys)
    similarity = q @ k.T / temperature  # (N, N)
    finite_result(similarity, queries=queries, keys=keys)
    own = np.arange(len(queries))
    value, slope = cross_entropy(similarity, own, reduction=reduction)
    if symmetric:
        value_of_keys, slope_of_keys = cross_entropy(similarity.T, own, reduction=reduction)
        value = (value + value_of_keys) / 2
        slope = (slope + slope_of_keys.T) / 2
    slope /= temperature
    return value, (_through_unit(slope @ k, q, q_length), _through_unit(slope.T @ q, k, k_length))


def cosine_embedding(input1, input2, target, *, margin=0.0, reduction="mean"):
    r"""Loss on the cosine of pairs: 1 for those that belong together, under a margin for others.

    .. math::
        \ell(a, b, y) = \begin{cases}
            1 - c & y = 1 \\ \max(0,\ c - m) & y = -1
        \end{cases}
        \qquad c = \hat a \cdot \hat b, \quad
        \hat a = \frac{a}{\sqrt{\lVert a \rVert^2 + 10^{-12}}}, \qquad
        \frac{\partial c}{\partial a}
        = \frac{\hat b - c\, \hat a}{\sqrt{\lVert a \rVert^2 + 10^{-12}}}

    The small constant is PyTorch's; it gives an embedding of zeros the cosine 0.

    Parameters
    ----------
    input1, input2 : float array, (N, D)
        The embeddings :math:`a` and :math:`b` of each pair.
    target : array of −1 and 1, (N,)
        1 for pairs that belong together. Labels 0 and 1 are refused.
    margin : float in [−1, 1]
        :math:`m`
    reduction : {"mean", "sum", "none"}
        "mean" divides by N.

    Returns
    -------
    value : float, or an array of shape (N,) for "none"
    gradients : two float arrays, (N, D)
        With respect to ``input1`` and ``input2``. At the kink, a cosine equal to the margin, this
        returns the slope of the positive side, as PyTorch does.

    Examples
    --------
    >>> a, b = np.array([[1.0, 0.0]]), np.array([[3.0, 4.0]])
    >>> value, (d_a, d_b) = cosine_embedding(a, b, np.array([1]))
    >>> float(value.round(4)), d_b.round(4)
    (0.4, array([[-0.128,  0.096]]))
    """
    input1, input2 = _embeddings(input1=input1, input2=input2)
    y = signs(target, input1.shape[:1], input1.dtype)
    margin = float(number("margin", margin, at_least=-1, at_most=1))
    a, a_length = _unit(input1)  # (N, D), (N, 1)
    b, b_length = _unit(input2)
    cosine = (a * b).sum(axis=1)
    together = y == 1
    loss = np.where(together, 1 - cosine, np.maximum(0, cosine - margin))
    finite_result(loss, input1=input1, input2=input2)
    slope = (-y * (together | (cosine >= margin)))[:, None]
    gradients = _through_unit(slope * b, a, a_length), _through_unit(slope * a, b, b_length)
    return _reduce(loss, gradients, reduction)


def _embeddings(**arrays):
    values = matching(**arrays)
    ndim(next(iter(arrays)), values[0], 2, "(N, D)")
    return values


def _norm(difference, p):
    """Return the p-norm of each row, and its slope in every entry, 0 for a row of zeros.

    In units of the largest entry no power overflows.
    """
    largest = np.abs(difference).max(axis=1)
    scaled = difference / np.where(largest > 0, largest, 1)[:, None]
    length = np.linalg.norm(scaled, ord=p, axis=1)  # 1 at least, or 0
    slope = np.sign(scaled) * (np.abs(scaled) / np.maximum(length, 1)[:, None]) ** (p - 1)
    return largest * length, slope


def _unit(x):
    """Return the rows divided by their lengths, and those lengths, never quite 0."""
    scale = np.maximum(np.abs(x).max(axis=1, keepdims=True), 1)  # no square overflows
    length = scale * np.sqrt(((x / scale) ** 2).sum(axis=1, keepdims=True) + (1e-6 / scale) ** 2)
    return x / length, length


def _through_unit(gradient, unit, length):
    """The gradient in a vector, from the gradient in its unit vector."""
    return (gradient - unit * (gradient * unit).sum(axis=1, keepdims=True)) / length


def _reduce(loss, gradients, reduction):
    """`reduce`, for the gradients of several arguments."""
    value, stacked = reduce(loss, np.stack(gradients), reduction)
    return value, tuple(stacked)
