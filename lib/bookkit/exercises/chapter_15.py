"""Exercises of chapter 15: He for convolutions, gains, layer norm, folding, dead units."""

import numpy as np

from bookkit.exercises.engine import Exercise, Slip


def he_std(shape):
    return np.sqrt(2 / np.prod(shape[1:]))


def he_cases(rng):
    yield ([8, 3, 5, 5],)
    yield ([10, 50],)
    yield ([50, 10],)
    yield ([16, 4, 3, 7],)
    yield ([6, 1, 2, 3],)
    for _ in range(2):
        yield ([int(n) for n in rng.integers(2, 30, size=4)],)


def gain(values, probabilities):
    return 1 / np.sqrt((probabilities * values**2).sum())


def gain_cases(rng):
    yield np.array([0.0, 1.0, 4.0]), np.array([0.5, 0.3, 0.2])
    for count in (4, 7, 12):
        p = rng.uniform(0.1, 1, size=count)
        yield rng.normal(0.4, 2, size=count), p / p.sum()
    yield np.array([-3.0, 0.5, 0.1, -0.2]), np.array([0.1, 0.4, 0.3, 0.2])


def variance(values, probabilities):
    return (probabilities * values**2).sum() - (probabilities * values).sum() ** 2


def layer_norm_backward(delta, x, gamma, eps, *, axis=1, change=None):
    """The right answer, or with `change` one that puts its parts together in another way."""
    s = 1 / np.sqrt(x.var(axis=axis, keepdims=True) + eps)
    x_hat = s * (x - x.mean(axis=axis, keepdims=True))
    d_hat = gamma * delta
    mean = d_hat.mean(axis=axis, keepdims=True)
    along = x_hat * (d_hat * x_hat).mean(axis=axis, keepdims=True)
    dx = change(s, d_hat, mean, along) if change else s * (d_hat - mean - along)
    return dx, (delta * x_hat).sum(axis=0)


def layer_norm_cases(rng):
    yield (
        np.array([[1.0, 0.0, 0.0], [0.0, 2.0, 0.0]]),
        np.array([[1.0, 2.0, 6.0], [0.0, 5.0, 1.0]]),
        np.array([1.0, 2.0, 0.5]),
        0.1,
    )
    for shape, eps in [((4, 3), 1e-5), ((2, 5), 0.5), ((3, 3), 0.0)]:
        yield (
            rng.normal(0.3, 1, size=shape),
            rng.normal(2, 3, size=shape),
            rng.normal(1, 0.5, size=shape[1]),
            eps,
        )


def changed(change):
    return lambda delta, x, gamma, eps: layer_norm_backward(delta, x, gamma, eps, change=change)


def scale_outside(delta, x, gamma, eps):
    dx, d_gamma = layer_norm_backward(delta, x, np.ones_like(gamma), eps)
    return gamma * dx, d_gamma


def scale_forgotten(delta, x, gamma, eps):
    return layer_norm_backward(delta, x, np.ones_like(gamma), eps)


def over_columns(delta, x, gamma, eps):
    return layer_norm_backward(delta, x, gamma, eps, axis=0)


def d_gamma_of(reduce):
    """The right derivative for x, and another one for gamma."""

    def answer(delta, x, gamma, eps):
        dx, _ = layer_norm_backward(delta, x, gamma, eps)
        s = 1 / np.sqrt(x.var(axis=1, keepdims=True) + eps)
        return dx, reduce(delta, s * (x - x.mean(axis=1, keepdims=True)), gamma, x)

    return answer


def unbiased(delta, x, gamma, eps):
    m = x.shape[1]
    s = 1 / np.sqrt(x.var(axis=1, ddof=1, keepdims=True) + eps)
    x_hat = s * (x - x.mean(axis=1, keepdims=True))
    d_hat = gamma * delta
    along = x_hat * (d_hat * x_hat).sum(axis=1, keepdims=True) / (m - 1)
    dx = s * (d_hat - d_hat.mean(axis=1, keepdims=True) - along)
    return dx, (delta * x_hat).sum(axis=0)


def eps_outside(delta, x, gamma, eps):
    s = 1 / (x.std(axis=1, keepdims=True) + eps)
    x_hat = s * (x - x.mean(axis=1, keepdims=True))
    d_hat = gamma * delta
    along = x_hat * (d_hat * x_hat).mean(axis=1, keepdims=True)
    dx = s * (d_hat - d_hat.mean(axis=1, keepdims=True) - along)
    return dx, (delta * x_hat).sum(axis=0)


def without_eps(delta, x, gamma, eps):
    return layer_norm_backward(delta, x, gamma, 0.0)


def fold(weight, bias, gamma, beta, mean, var, eps):
    scale = gamma / np.sqrt(var + eps)
    return scale[:, None, None, None] * weight, scale * (bias - mean) + beta


def fold_cases(rng):
    yield (
        np.arange(1.0, 9.0).reshape(2, 1, 2, 2),
        np.array([1.0, -1.0]),
        np.array([2.0, 0.5]),
        np.array([0.1, 0.2]),
        np.array([0.3, -2.0]),
        np.array([3.0, 0.5]),
        1.0,
    )
    for out, inner, eps in [(3, 3, 0.1), (4, 2, 1e-5), (2, 5, 0.3)]:
        yield (
            rng.normal(size=(out, inner, 3, 3)),
            rng.normal(size=out),
            rng.normal(1, 0.5, size=out),
            rng.normal(size=out),
            rng.normal(1, 1, size=out),
            rng.uniform(0.2, 3, size=out),
            eps,
        )


def fold_of(change):
    """The new bias put together in another way, from scale, bias, beta and mean."""

    def answer(weight, bias, gamma, beta, mean, var, eps):
        scale = gamma / np.sqrt(var + eps)
        return scale[:, None, None, None] * weight, change(scale, bias, beta, mean)

    return answer


def scaled_by(scaling):
    """The right formulas with another scale."""

    def answer(weight, bias, gamma, beta, mean, var, eps):
        scale = scaling(gamma, var, eps)
        return scale[:, None, None, None] * weight, scale * (bias - mean) + beta

    return answer


def scale_inputs(weight, bias, gamma, beta, mean, var, eps):
    scale = gamma / np.sqrt(var + eps)
    return weight * np.resize(scale, weight.shape[1])[:, None, None], scale * (bias - mean) + beta


def last_axis(weight, bias, gamma, beta, mean, var, eps):
    scale = gamma / np.sqrt(var + eps)
    return weight * np.resize(scale, weight.shape[3]), scale * (bias - mean) + beta


def weight_alone(weight, bias, gamma, beta, mean, var, eps):
    scale = gamma / np.sqrt(var + eps)
    return scale[:, None, None, None] * weight, bias.copy()


def bias_alone(weight, bias, gamma, beta, mean, var, eps):
    scale = gamma / np.sqrt(var + eps)
    return weight.copy(), scale * (bias - mean) + beta


def dead_units(batches, W, b):
    z = np.concatenate(batches) @ W.T + b
    return (z <= 0).all(axis=0).astype(float)


def dead_cases(rng):
    """Units that are silent on all rows, on one batch, at 0 exactly; and units that speak."""
    yield (
        [np.array([[1.0, 0.0], [2.0, 1.0]]), np.array([[-1.0, 3.0]])],
        np.array([[-1.0, 0.0], [-1.0, -1.0], [0.5, 1.0]]),
        np.array([0.0, -0.5, 1.0]),
    )
    yield (
        [np.array([[2.0]]), np.array([[1.0], [-3.0]]), np.array([[0.0]])],
        np.array([[1.0], [-1.0], [0.0], [0.0], [0.0]]),
        np.array([-2.0, 1.0, 0.0, 0.3, -0.3]),
    )
    for count in (3, 4):
        W = rng.normal(size=(7, count))
        b = np.array([-9.0, -2.5, -2.0, -1.0, 0.0, 1.0, 9.0])
        yield [rng.normal(size=(n, count)) for n in (2, 5, 3)], W, b


def silent(batches, W, b):
    """For each batch, which entries of z are not positive."""
    return [x @ W.T + b <= 0 for x in batches]


EXERCISES = (
    Exercise(
        "15.1",
        ("shape",),
        he_cases,
        he_std,
        (
            Slip(
                lambda shape: np.sqrt(2 / shape[1]),
                "You count the input channels. One output number also sums over the kernel's "
                "height and width.",
            ),
            Slip(
                lambda shape: np.sqrt(2 / (shape[0] * np.prod(shape[2:]))),
                "That is fan_out, the outputs that an input reaches. Count an output's inputs.",
            ),
            Slip(
                lambda shape: np.sqrt(1 / np.prod(shape[1:])),
                "The fan is right. ReLU throws away half of the mean square; make up for it.",
            ),
            Slip(
                lambda shape: 2 / np.prod(shape[1:]),
                "That is the variance. The standard deviation is its root.",
            ),
            Slip(
                lambda shape: np.sqrt(2 / np.prod(shape)),
                "The first axis counts outputs. One output does not sum over the others.",
            ),
        ),
        near_misses=(
            lambda shape: np.sqrt(6 / np.prod(shape[1:])),
            lambda shape: np.sqrt(2 / (shape[1] * shape[-1])),
            lambda shape: np.sqrt(2 / (np.prod(shape[1:]) + shape[0] * np.prod(shape[2:]))),
            lambda shape: 2 / np.sqrt(np.prod(shape[1:])),
            lambda shape: np.sqrt(2 / (shape[1] * shape[2] ** 2 if len(shape) > 2 else shape[1])),
            lambda shape: np.sqrt(2 / (shape[1] + sum(shape[2:]))),
            lambda shape: 1 / np.sqrt(3 * np.prod(shape[1:])),
            lambda shape: np.sqrt(2 / (np.prod(shape[1:]) + 1)),
        ),
    ),
    Exercise(
        "15.2",
        ("values", "probabilities"),
        gain_cases,
        gain,
        (
            Slip(
                lambda v, p: 1 / np.sqrt(variance(v, p)),
                "You take the variance. The next layer's sums see the mean square, mean included.",
            ),
            Slip(
                lambda v, p: 1 / np.sqrt((v**2).mean()),
                "You weigh all entries alike. The expectation weighs them by their probabilities.",
            ),
            Slip(
                lambda v, p: np.sqrt((p * v**2).sum()),
                "That is the factor by which the size changes. The gain makes up for it.",
            ),
            Slip(
                lambda v, p: 1 / (p * v**2).sum(),
                "That makes up for the mean square. The gain multiplies sizes: take the root.",
            ),
            Slip(
                lambda v, p: 1 / (p * np.abs(v)).sum(),
                "That is the mean of the sizes. Square, average, and take the root.",
            ),
        ),
        near_misses=(
            lambda v, p: np.sqrt(2.0),
            lambda v, p: 1 / np.abs((p * v).sum()),
            lambda v, p: 1 / np.sqrt(((p * v) ** 2).sum()),
            lambda v, p: np.sqrt(2 / (p * v**2).sum()),
            lambda v, p: 1 / np.sqrt((p**2 * v**2).sum() + 1e-12) / len(v),
            lambda v, p: 1 / np.sqrt((p * np.maximum(v, 0) ** 2).sum()),
            lambda v, p: 1 / v.std(),
            lambda v, p: -1 / np.sqrt((p * v**2).sum()),
        ),
    ),
    Exercise(
        "15.3",
        ("delta", "x", "gamma", "eps"),
        layer_norm_cases,
        layer_norm_backward,
        (
            Slip(
                changed(lambda s, d, mean, along: s * d),
                "You take the mean and the standard deviation for constants. They depend on x too.",
            ),
            Slip(
                changed(lambda s, d, mean, along: s * (d - mean)),
                "The mean is accounted for. The standard deviation depends on x too.",
            ),
            Slip(
                changed(lambda s, d, mean, along: s * (d - along)),
                "The standard deviation is accounted for. The mean depends on x too.",
            ),
            Slip(
                scale_outside,
                "You multiply by gamma at the end. Along a row gamma varies, so it belongs inside "
                "the means.",
            ),
            Slip(
                over_columns,
                "Your means run over the columns, as in batch normalization. Here each row is "
                "normalized.",
            ),
            Slip(
                scale_forgotten,
                "Where is gamma? The derivative for x̂ is gamma times delta.",
            ),
            Slip(
                d_gamma_of(lambda delta, x_hat, gamma, x: (delta * x_hat).sum(axis=1)),
                "The derivative for x is right. Each gamma acts on a column: sum over the rows.",
            ),
        ),
        near_misses=(
            changed(lambda s, d, mean, along: s * (d + mean + along)),
            changed(lambda s, d, mean, along: d - mean - along),
            changed(lambda s, d, mean, along: s * (d - mean + along)),
            changed(lambda s, d, mean, along: s * (d - mean - along * d.shape[1])),
            d_gamma_of(lambda delta, x_hat, gamma, x: (delta * x_hat).mean(axis=0)),
            d_gamma_of(lambda delta, x_hat, gamma, x: gamma * (delta * x_hat).sum(axis=0)),
            d_gamma_of(lambda delta, x_hat, gamma, x: (delta * x).sum(axis=0)),
            d_gamma_of(lambda delta, x_hat, gamma, x: delta.sum(axis=0)),
            unbiased,
            eps_outside,
            without_eps,
        ),
    ),
    Exercise(
        "15.4",
        ("weight", "bias", "gamma", "beta", "mean", "var", "eps"),
        fold_cases,
        fold,
        (
            Slip(
                fold_of(lambda scale, bias, beta, mean: beta - scale * mean),
                "The weight is right. The convolution's own bias is scaled as well.",
            ),
            Slip(
                fold_of(lambda scale, bias, beta, mean: scale * (bias + mean) + beta),
                "The weight is right. The running mean is subtracted.",
            ),
            Slip(
                fold_of(lambda scale, bias, beta, mean: bias - scale * mean + beta),
                "The weight is right. The bias passes through the scale too.",
            ),
            Slip(
                scaled_by(lambda gamma, var, eps: gamma / np.sqrt(var)),
                "You left out eps. It is added to the variance, under the root.",
            ),
            Slip(
                scaled_by(lambda gamma, var, eps: gamma / (var + eps)),
                "You divide by the variance. Divide by its root.",
            ),
            Slip(
                scaled_by(lambda gamma, var, eps: gamma / (np.sqrt(var) + eps)),
                "eps belongs under the root, beside the variance.",
            ),
            Slip(
                scale_inputs,
                "You scale the second axis, the inputs. Each output channel has its scale.",
            ),
        ),
        near_misses=(
            fold_of(lambda scale, bias, beta, mean: scale * (bias - mean + beta)),
            fold_of(lambda scale, bias, beta, mean: scale * (bias - mean)),
            fold_of(lambda scale, bias, beta, mean: scale * bias + beta),
            fold_of(lambda scale, bias, beta, mean: scale * bias - mean + beta),
            fold_of(lambda scale, bias, beta, mean: scale * (bias - mean) - beta),
            scaled_by(lambda gamma, var, eps: 1 / np.sqrt(var + eps)),
            scaled_by(lambda gamma, var, eps: gamma * np.sqrt(var + eps)),
            scaled_by(lambda gamma, var, eps: gamma / np.sqrt(var + 2 * eps)),
            last_axis,
            weight_alone,
            bias_alone,
        ),
    ),
    Exercise(
        "15.5",
        ("batches", "W", "b"),
        dead_cases,
        dead_units,
        (
            Slip(
                lambda batches, W, b: silent(batches, W, b)[0].all(axis=0).astype(float),
                "You look at the first batch. A unit that is silent there may speak later.",
            ),
            Slip(
                lambda batches, W, b: silent(batches, W, b)[-1].all(axis=0).astype(float),
                "You look at the last batch alone. Collect over all of them.",
            ),
            Slip(
                lambda batches, W, b: np.any(
                    [part.all(axis=0) for part in silent(batches, W, b)], axis=0
                ).astype(float),
                "You call a unit dead that is silent on some batch. It must be silent on all.",
            ),
            Slip(
                lambda batches, W, b: np.concatenate(silent(batches, W, b)).mean(axis=0),
                "That is the share of zeros of each unit. Dead means all of them.",
            ),
            Slip(
                lambda batches, W, b: (
                    np.concatenate(silent(batches, W, b)).any(axis=0).astype(float)
                ),
                "You call a unit dead that is silent on some row. It must be silent on all.",
            ),
            Slip(
                lambda batches, W, b: dead_units(batches, W, 0 * b),
                "You left out the bias.",
            ),
        ),
        near_misses=(
            lambda batches, W, b: (np.concatenate(batches) @ W.T + b < 0).all(axis=0) * 1.0,
            lambda batches, W, b: 1 - dead_units(batches, W, b),
            lambda batches, W, b: (np.concatenate(batches) @ W.T + b).mean(axis=0).clip(max=0) * -1,
            lambda batches, W, b: dead_units(batches, W, b - 0.5),
            lambda batches, W, b: np.mean(
                [part.all(axis=0) for part in silent(batches, W, b)], axis=0
            ),
            lambda batches, W, b: np.array(dead_units(batches, W, b).mean()),
            lambda batches, W, b: (np.concatenate(batches) @ W.T >= b).all(axis=0) * 1.0,
            lambda batches, W, b: dead_units(batches, W, -b),
            lambda batches, W, b: (np.concatenate(batches) @ W.T + b <= 0).all(axis=1) * 1.0,
        ),
    ),
)
