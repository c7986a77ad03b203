import numpy as np
import pytest

from descent.layers import Linear, Sequential
from descent.losses import mse
from descent.optimizers import gradient_noise_scale


def samples(n, seed=0, dtype=np.float64):
    """Gradients of single samples with mean (2, −1, 0) and variances 1, 4 and 16."""
    rng = np.random.default_rng(seed)
    return (np.array([2.0, -1, 0]) + rng.normal(size=(n, 3)) * [1, 2, 4]).astype(dtype)


def test_as_the_formulas_say():
    g = samples(50)
    result = gradient_noise_scale(g)
    noise = g.var(axis=0, ddof=1).sum()
    assert result.noise == pytest.approx(noise, rel=1e-12)
    assert result.squared_length == pytest.approx((g.mean(0) ** 2).sum() - noise / 50, rel=1e-12)
    assert result.batch_size == pytest.approx(result.noise / result.squared_length, rel=1e-12)


def test_as_the_paper_says_with_two_batch_sizes():
    """Appendix A.1, with the squared lengths of small batches averaged."""
    g, small, big = samples(60), 5, 60
    batches = g.reshape(12, 5, 3).mean(axis=1)
    small_squared, big_squared = (batches**2).sum(axis=1).mean(), (g.mean(0) ** 2).sum()
    length = (big * big_squared - small * small_squared) / (big - small)
    noise = (small_squared - big_squared) / (1 / small - 1 / big)
    result = gradient_noise_scale(batches, batch_size=5)
    assert result.squared_length == pytest.approx(length, rel=1e-12)
    assert result.noise == pytest.approx(noise, rel=1e-12)


@pytest.mark.parametrize("batch_size", [1, 8])
def test_the_estimates_have_no_bias(batch_size):
    results = [
        gradient_noise_scale(
            samples(6 * batch_size, seed).reshape(6, batch_size, 3).mean(axis=1),
            batch_size=batch_size,
        )
        for seed in range(3000)
    ]
    noise = np.array([r.noise for r in results])
    length = np.array([r.squared_length for r in results])
    for values, true in ((noise, 21.0), (length, 5.0)):
        error = values.std(ddof=1) / np.sqrt(len(values))
        assert abs(values.mean() - true) < 4 * error
        assert error < 0.03 * 21


def test_at_the_noise_scale_noise_and_gradient_are_of_one_length():
    n = round(gradient_noise_scale(samples(200_000)).batch_size * 100)
    assert n == pytest.approx(420, abs=10)  # 21 / 5
    means = samples(42 * 20_000, seed=1).reshape(-1, 42, 3).mean(axis=1)  # ten times the scale
    squares = ((means - [2, -1, 0]) ** 2).sum(axis=1)
    assert squares.mean() == pytest.approx(5 / 10, rel=0.02)


def test_too_few_batches_to_tell():
    result = gradient_noise_scale([np.array([1.0, 0.0]), np.array([-1.0, 0.1])])
    assert result.squared_length < 0
    assert result.batch_size is None
    zeros = gradient_noise_scale([np.zeros(2), np.zeros(2)])
    assert (zeros.noise, zeros.squared_length, zeros.batch_size) == (0.0, 0.0, None)


def test_gradients_may_lie_in_one_memory_and_have_any_shape():
    net = Sequential(Linear(3, 2, rng=np.random.default_rng(0)))
    rng = np.random.default_rng(1)
    data = [(rng.normal(size=(4, 3)), rng.normal(size=(4, 2))) for _ in range(5)]

    def gradients(kept):
        for x, y in data:
            net.flat.grad.fill(0)
            net.backward(mse(net(x), y)[1])
            kept.append(net.flat.grad.copy())
            yield net.flat.grad

    kept = []
    result = gradient_noise_scale(gradients(kept), batch_size=4)
    assert result == gradient_noise_scale(kept, batch_size=4)
    assert result == gradient_noise_scale([g.reshape(2, 4) for g in kept], batch_size=4)


def test_float32_is_added_up_in_float64():
    g = samples(1000, dtype=np.float32) + np.float32(1000)
    assert gradient_noise_scale(g).noise == pytest.approx(
        gradient_noise_scale(g.astype(float)).noise, rel=1e-12
    )


@pytest.mark.parametrize(
    ("gradients", "options", "error", "message"),
    [
        ([], {}, ValueError, "gradients must be two or more, got 0"),
        ([np.ones(2)], {}, ValueError, "gradients must be two or more, got 1"),
        ([np.ones(2), np.ones(3)], {}, ValueError, r"one shape, got \(2,\) and \(3,\)"),
        ([np.ones(2), np.ones((2, 1))], {}, ValueError, r"one shape, got \(2,\) and \(2, 1\)"),
        (
            [np.ones(2), np.array([1, np.nan])],
            {},
            ValueError,
            r"gradients\[1\] must be finite, got n",
        ),
        ([np.ones(2, int)] * 2, {}, TypeError, r"gradients\[0\] must be float32 or float64"),
        ([np.ones(2)] * 2, {"batch_size": 0}, ValueError, "batch_size must be finite and ≥ 1"),
        ([np.ones(2)] * 2, {"batch_size": 1.5}, TypeError, "batch_size must be an integer"),
    ],
)
def test_bad_input(gradients, options, error, message):
    with pytest.raises(error, match=message):
        gradient_noise_scale(gradients, **options)
