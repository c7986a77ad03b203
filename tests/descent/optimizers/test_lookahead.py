import numpy as np
import pytest

from descent.gradient_check import relative_error
from descent.layers import Parameter
from descent.optimizers import SAM, SGD, Lookahead, Together


def algorithm_1(k, alpha, lr, mu):
    """With heavy-ball momentum as the optimizer inside."""

    def rule(phi, gradient):
        v, t = 0.0 * phi, 0
        while True:
            theta = phi
            for i in range(k):
                t += 1
                v = mu * v + gradient(theta, t)
                theta = theta - lr * v
                if i == k - 1:
                    phi = phi + alpha * (theta - phi)
                    theta = phi
                yield theta

    return rule


@pytest.mark.parametrize(
    ("options", "k", "alpha"),
    [({}, 5, 0.5), ({"k": 3, "alpha": 0.8}, 3, 0.8), ({"k": 2, "alpha": 0.2}, 2, 0.2)],
)
def test_agrees_with_the_paper(problem, options, k, alpha):
    a = problem()
    optimizer = Lookahead(SGD(a.parameters, lr=0.02, momentum=0.9), **options)
    expected = problem().follow(algorithm_1(k, alpha, 0.02, 0.9), 100)
    assert relative_error(a.run(optimizer, 100), expected) < 1e-12
    assert optimizer.state_dict()["steps"] == 100


def test_the_slow_weights_start_at_the_first_step(one_weight):
    w = one_weight()
    optimizer = Lookahead(SGD([w], lr=1.0), k=1)
    w.data[...] = 8.0
    optimizer.step()
    assert w.data[0] == 7.5


def test_zero_never_moves_and_one_is_the_optimizer_inside(one_weight):
    still, plain = one_weight(), one_weight()
    for _ in range(2):
        Lookahead(SGD([still], lr=1.0), k=1, alpha=0).step()
        Lookahead(SGD([plain], lr=1.0), k=1, alpha=1).step()
    assert (still.data[0], plain.data[0]) == (0.0, -2.0)


def test_a_refused_first_step_changes_nothing(one_weight):
    w = one_weight(value=2.0, gradient=np.nan)
    optimizer = Lookahead(SGD([w], lr=1.0), k=1)
    with pytest.raises(ValueError, match="the gradient must be finite"):
        optimizer.step()
    assert optimizer.state_dict()["slow"] == []
    assert optimizer.state_dict()["steps"] == 0


def test_around_sam_it_hands_the_closure_on(problem):
    a, b = problem(), problem()
    outer = Lookahead(SAM(SGD(a.parameters, lr=0.1), rho=0.5), k=100)
    inner = SAM(SGD(b.parameters, lr=0.1), rho=0.5)

    def closure_of(problem, optimizer):
        def closure():
            optimizer.zero_grad()
            problem.set_gradients(1)
            return 3.5

        return closure

    assert outer.step(closure_of(a, outer)) == inner.step(closure_of(b, inner)) == 3.5
    assert a.vector().tolist() == b.vector().tolist()


def test_frozen_weights_stay_and_are_not_pulled_back_later():
    a, b = Parameter(np.zeros(1)), Parameter(np.zeros(1))
    optimizer = Lookahead(SGD([a, b], lr=1.0), k=1, alpha=0.5)
    a.grad[...] = b.grad[...] = -1
    optimizer.step()
    b.requires_grad = False
    b.data[...] = 8
    optimizer.step()
    assert (a.data[0], b.data[0]) == (1.0, 8.0)
    b.requires_grad = True
    optimizer.step()
    assert (a.data[0], b.data[0]) == (1.5, 8.5)


def test_a_group_may_come_later():
    a, b, c = (Parameter(np.zeros(1), -np.ones(1)) for _ in range(3))
    optimizer = Lookahead(SGD([a], lr=1.0), k=2, alpha=0.5)
    optimizer.add_param_group({"params": [b]})  # before the first step
    optimizer.step()
    c.data[...] = 10
    optimizer.add_param_group({"params": [c], "lr": 2.0})
    optimizer.step()
    assert (a.data[0], b.data[0], c.data[0]) == (1.0, 1.0, 11.0)


@pytest.mark.parametrize("together", [False, True])
def test_a_group_may_come_later_to_the_optimizer_inside(together):
    a, b, c = (Parameter(np.zeros(shape), -np.ones(shape)) for shape in (1, 2, 3))
    inside, last = SGD([a], lr=1.0), SGD([c], lr=1.0)
    optimizer = Lookahead(Together(inside, last) if together else inside, k=2, alpha=0.5)
    optimizer.step()
    inside.add_param_group({"params": [b], "lr": 2.0})  # before c, if c is there
    optimizer.step()
    assert (a.data[0], b.data[0], c.data[0]) == (1.0, 1.0, 1.0 if together else 0.0)
    again = Lookahead(Together(inside, last) if together else inside, k=2)
    again.load_state_dict(optimizer.state_dict())
    assert [phi.tolist() for phi in again.slow.values()] == [
        p.data.tolist() for p in again.parameters()
    ]


def test_slow_weights_of_other_shapes_are_refused(problem):
    a = problem()
    optimizer = Lookahead(SGD(a.parameters), k=1)
    a.run(optimizer, 2)
    before = optimizer.state_dict()
    for slow in (before["slow"][:1], [phi.T for phi in before["slow"]]):
        with pytest.raises(ValueError, match=r"saved\['slow'\] must have the shapes .* got \["):
            optimizer.load_state_dict({**before, "slow": slow})
    with pytest.raises(ValueError, match=r"saved\['steps'\] must be finite and ≥ 0"):
        optimizer.load_state_dict({**before, "steps": -1})
    with pytest.raises(ValueError, match=r"saved has"):
        optimizer.load_state_dict(
            {**before, "steps": 9, "optimizer": SGD([a.parameters[0]]).state_dict()}
        )
    assert str(optimizer.state_dict()) == str(before)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"k": 0}, ValueError, "k must be finite and ≥ 1, got 0"),
        ({"k": 2.0}, TypeError, r"k must be an integer, got 2\.0"),
        ({"alpha": -0.1}, ValueError, r"alpha must be finite and ≥ 0 and ≤ 1, got -0\.1"),
        ({"alpha": 1.1}, ValueError, r"alpha must be finite and ≥ 0 and ≤ 1, got 1\.1"),
    ],
)
def test_bad_options(one_weight, options, error, message):
    with pytest.raises(error, match=message):
        Lookahead(SGD([one_weight()]), **options)
