import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from descent.data import batches

X = np.arange(20.0).reshape(10, 2)
Y = np.arange(10)


@pytest.mark.parametrize("masked", [0, 1])
def test_a_mask_is_refused_not_lost(masked):
    data = [X, Y]
    data[masked] = np.ma.masked_array(data[masked], mask=False)
    with pytest.raises(
        TypeError, match=f"{['inputs', 'targets'][masked]} must be an array without"
    ):
        next(batches(*data, 4))


def test_in_order():
    came = list(batches(X, Y, 4))
    assert [y.tolist() for _, y in came] == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]
    assert np.array_equal(np.concatenate([x for x, _ in came]), X)


@settings(max_examples=50, derandomize=True, deadline=None)
@given(st.integers(1, 20), st.integers(1, 25), st.booleans(), st.booleans())
def test_every_sample_comes_once(count, size, shuffled, drop_last):
    if drop_last and size > count:
        return
    rng = np.random.default_rng(0) if shuffled else None
    x = np.arange(count) * 10
    came = list(batches(x, np.arange(count), size, rng=rng, drop_last=drop_last))
    seen = np.concatenate([y for _, y in came])
    whole, rest = divmod(count, size)
    sizes = [size] * whole + ([rest] if rest and not drop_last else [])
    assert [len(y) for _, y in came] == sizes
    assert len(set(seen)) == sum(sizes)
    for x, y in came:
        assert np.array_equal(x, y * 10)


def test_each_call_shuffles_anew_by_its_generator():
    rng = np.random.default_rng(0)
    orders = [np.concatenate([y for _, y in batches(X, Y, 3, rng=rng)]) for _ in range(2)]
    assert not np.array_equal(orders[0], Y)
    assert not np.array_equal(*orders)
    again = np.concatenate([y for _, y in batches(X, Y, 5, rng=np.random.default_rng(0))])
    assert np.array_equal(orders[0], again)


def test_batches_are_copies():
    data = X.copy()
    for x, _ in batches(data, Y, 4):
        x[...] = -1
    assert np.array_equal(data, X)


def test_lists_will_do():
    assert [y.tolist() for _, y in batches([1, 2, 3], [4, 5, 6], 2)] == [[4, 5], [6]]


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: batches(X, Y[:9], 2), ValueError, r"inputs has shape \(10, 2\), targets has .*9"),
        (lambda: batches(X[:0], Y[:0], 2), ValueError, r"at least 1, but inputs has shape \(0, 2"),
        (lambda: batches(1.0, 2, 2), ValueError, r"inputs has shape \(\), targets has shape \(\)"),
        (lambda: batches(X, Y, 0), ValueError, "size must be finite and ≥ 1, got 0"),
        (lambda: batches(X, Y, 2.5), TypeError, "size must be an integer, got 2.5"),
        (lambda: batches(X, Y, 11, drop_last=True), ValueError, "size must .*≤ 10, got 11"),
        (lambda: batches(X, Y, 2, rng=0), TypeError, r"rng must be a numpy\.random\.Generator"),
    ],
)
def test_bad_input_is_refused_at_once(call, error, message):
    with pytest.raises(error, match=message):
        call()
