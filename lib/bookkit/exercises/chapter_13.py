"""Exercises of chapter 13: a proximal step, ridge by rows, units of λ, memory, elastic net."""

import numpy as np

from bookkit.exercises.engine import Exercise, Slip


def soft(w, threshold):
    return np.sign(w) * np.maximum(np.abs(w) - threshold, 0)


def proximal_step(W, b, grad_W, grad_b, lr, strength):
    return soft(W - lr * grad_W, lr * strength), b - lr * grad_b


def proximal_cases(rng):
    yield (
        np.array([[1.0, 0.1, -1.0]]),
        np.array([0.2]),
        np.array([[0.0, 0.0, 0.5]]),
        np.array([0.5]),
        0.5,
        0.4,
    )
    for lr in (0.1, 0.25, 2.0):
        W, g = rng.normal(size=(3, 5)), rng.normal(size=(3, 5))
        W[0, :2] = 0
        g[0, 0] = 0
        yield W, rng.normal(size=3) / 5, g, rng.normal(size=3), lr, 1.3


def slope_of_l1(W, b, grad_W, grad_b, lr, strength):
    return W - lr * (grad_W + strength * np.sign(W)), b - lr * grad_b


def threshold_first(W, b, grad_W, grad_b, lr, strength):
    return soft(W, lr * strength) - lr * grad_W, b - lr * grad_b


def other_threshold(change):
    def step(W, b, grad_W, grad_b, lr, strength):
        return soft(W - lr * grad_W, change(lr, strength)), b - lr * grad_b

    return step


def bias_pays(W, b, grad_W, grad_b, lr, strength):
    return soft(W - lr * grad_W, lr * strength), soft(b - lr * grad_b, lr * strength)


def hard(W, b, grad_W, grad_b, lr, strength):
    moved = W - lr * grad_W
    return np.where(np.abs(moved) > lr * strength, moved, 0), b - lr * grad_b


def shrink_alone(W, b, grad_W, grad_b, lr, strength):
    return (W - lr * grad_W) / (1 + lr * strength), b - lr * grad_b


def uphill(W, b, grad_W, grad_b, lr, strength):
    return soft(W + lr * grad_W, lr * strength), b + lr * grad_b


def bias_rests(W, b, grad_W, grad_b, lr, strength):
    return soft(W - lr * grad_W, lr * strength), b.copy()


def no_rate_for_bias(W, b, grad_W, grad_b, lr, strength):
    return soft(W - lr * grad_W, lr * strength), b - grad_b


def positive_part(W, b, grad_W, grad_b, lr, strength):
    return np.maximum(W - lr * grad_W - lr * strength, 0), b - lr * grad_b


def without_sign(W, b, grad_W, grad_b, lr, strength):
    return np.maximum(np.abs(W - lr * grad_W) - lr * strength, 0), b - lr * grad_b


def sign_of_old(W, b, grad_W, grad_b, lr, strength):
    size = np.maximum(np.abs(W - lr * grad_W) - lr * strength, 0)
    return np.sign(W) * size, b - lr * grad_b


def extra_rows(x, y, strength, *, root=np.sqrt, target=0.0):
    count = x.shape[1]
    rows = root(strength) * np.eye(count)
    return np.vstack([x, rows]), np.concatenate([y, np.full(count, target)])


def extra_rows_cases(rng):
    yield np.array([[1.0, 2.0]]), np.array([3.0]), 4.0
    yield rng.normal(size=(5, 3)), rng.normal(size=5), 0.25
    yield rng.normal(size=(2, 4)), rng.normal(size=2), 9.0
    yield rng.normal(size=(6, 1)), rng.normal(size=6), 2.0


def rows_above(x, y, strength):
    count = x.shape[1]
    rows = np.sqrt(strength) * np.eye(count)
    return np.vstack([rows, x]), np.concatenate([np.zeros(count), y])


def one_row(x, y, strength):
    return np.vstack([x, np.full(x.shape[1], np.sqrt(strength))]), np.append(y, 0.0)


def as_many_as_samples(x, y, strength):
    rows = np.sqrt(strength) * np.eye(len(x), x.shape[1])
    return np.vstack([x, rows]), np.concatenate([y, np.zeros(len(x))])


def rows_of_ones(x, y, strength):
    count = x.shape[1]
    rows = np.full((count, count), np.sqrt(strength))
    return np.vstack([x, rows]), np.concatenate([y, np.zeros(count)])


def target_repeated(x, y, strength):
    larger, _ = extra_rows(x, y, strength)
    return larger, np.concatenate([y, np.resize(y, x.shape[1])])


def mean_as_target(x, y, strength):
    return extra_rows(x, y, strength, target=y.mean())


def last_weight_free(x, y, strength):
    larger, target = extra_rows(x, y, strength)
    larger[-1] = 0
    return larger, target


def reversed_rows(x, y, strength):
    larger, target = extra_rows(x, y, strength)
    larger[len(x) :] = larger[len(x) :, ::-1]
    return larger, target


def from_paper(strength, samples):
    return 2 * strength / samples


def from_paper_cases(rng):
    yield 5.0, 100
    yield 0.3, 7
    for samples in (600, 50_000):
        yield float(rng.uniform(1, 9)), samples


def memory(lr, weight_decay, batch_size, samples):
    return batch_size / (lr * weight_decay * samples)


def memory_cases(rng):
    yield 0.01, 0.1, 32, 640
    yield 0.003, 1.0, 32, 600
    for batch_size in (8, 100, 512):
        yield (
            float(rng.uniform(0.001, 0.1)),
            float(rng.uniform(0.01, 3)),
            batch_size,
            int(rng.integers(1000, 60_000)),
        )


def elastic_step(w, g, lr, strength, ratio):
    shrunk = soft(w - lr * g, lr * strength * ratio)
    return shrunk / (1 + lr * strength * (1 - ratio))


def elastic_cases(rng):
    yield np.array([2.0, 0.1, -3.0]), np.zeros(3), 0.5, 1.0, 0.5
    for ratio in (0.0, 1.0, 0.3, 0.8):
        w = rng.normal(size=(2, 4))
        w[0, 0] = 0.02
        yield w, rng.normal(size=(2, 4)), 0.4, 1.2, ratio


def elastic_by_slope(w, g, lr, strength, ratio):
    slope = strength * (ratio * np.sign(w) + (1 - ratio) * w)
    return w - lr * (g + slope)


def elastic_of(change):
    """The reference's parts, put together in another way."""

    def step(w, g, lr, strength, ratio):
        return change(w - lr * g, lr * strength * ratio, lr * strength * (1 - ratio))

    return step


def elastic_without_rate(w, g, lr, strength, ratio):
    return soft(w - lr * g, strength * ratio) / (1 + strength * (1 - ratio))


def elastic_before(w, g, lr, strength, ratio):
    shrunk = soft(w, lr * strength * ratio) / (1 + lr * strength * (1 - ratio))
    return shrunk - lr * g


EXERCISES = (
    Exercise(
        "13.1",
        ("W", "b", "grad_W", "grad_b", "lr", "strength"),
        proximal_cases,
        proximal_step,
        (
            Slip(
                other_threshold(lambda lr, strength: strength),
                "Your threshold is the strength alone. It is the rate times the strength.",
            ),
            Slip(
                bias_pays,
                "The weights are right. The bias pays no penalty; leave out its threshold.",
            ),
            Slip(
                slope_of_l1,
                "You follow sign(W), as the second program does. Go down the loss alone, then "
                "apply the soft threshold.",
            ),
            Slip(
                threshold_first,
                "You apply the threshold before the step. After the step nothing is at 0.",
            ),
            Slip(
                hard,
                "You set the small ones to 0, but the others must move towards 0 by the "
                "threshold, too.",
            ),
            Slip(
                shrink_alone,
                "That is the step of an ℓ2 penalty: it shrinks, and sets nothing to 0.",
            ),
            Slip(uphill, "You go up. A gradient step subtracts the rate times the gradient."),
            Slip(without_sign, "The sizes are right. Give each weight its sign back."),
        ),
        near_misses=(
            other_threshold(lambda lr, strength: lr),
            other_threshold(lambda lr, strength: lr * strength / 2),
            other_threshold(lambda lr, strength: strength / lr),
            bias_rests,
            no_rate_for_bias,
            positive_part,
            sign_of_old,
            other_threshold(lambda lr, strength: 2 * lr * strength),
        ),
    ),
    Exercise(
        "13.2",
        ("x", "y", "strength"),
        extra_rows_cases,
        extra_rows,
        (
            Slip(
                lambda x, y, s: extra_rows(x, y, s, root=lambda s: s),
                "The entries of the rows are squared by least squares. Take the root of the "
                "strength.",
            ),
            Slip(
                lambda x, y, s: extra_rows(x, y, s, root=np.square),
                "The entries of the rows are squared by least squares. Take the root of the "
                "strength, not its square.",
            ),
            Slip(
                lambda x, y, s: extra_rows(x, y, s, target=1.0),
                "The rows are right. Each should pull its weight to 0, so its target is 0.",
            ),
            Slip(
                one_row,
                "One row charges for the square of the sum of the weights. Each weight needs a "
                "row of its own.",
            ),
            Slip(
                rows_above, "Your rows are right, and stand above the given ones. Put them below."
            ),
        ),
        near_misses=(
            as_many_as_samples,
            rows_of_ones,
            target_repeated,
            mean_as_target,
            last_weight_free,
            reversed_rows,
            lambda x, y, s: extra_rows(x, y, s, root=lambda s: np.sqrt(s / 2)),
            lambda x, y, s: extra_rows(x, y, s, root=lambda s: np.sqrt(s / len(x))),
            lambda x, y, s: extra_rows(x, y, s, root=lambda s: 1.0),
        ),
    ),
    Exercise(
        "13.3",
        ("strength", "samples"),
        from_paper_cases,
        from_paper,
        (
            Slip(
                lambda s, n: s / n,
                "The N is right. Your penalty has a half in front, the paper's has none.",
            ),
            Slip(
                lambda s, n: s / (2 * n),
                "The N is right, and the 2 is on the wrong side: λ/2 must equal what the paper "
                "has.",
            ),
            Slip(
                lambda s, n: 2 * s * n,
                "The 2 is right, and N is on the wrong side. The sum is N times the mean, so the "
                "mean needs a smaller λ.",
            ),
            Slip(
                lambda s, n: s * n,
                "N is on the wrong side. Divide the paper's objective by N, then compare.",
            ),
            Slip(lambda s, n: 2 * s, "That would be right if the paper averaged its losses."),
        ),
        near_misses=(
            lambda s, n: s * n / 2,
            lambda s, n: float(s),
            lambda s, n: s / 2,
            lambda s, n: 2 * s / n**2,
            lambda s, n: 2 * s / np.sqrt(n),
            lambda s, n: 2 * s / (n - 1),
            lambda s, n: n / (2 * s),
            lambda s, n: -2 * s / n,
        ),
    ),
    Exercise(
        "13.4",
        ("lr", "weight_decay", "batch_size", "samples"),
        memory_cases,
        memory,
        (
            Slip(
                lambda lr, wd, b, n: 1 / (lr * wd),
                "That is the timescale in steps. An epoch has N/B of them.",
            ),
            Slip(
                lambda lr, wd, b, n: n / (b * lr * wd),
                "You multiply by the steps of an epoch. Divide by them.",
            ),
            Slip(
                lambda lr, wd, b, n: b / (wd * n),
                "Where is the rate? A step shrinks by 1 − ηλ.",
            ),
            Slip(
                lambda lr, wd, b, n: lr * wd * n / b,
                "That is one over the answer: how much is forgotten in an epoch.",
            ),
            Slip(
                lambda lr, wd, b, n: 1 / (lr * wd * n),
                "You divide by the examples. An epoch has fewer steps than examples: N/B.",
            ),
        ),
        near_misses=(
            lambda lr, wd, b, n: b / (lr * n),
            lambda lr, wd, b, n: np.log(2) * b / (lr * wd * n),
            lambda lr, wd, b, n: -b / (np.log1p(-lr * wd) * n),
            lambda lr, wd, b, n: lr * b / (wd * n),
            lambda lr, wd, b, n: wd * b / (lr * n),
            lambda lr, wd, b, n: b / (2 * lr * wd * n),
            lambda lr, wd, b, n: b / (lr * wd),
            lambda lr, wd, b, n: 1 / (lr * wd * np.ceil(n / b + 1)),
        ),
    ),
    Exercise(
        "13.5",
        ("w", "g", "lr", "strength", "ratio"),
        elastic_cases,
        elastic_step,
        (
            Slip(
                elastic_by_slope,
                "You add the slope of the penalty to the gradient; so no weight becomes 0. Solve "
                "for the minimum instead.",
            ),
            Slip(
                elastic_of(lambda a, one, two: soft(a, one)),
                "That is the ℓ1 part. What does the squared part divide by?",
            ),
            Slip(
                elastic_of(lambda a, one, two: soft(a, one) * (1 - two)),
                "The minimum lies at a quotient: divide by 1 + ηλ(1 − ρ), instead of multiplying "
                "by 1 − ηλ(1 − ρ).",
            ),
            Slip(
                elastic_of(lambda a, one, two: soft(a / (1 + two), one)),
                "You divide before the threshold. In the equation of hint 2 the whole difference "
                "is divided.",
            ),
            Slip(elastic_without_rate, "Both amounts need the rate: ηλρ and ηλ(1 − ρ)."),
            Slip(
                elastic_of(lambda a, one, two: soft(a, two) / (1 + one)),
                "You have exchanged ρ and 1 − ρ.",
            ),
        ),
        near_misses=(
            elastic_of(lambda a, one, two: a / (1 + two)),
            elastic_of(lambda a, one, two: soft(a, one + two)),
            elastic_of(lambda a, one, two: soft(a, one) / (1 + 2 * two)),
            elastic_of(lambda a, one, two: soft(a, one) / (1 + two / 2)),
            elastic_of(lambda a, one, two: soft(a, one) / (1 + one + two)),
            elastic_of(lambda a, one, two: np.abs(soft(a, one)) / (1 + two)),
            elastic_of(lambda a, one, two: np.where(np.abs(a) > one, a, 0) / (1 + two)),
            elastic_before,
            lambda w, g, lr, s, r: elastic_step(w, -g, lr, s, r),
        ),
    ),
)
