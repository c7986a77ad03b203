import numpy as np
import pytest

from descent.gradient_check import relative_error
from descent.layers import Linear, Parameter, ReLU, Sequential
from descent.losses import cross_entropy
from descent.optimizers import (
    SAM,
    SGD,
    Adam,
    AdamW,
    CosineAnnealingLR,
    Lookahead,
    Muon,
    OneCycleLR,
    ReduceLROnPlateau,
    ScheduleFreeSGD,
    SequentialLR,
    StepLR,
    Together,
)


def two(problem):
    """Momentum for the first array, Adam for the second, together and apart."""
    a, b = problem(), problem()
    one, other = SGD(b.parameters[:1], lr=0.02, momentum=0.9), Adam(b.parameters[1:], lr=0.1)
    together = Together(
        SGD(a.parameters[:1], lr=0.02, momentum=0.9), Adam(a.parameters[1:], lr=0.1)
    )
    return a, together, b, one, other


def test_steps_as_each_would_alone(problem):
    a, together, b, one, other = two(problem)
    trajectory = a.run(together, 20)
    for t in range(1, 21):
        b.set_gradients(t)
        one.step()
        other.step()
        assert trajectory[t - 1].tolist() == b.vector().tolist()


def test_groups_states_and_parameters_are_those_of_all(problem):
    a, together, *_ = two(problem)
    a.run(together, 1)
    first, second = together.optimizers
    groups = [*first.param_groups, *second.param_groups]
    assert all(x is y for x, y in zip(together.param_groups, groups, strict=True))
    assert list(together.state) == a.parameters
    assert together.state[a.parameters[0]] is first.state[a.parameters[0]]
    assert together.parameters() == a.parameters
    a.parameters[0].requires_grad = False
    assert together.parameters() == a.parameters[1:]
    together.zero_grad()
    assert not any(p.grad.any() for p in a.parameters)


def test_one_closure_for_all(problem):
    a, together, *_ = two(problem)
    calls = []

    def closure():
        calls.append(a.vector())
        a.set_gradients(1)
        return 2.5

    assert together.step(closure) == 2.5
    assert len(calls) == 1
    assert together.step() is None


def test_schedules_change_the_rates_of_all(problem):
    a, together, *_ = two(problem)
    schedule = StepLR(together, 1, gamma=0.5)
    schedule.step()
    assert schedule.get_last_lr() == [0.01, 0.05]
    assert [o.param_groups[0]["lr"] for o in together.optimizers] == [0.01, 0.05]
    before = a.vector()
    a.set_gradients(1)
    together.step()
    assert np.abs(a.vector()[12:] - before[12:]).max() == pytest.approx(0.05, rel=1e-4)


def test_a_cycle_finds_momentum_and_betas(problem):
    _, together, *_ = two(problem)
    cycle = OneCycleLR(together, [0.1, 0.2], 10)
    assert together.param_groups[0]["momentum"] == 0.95
    assert together.param_groups[1]["betas"] == (0.95, 0.999)
    SequentialLR(together, [CosineAnnealingLR(together, 5), cycle], [5])
    assert together.param_groups[0]["momentum"] == 0.9
    assert together.param_groups[1]["betas"] == (0.9, 0.999)


def test_a_plateau_lowers_all(problem):
    _, together, *_ = two(problem)
    plateau = ReduceLROnPlateau(together, factor=0.5, patience=0)
    plateau.step(1.0)
    plateau.step(1.0)
    assert plateau.get_last_lr() == [0.01, 0.05]


@pytest.mark.parametrize("which", [0, 1])
def test_a_bad_gradient_anywhere_stops_all(problem, which):
    a, together, *_ = two(problem)
    a.run(together, 2)
    a.set_gradients(3)
    a.parameters[which].grad[1, 1] = np.nan
    before, state = a.vector(), str(together.state_dict())
    with pytest.raises(ValueError, match=r"the gradient must be finite, got nan at index \(1, 1\)"):
        together.step()
    assert a.vector().tolist() == before.tolist()
    assert str(together.state_dict()) == state


def test_a_bad_rate_anywhere_stops_all(problem):
    a, together, *_ = two(problem)
    together.param_groups[1]["lr"] = np.nan
    a.set_gradients(1)
    before = a.vector()
    with pytest.raises(ValueError, match=r"lr must be finite and ≥ 0, got nan"):
        together.step()
    assert a.vector().tolist() == before.tolist()


def test_switches_all(problem):
    a = problem()
    free = ScheduleFreeSGD(a.parameters[:1], lr=0.1)
    together = Together(Adam(a.parameters[1:], lr=0.1), free)
    a.run(together, 3)
    y = a.vector()
    assert together.eval() is together
    assert not free.training
    assert relative_error(a.vector()[:12], y[:12]) > 1e-6
    before = a.vector()
    with pytest.raises(RuntimeError, match=r"call train\(\) first"):
        together.step()
    assert a.vector().tolist() == before.tolist()
    assert together.train() is together
    assert a.vector().tolist() == y.tolist()


def test_a_state_that_fits_in_part_changes_nothing(problem):
    a, together, *_ = two(problem)
    a.run(together, 3)
    saved = together.state_dict()
    a.run(together, 3)
    before = str(together.state_dict())
    with pytest.raises(ValueError, match="saved has 1 optimizers, expected 2"):
        together.load_state_dict({"optimizers": saved["optimizers"][:1]})
    with pytest.raises(ValueError, match="saved has options"):
        together.load_state_dict({"optimizers": [saved["optimizers"][0]] * 2})
    assert str(together.state_dict()) == before
    together.load_state_dict(saved)
    assert str(together.state_dict()) == str(saved)


def test_sam_goes_around(problem):
    a, together, b, one, other = two(problem)
    sam = SAM(together, rho=0.3)

    def closure():
        sam.zero_grad()
        a.set_gradients(1)

    sam.step(closure)
    w, scale = b.vector(), np.concatenate([s.ravel() for s in b.scale])
    g = b.gradient(w, scale, 1)
    uphill = b.gradient(w + 0.3 * g / np.linalg.norm(g), scale, 1)
    b.parameters[0].grad[...] = uphill[:12].reshape(3, 4)
    b.parameters[1].grad[...] = uphill[12:].reshape(2, 3)
    one.step()
    other.step()
    assert relative_error(a.vector(), b.vector()) < 1e-12


@pytest.mark.parametrize(
    "wrap",
    [
        SAM,
        lambda inner: Lookahead(SAM(inner)),
        lambda inner: Together(inner, SGD([Parameter(np.zeros(1))])) and SAM(inner),
    ],
)
def test_sam_does_not_go_in(problem, wrap):
    a = problem()
    inner = wrap(SGD(a.parameters[:1]))
    with pytest.raises(TypeError, match=r"optimizers\[1\] needs two gradients .* put SAM around"):
        Together(SGD(a.parameters[1:]), inner)


def test_combinations_of_combinations(problem):
    a, b = problem(), problem()
    inner = Together(SGD(a.parameters[:1], lr=0.1))
    nested = Together(inner, Lookahead(Adam(a.parameters[1:], lr=0.1), k=2))
    flat = [SGD(b.parameters[:1], lr=0.1), Lookahead(Adam(b.parameters[1:], lr=0.1), k=2)]
    a.run(nested, 5)
    for t in range(1, 6):
        b.set_gradients(t)
        for optimizer in flat:
            optimizer.step()
    assert a.vector().tolist() == b.vector().tolist()


def test_bad_optimizers(problem):
    a = problem()
    with pytest.raises(ValueError, match="optimizers is empty"):
        Together()
    with pytest.raises(TypeError, match=r"optimizers\[1\] must be an Optimizer, got 3"):
        Together(SGD(a.parameters), 3)
    with pytest.raises(ValueError, match="optimizers must not hold the same parameter more"):
        Together(SGD(a.parameters), Adam(a.parameters[1:]))
    net = Sequential(Linear(3, 2, rng=np.random.default_rng(0)))
    with pytest.raises(ValueError, match="optimizers must not hold parameters that share memory"):
        Together(SGD([net.flat]), Adam([net[0].bias]))
    with pytest.raises(TypeError, match="add it to one of its optimizers"):
        Together(SGD(a.parameters)).add_param_group({"params": [Parameter(np.zeros(1))]})


def test_a_parameter_that_a_second_one_takes_in_later_is_not_moved_twice(problem):
    a = problem()
    one, other = SGD(a.parameters[:1], lr=0.1), SGD(a.parameters[1:], lr=0.1)
    together = Together(one, other)
    a.run(together, 2)
    other.add_param_group({"params": a.parameters[:1]})
    before = a.vector()
    with pytest.raises(ValueError, match="optimizers must not hold the same parameter more"):
        together.step()
    assert a.vector().tolist() == before.tolist()


def test_muon_and_adamw_train_one_network():
    rng = np.random.default_rng(0)
    net = Sequential(Linear(8, 16, rng=rng), ReLU(), Linear(16, 16, rng=rng), ReLU())
    head = Linear(16, 4, rng=rng)
    net = Sequential(*net.layers, head)
    x = rng.normal(size=(64, 8))
    y = np.argmax(x @ rng.normal(size=(8, 4)), axis=1)
    hidden = [net[0].weight, net[2].weight]
    rest = [p for p in net.parameters() if p not in hidden]
    optimizer = Together(Muon(hidden, lr=0.02), AdamW(rest, lr=1e-2))

    def closure():
        optimizer.zero_grad()
        value, gradient = cross_entropy(net(x), y)
        net.backward(gradient)
        return value

    losses = [optimizer.step(closure) for _ in range(60)]
    assert losses[0] > 1
    assert losses[-1] < losses[0] / 5
