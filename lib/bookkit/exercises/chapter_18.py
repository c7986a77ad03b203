"""Exercises of chapter 18: shares of shards, a range test, half precision, a loop, an order."""

import numpy as np

from bookkit.exercises.engine import Exercise, Slip


def accumulated(gradients, counts):
    there = counts > 0
    return counts[there] @ gradients[there] / counts.sum()


def shards(rng, counts, width):
    """Gradients of shards with these counts; nan where there is nothing to average."""
    counts = np.array(counts)
    gradients = rng.normal(size=(len(counts), width))
    gradients[counts == 0] = np.nan
    return gradients, counts


def accumulated_cases(rng):
    yield np.array([[4.0, 1.0, 0.5], [8.0, 3.0, -2.0]]), np.array([6, 2])
    yield shards(rng, [16, 8, 4, 2], 5)
    yield shards(rng, [3, 0, 5], 4)
    yield shards(rng, [7, 7, 7], 3)
    yield shards(rng, [1], 3)
    yield shards(rng, [0, 12, 0, 3, 100], 6)


def of_those_there(combine):
    def answer(gradients, counts):
        there = counts > 0
        return combine(gradients[there], counts[there])

    return answer


mean_of_means = of_those_there(lambda g, m: g.mean(axis=0))


def nan_spreads(gradients, counts):
    return counts @ gradients / counts.sum()


def nan_to_zero_in_a_mean(gradients, counts):
    return np.nan_to_num(gradients).mean(axis=0)


def suggest(rates, losses, smoothing):
    return rates[np.argmin(averages(losses, smoothing))] / 10


def averages(losses, smoothing, power=1, first=None):
    """Exponential averages with bias correction; `power` is the exponent at the first loss."""
    average, smoothed = 0.0 if first is None else first, []
    for k, loss in enumerate(losses):
        average = smoothing * average + (1 - smoothing) * loss
        correction = 1 - smoothing ** (k + power) if first is None and power else 1.0
        smoothed.append(average / correction)
    return np.array(smoothed)


def range_test(rng, steps, floor, noise=0.03):
    """A loss that falls and then rises over rates from 1e-4 to 10."""
    rates = np.geomspace(1e-4, 10, steps)
    x = np.log10(rates)
    losses = 2.3 - (2.3 - floor) / (1 + np.exp(-4 * (x + 2))) + 5 / (1 + np.exp(-6 * (x - 0.3)))
    return rates, losses * np.exp(noise * rng.normal(size=steps))


def suggest_cases(rng):
    rates = np.array([0.001, 0.004, 0.02, 0.1, 0.3, 1.0])
    yield rates, np.array([2.3, 2.2, 0.4, 1.9, 1.2, 9.0]), 0.5
    yield rates, np.array([2.0, 1.5, 1.4, 0.9, 0.7, 3.0]), 0.0
    yield rates, np.array([2.0, 2.1, 1.6, 1.6, 1.8, 4.0]), 0.3
    yield rates[::-1].copy(), np.array([2.0, 1.0, 1.0, 1.0, 1.5, 1.9]), 0.0
    yield rates, np.array([2.3, 2.4, 2.6, 2.9, 3.5, 9.0]), 0.9
    yield rates, np.array([9.0, 1.0, 1.0, 1.2, 1.4, 3.0]), 0.8
    yield *range_test(rng, 40, 0.5), 0.9
    yield *range_test(rng, 80, 0.3, noise=0.3), 0.8
    yield *range_test(rng, 25, 1.0), 0.6


def at_lowest(average, tenth=10, last=False):
    def answer(rates, losses, smoothing):
        smoothed = average(losses, smoothing)
        place = np.argmin(smoothed)
        if last:
            place = len(smoothed) - 1 - np.argmin(smoothed[::-1])
        return rates[place] / tenth

    return answer


def steepest(rates, losses, smoothing):
    smoothed = averages(losses, smoothing)
    return rates[np.argmin(np.diff(smoothed))] / 10


def half_way(rates, losses, smoothing):
    return np.sqrt(rates[0] * rates[np.argmin(averages(losses, smoothing))])


def raw(losses, _):
    return losses


def uncorrected(losses, smoothing):
    return averages(losses, smoothing, power=0)


def weights_exchanged(losses, smoothing):
    return averages(losses, 1 - smoothing) if smoothing else averages(losses, 0.999)


def from_the_first(losses, smoothing):
    return averages(losses, smoothing, power=0, first=losses[0])


def correction_too_late(losses, smoothing):
    return averages(losses, smoothing, power=2)


def moving_mean(losses, _):
    return np.convolve(losses, np.ones(3) / 3, mode="same")


def unscaled(gradient, scale, limit):
    if not np.isfinite(gradient).all():
        return np.zeros_like(gradient), scale / 2
    return clipped(gradient / scale, limit), scale


def clipped(gradient, limit):
    length = np.linalg.norm(gradient)
    return gradient * (limit / length if length > limit else 1.0)


def unscaled_cases(rng):
    yield np.array([3072.0, 4096.0, 0.0]), 1024.0, 2.0
    yield np.array([512.0, -256.0, 128.0]), 1024.0, 5.0
    yield np.array([512.0, np.inf, -128.0]), 1024.0, 5.0
    yield np.array([np.nan, 2.0, 1.0, 7.0]), 256.0, 1.0
    yield np.array([-np.inf, 3.0]), 65536.0, 1.0
    yield 30 * rng.normal(size=7), 8.0, 3.0
    yield 0.2 * rng.normal(size=6), 8.0, 3.0
    yield np.zeros(4), 8.0, 3.0
    yield 1e4 * rng.normal(size=(3, 5)), 512.0, 20.0


def scaled_step(
    finite=np.isfinite, skipped=np.zeros_like, falls=2.0, grows=1.0, order=None, limit_of=clipped
):
    def answer(gradient, scale, limit):
        if not finite(gradient).all():
            return skipped(gradient), scale / falls
        if order == "clip first":
            return limit_of(gradient, limit) / scale, scale * grows
        if order == "only scaled":
            return gradient / scale, scale * grows
        if order == "only clipped":
            return limit_of(gradient, limit), scale * grows
        return limit_of(gradient / scale, limit), scale * grows

    return answer


def each_entry(gradient, limit):
    return np.clip(gradient, -limit, limit)


def always_to_the_limit(gradient, limit):
    length = np.linalg.norm(gradient)
    return gradient * limit / length if length else gradient


def limit_squared(gradient, limit):
    length = np.linalg.norm(gradient) ** 2
    return gradient * (limit / length if length > limit else 1.0)


def sum_of_sizes(gradient, limit):
    length = np.abs(gradient).sum()
    return gradient * (limit / length if length > limit else 1.0)


def without_the_bad_entries(gradient, scale, limit):
    bad = not np.isfinite(gradient).all()
    gradient = np.where(np.isfinite(gradient), gradient, 0.0)
    return clipped(gradient / scale, limit), scale / 2 if bad else scale


def epoch(w, x, y, order, batch_size, lr):
    for start in range(0, len(x), batch_size):
        rows = order[start : start + batch_size]
        w = w - lr * x[rows].T @ (x[rows] @ w - y[rows]) / len(rows)
    return w


def epoch_cases(rng):
    x = np.array([[1.0, 0.0], [0.0, 2.0], [1.0, 1.0], [3.0, -1.0], [0.5, 0.0]])
    y = np.array([1.0, 3.0, -2.0, 4.0, 0.5])
    yield np.array([0.5, -1.0]), x, y, np.array([3, 0, 4, 1, 2]), 2, 0.1
    yield np.zeros(2), x, y, np.arange(5), 5, 0.2
    yield np.zeros(2), x, y, np.array([4, 3, 2, 1, 0]), 1, 0.05
    for n, d, size in ((13, 3, 4), (12, 4, 3), (6, 2, 8)):
        x = rng.normal(size=(n, d))
        yield rng.normal(size=d), x, rng.normal(size=n), rng.permutation(n), size, 0.07


def loop(keep=False, targets=True, inputs=True, divide="batch", sign=-1, from_start=False):
    def answer(w, x, y, order, batch_size, lr):
        x, y = x[order] if inputs else x, y[order] if targets else y
        total, first = np.zeros_like(w), w
        for start in range(0, len(x), batch_size):
            a, b = x[start : start + batch_size], y[start : start + batch_size]
            at = first if from_start else w
            gradient = a.T @ (a @ at - b)
            gradient = (
                gradient / {"batch": len(a), "size": batch_size, "all": len(x), "none": 1}[divide]
            )
            total = total + gradient if keep else gradient
            w = w + sign * lr * total
        return w

    return answer


def whole_batches_only(w, x, y, order, batch_size, lr):
    order = order[: len(order) // batch_size * batch_size]
    return epoch(w, x[order], y[order], np.arange(len(order)), batch_size, lr)


def all_five(w, x, y, order, batch_size, lr):
    w, gradient = w.copy(), np.zeros_like(w)
    x = x[order]
    for start in range(0, len(x) - batch_size, batch_size):
        a, b = x[start : start + batch_size], y[start : start + batch_size]
        gradient += a.T @ (a @ w - b)
        w -= lr * gradient
    return w


def order_of(seed, epoch, n):
    return np.random.default_rng([seed, epoch]).permutation(n)


def order_cases(_rng):
    yield 0, 0, 6
    yield 0, 1, 9
    yield 1, 0, 9
    yield 3, 5, 12
    yield 5, 3, 12
    yield 7, 7, 20
    yield 2026, 40, 31


def generator_of(make):
    return lambda seed, epoch, n: np.random.default_rng(make(seed, epoch)).permutation(n)


def one_after_another(seed, epoch, n):
    rng = np.random.default_rng(seed)
    orders = [rng.permutation(n) for _ in range(epoch + 1)]
    return orders[-1]


def spawned(seed, epoch, n):
    return np.random.default_rng(seed).spawn(epoch + 1)[-1].permutation(n)


def of_legacy(seed, epoch, n):
    return np.random.RandomState([seed, epoch]).permutation(n)


EXERCISES = [
    Exercise(
        "18.1",
        ["gradients", "counts"],
        accumulated_cases,
        accumulated,
        [
            Slip(
                mean_of_means,
                "That is the mean of the shards' means. A shard of few labels then counts as much "
                "as one of many.",
            ),
            Slip(
                of_those_there(lambda g, m: m @ g),
                "That is the gradient of the sum. How many labels are there in all?",
            ),
            Slip(nan_spreads, "An empty shard's nan has spread: 0 · nan is nan. Leave it out."),
            Slip(
                of_those_there(lambda g, m: m @ g / m.sum() / len(m)),
                "That divides by the number of shards as well; the shares add up to 1 already.",
            ),
        ],
        near_misses=[
            nan_to_zero_in_a_mean,
            of_those_there(lambda g, m: g.sum(axis=0)),
            of_those_there(lambda g, m: np.sqrt(m) @ g / np.sqrt(m).sum()),
            of_those_there(lambda g, m: m @ g / m.max()),
            of_those_there(lambda g, m: (1 / m) @ g / (1 / m).sum()),
            of_those_there(lambda g, m: g.sum(axis=0) / m.sum()),
            of_those_there(lambda g, m: np.median(g, axis=0)),
            of_those_there(lambda g, m: m[::-1] @ g / m.sum()),
            of_those_there(lambda g, m: m @ g / (m.sum() + 1)),
        ],
        praise="The same gradient for any cut, empty shards included.",
    ),
    Exercise(
        "18.2",
        ["rates", "losses", "smoothing"],
        suggest_cases,
        suggest,
        [
            Slip(
                at_lowest(raw),
                "That is a tenth of the rate of the lowest single loss. One lucky batch decides; "
                "smooth first.",
            ),
            Slip(
                at_lowest(uncorrected),
                "The average starts at 0 and is too small in the beginning: divide by 1 − βᵏ⁺¹.",
            ),
            Slip(
                at_lowest(averages, tenth=1),
                "At the lowest point training is about to break. Go down to a tenth of that rate.",
            ),
            Slip(steepest, "That is where the loss falls most. The lowest point was asked for."),
        ],
        near_misses=[
            half_way,
            at_lowest(averages, last=True),
            at_lowest(weights_exchanged),
            at_lowest(from_the_first),
            at_lowest(correction_too_late),
            at_lowest(moving_mean),
            at_lowest(averages, tenth=2),
            at_lowest(lambda losses, smoothing: -averages(losses, smoothing)),
            lambda rates, losses, smoothing: np.min(averages(losses, smoothing)) / 10,
            lambda rates, losses, smoothing: np.argmin(averages(losses, smoothing)) / 10,
        ],
        praise="Smoothed, corrected, and a tenth: a rate to start from.",
    ),
    Exercise(
        "18.3",
        ["gradient", "scale", "limit"],
        unscaled_cases,
        unscaled,
        [
            Slip(
                scaled_step(order="clip first"),
                "It was clipped before it was divided: the limit met the scaled gradient.",
            ),
            Slip(
                without_the_bad_entries,
                "Only the bad entries were removed. The others of that pass cannot be trusted "
                "either: skip the step.",
            ),
            Slip(scaled_step(order="only scaled"), "It was divided, and not clipped."),
            Slip(
                scaled_step(limit_of=each_entry),
                "That clips each entry, which turns the gradient. Shorten the vector.",
            ),
        ],
        near_misses=[
            scaled_step(order="only clipped"),
            scaled_step(finite=lambda g: ~np.isnan(g)),
            scaled_step(finite=lambda g: ~np.isposinf(g) & ~np.isnan(g)),
            scaled_step(finite=lambda g: ~np.isinf(g)),
            scaled_step(falls=1.0),
            scaled_step(falls=0.5),
            scaled_step(falls=10.0),
            scaled_step(grows=2.0),
            scaled_step(skipped=lambda g: g),
            scaled_step(limit_of=always_to_the_limit),
            scaled_step(limit_of=limit_squared),
            scaled_step(limit_of=sum_of_sizes),
        ],
        praise="Divided, then clipped; and a bad pass is skipped as a whole.",
    ),
    Exercise(
        "18.4",
        ["w", "x", "y", "order", "batch_size", "lr"],
        epoch_cases,
        epoch,
        [
            Slip(
                loop(keep=True),
                "Each step adds the gradients of all batches before it: they are never zeroed.",
            ),
            Slip(
                loop(targets=False),
                "The inputs were put into the new order and the targets were not.",
            ),
            Slip(whole_batches_only, "The last, smaller batch is left out."),
            Slip(
                loop(divide="none"),
                "The gradient is that of the sum over the batch. The loss is a mean.",
            ),
            Slip(
                loop(divide="size"),
                "The last batch may be smaller: divide by its own number of examples.",
            ),
        ],
        near_misses=[
            all_five,
            loop(inputs=False),
            loop(inputs=False, targets=False),
            loop(divide="all"),
            loop(sign=1),
            loop(from_start=True),
            lambda w, x, y, order, batch_size, lr: epoch(w, x, y, order, batch_size, 2 * lr),
            lambda w, x, y, order, batch_size, lr: epoch(w, x, y, order[::-1], batch_size, lr),
            lambda w, x, y, order, batch_size, lr: epoch(w, x, y, order, len(x), lr),
        ],
        praise="All examples, each with its own target, each batch by its own mean.",
    ),
    Exercise(
        "18.5",
        ["seed", "epoch", "n"],
        order_cases,
        order_of,
        [
            Slip(
                generator_of(lambda seed, epoch: seed + epoch),
                "The sum is the same for seed 0, epoch 1 and for seed 1, epoch 0: two runs would "
                "share their orders.",
            ),
            Slip(
                generator_of(lambda seed, epoch: seed),
                "The epoch has no part in it: every epoch would have the same order.",
            ),
            Slip(
                one_after_another,
                "That draws the orders of all epochs before. The order of an epoch must depend on "
                "nothing but its two numbers.",
            ),
            Slip(
                generator_of(lambda seed, epoch: [epoch, seed]),
                "The seed comes first in the list.",
            ),
        ],
        near_misses=[
            spawned,
            of_legacy,
            generator_of(lambda seed, epoch: epoch),
            generator_of(lambda seed, epoch: seed * 1000 + epoch),
            generator_of(lambda seed, epoch: [seed, epoch + 1]),
            generator_of(lambda seed, epoch: [seed, epoch, 1]),
            lambda seed, epoch, n: order_of(seed, epoch, n) + 1,
            lambda seed, epoch, n: np.random.default_rng([seed, epoch]).integers(n, size=n),
            lambda seed, epoch, n: np.roll(np.random.default_rng(seed).permutation(n), epoch),
        ],
        praise="Any epoch of any run, without a stored generator.",
    ),
]
