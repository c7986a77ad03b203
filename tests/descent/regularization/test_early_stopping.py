import numpy as np
import pytest

from descent.layers import Linear
from descent.regularization import EarlyStopping


def run(stopping, values):
    """Feed values until it says stop; the network's weight is the number of the step."""
    net = Linear(1, 1, rng=np.random.default_rng(0))
    for step, value in enumerate(values, start=1):
        net.weight.data[...] = step
        if stopping.step(value, net):
            break
    return step, net


@pytest.mark.parametrize(
    ("mode", "min_delta", "values", "stopped", "best_step"),
    [
        ("min", 0.0, [3, 2, 2, 2, 1], 4, 2),
        ("min", 0.0, [3, 2, 4, 1, 5, 5, 0], 6, 4),
        ("max", 0.0, [3, 4, 4, 2, 9], 4, 2),
        ("min", 0.5, [3, 2.5, 2.4, 2.6, 2.7], 5, 3),
        ("max", 0.5, [3, 3.5, 3.6, 3.4, 3.3], 5, 3),
        ("min", 0.0, [np.nan, np.nan, 1], 2, None),
        ("min", 0.0, [2, np.nan, 1, np.inf, np.nan], 5, 3),
        ("max", 0.0, [-5, -4, -3], 3, 3),
    ],
)
def test_by_hand(mode, min_delta, values, stopped, best_step):
    stopping = EarlyStopping(2, min_delta=min_delta, mode=mode)
    step, net = run(stopping, values)
    assert (step, stopping.best_step) == (stopped, best_step)
    if best_step is not None:
        assert stopping.best == values[best_step - 1]
        assert stopping.waited == step - best_step
        stopping.restore(net)
        assert net.weight.data.item() == best_step


def test_patience_of_one_stops_at_the_first_disappointment():
    assert run(EarlyStopping(1), [1.0, 1.0, 0.0])[0] == 2


def test_defaults_and_repr():
    assert repr(EarlyStopping(3)) == "EarlyStopping(patience=3, min_delta=0.0, mode='min')"
    assert EarlyStopping(3).best == np.inf
    assert EarlyStopping(3, mode="max").best == -np.inf


def test_a_state_goes_on_elsewhere_with_the_options_of_there():
    values = [3.0, 2.0, 2.5, 2.4, 2.45, 2.3, 1.9]
    first, second = EarlyStopping(3), EarlyStopping(5, min_delta=0.2)
    run(first, values[:4])
    state = first.state_dict()
    second.load_state_dict(state)
    assert (second.patience, second.min_delta, second.best) == (5, 0.2, 2.0)
    assert run(second, values[4:])[0] == 3  # 2 waited before; 1.9 is no gain of more than .2
    assert (second.best_step, second.steps) == (2, 7)
    assert (first.best_step, first.steps) == (2, 4)
    second.best_state["weight"][...] = 7
    assert state["best_state"]["weight"] == first.best_state["weight"] == 2


def test_a_state_of_something_else_is_refused():
    stopping = EarlyStopping(3)
    with pytest.raises(ValueError, match=r"state must have \['best', .* got \['best'\]"):
        stopping.load_state_dict({"best": 1.0})
    assert stopping.best == np.inf


@pytest.mark.parametrize("value", ["0.1", None, [1.0, 2.0]])
def test_a_value_that_is_no_number_is_not_noted(value):
    stopping = EarlyStopping(1)
    with pytest.raises(TypeError, match="value must be a number, got "):
        stopping.step(value, Linear(1, 1, rng=np.random.default_rng(0)))
    assert (stopping.steps, stopping.waited, stopping.best_step) == (0, 0, None)


def test_nothing_to_restore():
    stopping = EarlyStopping(1)
    _, net = run(stopping, [np.nan])
    with pytest.raises(ValueError, match=r"^no state has been kept"):
        stopping.restore(net)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"patience": 0}, ValueError, "patience must be finite and ≥ 1, got 0"),
        ({"patience": 1.5}, TypeError, "patience must be an integer, got 1.5"),
        ({"patience": 1, "min_delta": -1}, ValueError, "min_delta must be finite and ≥ 0, got -1"),
        ({"patience": 1, "mode": "best"}, ValueError, "mode must be one of 'min', 'max'"),
    ],
)
def test_bad_options(options, error, message):
    with pytest.raises(error, match=message):
        EarlyStopping(**options)
