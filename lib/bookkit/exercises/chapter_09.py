"""Exercises of chapter 9: tails, WSD, the noise scale, shares of an average, what is counted."""

import math

import numpy as np

from bookkit.exercises.engine import Exercise, Slip


def tail_mean(points, share):
    return points[-math.ceil(share * len(points)) :].mean(axis=0)


def tail_mean_cases(rng):
    yield np.array([[9.0, 3.0], [1.0, 2.0], [3.0, 4.0]]), 0.5
    yield np.array([[8.0, -8.0], [1.0, 1.0], [2.0, 1.5], [3.0, 5.0]]), 0.25
    yield np.array([[4.0, 0.0, 1.0], [2.0, 6.0, 7.0]]), 1.0
    for T, share in ((7, 0.3), (20, 0.5), (33, 0.1)):
        yield rng.normal(size=(T, 2)) + np.linspace(5, 0, T)[:, None], share


def tail_floor(points, share):
    return points[-max(int(share * len(points)), 1) :].mean(axis=0)


def head_mean(points, share):
    return points[: math.ceil(share * len(points))].mean(axis=0)


def one_number(points, share):
    return points[-math.ceil(share * len(points)) :].mean()


def along_the_wrong_axis(points, share):
    return points[-math.ceil(share * len(points)) :].mean(axis=1)


def tail_sum(points, share):
    return points[-math.ceil(share * len(points)) :].sum(axis=0)


def divided_by_all(points, share):
    return tail_sum(points, share) / len(points)


def tail_median(points, share):
    return np.median(points[-math.ceil(share * len(points)) :], axis=0)


def share_that_is_skipped(points, share):
    return points[min(math.ceil(share * len(points)), len(points) - 1) :].mean(axis=0)


def one_too_many(points, share):
    return points[-math.ceil(share * len(points)) - 1 :].mean(axis=0)


def without_the_last(points, share):
    return points[-math.ceil(share * len(points)) - 1 : -1].mean(axis=0)


def wsd(t, total, warmup, decay):
    if t < warmup:
        return (t + 1) / warmup
    if t <= total - decay:
        return 1.0
    return (total - t) / decay


def wsd_cases(rng):
    for t in (0, 1, 2, 5, 6, 7, 9):
        yield t, 10, 2, 4
    yield 0, 6, 0, 3
    yield 5, 6, 0, 3
    yield 3, 9, 5, 0
    yield 8, 9, 5, 0
    yield 95, 100, 10, 20
    yield 4, 10, 5, 5
    yield 5, 10, 5, 5


def phases(rise, fall, begin=lambda total, decay: total - decay):
    """A schedule from the rule of its rise, that of its fall, and where the fall begins."""

    def factor(t, total, warmup, decay):
        if t < warmup:
            return rise(t, warmup)
        if t <= begin(total, decay):
            return 1.0
        return fall(t, total, decay)

    return factor


def rises(t, warmup):
    return (t + 1) / warmup


def falls(t, total, decay):
    return (total - t) / decay


def decay_to_the_last_step(t, total, decay):
    return (total - 1 - t) / (decay - 1)


def cosine_fall(t, total, decay):
    return 0.5 * (1 + math.cos(math.pi * (t - total + decay) / decay))


def root_fall(t, total, decay):
    return 1 - math.sqrt((t - total + decay) / decay)


def decay_from_the_warmup(t, total, warmup, decay):
    return rises(t, warmup) if t < warmup else (total - t) / (total - warmup)


def decay_counts_the_plateau(t, total, warmup, decay):
    if t < warmup:
        return rises(t, warmup)
    return 1.0 if t <= decay else (total - t) / (total - decay)


def noise_scale(gradients):
    noise = gradients.var(axis=0, ddof=1).sum()
    length = (gradients.mean(axis=0) ** 2).sum() - noise / len(gradients)
    return noise / length


def noise_scale_cases(rng):
    yield (np.array([[3.0, 0.0], [1.0, 0.0]]),)
    yield (np.array([[2.0, 1.0], [4.0, 1.0], [3.0, 4.0]]),)
    for n, D in ((5, 3), (40, 2), (12, 7)):
        yield (rng.normal(size=(n, D)) + np.linspace(1, 3, D),)
    yield (rng.normal(2.0, 0.5, size=(9, 1)),)


def parts(gradients, ddof=1):
    noise = gradients.var(axis=0, ddof=ddof).sum()
    return noise, (gradients.mean(axis=0) ** 2).sum()


def scale_with_bias(gradients):
    noise, length = parts(gradients)
    return noise / length


def scale_divisor_n(gradients):
    noise, length = parts(gradients, ddof=0)
    return noise / (length - noise / len(gradients))


def scale_takes_all_the_noise(gradients):
    noise, length = parts(gradients)
    return noise / (length - noise)


def scale_adds_the_noise(gradients):
    noise, length = parts(gradients)
    return noise / (length + noise / len(gradients))


def scale_upside_down(gradients):
    return 1 / noise_scale(gradients)


def scale_of_deviations(gradients):
    noise, length = parts(gradients)
    return gradients.std(axis=0, ddof=1).sum() / (length - noise / len(gradients))


def scale_averaged_over_entries(gradients):
    noise, length = parts(gradients)
    return noise / gradients.shape[1] / (length - noise / len(gradients))


def scale_of_one_variance(gradients):
    noise, length = parts(gradients)
    return gradients.var(ddof=1) / (length - noise / len(gradients))


def scale_of_mean_length(gradients):
    noise, _ = parts(gradients)
    return noise / ((gradients**2).sum(axis=1).mean() - noise / len(gradients))


def scale_of_the_length(gradients):
    noise, length = parts(gradients)
    return noise / math.sqrt(length - noise / len(gradients))


def scale_of_the_batch(gradients):
    return noise_scale(gradients) / len(gradients)


def ema_shares(n, beta):
    shares = (1 - beta) * beta ** np.arange(n - 1, -1, -1.0)
    shares[0] = beta ** (n - 1)
    return shares


def ema_shares_cases(rng):
    yield 3, 0.8
    yield 1, 0.9
    yield 2, 0.25
    yield 6, 0.9
    yield 150, 0.99
    yield 4, 0.0


def shares_from_zero(n, beta):
    return (1 - beta) * beta ** np.arange(n - 1, -1, -1.0)


def shares_corrected(n, beta):
    shares = shares_from_zero(n, beta)
    return shares / shares.sum()


def shares_first_once_more(n, beta):
    shares = ema_shares(n, beta)
    shares[0] = beta**n
    return shares


def shares_reversed(n, beta):
    return ema_shares(n, beta)[::-1]


def shares_beta_swapped(n, beta):
    return ema_shares(n, 1 - beta)


def shares_equal(n, beta):
    return np.full(n, 1 / n)


def shares_one_longer(n, beta):
    return ema_shares(n + 1, beta)


def shares_late(n, beta):
    shares = (1 - beta) * beta ** np.arange(n, 0, -1.0)
    shares[0] = beta ** (n - 1)
    return shares


def shares_of_the_square(n, beta):
    return ema_shares(n, beta**2)


def shares_not_scaled(n, beta):
    return beta ** np.arange(n - 1, -1, -1.0)


def total_steps(N, b, accumulate, epochs):
    return epochs * math.ceil(math.ceil(N / b) / accumulate)


def total_steps_cases(rng):
    yield 100, 10, 2, 1
    yield 95, 10, 5, 1
    yield 3, 10, 1, 2
    yield 31, 10, 4, 5
    yield 100, 10, 4, 1
    yield 95, 10, 4, 3
    yield 1257, 32, 1, 5
    yield 1257, 32, 8, 20
    yield 7, 10, 4, 2
    yield 90, 10, 9, 4
    yield 91, 10, 9, 4
    yield 50, 7, 3, 2


def batches_counted(N, b, accumulate, epochs):
    return epochs * -(-N // b)


def rest_dropped(N, b, accumulate, epochs):
    return epochs * (-(-N // b) // accumulate)


def rounded_at_the_end(N, b, accumulate, epochs):
    return -(-(epochs * -(-N // b)) // accumulate)


EXERCISES = [
    Exercise(
        "9.1",
        ["points", "share"],
        tail_mean_cases,
        tail_mean,
        [
            Slip(
                lambda points, share: points.mean(axis=0),
                "That is the mean of all points, which drags the start along.",
            ),
            Slip(tail_floor, "The number of points is to be rounded up."),
            Slip(head_mean, "Those are the first points; the tail is at the end."),
            Slip(one_number, "The mean is a point: average over the rows, not over both axes."),
            Slip(
                share_that_is_skipped,
                "The share says how many points count, not how many are left out.",
            ),
        ],
        near_misses=[
            along_the_wrong_axis,
            tail_sum,
            divided_by_all,
            tail_median,
            one_too_many,
            without_the_last,
            lambda points, share: points[-1],
            lambda points, share: (points[0] + points[-1]) / 2,
        ],
        praise="No gradient was needed for it.",
    ),
    Exercise(
        "9.2",
        ["t", "total", "warmup", "decay"],
        wsd_cases,
        wsd,
        [
            Slip(
                phases(lambda t, warmup: t / warmup, falls),
                "With t/warmup the first step has the rate 0 and does nothing.",
            ),
            Slip(
                phases(rises, lambda t, total, decay: (total - 1 - t) / decay),
                "The line reaches 0 at t = total, one step after the last.",
            ),
            Slip(
                phases(
                    rises,
                    lambda t, total, decay: (total - t) / (decay + 1),
                    lambda total, decay: total - decay - 1,
                ),
                "The fall begins one step too early: step total − decay still has the factor 1.",
            ),
            Slip(
                phases(rises, lambda t, total, decay: 1 - (total - t) / decay),
                "That rises where it should fall.",
            ),
        ],
        near_misses=[
            phases(rises, decay_to_the_last_step),
            phases(rises, cosine_fall),
            phases(rises, root_fall),
            phases(lambda t, warmup: (t + 1) / (warmup + 1), falls),
            phases(lambda t, warmup: 1.0, falls),
            phases(rises, lambda t, total, decay: 1.0),
            phases(rises, lambda t, total, decay: (total - t) / total),
            decay_from_the_warmup,
            decay_counts_the_plateau,
        ],
        praise="No step is wasted, neither the first nor the last.",
    ),
    Exercise(
        "9.3",
        ["gradients"],
        noise_scale_cases,
        noise_scale,
        [
            Slip(
                scale_with_bias,
                "The squared length of the mean gradient still contains tr Σ/n of noise.",
            ),
            Slip(scale_divisor_n, "NumPy's var divides by n; here the divisor is n − 1."),
            Slip(
                scale_takes_all_the_noise,
                "The mean of n gradients has only the n-th part of the noise.",
            ),
            Slip(scale_upside_down, "That is signal over noise; turn it over."),
        ],
        near_misses=[
            scale_adds_the_noise,
            scale_of_deviations,
            scale_averaged_over_entries,
            scale_of_one_variance,
            scale_of_mean_length,
            scale_of_the_length,
            scale_of_the_batch,
            lambda gradients: parts(gradients)[0],
        ],
        praise="It is the library's estimate, without bias above and below the line.",
    ),
    Exercise(
        "9.4",
        ["n", "beta"],
        ema_shares_cases,
        ema_shares,
        [
            Slip(
                shares_from_zero,
                "These do not add up to 1: the first weights are copied, not taken by 1 − β.",
            ),
            Slip(
                shares_corrected,
                "That is the average with bias correction; here the first weights are copied.",
            ),
            Slip(
                shares_first_once_more,
                "After n updates the first weights were multiplied by β n − 1 times: the first "
                "update copies.",
            ),
            Slip(shares_reversed, "The newest weights come last."),
        ],
        near_misses=[
            shares_beta_swapped,
            shares_equal,
            shares_one_longer,
            shares_late,
            shares_of_the_square,
            shares_not_scaled,
            lambda n, beta: ema_shares(n, beta)[0],
            lambda n, beta: ema_shares(n, beta) / (1 - beta**n),
        ],
        praise="They add up to 1, and with n = 150 and β = 0.99 the first keeps 22%.",
    ),
    Exercise(
        "9.5",
        ["N", "b", "accumulate", "epochs"],
        total_steps_cases,
        total_steps,
        [
            Slip(
                batches_counted,
                "Those are batches. The schedule counts steps of the optimizer.",
            ),
            Slip(rest_dropped, "What is left at the end of an epoch gets a step of its own."),
            Slip(
                rounded_at_the_end,
                "Each epoch ends with a step of its own, so round up in each epoch.",
            ),
        ],
        near_misses=[
            lambda N, b, accumulate, epochs: epochs * (N // b // accumulate),
            lambda N, b, accumulate, epochs: epochs * -(-(N // b) // accumulate),
            lambda N, b, accumulate, epochs: -(-epochs * N // (b * accumulate)),
            lambda N, b, accumulate, epochs: total_steps(N, b, accumulate, 1),
            lambda N, b, accumulate, epochs: batches_counted(N, b, 1, epochs) * accumulate,
            lambda N, b, accumulate, epochs: total_steps(N, b, accumulate, epochs) + 1,
            lambda N, b, accumulate, epochs: epochs * N / (b * accumulate),
            lambda N, b, accumulate, epochs: epochs * round(N / (b * accumulate)),
        ],
        praise="A schedule that counts so ends when the run does.",
    ),
]
