"""Cutting data into batches."""

import numpy as np

from descent.checks import generator, integer


def batches(images, labels, size, *, rng=None, drop_last=False):
    """Cut two arrays into batches: one pass through the data.

    Every sample comes once. With a generator the order is drawn anew at each call; without,
    the samples come in their order.

    Parameters
    ----------
    images, labels : arrays, (N, …)
        Of any kind; row n of one belongs to row n of the other.
    size : int
        Samples in a batch. The last batch is smaller if `size` does not divide N.
    rng : numpy.random.Generator, optional
        Shuffles.
    drop_last : bool
        Leave out a last batch that would be smaller.

    Returns
    -------
    batches : iterator of pairs
        Copies of the rows: changing a batch leaves the data alone.

    Raises
    ------
    ValueError
        Arrays of different or no length, a size below 1, or one that leaves no batch.
    TypeError
        A size that is not an integer, an `rng` that is no generator.

    Examples
    --------
    >>> from descent.data import batches
    >>> for x, y in batches(np.array([10, 11, 12]), np.array([0, 1, 2]), 2):
    ...     print(x, y)
    [10 11] [0 1]
    [12] [2]
    """
    images, labels = np.asarray(images), np.asarray(labels)
    if images.shape[:1] != labels.shape[:1] or images.shape[:1] in ((), (0,)):
        raise ValueError(
            "images and labels must have the same number of rows, at least 1, but images has "
            f"shape {images.shape}, labels has shape {labels.shape}"
        )
    count = len(images)
    integer("size", size, at_least=1, at_most=count if drop_last else None)
    order = np.arange(count) if rng is None else generator("rng", rng).permutation(count)
    stop = count - count % size if drop_last else count
    chosen = (order[start : start + size] for start in range(0, stop, size))
    return ((images.take(rows, axis=0), labels.take(rows, axis=0)) for rows in chosen)
