"""Wrong labels, on purpose."""

import numpy as np

from descent.checks import class_labels, generator, integer, number


def corrupt_labels(labels, rate, *, classes, rng, include_true=False):
    """Replace a share of the labels by random classes.

    Exactly round(rate · N) labels are drawn anew, uniformly. By default the true class cannot be
    drawn, so that the rate is the share of wrong labels; at rate 1 no label is right.

    Parameters
    ----------
    labels : int array, (N,)
        In 0 … classes − 1; left as they are.
    rate : float in [0, 1]
    classes : int ≥ 2
        K
    rng : numpy.random.Generator
    include_true : bool
        The true class can be drawn too, as in Zhang et al.: then only a share of
        rate · (1 − 1/K) becomes wrong, and at rate 1 labels say nothing about the images.

    Returns
    -------
    noisy : int array, (N,)

    Raises
    ------
    ValueError, TypeError
        A rate outside [0, 1], labels that are no classes, fewer than two classes, no generator.

    References
    ----------
    Zhang, Bengio, Hardt, Recht and Vinyals (2017), "Understanding deep learning requires
    rethinking generalization", ICLR.

    Examples
    --------
    >>> from descent.regularization import corrupt_labels
    >>> labels = np.zeros(10, dtype=int)
    >>> noisy = corrupt_labels(labels, 0.4, classes=3, rng=np.random.default_rng(0))
    >>> int((noisy != labels).sum())
    4
    """
    classes = integer("classes", classes, at_least=2)
    labels = class_labels("labels", labels, samples=np.size(labels), classes=classes)
    rate = number("rate", rate, at_least=0, at_most=1)
    chosen = generator("rng", rng).choice(len(labels), round(rate * len(labels)), replace=False)
    noisy = labels.astype(np.int64)
    noisy[chosen] += rng.integers(0 if include_true else 1, classes, len(chosen))
    return noisy % classes
