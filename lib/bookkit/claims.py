"""Claims: sentences of the book that are measured and required where they stand."""

import re
from html import escape

import numpy as np
from IPython.display import display
from scipy import stats

RECORD = "application/vnd.descent.claim+json"


class ClaimError(AssertionError):
    """A claim of the book that does not hold."""


def claim(
    number,
    statement,
    measured,
    *,
    at_least=None,
    at_most=None,
    near=None,
    within=None,
    exact_to=None,
    seeds=None,
    form=".3g",
    source=None,
):
    """State a claim, compare it with what was measured, and print one line.

    Parameters
    ----------
    number : str
        Chapter and place in the chapter, such as "0.2", in quotes, since 0.20 is no other number
        than 0.2; unique in the book.
    statement : str
        One sentence, without the measured number.
    measured : number, array of numbers, or bool
        With `seeds` one number for each seed, and the requirement is on their mean. Otherwise
        every entry must meet the requirement; a bool must be true.
    at_least, at_most : number, optional
        Bounds; both together make a range.
    near, within : numbers or arrays, optional
        The expected value, and the largest absolute difference from it that is allowed.
    exact_to : number, optional
        The measured quantity is a rounding error and must stay below this. Its digits mean
        nothing, so the line prints the bound alone.
    seeds : sequence of int, optional
        The seeds behind the measured numbers, two or more. The line then gives their mean, their
        range, and Student's 95% interval for the mean.
    form : str
        Format of the printed numbers: few digits, so that they hold on other machines too.
    source : str, optional
        Where the claim comes from.

    Raises
    ------
    ClaimError
        The claim does not hold, or what was measured is not finite.
    TypeError, ValueError
        A claim that measured nothing, or no real numbers; that requires nothing, or what no
        number can fail; or whose arguments contradict each other.
    """
    if not isinstance(number, str) or not re.fullmatch(r"\d+\.[1-9]\d*", number):
        raise ValueError(f'number must be a str such as "0.2", got {number!r}')
    values = _values(measured)
    seeds = None if seeds is None else _distinct(seeds, values.size)
    required, holds = _requirement(values, at_least, at_most, near, within, exact_to, seeds, form)
    if not holds:
        precise = ", ".join(f"{value:.10g}" for value in values.ravel().astype(float))
        raise ClaimError(f"Claim {number} ✗ {statement}: {precise}; required {required}")
    record = {
        "number": number,
        "statement": statement,
        "measured": _in_words(values, exact_to, seeds, form),
        "required": required,
        "source": source,
    }
    if seeds is not None:
        record["seeds"] = seeds
        record["spread"] = _spread(values, form)
    display({"text/plain": _line(record), "text/html": _html(record), RECORD: record}, raw=True)


def _values(measured):
    """What was measured as an array of bools or of real numbers, at least one."""
    if np.ma.is_masked(measured):
        raise TypeError(f"measured must have no masked entries, got {measured!r}")
    values = np.atleast_1d(np.asarray(measured))
    if values.size == 0:
        raise ValueError(f"measured is empty, of shape {values.shape}: nothing was measured")
    if values.dtype.kind not in "biuf":
        raise TypeError(
            f"measured must be real numbers or bools, got {values.dtype} from {measured!r}"
        )
    return values


def _distinct(seeds, count):
    seeds = [int(seed) for seed in seeds]
    if len(seeds) != count:
        raise ValueError(f"seeds has {len(seeds)} entries, measured has {count}")
    if len(seeds) < 2:
        raise ValueError(f"seeds must be at least two, got {seeds}: one has no spread")
    if len(set(seeds)) < len(seeds):
        raise ValueError(f"seeds must differ, got {seeds}")
    return seeds


def _required_numbers(values, **required):
    """Refuse a requirement that is no number, or that every number meets, or none."""
    given = {name: np.asarray(value) for name, value in required.items() if value is not None}
    for name, value in given.items():
        if value.dtype.kind not in "iuf" or not np.isfinite(value).all():
            raise ValueError(f"{name} must be finite numbers, got {required[name]!r}")
        if value.size != 1 and (name != "near" or value.shape != values.shape):
            raise ValueError(f"{name} has shape {value.shape}, measured has {values.shape}")
    if given.get("within", 0) < 0 or given.get("exact_to", 1) <= 0:
        raise ValueError("within must be ≥ 0, and exact_to > 0")
    if {"at_least", "at_most"} <= given.keys() and given["at_least"] > given["at_most"]:
        raise ValueError(f"at_least is {required['at_least']}, at_most {required['at_most']}")


def _requirement(values, at_least, at_most, near, within, exact_to, seeds, form):
    """What is required, in words, and whether it holds."""
    numbers = {"at_least": at_least, "at_most": at_most, "near": near, "within": within}
    _required_numbers(values, exact_to=exact_to, **numbers)
    if (near is None) != (within is None):
        raise ValueError("near and within belong together")
    kinds = [at_least is not None or at_most is not None, near is not None, exact_to is not None]
    if values.dtype == bool:
        if any(kinds) or seeds is not None:
            raise ValueError("a claim that is true or false takes no further requirement")
        return "true", bool(values.all())
    if sum(kinds) != 1:
        raise ValueError("a claim needs one of: at_least and/or at_most; near and within; exact_to")
    if not np.isfinite(values).all():
        return "finite", False
    if seeds is not None and exact_to is None:  # rounding errors must not cancel
        values = values.mean(keepdims=True)
    if near is not None:
        expected = _join(np.atleast_1d(near), form)
        return f"{expected} ± {within:g}", bool((np.abs(values - near) <= within).all())
    if exact_to is not None:
        return f"< {exact_to:g}", bool((np.abs(values) < exact_to).all())
    low = -np.inf if at_least is None else at_least
    high = np.inf if at_most is None else at_most
    bounds = [
        f"≥ {_number(at_least, form)}" if at_least is not None else "",
        f"≤ {_number(at_most, form)}" if at_most is not None else "",
    ]
    return " and ".join(filter(None, bounds)), bool(((low <= values) & (values <= high)).all())


def _in_words(values, exact_to, seeds, form):
    if values.dtype == bool:
        return "true"
    if exact_to is not None:
        return f"equal to within {exact_to:g}"
    return _join(values.mean(keepdims=True) if seeds is not None else values, form)


def _join(values, form):
    return ", ".join(_number(value, form) for value in np.ravel(values).tolist())


def _number(value, form):
    """A number in print: with a minus, not a hyphen; and none before a rounded 0."""
    text = format(value, form)
    digits = text.removeprefix("-")
    return digits if text == digits or not digits.strip("0.%") else f"−{digits}"


def _spread(values, form):
    """Student's interval: mean ± t · s/√n, with n − 1 degrees of freedom."""
    half = stats.t.ppf(0.975, len(values) - 1) * stats.sem(values)
    low, high = values.mean() - half, values.mean() + half
    return (
        f"{len(values)} seeds, {_number(values.min(), form)} to {_number(values.max(), form)}, "
        f"95% interval of the mean {_number(low, form)} to {_number(high, form)}"
    )


def _evidence(record):
    if record["measured"] == "true":
        return "true"
    spread = f"; {record['spread']}" if "spread" in record else ""
    return f"{record['measured']} (required {record['required']}{spread})"


def _line(record):
    return f"Claim {record['number']} ✓ {record['statement']}: {_evidence(record)}"


def _html(record):
    return (
        f'<div class="claim" id="claim-{record["number"]}">'
        f'<span class="claim-id">Claim {record["number"]} ✓</span> {escape(record["statement"])}: '
        f'<span class="claim-evidence">{escape(_evidence(record))}</span></div>'
    )
