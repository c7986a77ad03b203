"""Exercises of chapter 2: a loss finite for every logit, two slopes, logistic regression, costs."""

import numpy as np

from bookkit.exercises.engine import Exercise, Slip


def advantage(z):
    return float(2 + np.exp(z) + np.exp(-z))


def advantage_cases(rng):
    yield (4.0,)
    yield (0.0,)
    yield (-4.0,)
    for _ in range(3):
        yield (float(rng.normal(0, 5)),)
    yield (10.0,)
    yield (40.0,)
    yield (300.0,)


def naive_advantage(z):
    with np.errstate(all="ignore"):
        a = 1 / (1 + np.exp(-np.float64(z)))
        return float(1 / (a * (1 - a)))


def stable_bce(z, y):
    return np.logaddexp(0, z) - y * z


def stable_bce_cases(rng):
    yield np.array([2.0, -1.0]), np.array([0.0, 1.0])
    yield np.array([0.0]), np.array([1.0])
    yield rng.normal(0, 3, size=6), (rng.random(6) < 0.5).astype(float)
    yield rng.normal(0, 3, size=6), rng.random(6)
    yield np.array([40.0]), np.array([0.0])
    yield np.array([-1000.0, 1e4]), np.array([1.0, 0.0])
    yield np.array([-40.0, -35.0]), np.zeros(2)


def naive_bce(z, y):
    with np.errstate(all="ignore"):
        p = 1 / (1 + np.exp(-z))
        return -y * np.log(p) - (1 - y) * np.log(1 - p)


def cut_bce(z, y, eps=1e-12):
    with np.errstate(all="ignore"):
        p = np.clip(1 / (1 + np.exp(-z)), eps, 1 - eps)
        return -y * np.log(p) - (1 - y) * np.log(1 - p)


def unstable_softplus(z, y):
    with np.errstate(all="ignore"):
        return np.log(1 + np.exp(z)) - y * z


def without_log1p(z, y):
    return np.maximum(z, 0) - y * z + np.log(1 + np.exp(-np.abs(z)))


def descend(x, y, lr, steps, slope=None, move_b=True, start=0.0, one_by_one=False):
    """Gradient descent on p = σ(wx + b), with switches for what readers forget."""
    slope = slope or (lambda p, y: p - y)
    w, b = start, start
    for _ in range(steps):
        pull = slope(sigmoid(w * x + b), y)
        new = w - lr * (pull * x).mean()
        if one_by_one:
            pull = slope(sigmoid(new * x + b), y)
        w, b = new, b - move_b * lr * pull.mean()
    return float(w), float(b)


def sigmoid(z):
    return np.exp(np.minimum(z, 0)) / (1 + np.exp(-np.abs(z)))


def fit(x, y, lr, steps):
    return descend(x, y, lr, steps)


def fit_cases(rng):
    yield np.array([1.0, 3.0, -1.0]), np.array([1.0, 0.0, 1.0]), 0.5, 1
    yield np.array([1.0, 3.0, -1.0]), np.array([1.0, 0.0, 1.0]), 0.5, 3
    for size, lr, steps in ((7, 0.3, 20), (40, 2.0, 100)):
        x = rng.normal(size=size)
        yield x + 0.5, (rng.random(size) < sigmoid(2 * x - 0.4)).astype(float), lr, steps


def other_slope(slope, **switches):
    def wrong(x, y, lr, steps):
        return descend(x, y, lr, steps, slope, **switches)

    return wrong


def of_the_sum(x, y, lr, steps):
    return descend(x, y, lr * x.size, steps)


def decide(p, false_alarm, miss):
    return (1 - p) * false_alarm < p * miss


def decide_cases(rng):
    yield np.array([0.05, 0.2, 0.3, 0.6]), 1.0, 9.0
    yield np.array([0.05, 0.2, 0.6, 0.95]), 3.0, 1.0
    yield np.array([0.0, 1.0, 0.49, 0.51]), 2.0, 2.0
    for false_alarm, miss in ((1.0, 4.0), (7.0, 2.0), (0.3, 0.5)):
        edge = false_alarm / (false_alarm + miss)
        near = edge + np.array([-0.01, 0.01])
        yield np.concatenate([rng.random(9), near]), false_alarm, miss


EXERCISES = (
    Exercise(
        "2.1",
        ("z", "y"),
        stable_bce_cases,
        stable_bce,
        (
            Slip(
                naive_bce,
                "The formula is right, but p was rounded to 0 or 1 before its logarithm was taken. "
                "Work from z.",
            ),
            Slip(
                cut_bce,
                "Cutting p off keeps the loss finite and makes it wrong: at z = 40 it should be "
                "40. Work from z.",
            ),
            Slip(
                unstable_softplus,
                "Right, until e^z overflows. For positive z, take e^z out of the logarithm.",
            ),
            Slip(
                without_log1p,
                "Nothing overflows, but for large |z| the sum 1 + e^(−|z|) is rounded to 1, and "
                "a loss that is tiny becomes 0. np.log1p(s) computes log(1 + s) for small s.",
            ),
            Slip(
                lambda z, y: y * np.logaddexp(0, -z),
                "Where is the term with 1 − y? An example of y = 0 must cost something too.",
            ),
            Slip(
                lambda z, y: -stable_bce(z, y),
                "A logarithm of a probability is negative; the loss is its opposite.",
            ),
            Slip(
                lambda z, y: np.logaddexp(0, -z) - y * z,
                "At z = 2, y = 0 the answer is wrong and must cost more than log 2. Look at the "
                "sign of z.",
            ),
            Slip(
                lambda z, y: stable_bce(z, y).mean(),
                "That is the mean. Return the loss of each entry.",
            ),
        ),
        near_misses=(
            lambda z, y: stable_bce(z, y) / np.log(2),
            lambda z, y: stable_bce(np.clip(z, -30, 30), y),
            lambda z, y: stable_bce(np.clip(z, -500, 500), y),
            lambda z, y: stable_bce(z, np.rint(y)),
            lambda z, y: cut_bce(z, y, eps=1e-7),
            lambda z, y: np.maximum(z, 0) - y * z,
            lambda z, y: np.maximum(z, 0) - y * z + np.log1p(np.exp(-z)),
            lambda z, y: np.maximum(z, 0) - y * np.abs(z) + np.log1p(np.exp(-np.abs(z))),
            lambda z, y: np.maximum(0, 1 - (2 * y - 1) * z),
            lambda z, y: np.round(stable_bce(z, y), 4),
        ),
        scale=lambda z, y: stable_bce(z, y).max(),
        praise="From −10,000 to 10,000, and nothing was cut off.",
    ),
    Exercise(
        "2.2",
        ("z",),
        advantage_cases,
        advantage,
        (
            Slip(
                naive_advantage,
                "The formula is right, but a = σ(z) has been rounded, and 1 − a is what was lost. "
                "Write 1 − a as σ(−z) and multiply out.",
            ),
            Slip(
                lambda z: float(1 / advantage(z)),
                "That is the slope of the quadratic loss over that of cross-entropy; the other "
                "way round.",
            ),
            Slip(
                lambda z: float(1 + np.exp(-z)),
                "That is 1/a. The quadratic slope has two factors from σ′, a and 1 − a.",
            ),
            Slip(
                lambda z: float(1 + np.exp(z)),
                "That is 1/(1 − a). The quadratic slope has two factors from σ′, a and 1 − a.",
            ),
            Slip(
                lambda z: advantage(z) / 2,
                "The quadratic loss has a factor ½ in front, so that its slope has no 2.",
            ),
        ),
        near_misses=(
            lambda z: float(np.exp(z) + np.exp(-z)),
            lambda z: float(1 + np.exp(z) + np.exp(-z)),
            lambda z: float(2 + np.exp(z)),
            lambda z: float(2 + np.exp(abs(z))),
            lambda z: float((1 + np.exp(z)) ** 2),
            lambda z: float(4 * np.cosh(z / 2)),
            lambda z: float(np.log(advantage(z))),
            lambda z: advantage(np.clip(z, -30, 30)),
            lambda z: min(advantage(z), 1e15),
        ),
        praise="It is the same for z and −z: the cure is for the sure, right or wrong.",
    ),
    Exercise(
        "2.3",
        ("x", "y", "lr", "steps"),
        fit_cases,
        fit,
        (
            Slip(
                other_slope(lambda p, y: (p - y) * p * (1 - p)),
                "That follows the slope of half the squared error. For cross-entropy the factor "
                "p(1 − p) cancels.",
            ),
            Slip(
                other_slope(lambda p, y: -y * (1 - p)),
                "That follows the slope of the first term alone. Examples of y = 0 must pull too.",
            ),
            Slip(
                other_slope(lambda p, y: y - p),
                "That goes uphill. The slope is p − y.",
            ),
            Slip(
                of_the_sum,
                "That follows the slope of the sum. The mean divides by the number of examples.",
            ),
            Slip(
                other_slope(None, move_b=False),
                "The bias b never moves.",
            ),
            Slip(
                other_slope(None, one_by_one=True),
                "b moves by a slope that was computed with the new w. Compute both slopes first.",
            ),
        ),
        near_misses=(
            lambda x, y, lr, steps: fit(x, y, lr, steps - 1),
            lambda x, y, lr, steps: fit(x, y, lr, steps + 1),
            other_slope(lambda p, y: np.sign(p - y)),
            lambda x, y, lr, steps: fit(x, 1 - y, lr, steps),
            lambda x, y, lr, steps: fit(x, 2 * y - 1, lr, steps),
            other_slope(None, start=0.01),
            other_slope(lambda p, y: 2 * (p - y)),
            other_slope(lambda p, y: (p > 0.5) - y),
        ),
        praise="The error itself pulls, times the input.",
    ),
    Exercise(
        "2.4",
        ("p", "false_alarm", "miss"),
        decide_cases,
        decide,
        (
            Slip(
                lambda p, false_alarm, miss: p > 0.5,
                "That asks which is likelier. A rare illness may still be the costlier mistake.",
            ),
            Slip(
                lambda p, false_alarm, miss: (1 - p) * miss < p * false_alarm,
                "The costs are exchanged: whoever is treated and healthy costs false_alarm.",
            ),
            Slip(
                lambda p, false_alarm, miss: p > false_alarm / miss,
                "That compares p with the ratio of the costs. It is the odds p/(1 − p) that the "
                "ratio is for.",
            ),
            Slip(
                lambda p, false_alarm, miss: (1 - p) * false_alarm > p * miss,
                "That treats where treating costs more.",
            ),
        ),
        near_misses=(
            lambda p, false_alarm, miss: p > (1 - p) * false_alarm,
            lambda p, false_alarm, miss: p * miss > 1 - p,
            lambda p, false_alarm, miss: p > min(false_alarm, miss) / (false_alarm + miss),
            lambda p, false_alarm, miss: p**2 * miss > (1 - p) ** 2 * false_alarm,
            lambda p, false_alarm, miss: p * miss**2 > (1 - p) * false_alarm**2,
            lambda p, false_alarm, miss: np.round(p, 1) > false_alarm / (false_alarm + miss),
        ),
        praise="Treat from p = false_alarm / (false_alarm + miss) on.",
    ),
)
