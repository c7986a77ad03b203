"""Losses for classes.

Each raises ValueError for shapes that do not fit, a label or an option out of its range, and for
nan or inf in what counts, and TypeError for scores that are not floats and labels that are not
integers.
"""

import numpy as np

from descent.checks import finite_result, number, plain_array
from descent.losses._inputs import (
    as_rows,
    class_weights,
    distributions,
    from_rows,
    labels_and_weights,
    log_probabilities,
    mean_count,
    scores_of_places,
    where_it_counts,
)
from descent.losses._reduce import reduce


def cross_entropy(
    logits, target, *, weight=None, ignore_index=-100, label_smoothing=0.0, reduction="mean"
):
    r"""Cross-entropy between the softmax of logits and target classes.

    .. math::
        \ell(z, q) = -\sum_c w_c\, q_c \log p_c, \qquad p = \operatorname{softmax}(z), \qquad
        \frac{\partial \ell}{\partial z_c} = p_c \sum_k w_k q_k - w_c\, q_c

    For a class index :math:`y` the target distribution :math:`q` is one-hot, and without weights
    the gradient is :math:`p - q`. Label smoothing replaces :math:`q` by
    :math:`(1-\varepsilon)\,q + \varepsilon/K`. Since :math:`\log p_c = z_c - \log\sum_k e^{z_k}`,
    and a common shift of the logits changes nothing, the largest logit is subtracted first and
    nothing overflows.

    Parameters
    ----------
    logits : float array, (N, K) or (N, K, …)
        Scores before the softmax, in natural-log units (nats). The second axis is that of the
        classes, also for images of logits, (N, K, H, W). −inf masks a class. Probabilities are
        not told from logits: given some, this applies a second softmax, as PyTorch does.
    target : int array, (N,) or (N, …), or float array of ``logits``'s shape
        Class indices in 0 … K−1, of any integer dtype, or a distribution over the classes for
        each sample or place.
    weight : float array, (K,), optional
        :math:`w`, one factor for each class.
    ignore_index : int
        What has this class index counts neither in the loss nor in the mean, whatever its logits.
    label_smoothing : float in [0, 1]
        :math:`\varepsilon`
    reduction : {"mean", "sum", "none"}
        "mean" divides by :math:`\sum_n w_{y_n}` over what counts for class indices, and by the
        number of distributions otherwise, as PyTorch does.

    Returns
    -------
    value : float, or an array of shape (N,) or (N, …) for "none"
        In nats. A class that is masked and has a target of 0, or a weight of 0, costs nothing;
        PyTorch computes 0 · ∞ = nan there.
    gradient : float array, ``logits``'s shape
        With respect to the logits.

    Raises
    ------
    ValueError
        A mean over nothing, a class that is masked and asked for, a target distribution that does
        not sum to 1.

    References
    ----------
    Bridle (1990), "Probabilistic interpretation of feedforward classification network outputs";
    Szegedy et al. (2016), "Rethinking the Inception architecture", section 7, for smoothing.

    Examples
    --------
    >>> value, gradient = cross_entropy(np.zeros((1, 4)), np.array([2]))
    >>> round(float(value), 4), gradient
    (1.3863, array([[ 0.25,  0.25, -0.75,  0.25]]))
    """
    logits, target = scores_of_places("logits", logits), plain_array("target", target)
    label_smoothing = float(number("label_smoothing", label_smoothing, at_least=0, at_most=1))
    z = as_rows(logits)  # (M, K): a row for each sample, or for each place
    rows, classes = np.arange(len(z)), z.shape[1]
    of_classes = target.ndim < logits.ndim or (
        target.dtype.kind in "iu" and target.shape != logits.shape
    )
    one_hot = of_classes and label_smoothing == 0
    if of_classes:
        y, w_y, kept = labels_and_weights(target, weight, logits, ignore_index)
        count = mean_count(w_y, reduction)
        counts = kept if weight is None or not one_hot else w_y > 0
        if np.count_nonzero(counts) < len(counts):  # faster than all()
            z = np.where(counts[:, None], z, 0)
    else:
        q = distributions("target", target, logits)
        count = len(z) if reduction == "mean" else 1

    largest = z[rows, z.argmax(axis=1)]  # z.max(axis=1), but faster for few classes
    p = z - largest[:, None]
    np.exp(p, out=p)
    total = p @ np.ones(classes, dtype=p.dtype)  # (M,)
    log_total = np.log(total)
    if one_hot:
        w_y = w_y / count
        loss = w_y * (log_total - (z[rows, y] - largest))  # −w log p_y
        p *= (w_y / total)[:, None]
        p[rows, y] -= w_y
    else:
        finite_result(total.max(), logits=logits)
        if of_classes:
            q = np.eye(classes, dtype=z.dtype)[y] * kept[:, None]
        q = (1 - label_smoothing) * q + label_smoothing / classes * q.sum(axis=1, keepdims=True)
        w_q = q * (class_weights(weight, logits) / count)
        minus_log_p = log_total[:, None] - (z - largest[:, None])
        loss = where_it_counts(w_q, minus_log_p).sum(axis=1)
        p *= (w_q.sum(axis=1) / total)[:, None]
        p -= w_q
    loss = loss.reshape(logits.shape[:1] + logits.shape[2:])
    gradient = from_rows(p, logits.shape)
    value, gradient = reduce(loss, gradient, "sum" if reduction == "mean" else reduction)
    finite_result(value, logits=logits)
    return value, gradient


def nll(log_probability, target, *, weight=None, ignore_index=-100, reduction="mean"):
    r"""Negative log-likelihood of target classes, on log-probabilities.

    .. math::
        \ell(\log p, y) = -w_y \log p_y, \qquad
        \frac{\partial \ell}{\partial \log p_c} = -w_y\,[c = y]

    After `log_softmax` this is `cross_entropy`.

    Parameters
    ----------
    log_probability : float array, (N, K) or (N, K, …)
        :math:`\log p`, in nats. Positive entries are refused; PyTorch takes them without a word.
    target : int array, (N,) or (N, …)
        Class indices in 0 … K−1, of any integer dtype.
    weight : float array, (K,), optional
        :math:`w`, one factor for each class.
    ignore_index : int
        What has this class index counts neither in the loss nor in the mean.
    reduction : {"mean", "sum", "none"}
        "mean" divides by :math:`\sum_n w_{y_n}` over what counts, as PyTorch does.

    Returns
    -------
    value : float, or an array of shape (N,) or (N, …) for "none"
        In nats.
    gradient : float array, ``log_probability``'s shape
        With respect to the log-probabilities.

    Raises
    ------
    ValueError
        A mean over nothing, a positive entry.

    Examples
    --------
    >>> value, gradient = nll(np.log(np.array([[0.25, 0.75]])), np.array([0]))
    >>> float(value.round(4)), gradient
    (1.3863, array([[-1.,  0.]]))
    """
    log_probability = scores_of_places("log_probability", log_probability)
    log_probabilities(log_probability=log_probability)
    y, w_y, _ = labels_and_weights(target, weight, log_probability, ignore_index)
    count = mean_count(w_y, reduction)
    log_p = as_rows(log_probability)  # (M, K)
    rows = np.arange(len(log_p))
    loss = where_it_counts(w_y, -log_p[rows, y])
    finite_result(loss, log_probability=log_probability)
    gradient = np.zeros_like(log_p)
    gradient[rows, y] = -w_y
    shape = log_probability.shape
    loss = loss.reshape(shape[:1] + shape[2:])
    return reduce(loss, from_rows(gradient, shape), reduction, count=count)
