"""Exercises of chapter 12: a split without a leak, the smallest norm, a peak, a curve, patience."""

import numpy as np

from bookkit.exercises.engine import Exercise, Slip


def standardized(x, train, test, source, deviation=np.std, empty=1.0):
    """Rows standardized by the mean and deviation of `source`."""
    center, spread = x[source].mean(axis=0), deviation(x[source], axis=0)
    spread = np.where(spread > 0, spread, empty)
    return (x[train] - center) / spread, (x[test] - center) / spread


def scaled(x, train, test):
    return standardized(x, train, test, train)


def scaled_cases(rng):
    x = np.array([[1.0, 4.0], [3.0, 9.0], [8.0, 5.0], [2.0, 70.0], [4.0, 1.0]])
    yield x, np.array([0, 1, 4]), np.array([2, 3])
    yield x, np.array([3, 2, 0, 1]), np.array([4])
    flat = np.array([[2.0, 5.0, 1.0], [2.0, 7.0, 4.0], [2.0, 1.0, 2.0], [3.5, 6.0, 8.0]])
    yield flat, np.array([0, 1, 2]), np.array([3])
    yield rng.normal(50, 20, size=(30, 4)), np.arange(5, 30), np.arange(5)
    yield rng.gamma(2.0, size=(40, 3)), rng.permutation(40)[:31], np.array([0, 7])


def by_all_rows(x, train, test):
    return standardized(x, train, test, np.arange(len(x)))


def each_by_itself(x, train, test):
    return scaled(x, train, test)[0], standardized(x, train, test, test)[1]


def by_train_and_test(x, train, test):
    return standardized(x, train, test, np.concatenate([train, test, test]))


def by_the_test_rows(x, train, test):
    return standardized(x, train, test, test)


def sample_deviation(x, axis):
    return x.std(axis=axis, ddof=1)


def only_centered(x, train, test):
    return x[train] - x[train].mean(axis=0), x[test] - x[train].mean(axis=0)


def only_divided(x, train, test):
    spread = x[train].std(axis=0)
    spread = np.where(spread > 0, spread, 1)
    return x[train] / spread, x[test] / spread


def one_number_for_all(x, train, test):
    center, spread = x[train].mean(), x[train].std()
    return (x[train] - center) / spread, (x[test] - center) / spread


def by_the_median(x, train, test):
    center, spread = np.median(x[train], axis=0), x[train].std(axis=0)
    spread = np.where(spread > 0, spread, 1)
    return (x[train] - center) / spread, (x[test] - center) / spread


def to_the_unit_interval(x, train, test):
    low, width = x[train].min(axis=0), np.ptp(x[train], axis=0)
    width = np.where(width > 0, width, 1)
    return (x[train] - low) / width, (x[test] - low) / width


def smallest_norm(X, y):
    U, s, Vt = np.linalg.svd(X, full_matrices=False)
    return Vt.T @ (U.T @ y / s)


def smallest_norm_cases(rng):
    yield np.array([[3.0, 4.0]]), np.array([10.0])
    yield np.array([[1.0], [2.0], [4.0]]), np.array([1.0, 3.0, 2.0])
    yield np.array([[2.0, 1.0, 0.5], [1.0, 3.0, -1.0]]), np.array([1.0, -4.0])
    yield np.array([[2.0, 1.0], [-1.0, 3.0]]), np.array([1.0, 5.0])
    for n, p in ((12, 5), (5, 12), (9, 9)):
        yield rng.normal(size=(n, p)), rng.normal(size=n)


def first_columns_only(X, y):
    w = np.zeros(X.shape[1])
    count = min(X.shape)
    w[:count] = np.linalg.lstsq(X[:, :count], y)[0]
    return w


def with_a_ridge(X, y):
    return np.linalg.solve(X.T @ X + np.eye(X.shape[1]), X.T @ y)


def not_divided(X, y):
    return X.T @ y


def divided_twice(X, y):
    U, s, Vt = np.linalg.svd(X, full_matrices=False)
    return Vt.T @ (U.T @ y / s**2)


def without_s(X, y):
    U, _, Vt = np.linalg.svd(X, full_matrices=False)
    return Vt.T @ (U.T @ y)


def in_the_directions(X, y):
    U, s, _ = np.linalg.svd(X, full_matrices=False)
    return U.T @ y / s


def fitted_values(X, y):
    return X @ smallest_norm(X, y)


def without_the_smallest(X, y):
    U, s, Vt = np.linalg.svd(X, full_matrices=False)
    keep = s > 0.3 * s[0]
    return Vt.T[:, keep] @ (U.T[keep] @ y / s[keep])


def last_columns_only(X, y):
    return first_columns_only(X[:, ::-1], y)[::-1]


def with_a_tiny_ridge(X, y):
    return np.linalg.solve(X.T @ X + 1e-3 * np.eye(X.shape[1]), X.T @ y)


def images_from(counts, errors):
    return counts[np.median(errors, axis=0).argmax()]


def images_from_cases(rng):
    yield np.array([10, 20, 30]), np.array([[0.2, 0.8, 0.9], [0.3, 4.0, 0.2], [0.1, 3.5, 0.4]])
    yield (
        np.array([20, 60, 40, 80]),
        np.array([[0.1, 2.0, 0.5, 90.0], [0.2, 3.0, 0.6, 0.3], [0.3, 2.5, 0.4, 0.2]]),
    )
    yield (
        np.array([50, 25, 75]),
        np.array([[1e-6, 1.0, 0.5], [3.0, 1.0, 0.4], [3.1, 1.1, 40.0]]),
    )
    yield (  # an even number of draws: the median lies between the middle two
        np.array([8, 16, 24]),
        np.array([[0.1, 2.0, 1.0], [0.2, 2.1, 1.9], [3.0, 2.2, 1.8], [9.0, 2.1, 1.7]]),
    )
    yield (  # most draws have their largest error elsewhere, and the mean agrees with the median
        np.array([5, 7, 9, 11, 13]),
        np.array(
            [
                [6.0, 5.0, 0.1, 0.4, 0.1],
                [6.1, 5.1, 0.2, 0.3, 0.2],
                [0.1, 4.9, 0.3, 0.2, 8.0],
                [0.2, 5.0, 0.2, 7.0, 0.1],
                [0.1, 3.0, 0.1, 6.0, 0.1],
            ]
        ),
    )
    yield (  # the wildest error stands elsewhere, too small to move a mean
        np.array([30, 40, 50]),
        np.array([[5.0, 1.0, 0.1], [5.1, 1.0, 0.2], [4.9, 6.0, 0.1]]),
    )
    counts = rng.permutation(np.arange(30, 330, 30))
    bump = 1 / (0.01 + abs(np.log(counts / 180)))
    yield counts, bump * np.exp(rng.normal(size=(9, 10)) * 0.2) + 0.1


def by_summary(summary):
    return lambda counts, errors: counts[summary(errors).argmax()]


def place_of_the_peak(counts, errors):
    return int(np.median(errors, axis=0).argmax())


def at_the_bottom(counts, errors):
    return counts[np.median(errors, axis=0).argmin()]


def the_error_itself(counts, errors):
    return np.median(errors, axis=0).max()


def in_sorted_counts(counts, errors):
    return np.sort(counts)[np.median(errors, axis=0).argmax()]


def twice_the_peak(counts, errors):
    return 2 * images_from(counts, errors)


def by_votes(counts, errors):
    winners = errors.argmax(axis=1)
    return counts[np.bincount(winners).argmax()]


def upper_median(errors):
    return np.sort(errors, axis=0)[len(errors) // 2]


def times_the_data(n, error):
    slope = np.polyfit(np.log(n), np.log(error), 1)[0]
    return 2 ** (-1 / slope)


def times_the_data_cases(rng):
    """Sizes in hundreds and errors in percent, so that slopes on other axes are no tiny numbers."""
    yield np.array([1.0, 4.0, 16.0]), np.array([20.0, 10.0, 5.0])
    yield np.array([0.1, 0.3, 2.0]), 3 * np.array([0.1, 0.3, 2.0]) ** -0.8
    n = np.array([0.5, 1.0, 2.0, 4.0, 9.57])
    yield n, np.array([16.0, 9.8, 4.6, 3.0, 1.56])
    yield n, 7 * n**-0.35 * np.exp(0.1 * rng.normal(size=5))
    yield np.array([10.0, 0.2, 1.5]), np.array([1.0, 50.0, 5.0])


def slope_on(x_of, y_of):
    return lambda n, error: np.polyfit(x_of(n), y_of(error), 1)[0]


def factor_on(x_of, y_of):
    return lambda n, error: 2 ** (-1 / slope_on(x_of, y_of)(n, error))


logs = slope_on(np.log, np.log)


def as_it_is(values):
    return values


def from_the_ends(n, error):
    slope = np.log(error[-1] / error[0]) / np.log(n[-1] / n[0])
    return 2 ** (-1 / slope)


def of_the_mean_slope(n, error):
    slope = (np.diff(np.log(error)) / np.diff(np.log(n))).mean()
    return 2 ** (-1 / slope)


def through_the_axes(n, error):
    """The line of log n on log error instead of log error on log n."""
    return 2 ** -np.polyfit(np.log(error), np.log(n), 1)[0]


def stop(accuracies, patience):
    best, kept = -np.inf, 0
    for epoch, accuracy in enumerate(accuracies, start=1):
        if accuracy > best:
            best, kept = accuracy, epoch
        if epoch - kept == patience:
            break
    return kept, epoch


def stop_cases(rng):
    yield np.array([0.5, 0.7, 0.6, 0.65, 0.6, 0.55, 0.5, 0.9]), 3
    yield np.array([0.5, 0.7, 0.6, 0.65, 0.9, 0.8]), 3
    yield np.array([0.3, 0.6, 0.6, 0.6, 0.5]), 2
    yield np.array([0.2, 0.4, 0.5, 0.6]), 2
    yield np.array([0.8, 0.7, 0.75, 0.78, 0.9, 0.3]), 4
    yield np.array([0.9, 0.1]), 1
    yield np.array([0.4, 0.6, 0.5, 0.55, 0.61, 0.3, 0.5]), 3
    rise = 0.9 - 0.4 * np.exp(-np.arange(40) / 6) - 0.005 * np.arange(40)
    yield rise + 0.02 * rng.normal(size=40), 6


def stopping(better=lambda new, best: new > best, extra=0, patient=True):
    def rule(accuracies, patience):
        best, kept = accuracies[0], 1
        for epoch, accuracy in enumerate(accuracies, start=1):
            if epoch > 1 and better(accuracy, best):
                best, kept = accuracy, epoch
            if patient and epoch - kept == patience + extra:
                break
        return kept, epoch

    return rule


def last_epoch_kept(accuracies, patience):
    return (stop(accuracies, patience)[1],) * 2


def from_zero(accuracies, patience):
    kept, last = stop(accuracies, patience)
    return kept - 1, last - 1


def falls_in_a_row(accuracies, patience):
    best, kept, falls = accuracies[0], 1, 0
    for epoch in range(2, len(accuracies) + 1):
        accuracy = accuracies[epoch - 1]
        if accuracy > best:
            best, kept = accuracy, epoch
        falls = falls + 1 if accuracy <= accuracies[epoch - 2] else 0
        if falls == patience:
            return kept, epoch
    return kept, len(accuracies)


def bad_epochs_in_all(accuracies, patience):
    best, kept, bad = -np.inf, 0, 0
    for epoch, accuracy in enumerate(accuracies, start=1):
        if accuracy > best:
            best, kept = accuracy, epoch
        else:
            bad += 1
        if bad == patience:
            break
    return kept, epoch


def epochs_without_the_wait(accuracies, patience):
    kept, _ = stop(accuracies, patience)
    return kept, kept + patience


def of_the_worst(accuracies, patience):
    return stop(-accuracies, patience)


EXERCISES = [
    Exercise(
        "12.1",
        ["x", "train", "test"],
        scaled_cases,
        scaled,
        [
            Slip(by_all_rows, "That mean and deviation have seen the test rows: a leak."),
            Slip(
                each_by_itself,
                "The test rows were scaled by their own mean and deviation. In use there may be "
                "only one row; apply those of the training rows.",
            ),
            Slip(
                lambda x, train, test: standardized(x, train, test, train, sample_deviation),
                "That deviation divides by N − 1; np.std as it is divides by N.",
            ),
            Slip(only_centered, "The rows are centered, and still to be divided."),
        ],
        near_misses=[
            by_train_and_test,
            by_the_test_rows,
            only_divided,
            one_number_for_all,
            by_the_median,
            to_the_unit_interval,
            lambda x, train, test: standardized(x, train, test, train, np.var),
            lambda x, train, test: standardized(x, train, test, train, empty=np.inf),
            lambda x, train, test: standardized(x, train, test, train, empty=1e-8),
            lambda x, train, test: standardized(x, train, test, train[:-1]),
        ],
        praise="The test rows decided nothing, and no feature was divided by 0.",
    ),
    Exercise(
        "12.2",
        ["X", "y"],
        smallest_norm_cases,
        smallest_norm,
        [
            Slip(
                first_columns_only,
                "It solves the equations with the first columns alone. The smallest norm uses "
                "all of them.",
            ),
            Slip(with_a_ridge, "That is ridge with λ = 1. Here λ is 0."),
            Slip(not_divided, "That is Xᵀy. Each direction is still to be divided by s²."),
            Slip(
                divided_twice,
                "U.T @ y over s² would be right for Xᵀy; U.T @ y is divided by s once.",
            ),
        ],
        near_misses=[
            without_s,
            in_the_directions,
            fitted_values,
            without_the_smallest,
            last_columns_only,
            with_a_tiny_ridge,
            lambda X, y: -smallest_norm(X, y),
            lambda X, y: smallest_norm(X, y - y.mean()),
        ],
        praise="Wide, square and tall, with one formula.",
    ),
    Exercise(
        "12.3",
        ["counts", "errors"],
        images_from_cases,
        images_from,
        [
            Slip(
                by_summary(lambda errors: errors.mean(axis=0)),
                "A mean follows the one wild draw. Which summary does not?",
            ),
            Slip(
                by_summary(lambda errors: errors.max(axis=0)),
                "The largest error of all is the luck of one draw.",
            ),
            Slip(place_of_the_peak, "That is the place in the array, not the number of features."),
        ],
        near_misses=[
            at_the_bottom,
            the_error_itself,
            in_sorted_counts,
            twice_the_peak,
            by_votes,
            by_summary(upper_median),
            by_summary(lambda errors: errors[0]),
            by_summary(lambda errors: errors.min(axis=0)),
            by_summary(lambda errors: np.log(errors).mean(axis=0)),
        ],
        praise="The peak gives the size of a training set away.",
    ),
    Exercise(
        "12.4",
        ["n", "error"],
        times_the_data_cases,
        times_the_data,
        [
            Slip(
                factor_on(as_it_is, as_it_is),
                "A power is a straight line on logarithmic axes, both of them.",
            ),
            Slip(
                lambda n, error: 2 ** (1 / logs(n, error)),
                "The slope is −α: that factor is below 1, and fewer examples would not help.",
            ),
            Slip(
                lambda n, error: -logs(n, error),
                "That is α. By which factor must n grow so that n to the power −α is halved?",
            ),
            Slip(
                lambda n, error: 2 ** -logs(n, error),
                "That is what the error is divided by when n is doubled. The question is the "
                "other way round.",
            ),
        ],
        near_misses=[
            from_the_ends,
            of_the_mean_slope,
            through_the_axes,
            factor_on(np.log, as_it_is),
            factor_on(as_it_is, np.log),
            lambda n, error: logs(n, error),
            lambda n, error: np.exp(-1 / logs(n, error)),
            lambda n, error: -2 / logs(n, error),
            lambda n, error: 10 ** (-1 / logs(n, error)),
        ],
        praise="An exponent of a half would mean four times the data.",
    ),
    Exercise(
        "12.5",
        ["accuracies", "patience"],
        stop_cases,
        stop,
        [
            Slip(
                last_epoch_kept,
                "The last epoch is not the best one. Whose weights should be kept?",
            ),
            Slip(
                stopping(lambda new, best: new >= best),
                "A value that equals the best is no new best.",
            ),
            Slip(from_zero, "Epochs are counted from 1."),
            Slip(
                stopping(patient=False),
                "That is the best of the whole array; training would have stopped before.",
            ),
        ],
        near_misses=[
            falls_in_a_row,
            bad_epochs_in_all,
            epochs_without_the_wait,
            of_the_worst,
            stopping(extra=1),
            stopping(extra=-1),
            stopping(lambda new, best: new > best + 0.05),
            lambda accuracies, patience: (stop(accuracies, patience)[0], len(accuracies)),
        ],
        praise="The epochs of the wait are spent, and their weights thrown away.",
    ),
]
