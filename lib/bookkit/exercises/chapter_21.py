"""Exercises of chapter 21: unequal parts, batch statistics, each worker's rows, scaled steps."""

import numpy as np

from bookkit.exercises.engine import Exercise, Slip


def combine_gradients(gradients, counts):
    there = counts > 0
    return counts[there] @ gradients[there] / counts.sum()


def gradient_cases(rng):
    yield np.array([[1.0, 4.0], [3.0, -2.0]]), np.array([1, 3])
    yield rng.normal(size=(5, 3)), np.array([13, 13, 13, 13, 12])
    yield rng.normal(size=(3, 4)), np.array([2, 7, 4])
    gone = rng.normal(size=(4, 3))
    gone[2] = np.nan
    yield gone, np.array([5, 2, 0, 9])
    gone = rng.normal(size=(3, 2))
    gone[:2] = np.nan
    yield gone, np.array([0, 0, 6])


def of_those_there(combine):
    def answer(gradients, counts):
        return combine(gradients[counts > 0], counts[counts > 0])

    return answer


def combine_statistics(counts, means, variances):
    weights = counts / counts.sum()
    mean = weights @ means
    return mean, weights @ (variances + (means - mean) ** 2)


def statistics_cases(rng):
    yield np.array([1, 3]), np.array([[0.0], [4.0]]), np.array([[2.0], [6.0]])
    yield np.array([16, 16, 16]), rng.normal(2, 1, size=(3, 2)), rng.random((3, 2))
    yield np.array([5, 2, 9, 7]), rng.normal(size=(4, 3)), rng.random((4, 3)) + 1
    yield np.array([4, 11]), np.full((2, 2), 3.0), rng.random((2, 2))
    yield np.array([6]), rng.normal(size=(1, 4)), rng.random((1, 4))


def statistics_by(variance, mean=lambda weights, means: weights @ means):
    def answer(counts, means, variances):
        weights = counts / counts.sum()
        centre = mean(weights, means)
        return centre, variance(counts, weights, means, variances, centre)

    return answer


def spread(weights, means, centre):
    return weights @ (means - centre) ** 2


def my_rows(count, workers, rank, seed, epoch):
    order = np.random.default_rng([seed, epoch]).permutation(count)
    return np.concatenate([order, order[: -count % workers]])[rank::workers]


def rows_cases(rng):
    yield 8, 2, 0, 0, 0
    yield 8, 2, 1, 0, 3
    yield 11, 4, 3, 5, 2
    yield 11, 4, 1, 5, 2
    yield 10, 3, 2, 1, 4
    yield 7, 1, 0, 2, 1
    yield 5, 5, 4, 3, 0


def rows_by(take=None, order=None, pad=None):
    """A variant: of the padding, of the order, or of what a worker takes."""
    order = order or (lambda n, k, r, seed, epoch: shuffled([seed, epoch], n))
    pad = pad or (lambda rows, k: np.concatenate([rows, rows[: -len(rows) % k]]))
    take = take or (lambda rows, k, r: rows[r::k])

    def answer(count, workers, rank, seed, epoch):
        return take(pad(order(count, workers, rank, seed, epoch), workers), workers, rank)

    return answer


def shuffled(seed, count):
    return np.random.default_rng(seed).permutation(count)


def blocks(rows, workers, rank):
    size = len(rows) // workers
    return rows[rank * size : (rank + 1) * size]


def scaled_step(weights, gradient, scale, lr, max_norm):
    if not np.isfinite(gradient).all():
        return weights.copy(), scale / 2
    return weights - lr * clipped(gradient / scale, max_norm), scale


def clipped(gradient, max_norm):
    length = np.linalg.norm(gradient)
    return gradient * (max_norm / length) if length > max_norm else gradient


def step_cases(rng):
    yield np.array([1.0, 2.0]), np.array([24.0, 32.0]), 8.0, 0.5, 1.0
    yield np.array([1.0, 2.0]), np.array([6.0, 8.0]), 1.0, 0.5, 20.0
    yield np.array([1.0, 2.0, 3.0]), np.array([8.0, np.inf, np.nan]), 8.0, 0.5, 1.0
    yield np.array([1.0, 2.0]), np.array([24.0, np.inf]), 8.0, 0.5, 1.0
    yield rng.normal(size=5), 1024 * 0.2 * rng.normal(size=5), 1024.0, 0.3, 5.0
    yield rng.normal(size=5), 1024 * 4 * rng.normal(size=5), 1024.0, 0.3, 0.7
    yield rng.normal(size=4), np.array([1.0, np.nan, 2.0, -3.0]), 65536.0, 0.1, 2.0
    yield rng.normal(size=4), np.array([-np.inf, 1.0, 2.0, 3.0]), 2.0, 0.1, 2.0
    yield rng.normal(size=3), np.zeros(3), 16.0, 0.1, 1.0


def step_by(change, bad=lambda weights, scale: (weights.copy(), scale / 2), finite=np.isfinite):
    def answer(weights, gradient, scale, lr, max_norm):
        if not finite(gradient).all():
            return bad(weights, scale)
        return weights - change(gradient, scale, lr, max_norm), scale

    return answer


def usual(gradient, scale, lr, max_norm):
    return lr * clipped(gradient / scale, max_norm)


def clip_by_value(gradient, scale, lr, max_norm):
    return lr * np.clip(gradient / scale, -max_norm, max_norm)


def never_checked(weights, gradient, scale, lr, max_norm):
    return weights - usual(gradient, scale, lr, max_norm), scale


def grows(weights, gradient, scale, lr, max_norm):
    new, factor = scaled_step(weights, gradient, scale, lr, max_norm)
    return new, factor if factor < scale else 2 * scale


EXERCISES = (
    Exercise(
        "21.1",
        ("gradients", "counts"),
        gradient_cases,
        combine_gradients,
        (
            Slip(
                of_those_there(lambda g, n: g.mean(axis=0)),
                "That is the plain mean over the workers. It gives an image in a small part a "
                "larger say: weigh by the counts.",
            ),
            Slip(
                of_those_there(lambda g, n: n @ g),
                "The weights are the counts, but they must add up to 1: divide by the whole batch.",
            ),
            Slip(
                of_those_there(lambda g, n: g.sum(axis=0)),
                "That is the sum of the workers' gradients. The mean of the batch weighs them by "
                "their share of the examples.",
            ),
            Slip(
                lambda g, n: n @ g / n.sum(),
                "The weights are right. But 0 times nan is nan: leave out who had no examples.",
            ),
        ),
        near_misses=(
            of_those_there(lambda g, n: n @ g / len(n)),
            of_those_there(lambda g, n: n @ g / n.max()),
            of_those_there(lambda g, n: n**2 @ g / (n**2).sum()),
            of_those_there(lambda g, n: np.sqrt(n) @ g / np.sqrt(n).sum()),
            of_those_there(lambda g, n: (1 / n) @ g / (1 / n).sum()),
            of_those_there(lambda g, n: n[::-1] @ g / n.sum()),
            of_those_there(lambda g, n: np.median(g, axis=0)),
            of_those_there(lambda g, n: g[n.argmax()]),
        ),
        praise="Unequal parts and workers without examples are combined into the batch's gradient.",
    ),
    Exercise(
        "21.2",
        ("counts", "means", "variances"),
        statistics_cases,
        combine_statistics,
        (
            Slip(
                statistics_by(lambda n, w, m, v, c: w @ v),
                "The variance inside the parts is there. The spread of their means is missing.",
            ),
            Slip(
                lambda n, m, v: (m.mean(axis=0), (v + (m - m.mean(axis=0)) ** 2).mean(axis=0)),
                "Both parts of the variance are there, but every worker has the same weight. Weigh "
                "by the counts.",
            ),
            Slip(
                statistics_by(lambda n, w, m, v, c: v.mean(axis=0) + spread(w, m, c)),
                "The spread of the means is weighed by the counts. The variances must be, too.",
            ),
            Slip(
                statistics_by(lambda n, w, m, v, c: w @ v - spread(w, m, c)),
                "The sign is reversed: parts have too small a variance, so the spread is added.",
            ),
        ),
        near_misses=(
            statistics_by(lambda n, w, m, v, c: w @ v + ((m - c) ** 2).mean(axis=0)),
            statistics_by(lambda n, w, m, v, c: w @ v + spread(w, m, m.mean(axis=0))),
            statistics_by(lambda n, w, m, v, c: w @ v + w @ abs(m - c)),
            statistics_by(
                lambda n, w, m, v, c: (w @ v + spread(w, m, c)) * n.sum() / (n.sum() - 1)
            ),
            statistics_by(lambda n, w, m, v, c: w @ v + w @ m**2),
            statistics_by(lambda n, w, m, v, c: np.sqrt(w @ v + spread(w, m, c))),
            statistics_by(
                lambda n, w, m, v, c: w @ v + spread(w, m, c), lambda w, m: m.mean(axis=0)
            ),
            statistics_by(lambda n, w, m, v, c: n @ v + spread(n, m, c)),
            statistics_by(lambda n, w, m, v, c: w**2 @ v + spread(w, m, c)),
            statistics_by(lambda n, w, m, v, c: spread(w, m, c)),
        ),
        praise="It is exact for unequal parts, equal means and a single worker.",
    ),
    Exercise(
        "21.3",
        ("count", "workers", "rank", "seed", "epoch"),
        rows_cases,
        my_rows,
        (
            Slip(
                rows_by(order=lambda n, k, r, seed, epoch: shuffled([seed, 0], n)),
                "The order is that of epoch 0. Seed the generator with the epoch, too.",
            ),
            Slip(
                rows_by(blocks),
                "You cut the order into blocks. Worker r takes every `workers`-th entry, from r.",
            ),
            Slip(
                rows_by(order=lambda n, k, r, seed, epoch: shuffled([seed, epoch, r], n)),
                "The order depends on the rank: two workers may then see the same row, and some "
                "rows nobody.",
            ),
            Slip(
                rows_by(pad=lambda rows, k: rows[: len(rows) - len(rows) % k]),
                "You leave out the rows that are over. Append rows from the start instead.",
            ),
            Slip(
                rows_by(pad=lambda rows, k: rows),
                "Some workers get one row fewer than others. Append rows from the start first.",
            ),
        ),
        near_misses=(
            rows_by(order=lambda n, k, r, seed, epoch: shuffled([epoch, seed], n)),
            rows_by(order=lambda n, k, r, seed, epoch: shuffled(seed + epoch, n)),
            rows_by(order=lambda n, k, r, seed, epoch: shuffled([seed, epoch + 1], n)),
            rows_by(order=lambda n, k, r, seed, epoch: np.arange(n)),
            rows_by(pad=lambda rows, k: np.concatenate([rows, rows[len(rows) - -len(rows) % k :]])),
            rows_by(pad=lambda rows, k: np.concatenate([rows, rows[: len(rows) % k]])),
            rows_by(lambda rows, k, r: rows[k - 1 - r :: k]),
            rows_by(lambda rows, k, r: np.sort(rows[r::k])),
        ),
        praise="Every row is seen, all have equally many, and each epoch has its own order.",
    ),
    Exercise(
        "21.4",
        ("weights", "gradient", "scale", "lr", "max_norm"),
        step_cases,
        scaled_step,
        (
            Slip(
                step_by(lambda g, s, lr, most: lr * clipped(g, most) / s),
                "You clip first and then divide by the scale: the step is `scale` times too short. "
                "Take the scale out first.",
            ),
            Slip(
                step_by(lambda g, s, lr, most: lr * clipped(g, most)),
                "The scale is still in the gradient. Divide by it first.",
            ),
            Slip(
                never_checked,
                "A gradient that is not finite must not reach the weights: skip the step and halve "
                "the scale.",
            ),
            Slip(
                step_by(usual, lambda weights, scale: (weights.copy(), scale)),
                "The step is skipped, but the scale stays, so the next gradient overflows again. "
                "Halve it.",
            ),
            Slip(
                step_by(clip_by_value),
                "You limit each entry. The length of the whole gradient is to be limited.",
            ),
        ),
        near_misses=(
            step_by(lambda g, s, lr, most: lr * g / s),
            step_by(lambda g, s, lr, most: lr * most * g / max(np.linalg.norm(g), 1e-300)),
            step_by(lambda g, s, lr, most: clipped(lr * g / s, most)),
            step_by(usual, lambda weights, scale: (weights.copy(), scale * 2)),
            step_by(usual, lambda weights, scale: (weights.copy(), 1.0)),
            step_by(usual, lambda weights, scale: (np.zeros_like(weights), scale / 2)),
            step_by(usual, finite=lambda g: ~np.isnan(g)),
            step_by(usual, finite=lambda g: ~np.isinf(g)),
            step_by(usual, finite=lambda g: g < np.inf),
            step_by(lambda g, s, lr, most: -lr * clipped(g / s, most)),
            step_by(lambda g, s, lr, most: lr * clipped(g / s, most**2)),
            grows,
        ),
        praise="It clips what is unscaled, and skips a step that is not finite.",
    ),
)
