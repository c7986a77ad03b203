"""Losses for classes."""

import numpy as np

from descent.checks import finite_result, number
from descent.losses._inputs import (
    class_weights,
    distributions,
    labels_and_weights,
    log_probabilities,
    mean_count,
    not_probabilities,
    scores_of_classes,
)
from descent.losses._reduce import reduce


def cross_entropy(
    logits,
    target,
    *,
    weight=None,
    ignore_index=-100,
    label_smoothing=0.0,
    reduction="mean",
    refuse_probabilities=True,
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
    logits : float array, (N, K)
        Scores before the softmax, in natural-log units (nats). −inf masks a class.
    target : int array, (N,), or float array, (N, K)
        Class indices in 0 … K−1, or a distribution over the classes for each sample.
    weight : float array, (K,), optional
        :math:`w`, one factor for each class.
    ignore_index : int
        Samples of this class index count neither in the loss nor in the mean.
    label_smoothing : float in [0, 1]
        :math:`\varepsilon`
    reduction : {"mean", "sum", "none"}
        "mean" divides by :math:`\sum_n w_{y_n}` over the samples that count for class indices,
        and by N for distributions, as PyTorch does.
    refuse_probabilities : bool
        Logits whose every row lies in [0, 1] and sums to 1 within rounding (all one-hot rows
        apart) came out of a softmax, and a second one would be applied to them. They are
        refused, unless this is False. PyTorch takes them without a word.

    Returns
    -------
    value : float, or an array of shape (N,) for "none"
        In nats.
    gradient : float array, (N, K)
        With respect to the logits.

    Raises
    ------
    ValueError
        Shapes that do not fit, a label out of range, a row of a target distribution that does
        not sum to 1, a negative weight, all samples ignored, nan in the logits, probabilities
        in their place.
    TypeError
        Logits that are not floats.

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
    logits = scores_of_classes("logits", logits)
    if refuse_probabilities:
        not_probabilities(logits)
    number("label_smoothing", label_smoothing, at_least=0, at_most=1)
    target = np.asarray(target)
    samples, classes = logits.shape
    first = np.arange(0, logits.size, classes)  # (N,): where the rows begin, one after the other
    indices = target.ndim == 1
    if indices:
        y, w_y, count = labels_and_weights(target, weight, logits, ignore_index)
    else:
        q, count = distributions("target", target, logits), samples  # (N, K)
    count = mean_count(count, reduction)

    largest = logits.ravel()[first + logits.argmax(axis=1)]  # logits.max(axis=1), but faster
    # (N, K), at most 0; in C order, so that z.ravel() is a view, through which p is changed below
    z = np.subtract(logits, largest[:, None], order="C")
    one_hot = indices and label_smoothing == 0
    if one_hot:
        own = first + y
        mass = w_y / count  # (N,) or a number: Σ w q
        score = mass * z.ravel()[own]  # (N,): Σ w q z
    else:
        if indices:
            q = np.eye(classes, dtype=z.dtype)[y]
            q[target == ignore_index] = 0
        q = (1 - label_smoothing) * q + label_smoothing / classes * q.sum(axis=1, keepdims=True)
        q *= class_weights(weight, logits) / count
        mass, score = q.sum(axis=1), (q * z).sum(axis=1)

    p = np.exp(z, out=z)
    total = np.einsum("nk->n", p)  # p.sum(axis=1), but faster for few classes
    loss = mass * np.log(total) - score  # (N,)
    p *= (mass / total)[:, None]
    if one_hot:
        p.ravel()[own] -= mass
    else:
        p -= q
    value, gradient = reduce(loss, p, "sum" if reduction == "mean" else reduction)
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
    log_probability : float array, (N, K)
        :math:`\log p`, in nats. Positive entries are refused; PyTorch takes them without a word.
    target : int array, (N,)
        Class indices in 0 … K−1.
    weight : float array, (K,), optional
        :math:`w`, one factor for each class.
    ignore_index : int
        Samples of this class index count neither in the loss nor in the mean.
    reduction : {"mean", "sum", "none"}
        "mean" divides by :math:`\sum_n w_{y_n}` over the samples that count, as PyTorch does.

    Returns
    -------
    value : float, or an array of shape (N,) for "none"
        In nats.
    gradient : float array, (N, K)
        With respect to the log-probabilities.

    Raises
    ------
    ValueError
        Shapes that do not fit, a positive entry, a label out of range, a negative weight, all
        samples ignored, nan.
    TypeError
        Log-probabilities that are not floats, labels that are not integers.

    Examples
    --------
    >>> value, gradient = nll(np.log(np.array([[0.25, 0.75]])), np.array([0]))
    >>> float(value.round(4)), gradient
    (1.3863, array([[-1.,  0.]]))
    """
    log_p = scores_of_classes("log_probability", log_probability)
    log_probabilities(log_probability=log_p)
    y, w_y, count = labels_and_weights(target, weight, log_p, ignore_index)
    count = mean_count(count, reduction)
    rows = np.arange(len(log_p))
    loss = -w_y * log_p[rows, y]
    finite_result(loss, log_probability=log_p)
    gradient = np.zeros_like(log_p)
    gradient[rows, y] = -w_y
    return reduce(loss, gradient, reduction, count=count)
