import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from descent.gradient_check import check_layer
from descent.layers import Dropout, Dropout2d, StochasticDepth

KINDS = {
    "Dropout": Dropout,
    "Dropout2d": Dropout2d,
    "row": lambda p, **options: StochasticDepth(p, "row", **options),
    "batch": lambda p, **options: StochasticDepth(p, mode="batch", **options),
}
SHAPE = (40, 30, 5, 2)
MASK_SHAPES = {
    "Dropout": (40, 30, 5, 2),
    "Dropout2d": (40, 30, 1, 1),
    "row": (40, 1, 1, 1),
    "batch": (1, 1, 1, 1),
}


@pytest.fixture(params=KINDS)
def kind(request):
    return request.param


def make(kind, p, seed=0, **options):
    return KINDS[kind](p, rng=np.random.default_rng(seed), **options)


class Repeated(Dropout):
    """Dropout that draws the same mask at every call, for central differences."""

    def forward(self, x):
        self.rng = np.random.default_rng(3)
        return super().forward(x)


def test_the_mask_is_drawn_where_a_uniform_number_is_at_least_p(kind):
    x = np.random.default_rng(1).normal(size=SHAPE)
    kept = np.random.default_rng(0).random(MASK_SHAPES[kind]) >= 0.3
    layer = make(kind, 0.3)
    assert np.allclose(layer(x), kept * x / 0.7, rtol=1e-15)
    (_, (factor,)) = layer.kept
    assert factor.shape == MASK_SHAPES[kind]
    delta = np.random.default_rng(2).normal(size=SHAPE)
    assert np.allclose(layer.backward(delta), kept * delta / 0.7, rtol=1e-15)


def test_each_pass_draws_a_new_mask():
    layer, x = make("Dropout", 0.5), np.ones(200)
    assert not np.array_equal(layer(x), layer(x))
    assert np.array_equal(make("Dropout", 0.5)(x), make("Dropout", 0.5)(x))


def test_evaluation_is_the_identity(kind):
    x = np.random.default_rng(1).normal(size=SHAPE)
    layer = make(kind, 0.3).eval()
    assert np.array_equal(layer(x), x)
    assert np.array_equal(layer.backward(x), x)
    assert layer.rng.random() == np.random.default_rng(0).random()  # nothing was drawn


def test_original_scaling(kind):
    x = np.random.default_rng(1).normal(size=SHAPE)
    layer = make(kind, 0.3, inverted=False)
    kept = np.random.default_rng(0).random(MASK_SHAPES[kind]) >= 0.3
    assert np.array_equal(layer(x), kept * x)
    assert np.array_equal(layer.backward(x), kept * x)
    layer.eval()
    assert np.allclose(layer(x), 0.7 * x, rtol=1e-15)
    assert np.allclose(layer.backward(x), 0.7 * x, rtol=1e-15)


def test_mean_and_variance():
    y = make("Dropout", 0.2)(np.full(200_000, 3.0))
    assert y.mean() == pytest.approx(3, abs=0.02)
    assert y.var() == pytest.approx(9 * 0.2 / 0.8, rel=0.02)
    assert (y == 0).mean() == pytest.approx(0.2, abs=0.005)  # p is the probability of dropping


@pytest.mark.parametrize("inverted", [True, False])
def test_probabilities_0_and_1(kind, inverted):
    x = np.ones((3, 4, 1, 1))
    nothing, everything = (make(kind, p, inverted=inverted) for p in (0, 1))
    assert np.array_equal(nothing(x), x)
    assert np.array_equal(everything(x), 0 * x)
    assert np.array_equal(everything.backward(x), 0 * x)


def test_default_probability_is_one_half():
    assert Dropout(rng=np.random.default_rng(0)).p == 0.5
    assert Dropout2d(rng=np.random.default_rng(0)).p == 0.5
    assert StochasticDepth(0.1, rng=np.random.default_rng(0)).mode == "row"


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("inverted", [True, False])
def test_central_differences(training, inverted):
    rng = np.random.default_rng(0)
    layer = Repeated(0.4, inverted=inverted, rng=rng).train(training)
    check_layer(layer, rng.normal(size=(3, 4)), rng)


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("inverted", [True, False])
def test_keeps_float32(kind, training, inverted):
    layer = make(kind, np.float64(0.5), inverted=inverted).train(training)
    y = layer(np.ones((3, 4, 2, 2), np.float32))
    assert y.dtype == layer.backward(y).dtype == np.float32


@settings(max_examples=20, derandomize=True, deadline=None)
@given(st.lists(st.integers(1, 4), min_size=1, max_size=4), st.sampled_from(["row", "batch"]))
def test_stochastic_depth_of_any_shape(shape, mode):
    layer = StochasticDepth(0.5, mode, rng=np.random.default_rng(sum(shape)))
    y = layer(np.ones(shape))
    assert y.shape == tuple(shape)
    assert all(len(np.unique(sample)) == 1 for sample in y)
    assert set(np.unique(y)) <= {0.0, 2.0}
    assert mode == "row" or len(np.unique(y)) == 1


@pytest.mark.parametrize(
    ("act", "error", "message"),
    [
        (lambda: make("Dropout", -0.1), ValueError, "p must be finite and ≥ 0 and ≤ 1, got -0.1"),
        (lambda: make("row", 1.1), ValueError, "p must be finite and ≥ 0 and ≤ 1, got 1.1"),
        (lambda: Dropout(0.5, rng=0), TypeError, r"rng must be a numpy\.random\.Generator"),
        (
            lambda: StochasticDepth(0.5, "rows", rng=np.random.default_rng(0)),
            ValueError,
            "mode must be one of 'row', 'batch', got 'rows'",
        ),
        (lambda: make("Dropout2d", 0.5)(np.ones((2, 3))), ValueError, r"shape \(N, C, H, W\)"),
        (lambda: make("Dropout", 0.5)(np.ones(3, int)), TypeError, "x must be float32 or float64"),
    ],
)
def test_bad_input(act, error, message):
    with pytest.raises(error, match=message):
        act()


def test_repr():
    assert repr(make("Dropout", 0.5)) == "Dropout(0.5)"
    assert repr(make("Dropout2d", 0.5)) == "Dropout2d(0.5)"
    assert repr(make("batch", 0.5)) == "StochasticDepth(0.5, 'batch')"
