"""Gradients of exactly 0 with eps = 0, and numbers whose squares are no numbers."""

import numpy as np
import pytest

from descent.layers import Parameter
from descent.optimizers import (
    LAMB,
    Adadelta,
    Adagrad,
    Adam,
    AdamW,
    NAdam,
    RAdam,
    RMSprop,
    ScheduleFreeAdamW,
)
from descent.optimizers._quotient import quotient

ADAPTIVE = {
    "LAMB": lambda ps, **eps: LAMB(ps, weight_decay=0.0, **eps),
    "Adadelta": Adadelta,
    "Adagrad": Adagrad,
    "Adam": Adam,
    "Adam, AMSGrad": lambda ps, **eps: Adam(ps, amsgrad=True, **eps),
    "Adam, uncorrected": lambda ps, **eps: Adam(ps, bias_correction=False, **eps),
    "AdamW": lambda ps, **eps: AdamW(ps, weight_decay=0.0, **eps),
    "NAdam": NAdam,
    "RAdam": lambda ps, **eps: RAdam(ps, betas=(0.9, 0.5), **eps),
    "RAdam, rectified": lambda ps, **eps: RAdam(ps, betas=(0.9, 0.999), **eps),
    "RMSprop": RMSprop,
    "RMSprop, centered": lambda ps, **eps: RMSprop(ps, centered=True, momentum=0.9, **eps),
    "ScheduleFreeAdamW": ScheduleFreeAdamW,
}
every_adaptive = pytest.mark.parametrize("make", ADAPTIVE.values(), ids=ADAPTIVE)


@every_adaptive
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("eps", [0.0, 1e-60])  # the second is 0 in float32
def test_what_never_had_a_gradient_stays(make, dtype, eps):
    w = Parameter(np.array([1.0, 2.0, 3.0], dtype))
    optimizer = make([w], eps=eps)
    for t in range(10):
        w.grad[...] = [0.5 + t, 0.0, -1.0]
        optimizer.step()
        assert np.isfinite(w.data).all()
        assert w.data[1] == 2.0
    if make is not Adadelta:  # the first step is 0 without ε, and so are all others
        assert w.data[0] < 1
        assert w.data[2] > 3
    for state in optimizer.state.values():
        assert all(np.isfinite(value).all() for value in state.values())


@every_adaptive
def test_gradients_of_zero_alone(make):
    w = Parameter(np.array([1.0, 2.0]))
    optimizer = make([w], eps=0.0)
    for _ in range(8):
        optimizer.step()
    assert w.data.tolist() == [1.0, 2.0]


@pytest.mark.parametrize("cls", [Adam, AdamW, RMSprop, Adagrad, NAdam])
def test_without_epsilon_the_others_move_as_if_the_zeros_were_not_there(cls):
    rng = np.random.default_rng(0)
    short, long = Parameter(np.ones(3)), Parameter(np.ones(5))
    one, two = cls([short], eps=0.0), cls([long], eps=0.0)
    for _ in range(5):
        short.grad[...] = long.grad[[0, 2, 4]] = rng.normal(size=3)
        one.step()
        two.step()
    assert long.data[[0, 2, 4]].tolist() == short.data.tolist()


@every_adaptive
@pytest.mark.parametrize(("dtype", "bad"), [(np.float32, -3e19), (np.float64, 1e200)])
def test_a_gradient_whose_square_overflows_is_refused(make, dtype, bad):
    w = Parameter(np.ones((2, 2), dtype))
    optimizer = make([w])
    w.grad[...] = 1.0
    optimizer.step()
    before, state = w.data.copy(), optimizer.state_dict()
    w.grad[0, 1] = bad
    message = rf"square of the gradient must be finite in {np.dtype(dtype)}, got .* nothing was ch"
    with pytest.raises(ValueError, match=message):
        optimizer.step()
    assert np.array_equal(w.data, before)
    for one, two in zip(optimizer.state_dict()["states"], state["states"], strict=True):
        assert one.keys() == two.keys()
        assert all(np.array_equal(one[name], two[name]) for name in one)


@every_adaptive
def test_only_the_square_of_one_entry_counts(make):
    """The sum of these squares overflows, and none of them does."""
    w = Parameter(np.ones(100, np.float32))
    w.grad[...] = 1.5e19
    optimizer = make([w])
    optimizer.step()
    assert np.isfinite(w.data).all()
    assert all(np.isfinite(v).all() for state in optimizer.state.values() for v in state.values())


def test_adagrad_refuses_a_sum_that_overflows():
    w = Parameter(np.ones(3, np.float32))
    optimizer = Adagrad([w])
    w.grad[...] = [1e19, 1.0, -1.5e19]  # the sum of the three squares is just finite
    optimizer.step()
    w.grad[...] = [1e19, 0.0, 1e19]  # sums of entries that overflow together, and none alone
    optimizer.step()
    before, state = w.data.copy(), str(optimizer.state_dict())
    w.grad[...] = [1.0, 0.0, -0.5e19]
    with pytest.raises(
        ValueError, match=r"sum of the squared .* 3.25e\+38 and the square of -5e\+18"
    ):
        optimizer.step()
    assert np.array_equal(w.data, before)
    assert str(optimizer.state_dict()) == state


def test_quotient():
    a = np.array([6.0, 0.0, 3.0])
    assert quotient(a, np.array([2.0, 1.0, -4.0])).tolist() == [3.0, 0.0, -0.75]
    for dtype in (np.float32, np.float64):
        b = np.array([2.0, 0.0, 0.0], dtype)
        result = quotient(a.astype(dtype), b)
        assert result is b  # no memory of its own
        assert result.tolist() == [3.0, 0.0, 0.0]
    assert a.tolist() == [6.0, 0.0, 3.0]


def test_lamb_measures_layers_whose_squares_overflow():
    w = Parameter(np.full(4, 2e19, np.float32))
    w.grad[...] = 1.0
    LAMB([w], lr=0.5, weight_decay=0.0).step()
    assert w.data == pytest.approx(1e19, rel=1e-5)
