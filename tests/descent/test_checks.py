import ast
import math
import re
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from descent import checks
from descent.losses import softmax

ONES = np.ones((2, 3))


def refused(error, message):
    """The whole message, word for word."""
    return pytest.raises(error, match=f"^{re.escape(message)}$")


class TestFloatArray:
    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    def test_returns_the_array_as_it_is(self, dtype):
        x = np.ones((2, 3), dtype)
        assert checks.float_array("x", x) is x

    def test_converts_lists(self):
        x = checks.float_array("x", [1.0, 2.0])
        assert x.dtype == np.float64
        assert x.tolist() == [1.0, 2.0]

    @pytest.mark.parametrize("dtype", ["int64", "bool", "complex128", "float16", "object"])
    def test_refuses_other_dtypes(self, dtype):
        message = (
            f"images must be float32 or float64, got {dtype}; convert it, for example with "
            ".astype(np.float64)"
        )
        with refused(TypeError, message):
            checks.float_array("images", np.ones(2, dtype))

    def test_refuses_a_mask_which_it_would_lose(self):
        masked = np.ma.masked_array([1.0, 2.0], mask=[False, True])
        message = (
            "x must be an array without a mask, got a MaskedArray; take the rows that count, or "
            "fill the others"
        )
        with refused(TypeError, message):
            checks.float_array("x", masked)

    def test_refuses_the_empty_array(self):
        with refused(ValueError, "x is empty, shape (0, 3); expected at least one entry"):
            checks.float_array("x", np.ones((0, 3)))


class TestFloating:
    def test_returns_a_tuple_in_order(self):
        a, b = np.zeros(2), np.ones(3)
        result = checks.floating(a=a, b=b)
        assert isinstance(result, tuple)
        assert result[0] is a
        assert result[1] is b

    def test_checks_every_array(self):
        with refused(ValueError, "b is empty, shape (0,); expected at least one entry"):
            checks.floating(a=ONES, b=np.ones(0))

    def test_refuses_mixed_dtypes(self):
        message = "expected one dtype, but a is float64, b is float64, c is float32"
        with refused(TypeError, message):
            checks.floating(a=ONES, b=ONES, c=ONES.astype(np.float32))


class TestMatching:
    def test_returns_the_arrays_in_order(self):
        a, b = np.zeros((2, 3)), np.ones((2, 3))
        first, second = checks.matching(a=a, b=b)
        assert first is a
        assert second is b

    def test_refuses_shapes_that_would_broadcast(self):
        message = "expected equal shapes, but prediction has shape (3,), target has shape (3, 1)"
        with refused(ValueError, message):
            checks.matching(prediction=np.ones(3), target=np.ones((3, 1)))

    def test_names_all_shapes(self):
        message = "expected equal shapes, but a has shape (2,), b has shape (2,), c has shape (3,)"
        with refused(ValueError, message):
            checks.matching(a=np.ones(2), b=np.ones(2), c=np.ones(3))

    def test_refuses_what_floating_refuses(self):
        with refused(TypeError, "expected one dtype, but a is float64, b is float32"):
            checks.matching(a=np.ones(2), b=np.ones(2, np.float32))


def test_ndim():
    assert checks.ndim("x", ONES, 2, "(N, C)") is None
    with refused(ValueError, "x must have shape (N,), got (2, 3)"):
        checks.ndim("x", ONES, 1, "(N,)")
    with refused(ValueError, "logits must have shape (N, C, H), got (2, 3)"):
        checks.ndim("logits", ONES, 3, "(N, C, H)")


class TestLayerInput:
    def test_returns_the_input(self):
        assert checks.layer_input(ONES, ("N", 3)) is ONES
        assert checks.layer_input(ONES, ("N", 3), np.float64) is ONES
        assert checks.layer_input(ONES, (2, "C")) is ONES

    def test_converts_lists(self):
        assert checks.layer_input([[1.0]], ("N", 1)).tolist() == [[1.0]]
        assert checks.layer_input([[1.0]], ("N", 1), np.float64).tolist() == [[1.0]]

    def test_takes_the_dtype_of_the_parameters(self):
        x = ONES.astype(np.float32)
        assert checks.layer_input(x, ("N", 3), np.float32) is x
        with refused(TypeError, "x must be float32 like the layer's parameters, got float64"):
            checks.layer_input(ONES, ("N", 3), np.float32)

    def test_without_parameters_any_float_will_do_but_no_integer(self):
        x = ONES.astype(np.float32)
        assert checks.layer_input(x, ("N", 3)) is x
        with pytest.raises(TypeError, match="x must be float32 or float64, got int64"):
            checks.layer_input(np.ones((2, 3), int), ("N", 3))

    @pytest.mark.parametrize("shape", [(2, 4), (3, 2), (2,), (2, 3, 1), ()])
    def test_refuses_other_shapes(self, shape):
        with refused(ValueError, f"x must have shape (N, 3), got {shape}"):
            checks.layer_input(np.ones(shape), ("N", 3))

    @pytest.mark.parametrize("shape", [(0, 3), (2, 0)])
    def test_a_named_axis_must_not_be_empty(self, shape):
        with refused(ValueError, f"x must have shape (N, C), got {shape}"):
            checks.layer_input(np.ones(shape), ("N", "C"), np.float64)


class TestClassLabels:
    def test_returns_the_labels(self):
        labels = np.array([0, 2, 1])
        assert checks.class_labels("target", labels, samples=3, classes=3) is labels

    @pytest.mark.parametrize("dtype", [np.int8, np.int32, np.uint8, np.uint64])
    def test_any_integer_will_do(self, dtype):
        labels = np.array([0, 2], dtype)
        for classes, ignored in ((3, None), (1, 2)):
            y = checks.class_labels(
                "target", labels, samples=2, classes=classes, ignore_index=ignored
            )
            assert y.dtype == np.intp  # uint64 is no index, and makes floats of other integers
            assert y.tolist() == [0, 2]

    def test_converts_lists(self):
        assert checks.class_labels("y", [1, 0], samples=2, classes=2).tolist() == [1, 0]

    @pytest.mark.parametrize("dtype", ["float64", "bool"])
    def test_refuses_what_is_no_integer(self, dtype):
        with refused(TypeError, f"target must be integer class indices, got {dtype}"):
            checks.class_labels("target", np.ones(2, dtype), samples=2, classes=2)

    @pytest.mark.parametrize("shape", [(2,), (3, 2), (4,), (), (1, 4)])
    def test_refuses_other_shapes(self, shape):
        message = f"target must have shape (3,), one class for each row, got {shape}"
        with refused(ValueError, message):
            checks.class_labels("target", np.zeros(shape, int), samples=3, classes=2)

    @pytest.mark.parametrize(
        ("shape", "expected", "axis"),
        [
            ((3, 1), 3, 1),
            ((1, 3), 3, 0),
            ((2, 1, 4, 4), (2, 4, 4), 1),
            ((2, 4, 4, 1), (2, 4, 4), 3),
        ],
    )
    def test_says_which_axis_is_one_too_many(self, shape, expected, axis):
        with pytest.raises(ValueError, match=rf"; y\.squeeze\({axis}\) has that shape$"):
            checks.class_labels("y", np.zeros(shape, int), samples=expected, classes=2)

    def test_takes_arrays_of_labels(self):
        masks = np.arange(12).reshape(2, 3, 2) % 4
        assert checks.class_labels("y", masks, samples=(2, 3, 2), classes=4) is masks
        with refused(ValueError, "y must lie in 0 … 2, got 3 at index (0, 1, 1)"):
            checks.class_labels("y", masks, samples=(2, 3, 2), classes=3)
        with refused(
            ValueError, "y must have shape (2, 6), one class for each place, got (2, 3, 2)"
        ):
            checks.class_labels("y", masks, samples=(2, 6), classes=4)

    @pytest.mark.parametrize(("label", "index"), [(3, 1), (-1, 2), (9, 0)])
    def test_names_the_first_label_out_of_range(self, label, index):
        labels = np.array([0, 1, 2])
        labels[index] = label
        message = f"target must lie in 0 … 2, got {label} at index {index}"
        with refused(ValueError, message):
            checks.class_labels("target", labels, samples=3, classes=3)

    def test_the_first_of_several(self):
        with refused(ValueError, "y must lie in 0 … 1, got 7 at index 1"):
            checks.class_labels("y", [0, 7, -5], samples=3, classes=2)

    def test_lets_ignore_index_through_and_nothing_else(self):
        labels = np.array([0, -100, 1])
        options = {"samples": 3, "classes": 2, "ignore_index": -100}
        assert checks.class_labels("y", labels, **options) is labels
        with refused(ValueError, "y must lie in 0 … 1, got -1 at index 2"):
            checks.class_labels("y", [0, -100, -1], **options)
        with refused(ValueError, "y must lie in 0 … 1, got -100 at index 1"):
            checks.class_labels("y", labels, samples=3, classes=2)


class TestRefuseProbabilities:
    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    @pytest.mark.parametrize("classes", [2, 10, 1000])
    def test_probabilities(self, dtype, classes):
        p = softmax(np.random.default_rng(0).normal(size=(64, classes)).astype(dtype) * 3)
        message = (
            "net(x) must be scores before the softmax, but every row lies in [0, 1] and sums to 1, "
            "as probabilities do; the loss applies a softmax of its own, so leave out the network's"
        )
        with refused(ValueError, message):
            checks.refuse_probabilities("net(x)", p)
        half = np.eye(classes)[:2].mean(axis=0)
        for row, special in ((3, half), (0, half[::-1]), (0, np.eye(classes)[0])):  # some 0 and 1
            p[row] = special
            with refused(ValueError, message):
                checks.refuse_probabilities("net(x)", p)
        for row in (0, 5):  # one row that is no distribution, and the batch may be logits
            q = p.copy()
            q[row, 0] += 0.01
            assert checks.refuse_probabilities("net(x)", q) is None
        q = p.copy()
        q[7, :2] = -0.5, q[7, :2].sum() + 0.5
        assert checks.refuse_probabilities("net(x)", q) is None

    @pytest.mark.parametrize(
        "logits",
        [np.zeros((3, 3)), np.eye(3), np.ones((3, 1)), np.full((3, 3), 1 / 3) * (1 + 1e-10)],
    )
    def test_lets_logits_through(self, logits):
        assert checks.refuse_probabilities("logits", logits) is None


class TestFiniteResult:
    def test_lets_finite_values_pass_without_a_look_at_the_arguments(self):
        assert checks.finite_result(1.0, logits=np.array([np.nan])) is None
        assert checks.finite_result(np.zeros(3)) is None

    @pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
    def test_names_the_argument_and_the_place(self, bad):
        logits = np.zeros((2, 3))
        logits[1, 2] = logits[1, 1] = bad
        with refused(ValueError, f"logits must be finite, got {bad} at index (1, 1)"):
            checks.finite_result(np.array([0.0, bad]), weight=np.ones(3), logits=logits)

    def test_a_number_has_the_empty_index(self):
        with refused(ValueError, "scale must be finite, got inf at index ()"):
            checks.finite_result(np.nan, scale=np.inf)

    def test_the_first_of_several_results_is_named(self):
        with pytest.raises(checks.NotFiniteError, match="overflowed: it is inf although"):
            checks.finite_result(np.array([1.0, np.inf, np.inf]), prediction=ONES)

    def test_overflow_from_finite_arguments(self):
        message = "the loss overflowed: it is inf although its arguments are finite"
        with refused(ValueError, message):
            checks.finite_result(np.inf, prediction=np.array([1e200]))

    @pytest.mark.parametrize("prediction", [1e200, np.nan])
    def test_can_be_told_from_other_errors(self, prediction):
        with pytest.raises(checks.NotFiniteError):
            checks.finite_result(np.inf, prediction=prediction)


class TestNumber:
    @pytest.mark.parametrize(
        "value",
        [
            0.25,
            *(kind(0.25) for kind in (np.float16, np.float32, np.float64, np.longdouble)),
            np.array(0.25),
            Fraction(1, 4),
        ],
    )
    def test_returns_a_float_of_python(self, value):
        number = checks.number("lr", value, above=0, at_least=0, below=1, at_most=1)
        assert type(number) is float
        assert number == 0.25

    def test_keeps_whole_numbers_whole(self):
        assert type(checks.number("lr", 3)) is int

    @pytest.mark.parametrize("bound", ["at_least", "at_most"])
    def test_closed_bounds_admit_their_end(self, bound):
        assert checks.number("p", 1, **{bound: 1}) == 1

    @pytest.mark.parametrize(
        ("value", "bounds", "wanted"),
        [
            (0, {"above": 0}, "> 0"),
            (-0.1, {"above": 0}, "> 0"),
            (-0.1, {"at_least": 0}, "≥ 0"),
            (1, {"below": 1}, "< 1"),
            (1.5, {"below": 1}, "< 1"),
            (1.5, {"at_most": 1}, "≤ 1"),
            (2, {"at_least": 0, "below": 1}, "≥ 0 and < 1"),
            (2, {"above": 0, "at_most": 1.5}, "> 0 and ≤ 1.5"),
            (np.inf, {"above": 0}, "> 0"),
            (-np.inf, {"below": 0}, "< 0"),
            (np.nan, {"above": 0}, "> 0"),
        ],
    )
    def test_bounds(self, value, bounds, wanted):
        with refused(ValueError, f"lr must be finite and {wanted}, got {value}"):
            checks.number("lr", value, **bounds)

    @pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
    def test_without_bounds_finite_is_enough(self, value):
        with refused(ValueError, f"eps must be finite, got {value}"):
            checks.number("eps", value)

    @pytest.mark.parametrize("value", [None, "fast", "0.1", [1.0, 2.0], 1j, np.ones(2)])
    @pytest.mark.parametrize("check", [checks.number, checks.real])
    def test_refuses_what_is_no_number(self, value, check):
        with refused(TypeError, f"lr must be a number, got {value!r}"):
            check("lr", value)

    @pytest.mark.parametrize("value", [math.inf, np.float32("-inf"), np.array(math.nan)])
    def test_a_real_number_need_not_be_finite(self, value):
        came = checks.real("value", value)
        assert type(came) is float
        assert np.array_equal(came, value, equal_nan=True)


class TestInteger:
    @pytest.mark.parametrize("value", [3, np.int64(3), np.uint8(3)])
    def test_returns_an_int(self, value):
        result = checks.integer("size", value, at_least=3, at_most=3)
        assert result == 3
        assert type(result) is int

    def test_without_bounds_any_integer_will_do(self):
        assert checks.integer("size", -3) == -3

    @pytest.mark.parametrize("value", [3.0, "3", None, True, False, np.True_, np.float64(3)])
    def test_refuses_what_is_no_integer(self, value):
        with refused(TypeError, f"size must be an integer, got {value!r}"):
            checks.integer("size", value)

    def test_bounds(self):
        with refused(ValueError, "size must be finite and ≥ 1, got 0"):
            checks.integer("size", 0, at_least=1)
        with refused(ValueError, "size must be finite and ≥ 1 and ≤ 9, got 10"):
            checks.integer("size", 10, at_least=1, at_most=9)


def test_one_of():
    assert checks.one_of("reduction", "sum", ("mean", "sum")) == "sum"
    with refused(ValueError, "reduction must be one of 'mean', 'sum', got 'max'"):
        checks.one_of("reduction", "max", ("mean", "sum"))


def test_generator():
    rng = np.random.default_rng(0)
    assert checks.generator("rng", rng) is rng
    message = "a numpy.random.Generator such as np.random.default_rng(0), got 0"
    with refused(TypeError, f"noise must be {message}"):
        checks.generator("noise", 0)


def test_the_old_generator_of_numpy_is_refused():
    with pytest.raises(TypeError, match="got RandomState"):
        checks.generator("rng", np.random.RandomState(0))


class TestEntries:
    def test_lets_a_dict_of_them_pass_in_any_order(self):
        checks.entries("state", {"b": 1, "a": 2}, ("a", "b"))

    @pytest.mark.parametrize("state", [{}, {"a": 1}, {"a": 1, "b": 2, "c": 3}])
    def test_refuses_others(self, state):
        message = f"state must have ['a', 'b'], got {sorted(state)}"
        with refused(ValueError, message):
            checks.entries("state", state, ("a", "b"))

    @pytest.mark.parametrize("state", [None, [], ["a", "b"]])
    def test_refuses_what_is_no_dict(self, state):
        with refused(TypeError, f"state must be a dict with ['a', 'b'], got {state!r}"):
            checks.entries("state", state, ("a", "b"))


def thrown_away(source):
    """Calls such as ``number("lr", lr)`` whose result, Python's own number, is not used."""
    functions = [f for f in ast.walk(ast.parse(source)) if isinstance(f, ast.FunctionDef)]
    for function in functions:
        if function.name.lstrip("_").startswith(
            "check"
        ):  # of options that are Python's own already
            continue
        for line in ast.walk(function):
            match line:
                case ast.Expr(
                    ast.Call(
                        ast.Name("number" | "integer"), [ast.Constant(said), ast.Name(name), *_]
                    )
                ) if said == name:
                    yield f"{function.name}: {name}"


def test_numbers_are_used_as_they_come_back_from_their_check():
    """A uint8 of 3 has the negative 253, and a float64 turns float32 arrays into float64 ones."""
    assert list(thrown_away("def f(lr):\n    number('lr', lr)")) == ["f: lr"]
    assert list(thrown_away("def f(lr):\n    lr = number('lr', lr)")) == []
    paths = Path(checks.__file__).parent.rglob("*.py")
    found = [(str(path), list(thrown_away(path.read_text(encoding="utf-8")))) for path in paths]
    assert len(found) > 50
    assert [entry for entry in found if entry[1]] == []
