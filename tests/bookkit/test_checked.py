"""Rows that hold are printed; one that does not, or that measured nothing, stops the chapter."""

import numpy as np
import pytest

from bookkit import ClaimError, checked
from bookkit.checked import RECORD


@pytest.fixture
def said(displayed):
    def run(*rows, **options):
        checked(*rows, **options)
        return displayed[-1]

    return run


def test_a_table(said):
    data = said(("a < b", True), ("difference", [1e-13, -2e-13]), ("loose", 1e-5, 1e-4))
    assert data["text/plain"].splitlines() == [
        "Checked as well",
        "  a < b       true",
        "  difference  equal to 1e-12",
        "  loose       equal to 1e-4",
    ]
    assert "a &lt; b" in data["text/html"]
    assert data[RECORD]["rows"][2] == ("loose", "equal to 1e-4")


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (("it holds", False), "it holds: false"),
        (("one of two", [True, False]), "one of two: false"),
        (("difference", 2e-12), "difference: off by 2e-12, required < 1e-12"),
        (("negative difference", -1.0), "off by 1, "),
        (("one of three", [0, 0, 1e-6]), "off by 1e-06"),
        (("undefined", np.nan), "off by nan"),
        (("unbounded", -np.inf), "off by inf"),
    ],
)
def test_a_row_that_does_not_hold(row, message):
    with pytest.raises(ClaimError, match=message):
        checked(("a sound one", True), row)


def test_every_failed_row_is_named():
    with pytest.raises(ClaimError, match="first: false; second: off by 1"):
        checked(("first", False), ("sound", True), ("second", 1.0))


@pytest.mark.parametrize(
    ("rows", "error", "message"),
    [
        ((), ValueError, "rows is empty"),
        ((("nothing", []),), ValueError, "nothing was measured for 'nothing'"),
        ((("no bools", np.zeros(0, bool)),), ValueError, "nothing was measured"),
        ((("bound", 0.0, 0),), ValueError, "exact_to must be > 0"),
        ((("bound", 0.0, np.nan),), ValueError, "exact_to must be > 0"),
        (("a statement alone",), TypeError, "a row must be"),
        (((1.0, "swapped"),), TypeError, "a row must be"),
    ],
)
def test_rows_that_make_no_sense(rows, error, message):
    with pytest.raises(error, match=message):
        checked(*rows)
