"""Losses that measure overlap: of masks, and of boxes.

Each raises ValueError for shapes that do not fit, entries out of their range, nan or inf, and
TypeError for arrays that are not floats, or of two dtypes.
"""

import numpy as np

from descent.checks import finite_result, matching, number
from descent.losses._inputs import probabilities
from descent.losses._reduce import reduce


def dice(prediction, target, *, smooth=1.0, reduction="mean"):
    r"""Soft Dice loss: one minus twice the overlap over the sum of both masks.

    .. math::
        \ell(p, t) = 1 - D, \qquad D = \frac{2 \sum_i p_i t_i + s}{\sum_i p_i + \sum_i t_i + s},
        \qquad
        \frac{\partial \ell}{\partial p_i} = \frac{D - 2 t_i}{\sum_j p_j + \sum_j t_j + s}

    The sums run over one sample: all axes but the first. Milletari et al. square the terms of
    the denominator; the sums as they stand are as common.

    Parameters
    ----------
    prediction : float array, (N, …)
        Probabilities, such as the sigmoid of logits; at least two axes.
    target : float array, the same shape
        The mask, in [0, 1].
    smooth : float ≥ 0
        :math:`s`, in pixels. It makes the loss of two empty masks 0, and the loss of small masks
        less steep. With 0, two empty masks are refused.
    reduction : {"mean", "sum", "none"}
        "mean" divides by N.

    Returns
    -------
    value : float, or an array of shape (N,) for "none"
        In [0, 1].
    gradient : float array, ``prediction``'s shape
        With respect to the probabilities, not their logits.

    References
    ----------
    Dice (1945), "Measures of the Amount of Ecologic Association Between Species", Ecology 26;
    Milletari, Navab and Ahmadi (2016), "V-Net", 3DV.

    Examples
    --------
    >>> prediction, target = np.array([[1.0, 0.5, 0.0]]), np.array([[1.0, 0.0, 0.0]])
    >>> value, gradient = dice(prediction, target, smooth=0)
    >>> float(value.round(4)), gradient.round(4)
    (0.2, array([[-0.48,  0.32,  0.32]]))
    """
    p, t, smooth = _masks(prediction, target, smooth)
    overlap = (p * t).sum(axis=1, keepdims=True)  # (N, 1)
    both = p.sum(axis=1, keepdims=True) + t.sum(axis=1, keepdims=True) + smooth
    _not_empty(both)
    coefficient = (2 * overlap + smooth) / both
    gradient = (coefficient - 2 * t) / both
    return reduce(1 - coefficient[:, 0], gradient.reshape(np.shape(prediction)), reduction)


def soft_iou(prediction, target, *, smooth=1.0, reduction="mean"):
    r"""Soft Jaccard loss: one minus intersection over union.

    .. math::
        \ell(p, t) = 1 - J, \quad J = \frac{\sum_i p_i t_i + s}{U}, \quad
        U = \sum_i (p_i + t_i - p_i t_i) + s, \qquad
        \frac{\partial \ell}{\partial p_i} = \frac{J\,(1 - t_i) - t_i}{U}

    The sums run over one sample: all axes but the first. For masks of 0 and 1 and s = 0,
    :math:`J = D / (2 - D)` with the coefficient of `dice`.

    Parameters
    ----------
    prediction : float array, (N, …)
        Probabilities, such as the sigmoid of logits; at least two axes.
    target : float array, the same shape
        The mask, in [0, 1].
    smooth : float ≥ 0
        :math:`s`, in pixels. It makes the loss of two empty masks 0, and the loss of small masks
        less steep. With 0, two empty masks are refused.
    reduction : {"mean", "sum", "none"}
        "mean" divides by N.

    Returns
    -------
    value : float, or an array of shape (N,) for "none"
        In [0, 1].
    gradient : float array, ``prediction``'s shape
        With respect to the probabilities, not their logits.

    References
    ----------
    Rahman and Wang (2016), "Optimizing Intersection-Over-Union in Deep Neural Networks for Image
    Segmentation", ISVC.

    Examples
    --------
    >>> prediction, target = np.array([[1.0, 0.5, 0.0]]), np.array([[1.0, 0.0, 0.0]])
    >>> value, gradient = soft_iou(prediction, target, smooth=0)
    >>> float(value.round(4)), gradient.round(4)
    (0.3333, array([[-0.6667,  0.4444,  0.4444]]))
    """
    p, t, smooth = _masks(prediction, target, smooth)
    overlap = (p * t).sum(axis=1, keepdims=True)  # (N, 1)
    union = p.sum(axis=1, keepdims=True) + t.sum(axis=1, keepdims=True) - overlap + smooth
    _not_empty(union)
    coefficient = (overlap + smooth) / union
    gradient = (coefficient * (1 - t) - t) / union
    return reduce(1 - coefficient[:, 0], gradient.reshape(np.shape(prediction)), reduction)


def _masks(prediction, target, smooth):
    prediction, target = matching(prediction=prediction, target=target)
    if prediction.ndim < 2:
        raise ValueError(f"prediction must have shape (N, …), got {prediction.shape}")
    probabilities(prediction=prediction, target=target)
    smooth = float(number("smooth", smooth, at_least=0))
    samples = len(prediction)
    return prediction.reshape(samples, -1), target.reshape(samples, -1), smooth


def _not_empty(denominator):
    if not denominator.all():
        raise ValueError(
            "smooth must be > 0 for samples whose prediction and target are both empty, as is "
            f"sample {np.flatnonzero(denominator == 0)[0]}; their overlap is 0/0"
        )


def giou(boxes, target, *, reduction="mean"):
    r"""Generalized intersection over union of boxes, which has a slope even where they are apart.

    .. math::
        \ell(b, t) = 1 - \frac IU + \frac{C - U}{C} = 2 - \frac IU - \frac UC

    with :math:`I` the area of the intersection, :math:`U = A_b + A_t - I` that of the union and
    :math:`C` that of the smallest box around both. Hence

    .. math::
        \mathrm{d}\ell = -\frac{\mathrm{d}I}{U}
            + \Bigl(\frac{I}{U^2} - \frac1C\Bigr) (\mathrm{d}A_b - \mathrm{d}I)
            + \frac{U}{C^2}\,\mathrm{d}C.

    The loss has no unit: equal boxes cost exactly 0, however small they are. An axis along which
    neither box has an extent, and both the same coordinate, is left out, as in the limit of thin
    boxes. Two other boxes without area have nothing in common: I/U is 0.

    torchvision's ``generalized_box_iou_loss`` adds 1e-7 to U and C; a box of that area then
    costs 1/2 even where it is the target, and a point costs 1.

    Parameters
    ----------
    boxes, target : float array, (N, 4)
        Corners :math:`(x_1, y_1, x_2, y_2)` with :math:`x_1 \le x_2` and :math:`y_1 \le y_2`.
    reduction : {"mean", "sum", "none"}
        "mean" divides by N.

    Returns
    -------
    value : float, or an array of shape (N,) for "none"
        In [0, 2]: 0 for equal boxes, towards 2 for small boxes far apart.
    gradient : float array, (N, 4)
        With respect to ``boxes``. Where edges of both boxes coincide, the mean of the slopes on
        the two sides, as PyTorch gives for torchvision's loss; 0 along an axis left out.

    References
    ----------
    Rezatofighi et al. (2019), "Generalized Intersection over Union", CVPR.

    Examples
    --------
    >>> value, gradient = giou(np.array([[0.0, 0.0, 2.0, 2.0]]), np.array([[1.0, 1.0, 3.0, 3.0]]))
    >>> float(value.round(4)), gradient.round(4)
    (1.0794, array([[-0.0779, -0.0779, -0.2336, -0.2336]]))
    """
    boxes, target = matching(boxes=boxes, target=target)
    low, high = _corners("boxes", boxes)  # (N, 2), (N, 2)
    target_low, target_high = _corners("target", target)
    reach = np.maximum(high, target_high) - np.minimum(low, target_low)
    finite_result(reach, boxes=boxes, target=target)
    flat = reach == 0
    unit = reach.max(axis=1, keepdims=True)  # (N, 1): in this unit no area is too small or large
    unit = np.where(unit > 0, unit, 1)

    def extents(lower, upper):
        return np.where(flat, 1, np.maximum(0, upper - lower) / unit)  # (N, 2)

    sides, outer = extents(low, high), np.where(flat, 1, reach / unit)
    inner = extents(np.maximum(low, target_low), np.minimum(high, target_high))
    I, C = _areas(inner), _areas(outer)  # (N, 1)
    U = _areas(sides) + _areas(extents(target_low, target_high)) - I
    divisor = np.where(U > 0, U, 1)  # where U is 0, so is I
    loss = (2 - I / divisor - U / C)[:, 0]

    low_is_larger = np.heaviside(low - target_low, 0.5)  # the slope of max(low, target_low)
    high_is_larger = np.heaviside(high - target_high, 0.5)
    overlap = (inner > 0).all(axis=1, keepdims=True)
    d_area = _area_slopes(sides, 1, 1)
    d_I = _area_slopes(inner, low_is_larger * overlap, (1 - high_is_larger) * overlap)
    d_C = _area_slopes(outer, 1 - low_is_larger, high_is_larger)
    gradient = -d_I / divisor + (I / divisor**2 - 1 / C) * (d_area - d_I) + U / C**2 * d_C
    return reduce(loss, np.where(np.tile(flat, 2), 0, gradient / unit), reduction)


def _areas(sides):
    return sides.prod(axis=1, keepdims=True)


def _corners(name, boxes):
    if boxes.ndim != 2 or boxes.shape[1] != 4:
        raise ValueError(f"{name} must have shape (N, 4), got {boxes.shape}")
    low, high = boxes[:, :2], boxes[:, 2:]
    reversed_ = (high < low).any(axis=1)
    if reversed_.any():
        row = np.flatnonzero(reversed_)[0]
        raise ValueError(
            f"{name} must be corners (x1, y1, x2, y2) with x1 ≤ x2 and y1 ≤ y2, got "
            f"{boxes[row]} in row {row}"
        )
    return low, high


def _area_slopes(sides, low_counts, high_counts):
    """Slopes of width × height in (x1, y1, x2, y2); each side's is the length of the other."""
    others = sides[:, ::-1]
    return np.concatenate([-others * low_counts, others * high_counts], axis=1)  # (N, 4)
