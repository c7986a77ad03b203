"""Checked as well: identities and agreements of a chapter, tested together in one short table."""

from html import escape

import numpy as np
from IPython.display import display

from bookkit.claims import ClaimError

RECORD = "application/vnd.descent.checked+json"


def checked(*rows, exact_to=1e-12):
    """Require a list of statements and print them as a table, one line each.

    For identities, and for agreement with the library and with PyTorch: what nobody doubts, and
    what keeps the notebook a regression test of the library. What a reader may doubt is a
    `bookkit.claim`.

    Parameters
    ----------
    *rows : (statement, measured) or (statement, measured, exact_to)
        Measured is a bool, or an array of them: all must be true. Or a number, or an array of
        them: rounding errors, all of which must stay below `exact_to` in absolute value.
    exact_to : number > 0
        For the rows that do not give their own.

    Raises
    ------
    ClaimError
        A row that does not hold; all of them are tested before it is raised.
    TypeError, ValueError
        No rows, a row of another form, a row that measured nothing.
    """
    if not rows:
        raise ValueError("rows is empty; expected pairs of a statement and what was measured")
    verdicts = [_verdict(row, exact_to) for row in rows]
    if failed := [f"{statement}: {found}" for statement, found, holds in verdicts if not holds]:
        raise ClaimError("Checked as well ✗ " + "; ".join(failed))
    table = [(statement, found) for statement, found, _ in verdicts]
    display(
        {"text/plain": _text(table), "text/html": _html(table), RECORD: {"rows": table}}, raw=True
    )


def _verdict(row, exact_to):
    """The statement, what was found in words, and whether it holds."""
    if not isinstance(row, tuple) or len(row) not in (2, 3) or not isinstance(row[0], str):
        raise TypeError(f"a row must be (statement, measured) or with exact_to, got {row!r}")
    statement, measured, *own = row
    bound = own[0] if own else exact_to
    values = np.asarray(measured)
    if values.size == 0:
        raise ValueError(f"nothing was measured for {statement!r}")
    if values.dtype == bool:
        return statement, "true" if values.all() else "false", bool(values.all())
    if not bound > 0:
        raise ValueError(f"exact_to must be > 0 for {statement!r}, got {bound!r}")
    largest = np.abs(values.astype(float)).max()
    if largest < bound:  # false for nan
        return statement, f"equal to {bound:.0e}".replace("e-0", "e-"), True
    return statement, f"off by {largest:.3g}, required < {bound:g}", False


def _text(table):
    width = max(len(statement) for statement, _ in table)
    lines = (f"  {statement:{width}}  {found}" for statement, found in table)
    return "\n".join(["Checked as well", *lines])


def _html(table):
    rows = "".join(
        f'<tr><th scope="row">{escape(statement)}</th><td>✓ {escape(found)}</td></tr>'
        for statement, found in table
    )
    return f'<table class="checked"><caption>Checked as well</caption>{rows}</table>'
