"""Exercises of chapter 1: losses from noise, Huber's center, one repair."""

import numpy as np
from scipy.special import gammaln

from bookkit.exercises.engine import Exercise, Slip


def combine(y, s):
    return float((y / s**2).sum() / (1 / s**2).sum())


def combine_cases(rng):
    yield np.array([5.0, 6.0, 8.0]), np.array([1.0, 2.0, 2.0])
    yield np.array([4.0, 5.0, 9.0]), np.array([1.0, 1.0, 10.0])
    for size in (2, 7):
        yield rng.normal(5, 1, size=size), rng.uniform(0.1, 2, size=size)
    yield np.array([3.5]), np.array([0.2])


def huber_center(y, delta):
    low, high = y.min(), y.max()
    for _ in range(200):
        c = (low + high) / 2
        if np.clip(c - y, -delta, delta).sum() < 0:
            low = c
        else:
            high = c
    return float((low + high) / 2)


def halved(y, delta, count):
    """Bisection that stops too early."""
    low, high = y.min(), y.max()
    for _ in range(count):
        c = (low + high) / 2
        low, high = (c, high) if np.clip(c - y, -delta, delta).sum() < 0 else (low, c)
    return float(c)


def huber_center_cases(rng):
    yield np.array([4.8, 5.0, 5.1, 5.3, 50.0]), 1.0
    yield np.array([4.8, 5.0, 5.1, 5.3, 50.0]), 0.5
    yield np.array([0.0, 1.0, 5.0]), 100.0
    for size, delta in ((9, 1.0), (31, 0.3), (101, 2.0)):
        yield rng.standard_t(2, size=size) + 3, delta
    yield np.array([-40.0, 1.0, 2.0]), 3.0


def clipped_mean(y, delta):
    """One step from the median, which is near but not at the minimum."""
    median = np.median(y)
    return float(median + np.clip(y - median, -delta, delta).mean())


def steps_from_the_median(y, delta, count):
    c = np.median(y)
    for _ in range(count):
        c = c + np.clip(y - c, -delta, delta).mean()
    return float(c)


def without_the_far(y, delta):
    return float(y[np.abs(y - np.median(y)) <= delta].mean())


def poisson_loss(z, y):
    rate = np.exp(z)
    return float((rate - y * z).mean()), (rate - y) / z.size


def poisson_cases(rng):
    yield np.array([0.5, 1.0]), np.array([1.0, 3.0])
    yield np.array([0.0]), np.array([2.0])
    for size in (3, 10):
        z = rng.normal(1, 1, size=size)
        yield z, rng.poisson(np.exp(z)).astype(float)


def poisson_of_the_rate(z, y):
    value, _ = poisson_loss(z, y)
    return value, (1 - y / np.exp(z)) / z.size


def poisson_reversed(z, y):
    value, slope = poisson_loss(z, y)
    return value, -slope


def poisson_sum(z, y):
    value, slope = poisson_loss(z, y)
    return value * z.size, slope * z.size


def poisson_mean_of_value_only(z, y):
    value, slope = poisson_loss(z, y)
    return value, slope * z.size


def poisson_likelihood(z, y):
    value, slope = poisson_loss(z, y)
    return -value, -slope


def poisson_without_exp(z, y):
    with np.errstate(all="ignore"):
        return float((z - y * np.log(z)).mean()), (1 - y / z) / z.size


def poisson_parts(change_value, change_slope):
    def changed(z, y):
        value, slope = poisson_loss(z, y)
        return change_value(value, z, y), change_slope(slope, z, y)

    return changed


def keep(part, *_):
    return part


def poisson_squared(z, y):
    rate = np.exp(z)
    return float(((rate - y) ** 2).mean()), 2 * (rate - y) * rate / z.size


def descend(x, y, lr, steps, factor=2.0, move_w=True, move_b=True, sign=-1, after=False):
    """Gradient descent on the mean squared error, with switches for what readers forget."""
    w = b = 0.0
    losses = []
    for _ in range(steps):
        error = w * x + b - y
        before = (error**2).mean()
        w_slope, b_slope = factor * (error * x).mean(), factor * error.mean()
        w, b = w + move_w * sign * lr * w_slope, b + move_b * sign * lr * b_slope
        losses.append(((w * x + b - y) ** 2).mean() if after else before)
    return float(w), float(b), np.array(losses)


def train(x, y, lr, steps):
    return descend(x, y, lr, steps)


def train_cases(rng):
    yield np.array([0.0, 1.0, 2.0]), np.array([1.0, 3.0, 5.0]), 0.1, 1
    yield np.array([0.0, 1.0, 2.0]), np.array([1.0, 3.0, 5.0]), 0.1, 2
    x = rng.random(10)
    yield x, 3 * x + 1, 0.2, 20
    x = rng.normal(size=15)
    yield x, -2 * x - 1 + 0.1 * rng.normal(size=15), 0.1, 30


def still_confused(x, y, lr, steps):
    w = b = 0.0
    losses = []
    with np.errstate(all="ignore"):
        for _ in range(steps):
            prediction = w * x + b
            losses.append(-(y * np.log(prediction)).mean())
            slope = (prediction - y) / y.size
            w, b = w - lr * (slope * x).sum(), b - lr * slope.sum()
    return float(w), float(b), np.array(losses)


def confused_with_the_right_slope(x, y, lr, steps):
    w, b, _ = descend(x, y, lr, steps)
    return w, b, still_confused(x, y, 2 * lr, steps)[2]


def shown_otherwise(change):
    """The right w and b, with the losses changed."""

    def changed(x, y, lr, steps):
        w, b, losses = descend(x, y, lr, steps)
        return w, b, change(losses, x)

    return changed


def one_after_the_other(x, y, lr, steps):
    w = b = 0.0
    losses = []
    for _ in range(steps):
        losses.append(((w * x + b - y) ** 2).mean())
        w = w - lr * 2 * ((w * x + b - y) * x).mean()
        b = b - lr * 2 * (w * x + b - y).mean()
    return float(w), float(b), np.array(losses)


EXERCISES = (
    Exercise(
        "1.1",
        ("y", "s"),
        combine_cases,
        combine,
        (
            Slip(
                lambda y, s: float(y.mean()),
                "That trusts all scales alike. What does s do to the loss of one weighing?",
            ),
            Slip(
                lambda y, s: float((y / s).sum() / (1 / s).sum()),
                "In the exponent of the Gaussian the standard deviation is squared.",
            ),
            Slip(
                lambda y, s: float((y * s**2).sum() / (s**2).sum()),
                "That trusts the worst scale most: a large s means a lot of noise.",
            ),
            Slip(
                lambda y, s: float((y * s).sum() / s.sum()),
                "That trusts the worst scale most: a large s means a lot of noise.",
            ),
            Slip(
                lambda y, s: float((y / s**2).sum()),
                "The weights of the weighings must add up to 1.",
            ),
            Slip(
                lambda y, s: float((y / s**2).mean()),
                "The weights of the weighings must add up to 1.",
            ),
        ),
        near_misses=(
            lambda y, s: float(np.median(y)),
            lambda y, s: float(y[s.argmin()]),
            lambda y, s: float(np.average(y, weights=1 / s**3)),
            lambda y, s: float(np.average(y, weights=1 / (1 + s**2))),
            lambda y, s: float(np.average(y, weights=np.exp(-(s**2) / 2))),
            lambda y, s: float(np.average(y, weights=1 / np.sqrt(s))),
            lambda y, s: float(np.average(y, weights=s.max() - s + s.min())),
            lambda y, s: float(np.sqrt(np.average(y**2, weights=1 / s**2))),
            lambda y, s: round(combine(y, s), 4),
        ),
        praise="Engineers call this weighting by the inverse variance.",
    ),
    Exercise(
        "1.2",
        ("y", "delta"),
        huber_center_cases,
        huber_center,
        (
            Slip(
                lambda y, delta: float(y.mean()),
                "That is the mean, where the squared error is smallest. Huber's pull stops "
                "growing at delta.",
            ),
            Slip(
                lambda y, delta: float(np.median(y)),
                "That is the median, where the absolute error is smallest. Near zero Huber's "
                "pull is proportional to the error.",
            ),
            Slip(
                without_the_far,
                "That is the mean of the observations near the median. The far ones still pull, "
                "each with the force delta.",
            ),
            Slip(
                clipped_mean,
                "That is one step from the median towards the answer. Go on until the pulls "
                "balance.",
            ),
        ),
        near_misses=(
            lambda y, delta: huber_center(y, delta / 2),
            lambda y, delta: huber_center(y, 2 * delta),
            lambda y, delta: huber_center(y, 1.0),
            lambda y, delta: halved(y, delta, 10),
            lambda y, delta: halved(y, delta, 20),
            lambda y, delta: steps_from_the_median(y, delta, 5),
            lambda y, delta: round(huber_center(y, delta), 4),
            lambda y, delta: float((y.mean() + np.median(y)) / 2),
            lambda y, delta: float(np.clip(y, y.mean() - delta, y.mean() + delta).mean()),
        ),
        tolerance=1e-7,
        scale=lambda y, delta: np.abs(y).max(),
        praise="With a small delta it nears the median, with a large one it is the mean.",
    ),
    Exercise(
        "1.3",
        ("z", "y"),
        poisson_cases,
        poisson_loss,
        (
            Slip(
                poisson_of_the_rate,
                "The loss is right, and that is the slope with respect to the rate r. How does r "
                "change with z?",
            ),
            Slip(
                poisson_reversed,
                "The loss is right, but the gradient has the opposite sign: where more is "
                "predicted than was counted, z should go down.",
            ),
            Slip(
                poisson_sum,
                "That is the sum over the entries. The mean divides the loss and its gradient by "
                "their number.",
            ),
            Slip(
                poisson_mean_of_value_only,
                "The loss is a mean, but the gradient is that of the sum.",
            ),
            Slip(
                poisson_likelihood,
                "That is the log-likelihood, which one makes large. The loss is its opposite.",
            ),
            Slip(
                poisson_without_exp,
                "That takes z for the mean of the count. It is the logarithm of the mean.",
            ),
            Slip(
                poisson_squared,
                "That is the squared error, which belongs to Gaussian noise.",
            ),
            Slip(
                lambda z, y: poisson_loss(z, y)[0],
                "That is the loss alone. Return the pair: the loss, then the gradient.",
            ),
        ),
        near_misses=(
            poisson_parts(lambda v, z, y: v + gammaln(y + 1).mean(), keep),
            poisson_parts(lambda v, z, y: v * z.size, keep),
            poisson_parts(lambda v, z, y: v + 2 * (y * z).mean(), keep),
            poisson_parts(lambda v, z, y: float(np.median(np.exp(z) - y * z)), keep),
            poisson_parts(lambda v, z, y: v * z.size / (z.size + 1), keep),
            poisson_parts(keep, lambda g, z, y: g / z.size),
            poisson_parts(keep, lambda g, z, y: g * np.exp(z)),
            poisson_parts(keep, lambda g, z, y: (z - y) / z.size),
            poisson_parts(keep, lambda g, z, y: (np.exp(z) - 1) / z.size),
            poisson_parts(keep, lambda g, z, y: g + 2 * y / z.size),
        ),
        praise="Prediction minus truth, as for the Gaussian.",
    ),
    Exercise(
        "1.4",
        ("x", "y", "lr", "steps"),
        train_cases,
        train,
        (
            Slip(
                still_confused,
                "Real-valued targets have no cross-entropy. Show the squared error, and follow "
                "its slope.",
            ),
            Slip(
                confused_with_the_right_slope,
                "w and b are right. What is shown is still a cross-entropy; show the squared "
                "error that you follow.",
            ),
            Slip(
                lambda x, y, lr, steps: descend(x, y, lr, steps, factor=1.0),
                "That follows the slope of half the squared error, and shows the whole.",
            ),
            Slip(
                lambda x, y, lr, steps: descend(x, y, lr, steps, factor=2.0 * x.size),
                "That follows the slope of the sum. The mean divides by the number of examples.",
            ),
            Slip(
                lambda x, y, lr, steps: descend(x, y, lr, steps, move_b=False),
                "The bias b never moves.",
            ),
            Slip(
                lambda x, y, lr, steps: descend(x, y, lr, steps, sign=1),
                "That goes uphill.",
            ),
            Slip(
                lambda x, y, lr, steps: descend(x, y, lr, steps, after=True),
                "Those are the losses after each step; store them before.",
            ),
            Slip(
                one_after_the_other,
                "b moves by a slope that was computed with the new w. Compute both slopes first.",
            ),
        ),
        near_misses=(
            shown_otherwise(lambda losses, x: losses / 2),
            shown_otherwise(lambda losses, x: np.sqrt(losses)),
            shown_otherwise(lambda losses, x: losses * x.size),
            shown_otherwise(lambda losses, x: losses[::-1]),
            shown_otherwise(lambda losses, x: np.minimum.accumulate(losses) - 1e-4),
            shown_otherwise(lambda losses, x: np.append(losses, losses[-1])),
            lambda x, y, lr, steps: descend(x, y, lr, steps, factor=4.0),
            lambda x, y, lr, steps: descend(x, y, lr, steps, move_w=False),
            lambda x, y, lr, steps: descend(x, y, lr, steps + 1),
            lambda x, y, lr, steps: descend(x, y, 0.1, steps),
        ),
        praise="What it shows is what it follows.",
    ),
)
