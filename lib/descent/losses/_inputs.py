"""Checks of what losses take: logits, probabilities, labels, weights."""

import numpy as np

from descent.checks import (
    NothingCountsError,
    class_labels,
    finite_result,
    float_array,
    matching,
    ndim,
    plain_array,
)


def scores_of_classes(name, scores):
    """Return float scores of shape (N, K)."""
    scores = float_array(name, scores)
    ndim(name, scores, 2, "(N, K)")
    return scores


def scores_of_places(name, scores):
    """Return float scores of shape (N, K) or (N, K, …)."""
    scores = float_array(name, scores)
    if scores.ndim < 2:
        raise ValueError(f"{name} must have shape (N, K) or (N, K, …), got {scores.shape}")
    return scores


def as_rows(array):
    """Return an array of shape (N, K, …) as rows, (M, K): one for each sample, or each place."""
    if array.ndim == 2:
        return array
    return np.moveaxis(array, 1, -1).reshape(-1, array.shape[1])


def from_rows(rows, shape):
    """Return rows as an array of shape (N, K, …) again."""
    if len(shape) == 2:
        return rows
    return np.ascontiguousarray(np.moveaxis(rows.reshape(shape[0], *shape[2:], -1), -1, 1))


def where_it_counts(weight, loss):
    """The product of both, where 0 · ∞ = 0: what has no weight costs nothing."""
    if np.isfinite(loss).all():
        return weight * loss
    return weight * np.where(weight == 0, 0, loss)


def class_weights(weight, scores):
    """Return one weight ≥ 0 for each class, in the dtype of scores of shape (N, K)."""
    classes = scores.shape[1]
    if weight is None:
        return np.ones(classes, dtype=scores.dtype)
    weight = np.asarray(weight, dtype=scores.dtype)
    if weight.shape != (classes,):
        raise ValueError(f"weight must have shape ({classes},), one per class, got {weight.shape}")
    if not (np.isfinite(weight) & (weight >= 0)).all():
        raise ValueError(f"weight must be finite and ≥ 0, got {weight}")
    return weight


def rescaling(name, factor, scores):
    """Return a factor ≥ 0 whose shape broadcasts to that of the scores."""
    factor = np.asarray(1 if factor is None else factor, dtype=scores.dtype)
    trailing = scores.shape[scores.ndim - factor.ndim :]
    if factor.ndim > scores.ndim or any(
        n not in (1, m) for n, m in zip(factor.shape, trailing, strict=True)
    ):
        raise ValueError(
            f"{name} must be a number or have a shape that broadcasts to {scores.shape}, got "
            f"{factor.shape}"
        )
    if not (np.isfinite(factor) & (factor >= 0)).all():
        raise ValueError(f"{name} must be finite and ≥ 0, got {factor}")
    return factor


def weighed_classes(name, scores, target, weight):
    """Return scores of shape (N, K), the label of each row, and its weight.

    A row without weight may hold anything, so its scores are 0.
    """
    scores = scores_of_classes(name, scores)
    samples, classes = scores.shape
    y = class_labels("target", target, samples=samples, classes=classes)
    w_y = class_weights(weight, scores)[y]
    if not w_y.all():
        scores = np.where(w_y[:, None] > 0, scores, 0)
    return scores, y, w_y


def labels_and_weights(target, weight, scores, ignore_index):
    """Return for each row of scores, (N, K, …), its label, its weight, and whether it counts.

    A row that is ignored gets the label 0 and the weight 0.
    """
    target, (samples, classes, *places) = plain_array("target", target), scores.shape
    shape = (samples, *places)
    y = class_labels("target", target, samples=shape, classes=classes, ignore_index=ignore_index)
    y, counts = y.ravel(), (target != ignore_index).ravel()  # (M,), (M,)
    y = y * counts
    if weight is None:
        return y, counts.astype(scores.dtype), counts
    return y, class_weights(weight, scores)[y] * counts, counts


def mean_count(weights, reduction):
    """Return what the reduction divides by: for "mean" the sum of the weights, which is not 0."""
    if reduction != "mean":
        return 1
    count = weights.sum()
    if count == 0:
        raise NothingCountsError(
            "target: every sample is ignored or has weight 0; their mean is 0/0"
        )
    return count


def distributions(name, target, like):
    """Return target distributions of shape (N, K, …) as rows, ≥ 0 with the sum 1."""
    target, _ = matching(**{name: target, "logits": like})
    target = as_rows(target)
    sums = target.sum(axis=1)
    tolerance = 100 * np.finfo(target.dtype).eps * target.shape[1]
    wrong = (target < 0).any(axis=1) | ~(np.abs(sums - 1) <= max(tolerance, 1e-6))
    if wrong.any():
        row = np.flatnonzero(wrong)[0]
        raise ValueError(
            f"{name} must hold a distribution in each row (entries ≥ 0, sum 1), got a sum of "
            f"{sums[row]:.6g} and a smallest entry of {target[row].min():.6g} in row {row}"
        )
    return target


def probabilities(**arrays):
    """Insist that every entry lies in [0, 1]."""
    for name, array in arrays.items():
        smallest, largest = array.min(), array.max()
        finite_result((smallest, largest), **{name: array})
        if smallest < 0 or largest > 1:
            index = _first((array < 0) | (array > 1))
            raise ValueError(f"{name} must lie in [0, 1], got {array[index]} at index {index}")


def log_probabilities(**arrays):
    """Insist that no entry is above 0, beyond rounding."""
    for name, array in arrays.items():
        largest = array.max()
        finite_result(largest, **{name: array})
        if largest > 1e-6:
            index = _first(array > 1e-6)
            raise ValueError(
                f"{name} must hold log-probabilities, which are ≤ 0, got {array[index]} at index "
                f"{index}; log_softmax makes them of logits"
            )


def signs(target, shape, dtype):
    """Return labels −1 and 1, of any dtype, as floats."""
    return _either(target, shape, dtype, -1, 1, hint="; 2 * target - 1 makes them of 0 and 1")


def zeros_and_ones(target, shape, dtype):
    """Return labels 0 and 1, of any dtype, as floats."""
    return _either(target, shape, dtype, 0, 1, hint="; (target + 1) / 2 makes them of -1 and 1")


def _either(target, shape, dtype, low, high, hint):
    target = plain_array("target", target)
    if target.shape != shape:
        raise ValueError(f"target must have shape {shape}, got {target.shape}")
    wrong = (target != low) & (target != high)
    if wrong.any():
        index = _first(wrong)
        raise ValueError(
            f"target must hold the labels {low} and {high} only, got {target[index]} at index "
            f"{index}{hint}"
        )
    return target.astype(dtype)


def _first(mask):
    return tuple(int(i) for i in np.argwhere(mask)[0])
