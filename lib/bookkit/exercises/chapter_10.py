"""Exercises of chapter 10: AdamW repaired, young averages, two epsilons, noise, a test of scale."""

import numpy as np

from bookkit.exercises.engine import Exercise, Slip
from descent import optimizers
from descent.layers import Parameter


def adamw(w, gradients, lr, betas, eps, weight_decay):
    m = v = np.zeros_like(w)
    for t, g in enumerate(gradients, start=1):
        w = w - lr * weight_decay * w
        m = betas[0] * m + (1 - betas[0]) * g
        v = betas[1] * v + (1 - betas[1]) * g**2
        mean, square = m / (1 - betas[0] ** t), v / (1 - betas[1] ** t)
        w = w - lr * mean / (np.sqrt(square) + eps)
    return w


def adamw_cases(rng):
    yield np.array([1.0, -2.0]), np.array([[0.5, 3.0]]), 0.1, [0.9, 0.99], 1e-8, 0.5
    yield np.array([1.0, 4.0]), np.array([[0.5, -1.0], [2.0, 0.2]]), 0.1, [0.8, 0.9], 1e-8, 0.0
    for steps, size in ((5, 3), (50, 2)):
        yield (
            rng.normal(size=size),
            rng.normal(size=(steps, size)) * [1.0, 30.0, 0.1][:size],
            0.03,
            [0.9, 0.95],
            0.02,
            0.3,
        )
    yield np.array([2.0]), np.zeros((4, 1)), 0.1, [0.9, 0.999], 1e-8, 0.2


def adamw_with(
    *,
    coupled=False,
    decay_lr=True,
    late=False,
    correct=(True, True),
    power=lambda t: t,
    inside=False,
    squared=True,
    swapped=False,
    averaged=True,
    decay_sign=1,
):
    """AdamW with one thing wrong."""

    def wrong(w, gradients, lr, betas, eps, weight_decay):
        beta1, beta2 = betas[::-1] if swapped else betas
        shrink = 1 - decay_sign * (lr if decay_lr else 1) * weight_decay
        m = v = np.zeros_like(w)
        for t, g in enumerate(gradients, start=1):
            if coupled:
                g = g + weight_decay * w
            elif not late:
                w = shrink * w
            m = beta1 * m + (1 - beta1) * g if averaged else beta1 * m + g
            v = beta2 * v + (1 - beta2) * (g**2 if squared else abs(g))
            mean = m / (1 - beta1 ** power(t)) if correct[0] else m
            square = v / (1 - beta2 ** power(t)) if correct[1] else v
            root = np.sqrt(square + eps) if inside else np.sqrt(square) + eps
            w = w - lr * mean / root
            if late:
                w = shrink * w
        return w

    return wrong


def uncorrected(beta1, beta2, steps):
    t = np.arange(1, steps + 1)
    return (1 - beta1**t) / np.sqrt(1 - beta2**t)


def uncorrected_cases(rng):
    yield 0.9, 0.999, 3
    yield 0.5, 0.75, 2
    yield 0.0, 0.99, 4
    yield 0.9, 0.0, 3
    yield 0.8, 0.95, 40


def two_epsilons(g, eps, alpha, t):
    v = (1 - alpha**t) * g**2
    return abs(g) / (np.sqrt(v) + eps), abs(g) / np.sqrt(v + eps)


def two_epsilons_cases(rng):
    yield 3.0, 1.0, 0.75, 1
    yield 1e-6, 1e-8, 0.99, 1000
    yield -0.2, 0.01, 0.9, 4
    yield 5.0, 1e-8, 0.99, 1
    yield -1e-3, 1e-4, 0.5, 7


def noisy(mean, noise, beta1):
    root = np.hypot(mean, noise)
    return mean / root, noise / root * np.sqrt((1 - beta1) / (1 + beta1))


def noisy_cases(rng):
    yield 3.0, 4.0, 0.9
    yield 2.0, 0.0, 0.9
    yield 0.0, 2.0, 0.8
    yield -1.0, 10.0, 0.5
    yield 0.01, 0.03, 0.0
    yield -7.0, 3.0, 0.95


GRADIENTS = np.random.default_rng(0).normal(size=(20, 5))


def end(name, weight_decay, times):
    w = Parameter(np.ones(5))
    optimizer = getattr(optimizers, name)([w], lr=0.01, weight_decay=weight_decay)
    for g in GRADIENTS:
        w.grad[...] = times * g
        optimizer.step()
    return w.data


def ignores_scale(name, weight_decay):
    return bool(np.allclose(end(name, weight_decay, 1), end(name, weight_decay, 1000), atol=1e-4))


def ignores_scale_cases(rng):
    yield "SGD", 0.0
    yield "Adam", 0.0
    yield "Adam", 0.1
    yield "AdamW", 0.1
    yield "RMSprop", 0.0
    yield "RAdam", 0.0
    yield "Adagrad", 0.1
    yield "Lion", 0.1
    yield "SGD", 0.1
    yield "NAdam", 0.1


def without_the_decay(name, weight_decay):
    return ignores_scale(name, 0.0)


def with_a_scaled_penalty(name, weight_decay):
    one, thousand = end(name, weight_decay, 1), end(name, 1000 * weight_decay, 1000)
    return bool(np.allclose(one, thousand, atol=1e-4))


def to_the_last_digit(name, weight_decay):
    return bool((end(name, weight_decay, 1) == end(name, weight_decay, 1000)).all())


def by_the_directions(name, weight_decay):
    one, thousand = (np.sign(end(name, weight_decay, c) - 1) for c in (1, 1000))
    return bool((one == thousand).all())


EXERCISES = [
    Exercise(
        "10.1",
        ["w", "gradients", "lr", "betas", "eps", "weight_decay"],
        adamw_cases,
        adamw,
        [
            Slip(
                adamw_with(coupled=True),
                "The decay went into the gradient, and was divided by √v with it.",
            ),
            Slip(adamw_with(decay_lr=False), "The decay of a step is the rate times weight_decay."),
            Slip(
                adamw_with(late=True),
                "The weight is to shrink before the step of Adam; yours shrinks the step as well.",
            ),
            Slip(
                adamw_with(power=lambda t: 1),
                "The sum of an average's weights is 1 − β to the power of t, and t grows.",
            ),
            Slip(adamw_with(inside=True), "ε stands outside the root."),
        ],
        near_misses=[
            adamw_with(power=lambda t: t + 1),
            adamw_with(correct=(False, True)),
            adamw_with(correct=(True, False)),
            adamw_with(correct=(False, False)),
            adamw_with(squared=False),
            adamw_with(swapped=True),
            adamw_with(averaged=False),
            adamw_with(decay_sign=-1),
            lambda w, gradients, *rest: adamw(w, gradients[::-1], *rest),
            lambda w, gradients, *rest: adamw(w, gradients[:-1], *rest),
            lambda w, gradients, *rest: adamw(w, -gradients, *rest),
        ],
        praise="It takes AdamW's steps, with decay and without, and where there is no gradient.",
    ),
    Exercise(
        "10.2",
        ["beta1", "beta2", "steps"],
        uncorrected_cases,
        uncorrected,
        [
            Slip(
                lambda beta1, beta2, steps: (
                    (1 - beta1 ** np.arange(1, steps + 1)) / (1 - beta2 ** np.arange(1, steps + 1))
                ),
                "v is a mean of squares; the step divides by its root.",
            ),
            Slip(
                lambda beta1, beta2, steps: np.ones(steps),
                "That is Adam with its correction.",
            ),
            Slip(
                lambda beta1, beta2, steps: 1 / uncorrected(beta1, beta2, steps),
                "That is what the correction multiplies by, not the step that it repairs.",
            ),
        ],
        near_misses=[
            lambda beta1, beta2, steps: np.full(steps, (1 - beta1) / np.sqrt(1 - beta2)),
            lambda beta1, beta2, steps: uncorrected(beta1, beta2, steps + 1)[1:],
            lambda beta1, beta2, steps: uncorrected(beta2, beta1, steps),
            lambda beta1, beta2, steps: 1 / np.sqrt(1 - beta2 ** np.arange(1, steps + 1)),
            lambda beta1, beta2, steps: 1 - beta1 ** np.arange(1, steps + 1),
            lambda beta1, beta2, steps: np.cumsum(uncorrected(beta1, beta2, steps)),
            lambda beta1, beta2, steps: uncorrected(beta1, beta2, steps)[::-1],
            lambda beta1, beta2, steps: -uncorrected(beta1, beta2, steps),
            lambda beta1, beta2, steps: uncorrected(beta1, beta2, steps).max(),
        ],
        praise="At 0.9 and 0.999 the longest of them is the twelfth.",
    ),
    Exercise(
        "10.3",
        ["g", "eps", "alpha", "t"],
        two_epsilons_cases,
        two_epsilons,
        [
            Slip(
                lambda g, eps, alpha, t: (abs(g) / (abs(g) + eps), abs(g) / np.sqrt(g**2 + eps)),
                "After t steps the average has the weight 1 − αᵗ, not 1.",
            ),
            Slip(
                lambda g, eps, alpha, t: (
                    two_epsilons(g, eps, alpha, t)[0],
                    abs(g) / np.sqrt((1 - alpha**t) * g**2 + eps**2),
                ),
                "Inside the root stands ε itself, not its square.",
            ),
            Slip(
                lambda g, eps, alpha, t: tuple(
                    np.sign(g) * s for s in two_epsilons(g, eps, alpha, t)
                ),
                "A length is never negative.",
            ),
        ],
        near_misses=[
            lambda g, eps, alpha, t: two_epsilons(g, eps, alpha, 1),
            lambda g, eps, alpha, t: two_epsilons(g, eps, alpha, t + 1),
            lambda g, eps, alpha, t: two_epsilons(g, eps, 1 - alpha, t),
            lambda g, eps, alpha, t: two_epsilons(g, 0.0, alpha, t),
            lambda g, eps, alpha, t: (two_epsilons(g, eps, alpha, t)[0],) * 2,
            lambda g, eps, alpha, t: (
                abs(g) / (np.sqrt(1 - alpha**t) * (abs(g) + eps)),
                abs(g) / np.sqrt((1 - alpha**t) * (g**2 + eps)),
            ),
            lambda g, eps, alpha, t: (
                abs(g) / ((1 - alpha**t) * g**2 + eps),
                two_epsilons(g, eps, alpha, t)[1],
            ),
            lambda g, eps, alpha, t: tuple(s * abs(g) for s in two_epsilons(g, eps, alpha, t)),
        ],
        scale=lambda g, eps, alpha, t: two_epsilons(g, eps, alpha, t),
        praise="For a gradient of a millionth the two differ by a factor of about a hundred.",
    ),
    Exercise(
        "10.4",
        ["mean", "noise", "beta1"],
        noisy_cases,
        noisy,
        [
            Slip(
                lambda mean, noise, beta1: (
                    mean / (abs(mean) + noise),
                    noise / (abs(mean) + noise) * np.sqrt((1 - beta1) / (1 + beta1)),
                ),
                "√v̂ is the root of μ² + σ², which is less than |μ| + σ.",
            ),
            Slip(
                lambda mean, noise, beta1: (
                    noisy(mean, noise, beta1)[0],
                    noise / np.hypot(mean, noise) * (1 - beta1) / (1 + beta1),
                ),
                "(1 − β₁)/(1 + β₁) belongs to the variance; the spread is its root.",
            ),
            Slip(
                lambda mean, noise, beta1: (
                    noisy(mean, noise, beta1)[0],
                    noise / np.hypot(mean, noise),
                ),
                "That is the spread of single gradients; m averages some of it away.",
            ),
        ],
        near_misses=[
            lambda mean, noise, beta1: (
                noisy(mean, noise, beta1)[0],
                noise / np.hypot(mean, noise) * (1 - beta1),
            ),
            lambda mean, noise, beta1: (
                noisy(mean, noise, beta1)[0],
                noise / np.hypot(mean, noise) * np.sqrt(1 - beta1),
            ),
            lambda mean, noise, beta1: noisy(abs(mean), noise, beta1),
            lambda mean, noise, beta1: noisy(-mean, noise, beta1),
            lambda mean, noise, beta1: (np.sign(mean), noisy(mean, noise, beta1)[1]),
            lambda mean, noise, beta1: tuple(
                part * (1 - beta1) for part in noisy(mean, noise, beta1)
            ),
            lambda mean, noise, beta1: noisy(mean, noise**2, beta1),
            lambda mean, noise, beta1: (
                noisy(mean, noise, beta1)[0],
                np.sqrt((1 - beta1) / (1 + beta1)),
            ),
        ],
        praise="Also where there is no noise, and where there is nothing else.",
    ),
    Exercise(
        "10.5",
        ["name", "weight_decay"],
        ignores_scale_cases,
        ignores_scale,
        [
            Slip(without_the_decay, "Does the optimizer of your test get its weight_decay?"),
            Slip(
                with_a_scaled_penalty,
                "The loss is multiplied, not weight_decay: the option stays as it is.",
            ),
            Slip(
                to_the_last_digit,
                "ε has the unit of the gradient, so equality to the last digit asks too much.",
            ),
        ],
        near_misses=[
            by_the_directions,
            lambda name, weight_decay: name != "SGD",
            lambda name, weight_decay: weight_decay == 0,
            lambda name, weight_decay: name != "SGD" and weight_decay == 0,
            lambda name, weight_decay: name.startswith("Adam"),
            lambda name, weight_decay: name == "AdamW",
            lambda name, weight_decay: not ignores_scale(name, weight_decay),
        ],
        praise="A test that finds AdamW innocent, and ℓ2 inside Adam not.",
    ),
]
