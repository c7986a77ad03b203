"""What differs between the right result of an exercise and a reader's, in a sentence."""

from contextlib import suppress
from itertools import permutations
from numbers import Real

import numpy as np

from bookkit.exercises.words import LARGEST, show, show_apart


class _NoNumbers(Exception):
    """What came instead of numbers, in words."""


def difference(wanted, came, allowed):
    """Say how a result differs from the right one; None if it does not.

    Parameters
    ----------
    wanted : number, array, str, or a tuple of them
    came : anything
    allowed : callable
        Takes a part of `wanted` and its place, 0 for what is no tuple; returns the largest
        absolute error of that part, a number or an array of its shape.
    """
    if came is None:
        return "your function returns nothing. Does it end with return?"
    if came is ...:
        return "your function returns ..., a blank that is still to be filled."
    if not isinstance(wanted, tuple):
        return _part("the result", wanted, came, allowed(wanted, 0))
    if not isinstance(came, (tuple, list)) or len(came) != len(wanted):
        return f"the result should be {len(wanted)} things, {show(wanted)}; yours is {_kind(came)}."
    limits = [allowed(part, place) for place, part in enumerate(wanted)]
    sentences = _parts(wanted, came, limits)
    if not any(sentences):
        return None
    for order in permutations(came) if len(came) < 5 else ():
        if not any(_parts(wanted, order, limits)):
            return f"the parts of the result are right, but their order should be {show(wanted)}."
    return next(filter(None, sentences))


def _parts(wanted, came, limits):
    """The sentence about each part, None for a right one."""
    return [
        _part(f"part {place} of the result", *part)
        for place, part in enumerate(zip(wanted, came, limits, strict=True), 1)
    ]


def _part(name, wanted, came, allowed):
    if isinstance(wanted, str):
        if isinstance(came, np.ndarray) and came.ndim == 0:
            came = came.item()
        same = isinstance(came, str) and came == wanted
        return None if same else f"{name} should be {show(wanted)}; yours is {show(came)}."
    wanted = np.asarray(wanted)
    try:
        numbers = _truths(came) if wanted.dtype == bool else _numbers(came)
    except _NoNumbers as problem:
        return f"{name} should be {show(wanted)}; yours is {problem}."
    if numbers.shape != wanted.shape:
        return _shapes(name, wanted, numbers, came)
    wrong = _wrong(wanted, numbers, allowed)
    return _values(name, wanted, numbers, wrong) if wrong.any() else None


def _numbers(came):
    """What came as an array of real numbers."""
    array = _array(came)
    if array.dtype == object and all(isinstance(entry, Real) for entry in array.flat):
        with suppress(OverflowError):
            array = array.astype(float)  # fractions, and integers beyond 64 bits
    if array.dtype == bool:
        raise _NoNumbers(f"{show(array)}: true or false, where a number is wanted")
    if array.dtype.kind == "c":
        raise _NoNumbers(f"{show(came)}: complex, where real numbers are wanted")
    if array.dtype.kind in "US":
        raise _NoNumbers(f"{show(came)}: text, where numbers are wanted")
    if array.dtype.kind not in "fiu":
        raise _NoNumbers(_kind(came))
    return array


def _truths(came):
    array = _array(came)
    if array.dtype != bool:
        raise _NoNumbers(f"{_kind(came)}, where true or false is wanted")
    return array


def _array(came):
    if type(came).__module__.split(".")[0] == "torch":
        raise _NoNumbers("a PyTorch tensor; return a NumPy array, tensor.detach().numpy()")
    if np.ma.is_masked(came):
        raise _NoNumbers(f"{show(came)}: some of its entries are masked")
    try:
        return np.asarray(came)
    except Exception:  # parts of unequal shapes, tensors in a list, a broken __array__
        raise _NoNumbers(_kind(came)) from None


def _kind(came):
    """What something is, for what is neither a number nor an array of numbers."""
    if isinstance(came, (tuple, list)):
        count = "one thing" if len(came) == 1 else f"{len(came)} things"
        return f"a {type(came).__name__} of {count}, {show(came)}"
    if isinstance(came, (Real, str, np.ndarray)) or came is None:
        return show(came)
    return f"a thing of type {type(came).__name__}, {show(came)}"


def _wrong(wanted, came, allowed):
    """Which entries are off by more than is allowed."""
    with np.errstate(invalid="ignore", over="ignore"):  # ∞ − ∞, and overflow of an absurd answer
        near = np.abs(came.astype(float) - wanted) <= allowed
    return ~(near | (came == wanted) | (np.isnan(came) & np.isnan(wanted)))


def _shapes(name, wanted, numbers, came):
    if wanted.ndim == 0:
        return f"{name} should be one number, {show(wanted)}; yours is {_sized(numbers, came)}."
    return (
        f"{name} should have shape {wanted.shape}, namely {show(wanted)}; "
        f"yours is {_sized(numbers, came)}."
    )


def _sized(numbers, came):
    if numbers.ndim == 0:
        return f"one number, {show(numbers)}"
    if numbers.size > LARGEST:
        return f"{show(numbers)}"
    if isinstance(came, (tuple, list)):
        return f"{_kind(came)}, of shape {numbers.shape}"
    return f"an array of shape {numbers.shape}, {show(numbers)}"


def _values(name, wanted, came, wrong):
    reason = _reason(wanted, came)
    if wanted.size > LARGEST:
        place = tuple(int(i) for i in np.argwhere(wrong)[0])
        right, yours = show_apart(wanted[place], came[place])
        entry = f"the entry {list(place)} of {name}"
        count = f" ({wrong.sum()} of {wrong.size} entries are wrong)"
        return f"{entry} should be {right}; yours is {yours}{count}{reason}."
    right, yours = show_apart(wanted, came)
    return f"{name} should be {right}; yours is {yours}{reason}."


def _reason(wanted, came):
    """What relates the two in this case, where something simple does."""
    if not np.isfinite(came).all() or not np.isfinite(wanted).all() or not came.any():
        return ""
    single = came.dtype in (np.float16, np.float32)
    came, wanted = came.astype(float), wanted.astype(float)  # of bools, which do not subtract
    largest = np.abs(wanted).max()
    near = np.abs(came - wanted).max() <= (1e-3 if single else 1e-6) * largest
    if near and (single or (came == came.astype(np.float32)).all()):
        return ": right but for the few digits that float32 keeps. Compute in float64"
    for places in range(2, 9):
        if np.allclose(came, np.round(wanted, places), rtol=0, atol=1e-14 * largest):
            return f": the right one, rounded to {places} places. Do not round"
    return _ratio(wanted, came)


def _ratio(wanted, came):
    """ ", exactly k times the right one" where one telling factor relates the two."""
    norm = (wanted.astype(float) ** 2).sum()
    if norm == 0 or not np.isfinite(norm):
        return ""
    factor = float((wanted * came).sum() / norm)
    if not factor or not np.allclose(came, factor * wanted, rtol=1e-9, atol=0):
        return ""
    whole = max(abs(factor), 1 / abs(factor))
    simple = np.isclose(whole, np.rint(whole), rtol=1e-9) and whole < 1e6
    if np.isclose(factor, -1, rtol=1e-9):
        return ": the same with the opposite sign"
    if np.isclose(whole, 1, rtol=1e-5) or not (simple or wanted.size > 1):
        return ""
    if factor < 0:
        return f": {factor:.6g} times the right one, so the sign is wrong too"
    return f", {'exactly' if simple else 'about'} {factor:.6g} times the right one"
