"""Checks of arguments. Each error names the argument, what came and what was expected."""

import math
from collections.abc import Mapping
from numbers import Real

import numpy as np

FLOATS = frozenset(map(np.dtype, (np.float32, np.float64)))


class NotFiniteError(ValueError):
    """A loss that is nan or infinite, or would be."""


class NothingCountsError(ValueError):
    """A mean over nothing: every sample is ignored, or has no weight."""


def plain_array(name, array):
    """Return an ndarray; refuse a masked one with a TypeError, for its mask would be lost."""
    if type(array) is np.ndarray:  # the others take longer
        return array
    if isinstance(array, np.ma.MaskedArray):
        raise TypeError(
            f"{name} must be an array without a mask, got a MaskedArray; take the rows that "
            "count, or fill the others"
        )
    return np.asarray(array)


def float_array(name, array):
    """Return a float32 or float64 ndarray that is not empty.

    Raises
    ------
    TypeError
        An integer, boolean, complex or masked array.
    ValueError
        An empty array.
    """
    array = plain_array(name, array)
    if array.dtype not in FLOATS:
        raise TypeError(
            f"{name} must be float32 or float64, got {array.dtype}; convert it, for example "
            "with .astype(np.float64)"
        )
    if array.size == 0:
        raise ValueError(f"{name} is empty, shape {array.shape}; expected at least one entry")
    return array


def floating(**arrays):
    """Return the named arrays as a tuple of float ndarrays, all of one dtype.

    Raises
    ------
    TypeError, ValueError
        As `float_array`; and TypeError for float32 mixed with float64.
    """
    values = tuple(float_array(name, array) for name, array in arrays.items())
    if len({array.dtype for array in values}) > 1:
        named = zip(arrays, values, strict=True)
        mixture = ", ".join(f"{name} is {array.dtype}" for name, array in named)
        raise TypeError(f"expected one dtype, but {mixture}")
    return values


def matching(**arrays):
    """Return the named arrays as `floating` does, and insist that their shapes are equal.

    Shapes such as (n,) and (n, 1) would broadcast to (n, n) without a word.

    Raises
    ------
    TypeError, ValueError
        As `floating`; and ValueError for shapes that differ.
    """
    values = floating(**arrays)
    shapes = {name: value.shape for name, value in zip(arrays, values, strict=True)}
    if len(set(shapes.values())) > 1:
        came = ", ".join(f"{name} has shape {shape}" for name, shape in shapes.items())
        raise ValueError(f"expected equal shapes, but {came}")
    return values


def ndim(name, array, expected, shape):
    """Insist on the number of axes; `shape` says in words what was expected, such as "(N, C)"."""
    if array.ndim != expected:
        raise ValueError(f"{name} must have shape {shape}, got {array.shape}")


def layer_input(x, shape, dtype=None):
    """Return a layer's input after checking its shape and dtype.

    `shape` lists the axes: a number is required, a name such as "N" stands for any size but 0.
    """
    x = float_array("x", x) if dtype is None else plain_array("x", x)
    if dtype is not None and x.dtype != dtype:
        raise TypeError(f"x must be {np.dtype(dtype)} like the layer's parameters, got {x.dtype}")
    fits = x.ndim == len(shape)
    for size, axis in zip(x.shape, shape, strict=False):
        fits = fits and (size == axis or (isinstance(axis, str) and size > 0))
    if not fits:
        raise ValueError(f"x must have shape ({', '.join(map(str, shape))}), got {x.shape}")
    return x


def class_labels(name, labels, *, samples, classes, ignore_index=None):
    """Return integer class labels in 0 … classes − 1, as NumPy's index type.

    `samples` is their number, or the shape of an array of labels, such as (N, H, W) for masks.

    Raises
    ------
    TypeError
        Labels that are not integers, or masked.
    ValueError
        A wrong shape, or a label out of range (`ignore_index` is let through).
    """
    labels = plain_array(name, labels)
    shape = samples if isinstance(samples, tuple) else (samples,)
    if labels.dtype.kind not in "iu":  # signed, unsigned
        raise TypeError(f"{name} must be integer class indices, got {labels.dtype}")
    if labels.shape != shape:
        raise ValueError(
            f"{name} must have shape {shape}, one class for each "
            f"{'row' if len(shape) == 1 else 'place'}, got {labels.shape}"
            + _axis_too_many(name, labels.shape, shape)
        )
    if labels.size and labels.min() >= 0 and labels.max() < classes:  # nothing to look for
        return labels.astype(np.intp, copy=False)
    outside = (labels < 0) | (labels >= classes)
    if ignore_index is not None:
        outside &= labels != ignore_index
    if outside.any():
        index = tuple(int(i) for i in np.argwhere(outside)[0])
        raise ValueError(
            f"{name} must lie in 0 … {classes - 1}, got {labels[index]} "
            f"at index {index[0] if len(index) == 1 else index}"
        )
    return labels.astype(np.intp, copy=False)


def _axis_too_many(name, shape, expected):
    for axis, size in enumerate(shape):
        if size == 1 and shape[:axis] + shape[axis + 1 :] == expected:
            return f"; {name}.squeeze({axis}) has that shape"
    return ""


def refuse_probabilities(name, logits):
    """Refuse a batch of logits, (N, K), that is the output of a softmax.

    Every row must lie in [0, 1] and sum to 1 within rounding, and not all entries be 0 or 1.
    The logits of a network do not do that by chance; zeros and one-hot rows are let through.
    This belongs where a program starts. A loss takes any numbers for logits.

    Raises
    ------
    ValueError
        Probabilities.
    """
    rounding = 4 * logits.shape[1] * np.finfo(logits.dtype).eps
    if (
        (abs(logits.sum(axis=1) - 1) <= rounding).all()
        and logits.min() >= 0
        and ((logits != 0) & (logits != 1)).any()
    ):
        raise ValueError(
            f"{name} must be scores before the softmax, but every row lies in [0, 1] and sums to "
            "1, as probabilities do; the loss applies a softmax of its own, so leave out the "
            "network's"
        )


def finite_result(value, **arguments):
    """Insist that a loss is finite; if not, name the argument that holds nan or inf.

    Looking at the result costs nothing; the arguments are searched only after it failed.
    """
    finite = math.isfinite(value) if np.ndim(value) == 0 else np.isfinite(value).all()
    if finite:
        return
    for name, argument in arguments.items():
        bad = np.argwhere(~np.isfinite(np.asarray(argument)))
        if len(bad):
            index = tuple(int(i) for i in bad[0])
            raise NotFiniteError(
                f"{name} must be finite, got {np.asarray(argument)[index]} at index {index}"
            )
    if np.ndim(value):
        value = value[~np.isfinite(value)][0]
    raise NotFiniteError(f"the loss overflowed: it is {value} although its arguments are finite")


def entries(name, state, expected):
    """Insist on a dict of exactly these entries, such as `state_dict` of the same class gives.

    Raises
    ------
    TypeError
        Anything but a dict.
    ValueError
        Entries that are missing or unknown.
    """
    if not isinstance(state, Mapping):
        raise TypeError(f"{name} must be a dict with {sorted(expected)}, got {state!r}")
    if state.keys() != set(expected):
        raise ValueError(f"{name} must have {sorted(expected)}, got {sorted(state)}")


def real(name, value):
    """Return a real number, nan and infinity among them, as Python's int or float.

    Others are converted: np.float64 and fractions would turn float32 arrays into arrays of
    other kinds.

    Raises
    ------
    TypeError
        Not a real number.
    """
    if isinstance(value, (np.ndarray, np.generic)) and value.ndim == 0:
        value = value.item()
    if isinstance(value, (int, float)):
        return value
    if not isinstance(value, Real):
        raise TypeError(f"{name} must be a number, got {value!r}")
    return float(value)


def number(name, value, *, above=None, at_least=None, below=None, at_most=None):
    """Return a finite real number that lies within the given bounds, as `real` does.

    Raises
    ------
    TypeError
        Not a real number.
    ValueError
        Not finite, or out of bounds.
    """
    value = real(name, value)
    within = (
        math.isfinite(value)
        and (above is None or value > above)
        and (at_least is None or value >= at_least)
        and (below is None or value < below)
        and (at_most is None or value <= at_most)
    )
    if not within:
        bounds = {"> {}": above, "≥ {}": at_least, "< {}": below, "≤ {}": at_most}
        wanted = " and ".join(text.format(b) for text, b in bounds.items() if b is not None)
        raise ValueError(f"{name} must be finite{' and ' + wanted if wanted else ''}, got {value}")
    return value


def integer(name, value, *, at_least=None, at_most=None):
    """Return a whole number that lies within the given bounds, as an int.

    Raises
    ------
    TypeError
        Not an integer; True and False are none either.
    ValueError
        Out of bounds.
    """
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, (int, np.integer)):
        raise TypeError(f"{name} must be an integer, got {value!r}")
    number(name, value, at_least=at_least, at_most=at_most)
    return int(value)


def one_of(name, value, choices):
    """Insist that an option is one of the given choices."""
    if value not in choices:
        listed = ", ".join(repr(choice) for choice in choices)
        raise ValueError(f"{name} must be one of {listed}, got {value!r}")
    return value


def generator(name, rng):
    """Insist on a `numpy.random.Generator`: there is no hidden source of randomness."""
    if not isinstance(rng, np.random.Generator):
        raise TypeError(
            f"{name} must be a numpy.random.Generator such as np.random.default_rng(0), got {rng!r}"
        )
    return rng
