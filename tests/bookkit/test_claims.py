import numpy as np
import pytest

from bookkit.claims import RECORD, ClaimError, claim


@pytest.fixture
def said(displayed):
    """A function that makes a claim and returns the line, the record and the HTML of it."""

    def make(*arguments, **options):
        displayed.clear()
        claim(*arguments, **options)
        (output,) = displayed
        return output["text/plain"], output[RECORD], output["text/html"]

    return make


def test_bound(said):
    line, record, html = said("3.7", "Loss & co. fall below", 0.5, at_most=1, source="Nielsen")
    assert line == "Claim 3.7 ✓ Loss & co. fall below: 0.5 (required ≤ 1)"
    assert record == {
        "number": "3.7",
        "statement": "Loss & co. fall below",
        "measured": "0.5",
        "required": "≤ 1",
        "source": "Nielsen",
    }
    assert html.startswith('<div class="claim" id="claim-3.7"><span class="claim-id">Claim 3.7 ✓')
    assert "Loss &amp; co. fall below" in html
    assert "0.5 (required ≤ 1)" in html


def test_two_bounds_and_a_format(said):
    line, *_ = said("1.1", "Share", 0.514, at_least=0.4, at_most=0.6, form=".1%")
    assert line == "Claim 1.1 ✓ Share: 51.4% (required ≥ 40.0% and ≤ 60.0%)"


def test_near_several_values(said):
    line, *_ = said("1.1", "Limits", [11.1, 88.7], near=[11.09, 88.72], within=0.05)
    assert line == "Claim 1.1 ✓ Limits: 11.1, 88.7 (required 11.1, 88.7 ± 0.05)"


@pytest.mark.parametrize(
    ("value", "form", "text"),
    [
        (-0.5, ".2f", "−0.50"),
        (-0.001, ".2f", "0.00"),
        (-0.001, ".0%", "0%"),
        (-0.01, ".0%", "−1%"),
        (-3, "d", "−3"),
        (-1e-9, ".1g", "−1e-09"),
        (100.0, ".0f", "100"),
    ],
)
def test_minus_signs_are_no_hyphens_and_zero_has_none(said, value, form, text):
    line, *_ = said("1.1", "Below", value, at_most=100, form=form)
    assert line.startswith(f"Claim 1.1 ✓ Below: {text} (")


def test_rounding_errors_print_their_bound_alone(said):
    line, record, _ = said("1.1", "Same", 3e-16, exact_to=1e-12)
    assert line == "Claim 1.1 ✓ Same: equal to within 1e-12 (required < 1e-12)"
    assert "3e-16" not in str(record)


def test_true_or_false(said):
    assert said("1.1", "It holds", True)[0] == "Claim 1.1 ✓ It holds: true"


def test_seeds_give_spread_and_student_interval(said):
    line, record, _ = said("1.1", "Mean", [1.0, 2.0, 3.0], at_least=2, seeds=[4, 5, 6], form=".2f")
    # t(0.975; 2 degrees of freedom) = 4.303, standard error 1/√3 = 0.577
    spread = "3 seeds, 1.00 to 3.00, 95% interval of the mean −0.48 to 4.48"
    assert line == f"Claim 1.1 ✓ Mean: 2.00 (required ≥ 2.00; {spread})"
    assert record["seeds"] == [4, 5, 6]
    assert record["spread"] == spread


def test_equal_seeds_have_an_interval_of_no_width(said):
    assert (
        "95% interval of the mean 1 to 1" in said("1.1", "M", [1, 1], at_least=1, seeds=[0, 1])[0]
    )


@pytest.mark.parametrize(
    ("measured", "options", "required"),
    [
        (1.1, {"at_most": 1}, "≤ 1"),
        (0.9, {"at_least": 1}, "≥ 1"),
        ([0.5, 1.1], {"at_most": 1}, "≤ 1"),
        ([0.9, 1.0, 1.05], {"at_least": 1, "seeds": [0, 1, 2]}, "≥ 1"),
        (1.2, {"near": 1, "within": 0.1}, "1 ± 0.1"),
        ([1.0, 2.2], {"near": [1, 2], "within": 0.1}, "1, 2 ± 0.1"),
        (1e-8, {"exact_to": 1e-8}, "< 1e-08"),
        (-1.0, {"exact_to": 1e-8}, "< 1e-08"),
        (np.nan, {"at_most": 1}, "finite"),
        (-np.inf, {"at_most": 1}, "finite"),
        (np.nan, {"exact_to": 1}, "finite"),
        ([1.0, np.nan], {"at_least": 0, "seeds": [0, 1]}, "finite"),
        ([np.inf, -np.inf], {"at_least": 0, "seeds": [0, 1]}, "finite"),
        ([1.0, -1.0], {"exact_to": 1e-8, "seeds": [0, 1]}, "< 1e-08"),
        (False, {}, "true"),
        ([True, False], {}, "true"),
    ],
)
def test_a_claim_that_does_not_hold(displayed, measured, options, required):
    with pytest.raises(ClaimError) as error:
        claim("2.3", "Statement", measured, **options)
    assert str(error.value).startswith("Claim 2.3 ✗ Statement: ")
    assert str(error.value).endswith(f"required {required}")
    assert displayed == []


@pytest.mark.parametrize(
    ("measured", "options", "message"),
    [
        (1.0, {}, "needs one of"),
        (1.0, {"at_most": 1, "exact_to": 1}, "needs one of"),
        (1.0, {"near": 1}, "belong together"),
        (1.0, {"within": 1}, "belong together"),
        (True, {"at_most": 1}, "no further requirement"),
        ([True, True], {"seeds": [0, 1]}, "no further requirement"),
        ([1.0, 2.0], {"at_most": 3, "seeds": [0]}, "seeds has 1 entries, measured has 2"),
        ([1.0], {"at_most": 3, "seeds": [0]}, "seeds must be at least two"),
        ([1.0, 1.0], {"at_most": 3, "seeds": [4, 4]}, r"seeds must differ, got \[4, 4\]"),
        ([1.0, 2.0], {"near": [1.0], "within": [0.1, 0.1]}, "within has shape"),
        ([1.0, 2.0], {"near": [1.0, 2.0, 3.0], "within": 5}, "near has shape"),
        (1.0, {"near": [1.0, 1.0], "within": 5}, "near has shape"),
        (1.0, {"near": 1.0, "within": -0.1}, "within must be ≥ 0"),
        (1.0, {"exact_to": 0.0}, "exact_to > 0"),
        (1.0, {"at_least": 2, "at_most": 1}, "at_least is 2, at_most 1"),
        (1.0, {"at_least": -np.inf}, "at_least must be finite numbers, got -inf"),
        (1.0, {"at_most": np.nan}, "at_most must be finite numbers, got nan"),
        (1.0, {"at_most": "2"}, "at_most must be finite numbers, got '2'"),
        (1.0, {"near": 1.0, "within": np.inf}, "within must be finite numbers, got inf"),
    ],
)
def test_a_claim_that_is_no_claim(displayed, measured, options, message):
    with pytest.raises(ValueError, match=message):
        claim("2.3", "Statement", measured, **options)
    assert displayed == []


@pytest.mark.parametrize("empty", [[], (), np.empty(0), np.empty(0, bool), np.ones((3, 0), bool)])
@pytest.mark.parametrize("options", [{}, {"at_most": 1}, {"exact_to": 1}, {"seeds": []}])
def test_nothing_was_measured(displayed, empty, options):
    with pytest.raises(ValueError, match="measured is empty"):
        claim("2.3", "Statement", empty, **options)
    assert displayed == []


@pytest.mark.parametrize("measured", ["0.5", ["0.5"], 1j, np.array([0.5 + 0j]), None, [0.5, None]])
def test_no_numbers_were_measured(displayed, measured):
    with pytest.raises(TypeError, match="measured must be real numbers or bools"):
        claim("2.3", "Statement", measured, at_most=1)
    assert displayed == []


@pytest.mark.parametrize("number", [2.3, 2.10, 2, "2", "2.0", "2.01", "2.3b", " 2.3", ""])
def test_a_number_is_chapter_and_place_in_quotes(displayed, number):
    with pytest.raises(ValueError, match="number must be a str such as"):
        claim(number, "Statement", True)
    assert displayed == []


def test_masked_entries_are_no_measurement():
    measured = np.ma.masked_greater([1.0, 9.0], 5)
    with pytest.raises(TypeError, match="measured must have no masked entries"):
        claim("0.1", "x", measured, at_most=5)
    claim("0.1", "x", np.ma.masked_greater([1.0, 2.0], 5), at_most=5)
