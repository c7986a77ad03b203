import math

import numpy as np
import pytest

from descent.norms import row_norms, vector_norm

TINY, LARGE = 1e-30, 3e30


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("scale", [TINY, 1e-13, 1, LARGE])
@pytest.mark.parametrize("order", [0.5, 1, 2, 3, math.inf])
def test_of_all_arrays_together(dtype, scale, order):
    rng = np.random.default_rng(0)
    arrays = [(scale * rng.normal(size=shape)).astype(dtype) for shape in ((3, 4), (5,), ())]
    whole = np.concatenate([a.ravel() for a in arrays]).astype(np.longdouble)
    expected = float((np.abs(whole / scale) ** order).sum() ** (1 / np.longdouble(order)) * scale)
    if order == math.inf:
        expected = float(np.abs(whole).max())
    assert vector_norm(arrays, order) == pytest.approx(
        expected, rel=1e-6 if dtype is np.float32 else 1e-13
    )
    assert type(vector_norm(arrays, order)) is float


def test_beyond_float64_squares():
    assert vector_norm([np.array([3e200]), np.array([4e200])]) == pytest.approx(5e200, rel=1e-14)
    assert vector_norm([np.array([3e-200, 4e-200])]) == pytest.approx(5e-200, rel=1e-14)


@pytest.mark.parametrize("order", [1, 2, math.inf])
def test_of_nothing_and_of_what_is_not_finite(order):
    assert vector_norm([], order) == 0
    assert vector_norm([np.zeros(3)], order) == 0
    assert vector_norm([np.array([1, -math.inf]), np.ones(2)], order) == math.inf
    assert math.isnan(vector_norm([np.ones(2), np.array([1, math.nan])], order))
    assert math.isnan(vector_norm([np.array([math.inf]), np.array([math.nan])], order))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_of_rows(dtype):
    x = np.array([[3, -4], [0, 0], [3 * TINY, 4 * TINY], [3 * LARGE, 4 * LARGE]], dtype)
    expected = np.array([[5], [0], [5 * TINY], [5 * LARGE]])
    with np.errstate(all="raise", under="ignore"):
        lengths = row_norms(x)
    assert lengths.dtype == dtype
    assert np.allclose(lengths, expected, rtol=1e-6, atol=0)
    assert row_norms(x[:1]).tolist() == [[5]]
    assert row_norms(x.reshape(2, 2, 2)).shape == (2, 2, 1)
    spoiled = np.array([[math.inf, 1], [math.nan, 1], [3, 4]], dtype)
    assert np.array_equal(row_norms(spoiled), [[math.inf], [math.nan], [5]], equal_nan=True)
