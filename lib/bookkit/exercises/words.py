"""How values stand in the sentences of a check."""

import numpy as np

LARGEST = 24  # entries of an array that is still printed
LONGEST = 300  # characters of anything else


def show(value, digits=6):
    """A value in print, short, with `digits` significant digits or decimals."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, tuple):
        return f"({', '.join(show(part, digits) for part in value)})"
    if isinstance(value, float):
        return f"{value:.{digits}g}"
    if isinstance(value, (np.ndarray, list)) and (array := _numbers(value)) is not None:
        return _show_array(array, digits)
    try:
        return shorten(repr(value))
    except Exception:  # a class of the reader's whose repr is wrong
        return f"a thing of type {type(value).__name__}"


def show_apart(a, b):
    """Two values in print, with as many digits as it takes to see that they differ."""
    for digits in (6, 9, 12, 17):
        if show(a, digits) != show(b, digits):
            break
    return show(a, digits), show(b, digits)


def shorten(text):
    """A text on one line and of bearable length."""
    text = " ".join(text.split())
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 2]} …"


def _numbers(value):
    try:
        array = np.asarray(value)
    except Exception:  # lists of unequal lists, of tensors, of anything
        return None
    return array if array.dtype.kind in "fiub" else None


def _show_array(array, digits):
    if array.size > LARGEST:
        return f"an array of shape {array.shape}"
    if array.ndim == 0:
        return show(array.item(), digits)
    finite = np.abs(array[np.isfinite(array)])
    small = finite.max(initial=0) < 1e-4 or digits > 12
    text = np.array2string(array, precision=digits, suppress_small=not small, separator=", ")
    return " ".join(text.split())
