"""Exercises of chapter 8: the other momentum, coasting, a step's factor, the best pair, a floor."""

import numpy as np

from bookkit.exercises.engine import Exercise, Slip


def inside(gradients, rates, momentum):
    w = u = 0.0
    for g, lr in zip(gradients, rates, strict=True):
        u = momentum * u - lr * g
        w = w + u
    return w


def inside_cases(rng):
    yield np.array([1.0, 1.0, 1.0]), np.array([0.1, 0.1, 0.01]), 0.5
    yield np.array([2.0, -1.0, 3.0, 1.0]), np.array([0.2, 0.2, 0.05, 0.1]), 0.9
    for size in (6, 40):
        yield rng.normal(1, 1, size=size), rng.uniform(0.01, 0.3, size=size), 0.8
    yield np.array([1.0, 2.0]), np.array([0.5, 0.1]), 0.0


def outside(gradients, rates, momentum):
    w = v = 0.0
    for g, lr in zip(gradients, rates, strict=True):
        v = momentum * v + g
        w = w - lr * v
    return w


def averaged(gradients, rates, momentum):
    w = u = 0.0
    for g, lr in zip(gradients, rates, strict=True):
        u = momentum * u - (1 - momentum) * lr * g
        w = w + u
    return w


def upward(gradients, rates, momentum):
    return -inside(gradients, rates, momentum)


def old_velocity_first(gradients, rates, momentum):
    w = u = 0.0
    for g, lr in zip(gradients, rates, strict=True):
        w = w + u
        u = momentum * u - lr * g
    return w


def no_memory(gradients, rates, momentum):
    return -(rates * gradients).sum()


def rate_twice(gradients, rates, momentum):
    w = u = 0.0
    for g, lr in zip(gradients, rates, strict=True):
        u = momentum * u - lr * g
        w = w + lr * u
    return w


def first_rate_only(gradients, rates, momentum):
    return inside(gradients, np.full_like(rates, rates[0]), momentum)


def rescaled_at_a_change(gradients, rates, momentum):
    w = u = 0.0
    for t, (g, lr) in enumerate(zip(gradients, rates, strict=True)):
        if t:
            u *= lr / rates[t - 1]
        u = momentum * (u - lr * g)
        w = w + u
    return w


def nesterov_inside(gradients, rates, momentum):
    w = u = 0.0
    for g, lr in zip(gradients, rates, strict=True):
        u = momentum * u - lr * g
        w = w + momentum * u - lr * g
    return w


def last_velocity(gradients, rates, momentum):
    u = 0.0
    for g, lr in zip(gradients, rates, strict=True):
        u = momentum * u - lr * g
    return u


def rate_of_the_next_step(gradients, rates, momentum):
    return inside(gradients, np.append(rates[1:], rates[-1]), momentum)


def coasting(old, new, momentum, g):
    return (old - new) * g * momentum / (1 - momentum) ** 2


def coasting_cases(rng):
    yield 0.1, 0.01, 0.9, 1.0
    yield 0.3, 0.1, 0.5, 2.0
    yield 0.2, 0.05, 0.99, -1.5
    yield 0.01, 0.03, 0.8, 1.0
    yield 0.1, 0.02, 0.0, 3.0
    for _ in range(2):
        old, new, momentum = rng.uniform(0.05, 0.9, size=3)
        yield float(old), float(new), float(momentum), float(rng.normal())


def factor(lr, curvature, momentum):
    total = 1 + momentum - lr * curvature
    inner = total**2 - 4 * momentum
    if inner < 0:
        return np.sqrt(momentum)
    return (abs(total) + np.sqrt(inner)) / 2


def factor_cases(rng):
    yield 0.1, 1.0, 0.81
    yield 0.1, 1.0, 0.2
    yield 0.5, 3.0, 0.05
    yield 0.1, 18.0, 0.0
    yield 1.0, 3.9, 0.9
    yield 2.0, 1.99, 0.97
    yield 0.25, 8.0, 0.5
    for _ in range(5):
        yield float(rng.uniform(0.1, 2)), float(rng.uniform(0.1, 2)), float(rng.uniform(0, 1))


def larger_root_signed(lr, curvature, momentum):
    total = 1 + momentum - lr * curvature
    inner = total**2 - 4 * momentum
    return np.sqrt(momentum) if inner < 0 else (total + np.sqrt(inner)) / 2


def without_the_half(lr, curvature, momentum):
    return 2 * factor(lr, curvature, momentum)


def always_the_root(lr, curvature, momentum):
    return np.sqrt(momentum)


def of_descent(lr, curvature, momentum):
    return abs(1 - lr * curvature)


def without_the_root(lr, curvature, momentum):
    total = 1 + momentum - lr * curvature
    if total**2 < 4 * momentum:
        return momentum
    return factor(lr, curvature, momentum)


def real_part_only(lr, curvature, momentum):
    total = 1 + momentum - lr * curvature
    inner = total**2 - 4 * momentum
    return abs(total) / 2 if inner < 0 else factor(lr, curvature, momentum)


def smaller_root(lr, curvature, momentum):
    larger = factor(lr, curvature, momentum)
    return momentum / larger if larger else 0.0


def of_nesterov(lr, curvature, momentum):
    keep = 1 - lr * curvature
    total = (1 + momentum) * keep
    inner = total**2 - 4 * momentum * keep
    if inner < 0:
        return np.sqrt(momentum * keep)
    return (abs(total) + np.sqrt(inner)) / 2


def of_an_average(lr, curvature, momentum):
    return factor(lr * (1 - momentum), curvature, momentum)


def never_above_one(lr, curvature, momentum):
    return min(factor(lr, curvature, momentum), 1.0)


def trace_without_momentum(lr, curvature, momentum):
    total = 1 - lr * curvature
    inner = total**2 - 4 * momentum
    return np.sqrt(momentum) if inner < 0 else (abs(total) + np.sqrt(inner)) / 2


def best(flat, steep):
    low, high = np.sqrt(flat), np.sqrt(steep)
    return (2 / (high + low)) ** 2, ((high - low) / (high + low)) ** 2


def hessian(points, gradients):
    return np.linalg.lstsq(points[1:] - points[0], gradients[1:] - gradients[0])[0]


def extremes(points, gradients):
    return np.linalg.eigvalsh(hessian(points, gradients))[[0, -1]]


def pair(points, gradients):
    return best(*extremes(points, gradients))


def by(rule):
    """A wrong rule for the pair, with the right curvatures."""
    return lambda points, gradients: rule(*extremes(points, gradients))


def pair_cases(rng):
    corner = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    bottom = np.array([2.0, -1.0])
    yield corner, (corner - bottom) @ np.diag([1.0, 25.0])
    yield corner, (corner - bottom) @ np.array([[5.0, 4.0], [4.0, 5.0]])
    yield corner, (corner - bottom) * 3.0
    for n, m, curvatures in [(1, 2, [4.0]), (3, 5, [0.5, 3.0, 40.0]), (4, 5, [0.1, 1, 2, 9])]:
        axes = np.linalg.qr(rng.normal(size=(n, n)))[0]
        points, bottom = rng.normal(size=(m, n)), rng.normal(size=n)
        yield points, (points - bottom) @ (axes * curvatures) @ axes.T


def with_the_bottom_at_zero(points, gradients):
    curvatures = np.linalg.eigvals(np.linalg.lstsq(points, gradients)[0])
    return best(abs(curvatures).min(), abs(curvatures).max())


def along_the_axes(points, gradients):
    curvatures = np.diag(hessian(points, gradients))
    return best(curvatures.min(), curvatures.max())


def quotients_of_lengths(points, gradients):
    rises, ways = (np.linalg.norm(x[1:] - x[0], axis=1) for x in (gradients, points))
    return best((rises / ways).min(), (rises / ways).max())


def momentum_without_the_square(flat, steep):
    lr, momentum = best(flat, steep)
    return lr, np.sqrt(momentum)


def rate_of_descent(flat, steep):
    return 2 / (flat + steep), best(flat, steep)[1]


def without_the_roots(flat, steep):
    q = (steep - flat) / (steep + flat)
    return (1 + q) ** 2 / steep, q**2


def of_nesterovs_method(flat, steep):
    low, high = np.sqrt(flat), np.sqrt(steep)
    return 1 / steep, (high - low) / (high + low)


def at_the_safe_rate(flat, steep):
    return 1 / steep, best(flat, steep)[1]


def in_the_other_order(flat, steep):
    return best(flat, steep)[::-1]


def at_the_limit(flat, steep):
    momentum = best(flat, steep)[1]
    return 2 * (1 + momentum) / steep, momentum


def for_the_flat_side_only(flat, steep):
    momentum = best(flat, steep)[1]
    return (1 - np.sqrt(momentum)) ** 2 / steep, momentum


def a_power_too_high(flat, steep):
    lr, momentum = best(flat, steep)
    return lr, momentum**2


def for_unit_flatness(flat, steep):
    return best(1.0, steep / flat)


def rate_without_the_square(flat, steep):
    lr, momentum = best(flat, steep)
    return np.sqrt(lr), momentum


def floor(lr, momentum, curvature, variance):
    h = lr * curvature
    unit = h * (1 + momentum) / ((1 - momentum) * (2 * (1 + momentum) - h))
    return unit * variance / curvature**2


def floor_cases(rng):
    yield 0.1, 0.0, 1.0, 1.0
    yield 0.01, 0.9, 1.0, 1.0
    yield 0.1, 0.9, 2.0, 1.0
    yield 0.1, 0.5, 1.0, 3.0
    yield 0.05, 0.8, 4.0, 0.5
    yield 1.0, 0.9, 3.0, 2.0
    for _ in range(3):
        lr, momentum, curvature, variance = rng.uniform(0.1, 0.95, size=4)
        yield float(lr), float(momentum), float(curvature), float(variance)


def floor_without_momentum(lr, momentum, curvature, variance):
    return floor(lr, 0.0, curvature, variance)


def floor_at_the_effective_rate(lr, momentum, curvature, variance):
    return floor(lr / (1 - momentum), 0.0, curvature, variance)


def floor_for_small_rates(lr, momentum, curvature, variance):
    return lr * variance / (2 * curvature * (1 - momentum))


def floor_of_the_loss(lr, momentum, curvature, variance):
    return curvature / 2 * floor(lr, momentum, curvature, variance)


def floor_without_units(lr, momentum, curvature, variance):
    return floor(lr * curvature, momentum, 1.0, variance)


EXERCISES = [
    Exercise(
        "8.1",
        ["gradients", "rates", "momentum"],
        inside_cases,
        inside,
        [
            Slip(
                outside,
                "That is PyTorch's form: the rate of the moment multiplies the whole "
                "velocity. Here each gradient keeps the rate with which it came.",
            ),
            Slip(upward, "The sign is reversed: a positive gradient must move the position down."),
            Slip(averaged, "There is no factor 1 − μ in this form; the velocity is a sum."),
            Slip(
                old_velocity_first,
                "The position moves by the new velocity, after the gradient has entered it.",
            ),
            Slip(no_memory, "Without the velocity of earlier steps this is plain descent."),
        ],
        near_misses=[
            rate_twice,
            first_rate_only,
            rescaled_at_a_change,
            nesterov_inside,
            last_velocity,
            rate_of_the_next_step,
        ],
        praise="It remembers steps, not gradients.",
    ),
    Exercise(
        "8.2",
        ["old", "new", "momentum", "g"],
        coasting_cases,
        coasting,
        [
            Slip(
                lambda old, new, momentum, g: (old - new) * g / (1 - momentum),
                "That is the surplus of speed before the change. It has to be added up over all "
                "steps after it.",
            ),
            Slip(
                lambda old, new, momentum, g: (old - new) * g / (1 - momentum) ** 2,
                "In the first step after the change the surplus has already shrunk by μ.",
            ),
            Slip(
                lambda old, new, momentum, g: old * g * momentum / (1 - momentum) ** 2,
                "The first program is moving too, at the new rate.",
            ),
            Slip(
                lambda old, new, momentum, g: old * g / (1 - momentum),
                "That is the speed at the old rate, and not a distance.",
            ),
        ],
        near_misses=[
            lambda old, new, momentum, g: -coasting(old, new, momentum, g),
            lambda old, new, momentum, g: abs(coasting(old, new, momentum, g)),
            lambda old, new, momentum, g: coasting(old, new, momentum, g) / new,
            lambda old, new, momentum, g: coasting(old, new, momentum, 1.0),
            lambda old, new, momentum, g: (old - new) * g * momentum / (1 - momentum),
            lambda old, new, momentum, g: (old - new) * g * momentum / (1 - momentum**2),
            lambda old, new, momentum, g: (old - new) * g * momentum**2 / (1 - momentum) ** 2,
        ],
        praise="Also for a rate that rises, where it stays behind.",
    ),
    Exercise(
        "8.3",
        ["lr", "curvature", "momentum"],
        factor_cases,
        factor,
        [
            Slip(without_the_half, "The formula for the roots of a quadratic has a factor ½."),
            Slip(
                always_the_root,
                "√μ is the size of complex eigenvalues only. What if they are real?",
            ),
            Slip(of_descent, "That is plain descent; where is the momentum?"),
            Slip(
                without_the_root,
                "μ is the product of the two sizes. They are equal here, so each is its root.",
            ),
            Slip(
                larger_root_signed,
                "With negative eigenvalues the larger in size is the other one.",
            ),
        ],
        near_misses=[
            real_part_only,
            smaller_root,
            of_nesterov,
            of_an_average,
            never_above_one,
            trace_without_momentum,
        ],
        praise="It is right while it slides, rings, zigzags and runs away.",
    ),
    Exercise(
        "8.4",
        ["points", "gradients"],
        pair_cases,
        pair,
        [
            Slip(
                with_the_bottom_at_zero,
                "The bottom need not lie at 0. A gradient is H(w − w*), and only in a difference "
                "of two gradients does w* cancel.",
            ),
            Slip(
                along_the_axes,
                "The diagonal of the Hessian has the curvatures along the axes. The bowl may be "
                "turned; its smallest and largest curvature are eigenvalues.",
            ),
            Slip(
                quotients_of_lengths,
                "A difference of two points has a share in every direction, so the quotient of "
                "the lengths lies somewhere between the smallest and the largest curvature.",
            ),
            Slip(
                by(momentum_without_the_square),
                "That is q, the factor of a step. The momentum is its square, since q = √μ.",
            ),
            Slip(by(rate_of_descent), "That is the best rate of plain descent."),
            Slip(by(without_the_roots), "With momentum, √κ stands where descent has κ."),
            Slip(by(of_nesterovs_method), "That is the usual pair of Nesterov's method."),
            Slip(by(in_the_other_order), "The numbers are right; the rate comes first."),
        ],
        near_misses=[
            by(at_the_safe_rate),
            by(at_the_limit),
            by(for_the_flat_side_only),
            by(a_power_too_high),
            by(for_unit_flatness),
            by(rate_without_the_square),
        ],
        tolerance=1e-6,
        praise="From five gradients in four dimensions, wherever the bottom lies.",
    ),
    Exercise(
        "8.5",
        ["lr", "momentum", "curvature", "variance"],
        floor_cases,
        floor,
        [
            Slip(floor_without_momentum, "That is the floor of plain descent."),
            Slip(
                floor_for_small_rates,
                "That is the approximation for small rates; the task asks for the exact one.",
            ),
            Slip(
                floor_at_the_effective_rate,
                "The effective rate gives the floor for small rates only.",
            ),
            Slip(floor_of_the_loss, "That is the mean loss, ½ λ w²; asked is the mean of w²."),
        ],
        near_misses=[
            floor_without_units,
            lambda lr, momentum, curvature, variance: floor(lr, momentum, curvature, variance**2),
            lambda lr, momentum, curvature, variance: floor(
                lr, momentum, curvature, np.sqrt(variance)
            ),
            lambda lr, momentum, curvature, variance: np.sqrt(
                floor(lr, momentum, curvature, variance)
            ),
            lambda lr, momentum, curvature, variance: floor(lr, momentum, 1.0, variance),
            lambda lr, momentum, curvature, variance: (
                (1 - momentum) ** 2 * floor(lr, momentum, curvature, variance)
            ),
        ],
        praise="The rate is measured in units of 1/λ, and the floor in those of σ²/λ².",
    ),
]
