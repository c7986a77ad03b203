"""Exercises of chapter 21: seeds of runs, batch statistics, each worker's rows, resuming."""

import numpy as np

from bookkit.exercises.engine import Exercise, Slip


def first_draws(seed, runs, workers, rank):
    generators = np.random.default_rng(seed).spawn(runs)
    return np.array([rng.random() for rng in generators[rank::workers]])


def draws_cases(rng):
    yield 0, 6, 2, 1
    yield 0, 6, 3, 2
    yield 7, 5, 2, 0
    yield 3, 4, 1, 0
    yield 3, 7, 7, 6
    yield 11, 10, 4, 3


def draws_by(generator, take=lambda runs, workers, rank: range(runs)[rank::workers]):
    """A variant: of a run's generator, or of the runs that are a worker's."""

    def answer(seed, runs, workers, rank):
        mine = take(runs, workers, rank)
        return np.array([generator(seed, runs, workers, rank, r).random() for r in mine])

    return answer


def spawned(seed, runs, workers, rank, r):
    return np.random.default_rng(seed).spawn(runs)[r]


def in_one_stream(seed_of):
    def answer(seed, runs, workers, rank):
        rng = np.random.default_rng(seed_of(seed, workers, rank))
        return rng.random(len(range(runs)[rank::workers]))

    return answer


def child_of_the_worker(seed, runs, workers, rank):
    rng = np.random.default_rng(seed).spawn(workers)[rank]
    return rng.random(len(range(runs)[rank::workers]))


def own_runs_spawned(seed, runs, workers, rank):
    mine = len(range(runs)[rank::workers])
    return np.array([rng.random() for rng in np.random.default_rng(seed).spawn(mine)])


def second_draws(seed, runs, workers, rank):
    generators = np.random.default_rng(seed).spawn(runs)
    return np.array([rng.random(2)[1] for rng in generators[rank::workers]])


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


def carry_on(w, v, t, steps, seed, lr, total):
    for step in range(t, t + steps):
        v = 0.9 * v + w + noise(seed, step, w.shape)
        w = w - lr * (1 - step / total) * v
    return w, v, t + steps


def noise(seed, step, shape):
    return np.random.default_rng([seed, step]).normal(size=shape)


def resume_cases(rng):
    yield np.array([1.0, 2.0]), np.array([3.0, -1.0]), 2, 2, 0, 0.1, 10
    yield np.array([1.0, 2.0]), np.array([0.0, 0.0]), 0, 1, 0, 0.1, 10
    yield rng.normal(size=4), rng.normal(size=4), 5, 3, 1, 0.3, 8
    yield rng.normal(size=3), 4 * rng.normal(size=3), 4, 1, 7, 0.05, 20
    yield rng.normal(size=3), rng.normal(size=3), 6, 0, 2, 0.1, 12
    yield rng.normal(size=2), rng.normal(size=2), 1, 9, 3, 0.2, 30


def resume_by(
    velocity=lambda v: v,
    rate=lambda step, k, t, steps, total: 1 - step / total,
    drawn=lambda seed, step, k, t: [seed, step],
    stored=lambda t, steps: t + steps,
    decay=0.9,
    inside=False,
):
    """A variant: of what is continued, or of the step."""

    def answer(w, v, t, steps, seed, lr, total):
        v = velocity(v)
        for k in range(steps):
            step = t + k
            g = w + np.random.default_rng(drawn(seed, step, k, t)).normal(size=w.shape)
            eta = lr * rate(step, k, t, steps, total)
            v = decay * v + (-eta * g if inside else g)
            w = w + v if inside else w - eta * v
        return w, v, stored(t, steps)

    return answer


def one_generator(w, v, t, steps, seed, lr, total):
    rng = np.random.default_rng(seed)
    for step in range(t, t + steps):
        v = 0.9 * v + w + rng.normal(size=w.shape)
        w = w - lr * (1 - step / total) * v
    return w, v, t + steps


def old_velocity_moves(w, v, t, steps, seed, lr, total):
    for step in range(t, t + steps):
        w, v = w - lr * (1 - step / total) * v, 0.9 * v + w + noise(seed, step, w.shape)
    return w, v, t + steps


def without_noise(w, v, t, steps, seed, lr, total):
    for step in range(t, t + steps):
        v = 0.9 * v + w
        w = w - lr * (1 - step / total) * v
    return w, v, t + steps


EXERCISES = (
    Exercise(
        "21.1",
        ("seed", "runs", "workers", "rank"),
        draws_cases,
        first_draws,
        (
            Slip(
                in_one_stream(lambda seed, workers, rank: [seed, rank]),
                "One generator for each worker: what a run draws then depends on how many runs "
                "this worker had before, so on the number of workers.",
            ),
            Slip(
                child_of_the_worker,
                "You spawn a generator for each worker. Spawn one for each run.",
            ),
            Slip(
                draws_by(lambda seed, runs, workers, rank, r: np.random.default_rng(seed + r)),
                "With seed + r, run 1 of seed 0 is run 0 of seed 1: experiments share their runs.",
            ),
            Slip(
                draws_by(lambda seed, runs, workers, rank, r: np.random.default_rng(seed)),
                "All runs draw the same number: their generators are one.",
            ),
            Slip(
                own_runs_spawned,
                "You spawn as many as you have runs, so all workers use the same few. Spawn those "
                "of all runs, and take yours.",
            ),
        ),
        near_misses=(
            draws_by(spawned, lambda runs, workers, rank: range(runs)[rank::workers][::-1]),
            draws_by(spawned, lambda runs, workers, rank: range(runs)),
            draws_by(
                spawned,
                lambda runs, workers, rank: range(runs)[
                    rank * (runs // workers) : (rank + 1) * (runs // workers)
                ],
            ),
            draws_by(
                spawned, lambda runs, workers, rank: range(runs)[workers - 1 - rank :: workers]
            ),
            draws_by(lambda seed, runs, workers, rank, r: np.random.default_rng([seed, r + 1])),
            draws_by(lambda seed, runs, workers, rank, r: np.random.default_rng([r + 1, seed])),
            draws_by(
                lambda seed, runs, workers, rank, r: np.random.default_rng(seed).spawn(runs + 1)[
                    r + 1
                ]
            ),
            second_draws,
        ),
        praise="However many workers there are, a run draws the same numbers.",
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
        ("w", "v", "t", "steps", "seed", "lr", "total"),
        resume_cases,
        carry_on,
        (
            Slip(
                resume_by(velocity=np.zeros_like),
                "The velocity begins at 0 again. That of the checkpoint is a part of the run.",
            ),
            Slip(
                resume_by(rate=lambda step, k, t, steps, total: 1 - k / total),
                "The rate begins with its first value again. Count the steps from t.",
            ),
            Slip(
                resume_by(drawn=lambda seed, step, k, t: [seed, k]),
                "The noise of the first steps comes once more: seed each step by its number in "
                "the whole run.",
            ),
            Slip(
                one_generator,
                "One generator for all steps begins anew whenever the run is resumed. Seed one "
                "for each step.",
            ),
            Slip(
                resume_by(stored=lambda t, steps: steps),
                "The weights are right. The next checkpoint must know how many steps there have "
                "been in all.",
            ),
        ),
        near_misses=(
            resume_by(rate=lambda step, k, t, steps, total: 1 - (step + 1) / total),
            resume_by(rate=lambda step, k, t, steps, total: 1 - k / steps),
            resume_by(rate=lambda step, k, t, steps, total: 1 - t / total),
            resume_by(rate=lambda step, k, t, steps, total: 1.0),
            resume_by(drawn=lambda seed, step, k, t: [step, seed]),
            resume_by(drawn=lambda seed, step, k, t: [seed, step + 1]),
            resume_by(drawn=lambda seed, step, k, t: [seed, t]),
            resume_by(drawn=lambda seed, step, k, t: seed + step),
            resume_by(decay=0.0),
            resume_by(decay=1.0),
            resume_by(inside=True),
            old_velocity_moves,
            without_noise,
        ),
        praise="Stopped anywhere, it goes on to the same bits.",
    ),
)
