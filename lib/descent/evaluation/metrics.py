"""How often a classifier is right.

These take logits, as losses do. What is defined on predicted classes (confusion matrix,
precision, recall, F1) is in `sklearn.metrics`: give it ``labels`` and ``logits.argmax(axis=1)``.
"""

import numpy as np

from descent.checks import class_labels, float_array, integer, ndim


def accuracy(logits, labels, *, ignore_index=-100):
    r"""The share of samples whose highest logit is the label's.

    .. math:: \frac1N \sum_n [\arg\max_c z_{nc} = y_n]

    Parameters
    ----------
    logits : float array, (N, K)
        Or anything of the same order, such as probabilities. Of equal ones the first counts.
    labels : int array, (N,)
        In 0 … K−1.
    ignore_index : int
        Samples of this label do not count, as in `cross_entropy`.

    Returns
    -------
    accuracy : float in [0, 1]

    Raises
    ------
    ValueError
        Shapes that do not fit, a label out of range, nan in the logits, every sample ignored.
    TypeError
        Logits that are not floats, labels that are not integers.

    Examples
    --------
    >>> from descent.evaluation import accuracy
    >>> accuracy(np.array([[2.0, 1.0], [0.0, 3.0], [1.0, 0.0], [0.0, 1.0]]), np.array([0, 1, 1, 1]))
    0.75
    """
    logits, labels = _logits_and_labels(logits, labels, ignore_index)
    return float((logits.argmax(axis=1) == labels).mean())


def top_k_accuracy(logits, labels, *, k=5, ignore_index=-100):
    r"""The share of samples whose label is among the k highest logits.

    .. math::
        \frac1N \sum_n \Bigl[\,\#\{c : z_{nc} > z_{ny_n}\}
        + \#\{c < y_n : z_{nc} = z_{ny_n}\} < k\,\Bigr]

    Of equal logits the first ones count, so that k = 1 is `accuracy`.

    Parameters
    ----------
    logits : float array, (N, K)
    labels : int array, (N,)
        In 0 … K−1.
    k : int in 1 … K
    ignore_index : int
        As in `accuracy`.

    Returns
    -------
    accuracy : float in [0, 1]

    Raises
    ------
    ValueError, TypeError
        As `accuracy`; and for k.

    Examples
    --------
    >>> from descent.evaluation import top_k_accuracy
    >>> logits = np.array([[3.0, 2.0, 1.0], [3.0, 2.0, 1.0]])
    >>> top_k_accuracy(logits, np.array([1, 2]), k=2)
    0.5
    """
    logits, labels = _logits_and_labels(logits, labels, ignore_index)
    k = integer("k", k, at_least=1, at_most=logits.shape[1])
    best = np.argsort(-logits, axis=1, kind="stable")[:, :k]  # (N, k)
    return float((best == labels[:, None]).any(axis=1).mean())


def balanced_accuracy(logits, labels, *, ignore_index=-100):
    r"""The mean over the classes of the accuracy within each class.

    .. math:: \frac1{|C|} \sum_{c \in C} \frac{\sum_n [y_n = c]\,[\arg\max_k z_{nk} = c]}
        {\sum_n [y_n = c]}

    C are the classes that occur among the labels. A classifier that always answers with the
    commonest class has :math:`1/|C|`.

    Parameters
    ----------
    logits : float array, (N, K)
    labels : int array, (N,)
        In 0 … K−1.
    ignore_index : int
        As in `accuracy`.

    Returns
    -------
    accuracy : float in [0, 1]

    Raises
    ------
    ValueError, TypeError
        As `accuracy`.

    References
    ----------
    Brodersen, Ong, Stephan and Buhmann (2010), "The Balanced Accuracy and Its Posterior
    Distribution", ICPR.

    Examples
    --------
    >>> from descent.evaluation import balanced_accuracy
    >>> logits = np.array([[1.0, 0.0], [1.0, 0.0], [1.0, 0.0], [1.0, 0.0]])
    >>> balanced_accuracy(logits, np.array([0, 0, 0, 1]))
    0.5
    """
    logits, labels = _logits_and_labels(logits, labels, ignore_index)
    right = logits.argmax(axis=1) == labels
    return float(np.mean([right[labels == c].mean() for c in np.unique(labels)]))


def _logits_and_labels(logits, labels, ignore_index):
    """The rows that count, (M, K), and their labels, (M,)."""
    logits = float_array("logits", logits)
    ndim("logits", logits, 2, "(N, K)")
    samples, classes = logits.shape
    labels = class_labels(
        "labels", labels, samples=samples, classes=classes, ignore_index=ignore_index
    )
    counts = labels != ignore_index
    if not counts.any():
        raise ValueError(f"labels: every sample is ignored, label {ignore_index}")
    logits, labels = logits[counts], labels[counts]
    if np.isnan(logits).any():
        raise ValueError(f"logits must not be nan, got {np.isnan(logits).sum()} entries nan")
    return logits, labels
