"""How an answer is judged, on exercises made for the purpose: each odd answer gets a sentence."""

import threading
import time
from dataclasses import replace
from fractions import Fraction
from functools import partial

import nbformat
import numpy as np
import pytest
import torch
from nbclient import NotebookClient

from bookkit.exercises import Exercise, NotYet, Slip, check, engine, find
from bookkit.exercises.engine import LIKELY
from bookkit.exercises.running import saying_when_slow


def verdict(exercise, answer):
    with pytest.raises(NotYet) as refusal:
        exercise.judge(answer)
    assert refusal.value.__cause__ is None
    return str(refusal.value)


def product(a, b):
    return a * b


EXAMPLE = Exercise(
    "9.1",
    ("a", "b"),
    lambda rng: [(np.array([1.0, 2.0]), 3.0), (rng.normal(size=3), 2.0)],
    product,
    [Slip(lambda a, b: a + b, "Multiply.")],
)
PAIR = Exercise(
    "9.2",
    ("a",),
    lambda rng: [(3.0,), (float(rng.normal()),)],
    lambda a: (2 * a, np.array([a, a])),
)
NUMBER = Exercise("9.3", ("n",), lambda rng: [(1.0,), (2.5,)], lambda n: n / 3)
WORD = Exercise("9.4", ("n",), lambda rng: [(1,), (-1,)], lambda n: "up" if n > 0 else "down")
MASK = Exercise("9.5", ("a",), lambda rng: [(np.array([1, -1]),)], lambda a: a > 0)


def in_place(a, b):
    a *= b
    return a


def blank(a, b):
    raise NotImplementedError


def helper(a):
    raise NotImplementedError("helper is yours to write")


def with_a_blank_helper(a, b):
    return helper(a) * b


def with_an_assertion(a, b):
    assert len(a) > 2


class Mute(Exception):
    def __str__(self):
        raise ValueError("there is no text")


def with_an_error_without_text(a, b):
    raise Mute


def with_an_error_in_numpy(a, b):
    return np.linalg.inv(a)


async def asynchronous(a, b):
    return a * b


def generating(a, b):
    yield a * b


def interrupted(a, b):
    raise KeyboardInterrupt


def endless(a, b):
    return endless(a, b)


class Rude:
    """A result whose own methods do not work."""

    def __repr__(self):
        raise ValueError

    def __array__(self, *_, **__):
        raise ValueError


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (lambda a, b: -a * b, "be [3., 6.]; yours is [-3., -6.]: the same with the opposite sign."),
        (lambda a, b: 2 * a * b, "yours is [ 6., 12.], exactly 2 times the right one."),
        (lambda a, b: 1.25 * a * b, "yours is [3.75, 7.5 ], about 1.25 times the right one."),
        (lambda a, b: -2 * a * b, ": -2 times the right one, so the sign is wrong too."),
        (lambda a, b: a + b, "should be [3., 6.]; yours is [4., 5.]. Multiply."),
        (lambda a, b: None, "your function returns nothing. Does it end with return?"),
        (lambda a, b: ..., "returns ..., a blank that is still to be filled."),
        (lambda a, b: (a * b).sum(), "shape (2,), namely [3., 6.]; yours is one number, 9."),
        (lambda a, b: [[3.0, 6.0]], "a list of one thing, [[3., 6.]], of shape (1, 2)."),
        (lambda a, b: np.zeros((9, 9)), "yours is an array of shape (9, 9)."),
        (lambda a, b: (a, a), "yours is a tuple of 2 things, ([1., 2.], [1., 2.]), of shape (2, 2"),
        (lambda a, b: [3.0, a], "yours is a list of 2 things, [3.0, array([1., 2.])]."),
        (lambda a, b: np.full(2, np.nan), "should be [3., 6.]; yours is [nan, nan]."),
        (lambda a, b: "word", "yours is 'word': text, where numbers are wanted."),
        (lambda a, b: ["3", "6"], "yours is ['3', '6']: text, where numbers are wanted."),
        (lambda a, b: a * b + 0j, "complex, where real numbers are wanted."),
        (lambda a, b: a > b, "yours is [False, False]: true or false, where a number is wanted."),
        (lambda a, b: {"a": a}, "yours is a thing of type dict, {'a': array([1., 2.])}."),
        (lambda a, b: Rude(), "yours is a thing of type Rude, a thing of type Rude."),
        (lambda a, b: [Rude()] * 2, "yours is a list of 2 things, a thing of type list."),
        (lambda a, b: 0 * a, "should be [3., 6.]; yours is [0., 0.]."),
        (lambda a, b: (a * b).astype("f4") + np.float32(1e-6), "float32 keeps. Compute in float64"),
        (lambda a, b: torch.tensor(a, requires_grad=True), "yours is a PyTorch tensor; return a"),
        (lambda a, b: [torch.tensor(a, requires_grad=True)] * 2, "yours is a list of 2 things, ["),
        (lambda a: a, "Not yet. Your function should take (a, b); it takes (a)."),
        (3, "Not yet. A function is wanted here, this is 3."),
        (..., "Not yet. The answer is still blank."),
        (in_place, "your function changes its argument a in place."),
        (blank, "For a = [1., 2.], b = 3 the function is still blank."),
        (with_a_blank_helper, "the function helper, which it calls, is still blank."),
        (with_an_assertion, "(assert len(a) > 2) with AssertionError"),
        (with_an_error_in_numpy, "(return np.linalg.inv(a)) with LinAlgError: 1-dimensional"),
        (lambda a, b: a + ..., "for a value there is still the blank ...."),
        (lambda a, b: exit(), "your function calls exit(). Return the result instead."),
        (interrupted, "your function was interrupted in line "),
        (asynchronous, "your function is a coroutine. Write def, not async def."),
        (generating, "your function is a generator. Write return, not yield."),
        (endless, "(return endless(a, b)) with RecursionError"),
        (np.add.reduce, "with TypeError"),
        (with_an_error_without_text, "your function stops in line "),
        (lambda a, b: np.ma.masked_less(a * b, 4), "[3., 6.]: some of its entries are masked."),
    ],
)
def test_each_odd_answer_gets_a_sentence(answer, sentence):
    assert sentence in verdict(EXAMPLE, answer)


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (lambda a: 2 * a, "the result should be 2 things, (6, [3., 3.]); yours is 6."),
        (lambda a: [2 * a], "(6, [3., 3.]); yours is a list of one thing, [6.]."),
        (lambda a: (7 * a / 3, np.array([a, a])), "part 1 of the result should be 6; yours is 7."),
        (lambda a: (2 * a, np.array([a, -a])), "part 2 of the result should be [3., 3.]; yours is"),
        (lambda a: (2 * a, a), "part 2 of the result should have shape (2,), namely [3., 3.]; y"),
        (lambda a: (2 * a, None), "part 2 of the result should be [3., 3.]; yours is None."),
        (lambda a: (a, np.array([a, a])), "yours is 3, exactly 0.5 times the right one."),
        (lambda a: (np.array([a, a]), 2 * a), "are right, but their order should be (6, [3., 3.])"),
    ],
)
def test_sentences_about_a_pair(answer, sentence):
    assert sentence in verdict(PAIR, answer)


def test_a_pair_may_be_a_list_and_an_array_a_list_or_a_tuple():
    assert PAIR.judge(lambda a: [2 * a, (a, a)]) == 2
    assert EXAMPLE.judge(lambda a, b: [float(b * x) for x in a]) == 2


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (
            lambda n: np.float32(n / 3),
            "be 0.333333333; yours is 0.333333343: right but for the few",
        ),
        (
            lambda n: float(np.float32(n / 3)),
            "should be 0.333333333; yours is 0.333333343: right b",
        ),
        (lambda n: round(n / 3, 4), "yours is 0.3333: the right one, rounded to 4 places."),
        (lambda n: n / 3 + 1e-8, "should be 0.333333333; yours is 0.333333343"),
        (
            lambda n: [n / 3],
            "should be one number, 0.333333; yours is a list of one thing, [0.3333",
        ),
        (
            lambda n: np.zeros(99),
            "should be one number, 0.333333; yours is an array of shape (99,).",
        ),
        (lambda n: np.int64(9), "should be 0.333333; yours is 9, exactly 27 times"),
        (lambda n: 10**40, "should be 0.333333; yours is 1e+40."),
        (lambda n: 10**400, "yours is 1000"),
        (lambda n: -n / 3, ": the same with the opposite sign."),
        (lambda n: n, "yours is 1, exactly 3 times the right one."),
        (lambda n: n / 7, "should be 0.333333; yours is 0.142857."),
        (lambda n: "0.3333333333333333", "text, where numbers are wanted"),
    ],
)
def test_sentences_about_a_number(answer, sentence):
    assert sentence in verdict(NUMBER, answer)


def test_numbers_of_any_type_will_do():
    assert NUMBER.judge(lambda n: Fraction(n) / 3) == 2
    assert NUMBER.judge(lambda n: np.array(n) / 3) == 2


@pytest.mark.parametrize("kind", [str, np.str_, np.array])
def test_text_of_any_type_will_do(kind):
    assert WORD.judge(lambda n: kind(WORD.reference(n))) == 2
    assert "should be 'down'; yours is 'up'." in verdict(WORD, lambda n: kind("up"))


def test_a_mask_is_true_or_false():
    assert MASK.judge(lambda a: [x > 0 for x in a]) == 1
    assert "yours is [1, 0], where true or false is" in verdict(MASK, lambda a: (a > 0).astype(int))
    assert "should be [ True, False]; yours is [False, False]." in verdict(MASK, lambda a: a > 1)
    assert "should be [ True, False]; yours is [False, True]." in verdict(MASK, lambda a: a <= 0)


def test_in_a_large_array_the_first_wrong_entry_is_named():
    large = Exercise("9.6", ("a",), lambda rng: [(rng.normal(size=(5, 8)),)], np.exp)

    def wrong_in_a_corner(a):
        result = np.exp(a)
        result[3:, 6:] += 1e-8
        return result

    assert verdict(large, wrong_in_a_corner).startswith(
        "Not yet. For a = an array of shape (5, 8) the entry [3, 6] of the result should be "
    )
    assert verdict(large, wrong_in_a_corner).endswith("(4 of 40 entries are wrong).")


def test_numbers_that_differ_differ_in_print():
    for wrong in (1e-8, 1e-12, 1e-15):
        exact = Exercise("9.7", ("n",), lambda rng: [(0.7,)], np.exp, tolerance=0.0)
        array = Exercise("9.7", ("n",), lambda rng: [(np.array([0.7, 1e-9]),)], np.exp, tolerance=0)
        for exercise in (exact, array):
            sentence = verdict(exercise, lambda n, wrong=wrong: np.exp(n) + wrong)
            wanted, came = sentence.removesuffix(".").split("should be ")[1].split("; yours is ")
            assert wanted != came


# Tolerances


def around_zero(rng):
    """The first right answer is 0, of which the reference computes −1.1e-16."""
    yield (np.array([40.0, -40.0]),)
    yield (np.array([1.0, 2.0]),)


def mean_with_rounding(y):
    return float(y.mean()) - 1.1e-16


@pytest.mark.parametrize("off", [0.0, 1e-15, -3e-14])
def test_a_right_answer_of_zero_may_be_off_by_rounding(off):
    exercise = Exercise("9.8", ("y",), around_zero, mean_with_rounding)
    assert exercise.judge(lambda y: y.mean() + off) == 2


def test_a_wrong_answer_beside_zero_is_no_multiple_of_rounding():
    exercise = Exercise("9.8", ("y",), around_zero, mean_with_rounding)
    assert verdict(exercise, lambda y: y.mean() + 1e-8).endswith("1e-08.")


def test_an_exercise_may_declare_its_scale():
    exercise = Exercise(
        "9.8", ("y",), around_zero, mean_with_rounding, tolerance=1e-7, scale=lambda y: y[0]
    )
    assert exercise.judge(lambda y: y.mean() + 9e-8) == 2
    assert "should be 1.5; yours is 1.50000011" in verdict(exercise, lambda y: y.mean() + 1.1e-7)


def test_each_part_may_have_a_scale_of_its_own():
    exercise = Exercise(
        "9.8",
        ("a",),
        lambda rng: [(1.0,)],
        lambda a: (a, np.array([a, a])),
        tolerance=1e-3,
        scale=lambda a: (10.0, np.array([1.0, 0.0])),
    )
    assert exercise.judge(lambda a: (a + 0.009, np.array([a + 0.0009, a]))) == 1
    assert "part 1" in verdict(exercise, lambda a: (a + 0.011, np.array([a, a])))
    assert "part 2" in verdict(exercise, lambda a: (a, np.array([a, a + 1e-9])))


def test_infinity_is_right_where_it_is_wanted():
    exercise = Exercise("9.8", ("a",), lambda rng: [(np.array([np.inf, 1.0]),)], lambda a: a)
    assert exercise.judge(lambda a: a + 0) == 1
    assert "yours is [-inf, 1.]" in verdict(exercise, lambda a: a * np.array([-1, 1]))


# Hints


def sloped(rng):
    yield np.array([1.0, 2.5]), 1
    yield np.array([0.3, 1.7]), 3
    yield rng.normal(size=4), 2


HINTED = Exercise(
    "9.9",
    ("a", "n"),
    sloped,
    lambda a, n: a.sum() ** n,
    [
        Slip(lambda a, n: a.mean() ** n, "That is the mean."),
        Slip(lambda a, n: a.sum() * n, "That is a product."),
    ],
)


def test_a_slip_that_explains_all_is_stated_as_fact():
    assert verdict(HINTED, lambda a, n: (a.sum() / len(a)) ** n).endswith("one. That is the mean.")
    assert verdict(HINTED, lambda a, n: n * a.sum()).endswith("yours is 6. That is a product.")


def test_a_slip_that_explains_the_failed_case_alone_is_called_likely():
    assert verdict(HINTED, lambda a, n: a.mean() + n - 1).endswith(f"{LIKELY}That is the mean.")


def test_a_slip_that_is_right_in_the_failed_case_is_not_named():
    assert "product" not in verdict(HINTED, lambda a, n: a.sum() * n + 1)


@pytest.mark.parametrize("result", [np.nan, np.inf])
def test_nothing_is_concluded_from_what_is_not_finite(result):
    exercise = Exercise(
        "9.9",
        ("a",),
        lambda rng: [(-1.0,), (3.5,), (2.5,)],
        lambda a: a**2,
        [Slip(lambda a: a**3 if a > 0 else result, "Not the cube.")],
    )
    assert "cube" not in verdict(exercise, lambda a: a**2 if a > 0 else result)
    assert verdict(exercise, exercise.slips[0].wrong).endswith("Not the cube.")


def test_overflow_that_the_slip_shares_is_explained_by_it():
    exercise = Exercise(
        "9.9",
        ("a",),
        lambda rng: [(1.5,), (1000.0,)],
        lambda a: np.logaddexp(0, a),
        [Slip(lambda a: np.log(1 + np.exp(a)), "It overflows.")],
    )
    with np.errstate(over="ignore"):
        sentence = verdict(exercise, lambda a: np.log(np.exp(0) + np.exp(a)))
    assert sentence.endswith("yours is inf. It overflows.")


SIGN = Exercise(
    "9.9",
    ("n",),
    lambda rng: [(n,) for n in (3, -2, 5, -7, 0)],
    lambda n: "up" if n > 0 else "down" if n < 0 else "level",
    [
        Slip(lambda n: "level", "It is not always level."),
        Slip(lambda n: "level" if n > 0 else "down", "Up is missing."),
    ],
)


def test_a_match_of_words_is_never_a_fact():
    assert verdict(SIGN, lambda n: "level").endswith(f"{LIKELY}It is not always level.")
    assert verdict(SIGN, SIGN.slips[1].wrong).endswith(f"{LIKELY}Up is missing.")
    assert "slip" not in verdict(SIGN, lambda n: "level" if n == 3 else "up")


def counting(answer):
    calls = []

    def counted(*arguments):
        calls.append(arguments)
        return answer(*arguments)

    return counted, calls


@pytest.mark.parametrize(
    ("exercise", "answer", "times"),
    [
        (HINTED, lambda a, n: a.sum() + 7, 1),
        (HINTED, lambda a, n: a.mean() ** n, 2),
        (HINTED, lambda a, n: a.sum() * n, 3),
        (SIGN, lambda n: "level", 2),
    ],
)
def test_after_it_failed_an_answer_is_called_at_most_once_more(exercise, answer, times):
    counted, calls = counting(answer)
    verdict(exercise, counted)
    assert len(calls) == times


def test_a_hint_is_of_the_slip_that_is_right_elsewhere_too():
    def as_given(a, n):
        return a + n if n < 3 else a

    exercise = Exercise(
        "9.9",
        ("a", "n"),
        lambda rng: [(1.5, 1), (2.5, 2), (0.5, 3)],
        lambda a, n: a * n + 7,
        [Slip(as_given, "As it was."), Slip(lambda a, n: a + n, "Plus.")],
    )
    assert verdict(exercise, lambda a, n: a + n).endswith("Plus.")
    assert verdict(exercise, as_given).endswith("As it was.")


# The call


def test_an_answer_never_sees_the_arrays_of_the_next_one():
    first = verdict(EXAMPLE, in_place)
    assert verdict(EXAMPLE, in_place) == first
    assert EXAMPLE.judge(product) == 2


def test_wrappers_are_answers():
    assert EXAMPLE.judge(partial(np.multiply)) == 2
    assert EXAMPLE.judge(np.multiply) == 2


def test_a_slow_answer_says_so(capsys):
    with saying_when_slow("9.1", seconds=0.01):
        time.sleep(0.2)
    assert capsys.readouterr().out == (
        "Exercise 9.1: your function has been running for 0.01 seconds. "
        "To stop it, interrupt the kernel (■).\n"
    )
    with saying_when_slow("9.1", seconds=0.2):
        pass
    time.sleep(0.3)
    assert capsys.readouterr().out == ""
    assert not [t for t in threading.enumerate() if isinstance(t, threading.Timer)]


CELLS = {
    "from bookkit.exercises import check\n\ndef f(i, o, k):\n    return [1][i]": None,
    "check('0.3', f)": "your function stops in line 4 (return [1][i]) with IndexError: list index",
    "check('0.3', lambda i, o, k: exit())": "your function calls exit(). Return the result instead",
    "check('0.3', lambda i, o, k: quit())": "your function calls exit(). Return the result instead",
    "check(0.3, f)": "number: the number of an exercise is a text",
}


def test_in_a_kernel_no_frame_of_the_checker_is_seen_and_the_kernel_lives_on():
    cells = [nbformat.v4.new_code_cell(source) for source in CELLS]
    notebook = nbformat.v4.new_notebook(cells=cells)
    NotebookClient(notebook, allow_errors=True, timeout=60).execute()
    for cell, sentence in zip(notebook.cells, CELLS.values(), strict=True):
        if sentence is not None:
            ((line,),) = [output.traceback for output in cell.outputs]
            assert sentence in line


def test_an_interruption_of_the_check_itself(monkeypatch):
    monkeypatch.setattr(engine, "misfit", interrupted)
    with pytest.raises(NotYet, match=r"^Not yet\. The check was interrupted\.$"):
        check("0.3", product)


def test_sentences_are_shown_without_a_traceback():
    assert NotYet("Not yet.")._render_traceback_() == ["Not yet."]
    with pytest.raises(ValueError, match="no exercise") as error:
        find("0.99")
    assert error.value._render_traceback_() == [str(error.value)]


@pytest.mark.parametrize(
    ("praise", "ending"), [("", ""), ("a < b & it's so.", " a < b & it's so.")]
)
def test_check_praises(displayed, monkeypatch, praise, ending):
    exercise = replace(EXAMPLE, praise=praise)
    monkeypatch.setattr(engine, "find", lambda number: exercise)
    check("9.1", product)
    (output,) = displayed
    assert output["text/plain"] == f"Exercise 9.1 ✓ Right in all 2 cases.{ending}"
    html = ending.replace("&", "&amp;").replace("<", "&lt;")
    assert output["text/html"] == (
        f'<div class="exercise-right">Exercise 9.1 ✓ Right in all 2 cases.{html}</div>'
    )


def test_a_wrong_answer_is_not_praised(displayed):
    with pytest.raises(NotYet, match=r"^Not yet\. For in_channels = 1, "):
        check("0.3", lambda i, o, k: o * i * k * k)
    assert displayed == []


@pytest.mark.parametrize("number", ["0.99", "99.1", "x.1", ""])
def test_no_such_exercise(number):
    with pytest.raises(ValueError, match=f"there is no exercise {number!r}"):
        find(number)


@pytest.mark.parametrize("number", [0.1, 1, None, product])
def test_a_number_without_quotes(number):
    with pytest.raises(ValueError, match="is a text, such as"):
        check(number, product)


@pytest.mark.parametrize(
    "change",
    [
        lambda arrays: arrays[1].__iadd__(1),
        lambda arrays: arrays.pop(),
        lambda arrays: arrays.reverse(),
    ],
)
def test_a_list_of_arrays_may_not_be_changed_either(change):
    def cases(rng):
        yield ([np.ones(2), np.zeros(3)],)

    def total(arrays):
        return sum(a.sum() for a in arrays)

    def changing(arrays):
        result = total(arrays)
        change(arrays)
        return result

    exercise = Exercise("0.1", ["arrays"], cases, total)
    assert exercise.judge(total) == 1
    with pytest.raises(NotYet, match="changes its argument arrays in place"):
        exercise.judge(changing)
