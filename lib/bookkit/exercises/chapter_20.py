"""Exercises of chapter 20: arrivals that never come, edges, a leak, many tests, shared places."""

import numpy as np
from scipy import stats

from bookkit.exercises.engine import Exercise, Slip


def looks(*rows):
    return np.array(rows, dtype=float)


def arrival(accuracies, target, every):
    reached = accuracies >= target
    steps = np.where(reached.any(axis=1), (reached.argmax(axis=1) + 1) * float(every), np.inf)
    return np.median(steps)


def arrival_cases(rng):
    yield looks([0.2, 0.3, 0.8, 0.96], [0.97, 0.9, 0.9, 0.99], [0.1, 0.3, 0.4, 0.6]), 0.95, 10
    yield looks([0.2, 0.8, 0.9], [0.5, 0.97, 0.99], [0.1, 0.3, 0.4]), 0.95, 10
    yield looks([0.95, 0.9, 0.99, 0.99], [0.1, 0.2, 0.95, 0.3], [0.9, 0.9, 0.9, 0.96]), 0.95, 5
    yield looks([0.7, 0.9], [0.95, 0.9], [0.2, 0.96], [0.2, 0.3]), 0.95, 20
    yield looks([0.7, 0.9], [0.95, 0.9], [0.2, 0.3], [0.2, 0.3]), 0.95, 20
    yield looks([0.1] * 4, [0.2] * 4, [0.3, 0.3, 0.3, 0.9], [0.2, 0.9, 0.9, 0.9], [0.1] * 4), 0.9, 7
    yield looks([0.95, 0.1], [0.95, 0.2], [0.3, 0.94], [0.2, 0.96], [0.99, 0.1]), 0.95, 30
    yield looks([0.96, 0.5, 0.97, 0.97]), 0.95, 10
    yield looks([0.95, 0.2, 0.2, 0.96]), 0.95, 10
    yield looks([0.96, 0.1, 0.1], [0.1, 0.96, 0.1], [0.1, 0.1, 0.96]), 0.95, 10
    rise = 1 - np.exp(-np.arange(1, 41) / rng.uniform(5, 30, size=(9, 1)))
    yield rise + 0.03 * rng.normal(size=(9, 40)), 0.9, 5


def arrival_with(summary=np.median, never=np.inf, reaches=np.greater_equal, first=1):
    """Steps to the target with one thing changed; `never` is a number, or None to drop the runs."""

    def answer(accuracies, target, every):
        steps = []
        for row in accuracies:
            hits = np.flatnonzero(reaches(row, target))
            if len(hits):
                steps.append((hits[0] + first) * every)
            elif never is not None:
                steps.append(len(row) * every if never == "budget" else never)
        return float(summary(steps)) if steps else np.inf

    return answer


def of_the_mean_curve(accuracies, target, every):
    return arrival(accuracies.mean(axis=0, keepdims=True), target, every)


def of_the_median_curve(accuracies, target, every):
    return arrival(np.median(accuracies, axis=0)[None], target, every)


def last_time_below(accuracies, target, every):
    """The step from which the target is held to the end."""
    below = accuracies < target
    last = np.where(below.any(axis=1), below.shape[1] - below[:, ::-1].argmax(axis=1), 0)
    return np.median(np.where(last == below.shape[1], np.inf, (last + 1) * every))


def in_looks(accuracies, target, every):
    return arrival(accuracies, target, 1)


def at_the_end(accuracies, target, every):
    held = accuracies[:, -1] >= target
    return arrival(np.where(held[:, None], accuracies, 0), target, every)


def lower_median(steps):
    return np.sort(steps)[(len(steps) - 1) // 2]


def widen(rates, losses):
    mean = np.where(np.isfinite(losses), losses, np.inf).mean(axis=0)
    best = rates[mean.argmin()]
    if best == rates.min():
        return "below"
    return "above" if best == rates.max() else "enough"


def widen_cases(rng):
    yield np.array([0.01, 0.03, 0.1]), np.array([[0.9, 0.5, 0.2], [0.8, 0.4, 0.3]])
    yield np.array([0.01, 0.03, 0.1]), np.array([[0.2, 0.5, 0.9], [0.3, 0.4, 0.8]])
    yield np.array([0.01, 0.03, 0.1]), np.array([[0.5, 0.2, 0.9], [0.4, 0.3, 0.8]])
    yield np.array([0.1, 0.01, 0.03]), np.array([[0.2, 0.9, 0.5], [0.3, 0.8, 0.4]])
    yield np.array([0.1, 0.01, 0.03]), np.array([[0.5, 0.1, 0.3], [0.6, 0.2, 0.4]])
    yield np.array([0.03, 0.1, 0.01]), np.array([[0.5, 0.9, 0.7], [0.4, 0.8, 0.6]])
    bad = np.nan
    yield np.array([1.0, 2.0, 4.0]), np.array([[0.5, 0.4, 0.1], [0.5, 0.4, bad]])
    yield (
        np.array([1.0, 2.0, 4.0]),
        np.array([[0.5, 0.4, np.inf], [0.3, 0.4, bad], [0.5, 0.2, 0.1]]),
    )
    yield np.array([8.0, 2.0, 4.0]), np.array([[0.6, 0.5, 0.55], [0.1, 0.5, 0.55], [0.9, 0.5, 0.4]])
    yield np.array([1.0, 2.0, 4.0]), np.array([[0.1, 0.2, 0.3], [0.1, 0.2, 0.3], [2.0, 0.4, 0.3]])
    yield np.array([1.0, 2.0, 4.0]), np.array([[0.6, 0.2, 0.3], [0.5, 0.2, 0.1], [0.1, 0.7, 0.6]])


def widen_by(summary, place_of=None, choose=np.argmin):
    def answer(rates, losses):
        mean = summary(losses)
        best = int(choose(mean))
        order = np.arange(len(rates)) if place_of is None else place_of(rates)
        if order[best] == 0:
            return "below"
        return "above" if order[best] == len(rates) - 1 else "enough"

    return answer


def sorted_places(rates):
    return np.argsort(np.argsort(rates))


def mean_with_inf(losses):
    return np.where(np.isfinite(losses), losses, np.inf).mean(axis=0)


def only_the_best_run(losses):
    return np.where(np.isfinite(losses), losses, np.inf).min(axis=0)


def ignoring_failures(losses):
    return np.nanmean(np.where(np.isfinite(losses), losses, np.nan), axis=0)


def median_with_inf(losses):
    return np.median(np.where(np.isfinite(losses), losses, np.inf), axis=0)


def swapped(rates, losses):
    return {"below": "above", "above": "below", "enough": "enough"}[widen(rates, losses)]


def either_way(rates, losses):
    return "above" if widen(rates, losses) == "below" else widen(rates, losses)


def never_below(rates, losses):
    return "enough" if widen(rates, losses) == "below" else widen(rates, losses)


def first_seed_only(losses):
    return np.where(np.isfinite(losses[0]), losses[0], np.inf)


def reported(validation, test):
    return test[validation.mean(axis=0).argmin()].mean()


def reported_cases(rng):
    yield np.array([[0.4, 0.2, 0.9]]), np.array([[0.5, 0.3], [0.45, 0.35], [0.1, 0.2]])
    yield (
        np.array([[0.4, 0.3, 0.5], [0.1, 0.6, 0.4], [0.6, 0.2, 0.4]]),
        np.array([[0.5, 0.3], [0.2, 0.25], [0.6, 0.7]]),
    )
    yield (
        np.array([[0.4, 0.3, 0.2], [0.1, 0.2, 0.9]]),
        np.array([[0.9, 0.2, 0.6], [0.3, 0.8, 0.1], [0.1, 0.1, 0.2]]),
    )
    yield (  # the median of the tuning seeds would choose the last rate, its best run the first
        np.array([[0.1, 0.4, 0.2], [0.9, 0.4, 0.3], [0.9, 0.4, 0.9]]),
        np.array([[0.7, 0.2], [0.4, 0.7], [0.3, 0.9]]),
    )
    yield rng.gamma(4.0, size=(5, 7)), rng.gamma(4.0, size=(7, 10))
    yield rng.gamma(4.0, size=(3, 6)), rng.gamma(4.0, size=(6, 4))


def reported_by(choose, report=lambda row: row.mean()):
    return lambda validation, test: report(test[choose(validation, test)])


def by_mean(validation, test):
    return validation.mean(axis=0).argmin()


def one_rate_for_each_seed(validation, test):
    return test[validation.argmin(axis=1)].mean()


def holm(pvalues, level):
    order = np.argsort(pvalues)
    steps = level / np.arange(len(pvalues), 0, -1)
    failed = np.flatnonzero(pvalues[order] > steps)
    rejected = np.zeros(len(pvalues), dtype=bool)
    rejected[order[: failed[0] if len(failed) else len(pvalues)]] = True
    return rejected


def holm_cases(rng):
    yield np.array([0.01, 0.04, 0.5]), 0.05
    yield np.array([0.3, 0.0168, 0.4]), 0.05
    yield np.array([0.001, 0.02, 0.04]), 0.05
    yield np.array([0.04, 0.001, 0.02]), 0.05
    yield np.array([0.3, 0.001, 0.0135, 0.022]), 0.05
    yield np.array([0.03, 0.03, 0.03]), 0.05
    yield np.array([0.05]), 0.05
    yield np.array([0.2, 0.012, 0.02, 0.03, 0.001]), 0.1
    yield np.array([0.019, 0.021, 0.022, 0.04, 0.005, 0.9]), 0.1
    yield np.array([0.4, 0.0004, 0.009, 0.011, 0.02]), 0.05
    yield rng.uniform(size=12) ** 4, 0.05
    yield rng.uniform(size=30) ** 6, 0.01


def bonferroni(pvalues, level):
    return pvalues <= level / len(pvalues)


def uncorrected(pvalues, level):
    return pvalues <= level


def holm_without_stopping(pvalues, level):
    order = np.argsort(pvalues)
    rejected = np.zeros(len(pvalues), dtype=bool)
    rejected[order] = pvalues[order] <= level / np.arange(len(pvalues), 0, -1)
    return rejected


def hochberg(pvalues, level):
    order = np.argsort(pvalues)
    passed = np.flatnonzero(pvalues[order] <= level / np.arange(len(pvalues), 0, -1))
    rejected = np.zeros(len(pvalues), dtype=bool)
    rejected[order[: passed[-1] + 1 if len(passed) else 0]] = True
    return rejected


def benjamini_hochberg(pvalues, level):
    order = np.argsort(pvalues)
    count = len(pvalues)
    passed = np.flatnonzero(pvalues[order] <= level * np.arange(1, count + 1) / count)
    rejected = np.zeros(count, dtype=bool)
    rejected[order[: passed[-1] + 1 if len(passed) else 0]] = True
    return rejected


def in_sorted_order(pvalues, level):
    return holm(np.sort(pvalues), level)


def sidak(pvalues, level):
    return pvalues <= 1 - (1 - level) ** (1 / len(pvalues))


def one_step_off(pvalues, level):
    order = np.argsort(pvalues)
    steps = level / np.maximum(np.arange(len(pvalues) - 1, -1, -1), 1)
    failed = np.flatnonzero(pvalues[order] > steps)
    rejected = np.zeros(len(pvalues), dtype=bool)
    rejected[order[: failed[0] if len(failed) else len(pvalues)]] = True
    return rejected


def strict_holm(pvalues, level):
    return holm(np.nextafter(pvalues, 1), level)


def level_with_best(losses):
    return level_by()(losses)


def level_by(quantile=stats.t.ppf, ddof=1, paired=True, to=np.argmin, one_sided=False, root=True):
    """Which methods' interval of the difference to the best contains 0, with one thing changed."""

    def answer(losses):
        seeds = len(losses)
        mean = losses.mean(axis=0)
        best = losses[:, [to(mean)]]
        gap = (losses - best).mean(axis=0)
        if paired:
            spread = (losses - best).std(axis=0, ddof=ddof)
        else:
            spread = np.hypot(losses.std(axis=0, ddof=ddof), best.std(axis=0, ddof=ddof))
        q = quantile(0.95 if one_sided else 0.975, seeds - 1)
        return np.abs(gap) <= q * spread / (np.sqrt(seeds) if root else 1)

    return answer


def level_cases(rng):
    """Each with a difference near an edge of the interval."""
    common = np.array([0.2, 0.5, 0.1, 0.4])[:, None]
    shifts = np.array(
        [
            [0.0, 0.05, 0.2, 0.39],
            [0.0, 0.07, -0.1, 0.39],
            [0.0, 0.06, 0.3, 0.89],
            [0.0, 0.05, -0.2, 0.29],
        ]
    )
    yield (common + shifts,)
    yield ((common + shifts)[:, [1, 2, 0, 3]],)
    yield (np.array([[0.3, 0.1], [0.2, 0.15], [0.4, 0.1]]),)
    d = rng.normal(size=(6, 5))
    d -= d.mean(axis=0)
    d /= d.std(axis=0, ddof=1)
    edge = stats.t.ppf(0.975, 5) / np.sqrt(6)
    for factors in ([0.9, 1.1, 0.97, 1.03, 2.0], [0.8, 0.7, 0.93, 1.15, 1.3]):
        base = 5 * rng.normal(size=(6, 1))
        yield (np.hstack([base, base + d + edge * np.array(factors)])[:, [3, 1, 0, 2, 5, 4]],)
    yield (rng.normal(size=(10, 8)) * 0.1 + 0.05 * np.arange(8),)
    x = np.array([0.0, 0.1, -0.1, 0.05, -0.05])
    half = stats.t.ppf(0.975, 4) * x.std(ddof=1) / np.sqrt(5)
    yield (np.stack([0.5 + x, 0.5 + 1.7 * half + x[[1, 4, 0, 2, 3]]], axis=1),)
    alone = np.array([0.1, 0.2, 0.3, 0.4, 0.5])[:, None]
    yield (
        np.hstack([alone + 0.4, alone[::-1], alone + 0.03 * np.sin(np.arange(5))[:, None] + 0.05]),
    )


def normal_quantile(p, _freedom):
    return stats.norm.ppf(p)


def by_means_alone(losses):
    mean = losses.mean(axis=0)
    return mean == mean.min()


def overlapping_intervals(losses):
    half = stats.t.ppf(0.975, len(losses) - 1) * losses.std(axis=0, ddof=1) / np.sqrt(len(losses))
    mean = losses.mean(axis=0)
    best = mean.argmin()
    return mean - half <= mean[best] + half[best]


def separated(losses):
    return ~level_with_best(losses)


def best_left_out(losses):
    result = level_with_best(losses)
    result[losses.mean(axis=0).argmin()] = False
    return result


def best_in_most_seeds(losses):
    wins = np.bincount(losses.argmin(axis=1), minlength=losses.shape[1])
    return level_by(to=lambda mean: wins.argmax())(losses)


EXERCISES = [
    Exercise(
        "20.1",
        ["accuracies", "target", "every"],
        arrival_cases,
        arrival,
        [
            Slip(
                arrival_with(never=None),
                "It drops the runs that never reach the target, and praises a method that fails.",
            ),
            Slip(
                arrival_with(never="budget"),
                "A run that has not arrived by the last look is counted as if it had arrived "
                "there. It is later than every step that was seen: infinity.",
            ),
            Slip(
                arrival_with(np.mean),
                "One run that never arrives makes a mean infinite. The median asks for the "
                "middle run.",
            ),
            Slip(
                arrival_with(first=0),
                "The first look is made after `every` steps, not after 0.",
            ),
        ],
        near_misses=[
            of_the_mean_curve,
            of_the_median_curve,
            last_time_below,
            in_looks,
            at_the_end,
            arrival_with(reaches=np.greater),
            arrival_with(lower_median),
            arrival_with(np.min),
            arrival_with(np.max),
        ],
        praise="Runs that never arrive are counted, as what they are.",
    ),
    Exercise(
        "20.2",
        ["rates", "losses"],
        widen_cases,
        widen,
        [
            Slip(
                widen_by(mean_with_inf),
                "The rates may stand in any order; the edge is the smallest or the largest.",
            ),
            Slip(
                widen_by(ignoring_failures, sorted_places),
                "A rate at which runs diverge looks good if those runs are left out. They are "
                "its worst runs.",
            ),
            Slip(
                widen_by(only_the_best_run, sorted_places),
                "The best single run is luck. Take the mean over the seeds.",
            ),
            Slip(swapped, 'The best rate is the smallest one: look "below" it, and the reverse.'),
        ],
        near_misses=[
            either_way,
            never_below,
            widen_by(median_with_inf, sorted_places),
            widen_by(first_seed_only, sorted_places),
            widen_by(mean_with_inf, sorted_places, np.argmax),
            lambda rates, losses: "enough",
        ],
        praise="Any order of the rates, and failures count.",
    ),
    Exercise(
        "20.3",
        ["validation", "test"],
        reported_cases,
        reported,
        [
            Slip(
                reported_by(lambda validation, test: test.mean(axis=1).argmin()),
                "That rate was chosen by the test results themselves.",
            ),
            Slip(
                reported_by(by_mean, np.min),
                "The best of the fresh seeds is reported. Report their mean.",
            ),
            Slip(
                one_rate_for_each_seed,
                "Each tuning seed has chosen a rate of its own. One rate is wanted, that of the "
                "smallest mean.",
            ),
            Slip(
                lambda validation, test: validation.mean(axis=0).min(),
                "That is the loss by which the rate was chosen: it was chosen to be small.",
            ),
        ],
        near_misses=[
            reported_by(lambda validation, test: validation.mean(axis=0).argmax()),
            reported_by(lambda validation, test: np.median(validation, axis=0).argmin()),
            reported_by(lambda validation, test: validation.min(axis=0).argmin()),
            reported_by(lambda validation, test: validation[0].argmin()),
            reported_by(by_mean, np.median),
            reported_by(by_mean, lambda row: row[0]),
            reported_by(by_mean, np.max),
            lambda validation, test: test.min(axis=0).mean(),
            lambda validation, test: test.mean(),
        ],
        praise="What chose the rate is not what is reported.",
    ),
    Exercise(
        "20.4",
        ["pvalues", "level"],
        holm_cases,
        holm,
        [
            Slip(
                uncorrected,
                "Twelve methods make 66 pairs, and at a level of .05 about three of them differ "
                "by luck. Divide the level.",
            ),
            Slip(
                bonferroni,
                "That is Bonferroni's correction. Holm divides by the number of tests that are "
                "left: it rejects all of these, and sometimes more.",
            ),
            Slip(
                holm_without_stopping,
                "Once a test fails, all larger p-values fail with it.",
            ),
            Slip(in_sorted_order, "The answers belong in the order in which the p-values came."),
        ],
        near_misses=[
            hochberg,
            benjamini_hochberg,
            sidak,
            one_step_off,
            strict_holm,
            lambda pvalues, level: ~holm(pvalues, level),
            lambda pvalues, level: holm(pvalues, 2 * level),
            lambda pvalues, level: holm(pvalues, level / 2),
            lambda pvalues, level: holm(pvalues, 0.05),
        ],
        praise="Sorted, divided by what is left, and stopped at the first failure.",
    ),
    Exercise(
        "20.5",
        ["losses"],
        level_cases,
        level_with_best,
        [
            Slip(
                level_by(paired=False),
                "Those intervals treat the runs as unrelated. Subtract the best method's loss "
                "seed by seed first; what makes a seed hard then cancels.",
            ),
            Slip(
                level_by(normal_quantile),
                "1.96 is for many seeds. With a standard deviation from a few, take Student's "
                "quantile with one degree of freedom less than there are seeds.",
            ),
            Slip(by_means_alone, "By means alone the best is always alone. How far do they vary?"),
            Slip(
                level_by(root=False),
                "That is the spread of single differences. Of their mean it is √seeds times "
                "smaller.",
            ),
        ],
        near_misses=[
            overlapping_intervals,
            separated,
            best_left_out,
            best_in_most_seeds,
            level_by(ddof=0),
            level_by(one_sided=True),
            level_by(to=np.argmax),
            level_by(lambda p, freedom: stats.t.ppf(p, freedom + 1)),
            lambda losses: level_with_best(losses[:-1]),
        ],
        praise="Paired, with the quantile of few seeds.",
    ),
]
