import math

import numpy as np
import pytest

from descent.gradient_check import relative_error
from descent.layers import coalesce
from descent.optimizers import SGD, Adam, AdamW, NAdam, RAdam


def steps_under(w, optimizer, gradients):
    """How far the weight moves down in each step."""
    lengths = []
    for g in gradients:
        before = w.data[0]
        w.grad[...] = g
        optimizer.step()
        lengths.append(before - w.data[0])
    return np.array(lengths)


def test_adam_by_hand(one_weight):
    w = one_weight()
    optimizer = Adam([w], lr=1.0, betas=(0.5, 0.75), eps=1.0)
    lengths = steps_under(w, optimizer, [2.0, 0.0])
    # m = 1, v = 1, corrected 2 and 4; then m = 0.5, v = 0.75, corrected by 3/4 and 7/16
    assert lengths[0] == pytest.approx(2 / (2 + 1), rel=1e-14)
    assert lengths[1] == pytest.approx((2 / 3) / (math.sqrt(12 / 7) + 1), rel=1e-14)


@pytest.mark.parametrize("gradient", [1e-4, 1e-2, 1.0, 1e2, 1e4])
def test_adams_first_step_has_the_length_of_the_rate(one_weight, gradient):
    w = one_weight(gradient=gradient)
    Adam([w], lr=0.1).step()
    assert -w.data[0] == pytest.approx(0.1, rel=1.01e-4)


def test_without_bias_correction(one_weight):
    w = one_weight()
    optimizer = Adam([w], lr=1.0, eps=0.0, bias_correction=False)
    lengths = steps_under(w, optimizer, np.ones(30))
    t = np.arange(1, 31)
    assert relative_error(lengths, (1 - 0.9**t) / np.sqrt(1 - 0.999**t)) < 1e-12
    assert lengths[0] == pytest.approx(3.162, abs=5e-4)
    assert lengths.argmax() + 1 == 12
    assert lengths.max() == pytest.approx(6.57, abs=5e-3)


@pytest.mark.parametrize("cls", [Adam, AdamW])
def test_without_bias_correction_epsilon_is_added_as_it_stands(one_weight, cls):
    w = one_weight()
    cls([w], lr=1.0, betas=(0.5, 0.75), eps=1.0, bias_correction=False).step()
    assert w.data[0] == pytest.approx(-0.5 / (0.5 + 1), rel=1e-14)


def test_adam_forgets_the_scale_of_the_loss_and_sgd_does_not(problem):
    rng = np.random.default_rng(0)
    gradients = rng.normal(size=(20, 18))

    def end(optimizer_class, scale, **options):
        a = problem()
        (flat,) = coalesce(a.parameters)
        optimizer = optimizer_class(a.parameters, lr=0.1, **options)
        for g in gradients:
            flat.grad[...] = scale * g
            optimizer.step()
        return a.vector()

    assert relative_error(end(Adam, 1000), end(Adam, 1)) < 1e-5
    assert relative_error(end(Adam, 1000, eps=0.0), end(Adam, 1, eps=0.0)) < 1e-12
    assert relative_error(end(SGD, 1000), end(SGD, 1)) > 0.9


@pytest.mark.parametrize(("amsgrad", "end"), [(False, 1.0), (True, -0.9996)])
def test_reddis_example(one_weight, amsgrad, end):
    """The losses are 3x, −x, −x, … on [−1, 1], so that the best point is −1."""
    w = one_weight()
    optimizer = Adam([w], betas=(0.0, 0.1), eps=0.0, amsgrad=amsgrad, bias_correction=False)
    for t in range(3000):
        optimizer.param_groups[0]["lr"] = 0.5 / math.sqrt(t + 1)
        w.grad[...] = 3 if t % 3 == 0 else -1
        optimizer.step()
        np.clip(w.data, -1, 1, out=w.data)
    assert w.data[0] == pytest.approx(end, abs=0.02)


@pytest.mark.parametrize("scale", [10.0, 100.0, 1000.0])
def test_l2_decays_by_the_scale_of_the_gradient_and_decay_does_not(one_weight, scale):
    lr, decay, steps = 1e-6, 1.0, 2000
    gradients = scale * np.random.default_rng(0).choice([-1.0, 1.0], steps)

    def shrinkage(cls):
        """How much farther the weight goes down with decay, as a share of ηλ per step."""
        with_decay, without = one_weight(value=1.0), one_weight(value=1.0)
        steps_under(with_decay, cls([with_decay], lr, weight_decay=decay), gradients)
        steps_under(without, cls([without], lr, weight_decay=0.0), gradients)
        return (without.data[0] - with_decay.data[0]) / (lr * decay * steps)

    assert shrinkage(Adam) * scale == pytest.approx(1.0, rel=0.05)
    assert shrinkage(AdamW) == pytest.approx(1.0, rel=0.05)


def test_nadam_by_hand(one_weight):
    w = one_weight()
    optimizer = NAdam([w], lr=1.0, betas=(0.5, 0.75), eps=1.0, momentum_decay=0.0)
    lengths = steps_under(w, optimizer, [2.0, 0.0])
    # μ = 1/4 throughout. m = 1, v̂ = 4; then m = 1/2, v̂ = 0.75/(7/16)
    assert lengths[0] == pytest.approx((0.25 / (15 / 16) * 1 + 2) / 3, rel=1e-14)
    expected = 0.25 / (63 / 64) * 0.5 / (math.sqrt(12 / 7) + 1)
    assert lengths[1] == pytest.approx(expected, rel=1e-14)


def test_radam_rectifies_from_step_6_on(one_weight):
    def rho(t, beta2=0.999):
        return 2 / (1 - beta2) - 1 - 2 * t * beta2**t / (1 - beta2**t)

    assert rho(4) < 4 < rho(5) < 5 < rho(6)
    w = one_weight(gradient=7.0)
    lengths = steps_under(w, RAdam([w], lr=1.0, eps=0.0), np.full(6, 7.0))
    assert lengths[:5] == pytest.approx(np.full(5, 7.0), rel=1e-12)
    limit, r6 = 1999, rho(6)
    expected = math.sqrt((r6 - 4) * (r6 - 2) * limit / ((limit - 4) * (limit - 2) * r6))
    assert lengths[5] == pytest.approx(expected, rel=1e-9)


def test_radam_never_rectifies_where_rho_stays_below_5(one_weight):
    # β₂ = 2/3 gives ρ∞ = 5.
    w = one_weight(gradient=7.0)
    lengths = steps_under(w, RAdam([w], lr=1.0, betas=(0.9, 2 / 3)), np.full(200, 7.0))
    assert lengths == pytest.approx(np.full(200, 7.0), rel=1e-12)


def test_adamw_shrinks_before_it_steps(one_weight):
    w = one_weight(value=4.0, gradient=5.0)
    AdamW([w], lr=0.5, weight_decay=0.25, eps=0.0).step()
    assert w.data[0] == pytest.approx(4.0 * 0.875 - 0.5, rel=1e-14)
