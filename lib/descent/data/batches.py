"""Cutting data into batches."""

import numpy as np

from descent.checks import generator, integer, plain_array


def batches(inputs, targets, size, *, rng=None, drop_last=False):
    """Cut two arrays into batches: one pass through the data.

    Every sample comes once. With a generator the order is drawn anew at each call; without,
    the samples come in their order.

    Parameters
    ----------
    inputs, targets : arrays, (N, …)
        Of any kind, such as images and labels; row n of one belongs to row n of the other.
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
    inputs, targets = plain_array("inputs", inputs), plain_array("targets", targets)
    if inputs.shape[:1] != targets.shape[:1] or inputs.shape[:1] in ((), (0,)):
        raise ValueError(
            "inputs and targets must have the same number of rows, at least 1, but inputs has "
            f"shape {inputs.shape}, targets has shape {targets.shape}"
        )
    count = len(inputs)
    size = integer("size", size, at_least=1, at_most=count if drop_last else None)
    order = np.arange(count) if rng is None else generator("rng", rng).permutation(count)
    stop = count - count % size if drop_last else count
    chosen = (order[start : start + size] for start in range(0, stop, size))
    return ((inputs.take(rows, axis=0), targets.take(rows, axis=0)) for rows in chosen)
