"""Exercises of chapter 22: the loss that is descended, a hinge for 0 and 1, a careful MSE."""

import numpy as np

from bookkit.exercises.engine import Exercise, Slip


def honest_with(loss, of_w=1.0, of_b=1.0, mean=np.mean):
    """The three numbers, with another loss of the errors, or with other factors."""

    def answer(x, y, w, b):
        error = x @ w + b - y
        return loss(error), of_w * x.T @ error / len(y), of_b * mean(error)

    return answer


honest = honest_with(lambda error: 0.5 * np.mean(error**2))


def honest_cases(rng):
    yield np.array([[1.0], [2.0]]), np.array([3.0, 4.0]), np.array([1.0]), 0.5
    for count, width in ((5, 1), (4, 3), (9, 2)):
        yield (
            rng.normal(size=(count, width)),
            rng.normal(size=count),
            rng.normal(size=width),
            float(rng.normal()),
        )


def printed_cross_entropy(x, y, w, b):
    prediction = np.maximum(x @ w + b, 1e-12)
    return (-np.mean(y * np.log(prediction)), *honest(x, y, w, b)[1:])


def half(error):
    return 0.5 * np.mean(error**2)


def hinge_of(cost):
    """A mean of costs of the scores and of the signs −1 and 1."""

    def answer(scores, labels):
        return cost(scores, 2.0 * labels - 1).mean()

    return answer


repaired_hinge = hinge_of(lambda scores, sign: np.maximum(0, 1 - sign * scores))


def hinge_cases(rng):
    yield np.array([0.3, 2.0]), np.array([0, 1])
    for count in (3, 6, 11):
        labels = rng.integers(0, 2, size=count)
        labels[:2] = 0, 1
        scores = rng.normal(scale=2, size=count)
        scores[0] = 0.4
        yield scores, labels


def labels_as_they_are(scores, labels):
    return np.maximum(0, 1 - labels * scores).mean()


def exchanged(scores, labels):
    return repaired_hinge(scores, 1 - labels)


def summed(scores, labels):
    return repaired_hinge(scores, labels) * len(scores)


def positives_alone(scores, labels):
    return np.maximum(0, 1 - scores)[labels == 1].mean()


def careful_with(summary):
    """Another summary of the differences of the flat arrays."""

    def answer(y, p):
        return summary(np.ravel(y).astype(float) - np.ravel(p).astype(float))

    return answer


careful_mse = careful_with(lambda error: np.mean(error**2))


def careful_cases(rng):
    yield np.array([1.0, 2.0, 4.5]), np.array([1.5, 2.0, 3.0])
    yield np.array([0, 200, 7], dtype=np.uint8), np.array([20, 10, 9], dtype=np.uint8)
    yield rng.normal(size=(4, 1)), rng.normal(size=4)
    yield rng.normal(size=5), rng.normal(size=(5, 1))
    yield (
        rng.integers(-120, 120, size=(6, 1)).astype(np.int8),
        rng.integers(-120, 120, size=6).astype(np.int8),
    )


def as_printed(y, p):
    return np.mean((y - p) ** 2)


def flat_alone(y, p):
    return np.mean((np.ravel(y) - np.ravel(p)) ** 2)


def floats_alone(y, p):
    return np.mean((y.astype(float) - p.astype(float)) ** 2)


def converted_too_late(y, p):
    return np.mean((np.ravel(y) - np.ravel(p)).astype(float) ** 2)


def other_order(y, p):
    return careful_mse(y, np.ravel(p)[::-1])


def sorted_both(y, p):
    return careful_mse(np.sort(np.ravel(y)), np.sort(np.ravel(p)))


EXERCISES = (
    Exercise(
        "22.1",
        ("x", "y", "w", "b"),
        honest_cases,
        honest,
        (
            Slip(
                honest_with(lambda error: np.mean(error**2)),
                "The slopes are right. The mean of the squares has twice these slopes; halve it.",
            ),
            Slip(
                printed_cross_entropy,
                "That is what the program prints. Its slopes are others; which loss has these?",
            ),
            Slip(
                honest_with(lambda error: 0.5 * np.sum(error**2)),
                "The slopes are right, and are those of a mean. Your loss is a sum.",
            ),
            Slip(
                honest_with(lambda error: np.mean(error**2), 2.0, 2.0),
                "Loss and slopes fit each other, but the slopes are twice those of the program.",
            ),
        ),
        near_misses=(
            honest_with(lambda error: np.mean(np.abs(error))),
            honest_with(lambda error: np.sqrt(np.mean(error**2))),
            honest_with(lambda error: 0.5 * np.mean(error) ** 2),
            honest_with(half, mean=np.sum),
            honest_with(half, -1.0, -1.0),
            honest_with(half, of_b=2.0),
            honest_with(lambda error: 0.5 * np.var(error)),
        ),
    ),
    Exercise(
        "22.2",
        ("scores", "labels"),
        hinge_cases,
        repaired_hinge,
        (
            Slip(
                labels_as_they_are,
                "You use the labels 0 and 1 as they are, so each negative costs 1. Make −1 and 1 "
                "of them.",
            ),
            Slip(exchanged, "You have exchanged the classes: 0 must become −1, and 1 stay 1."),
            Slip(summed, "That is the sum. The mean is asked for."),
            Slip(
                hinge_of(lambda scores, sign: np.maximum(0, -sign * scores)),
                "That is the perceptron's loss. The hinge asks for a margin of 1.",
            ),
        ),
        near_misses=(
            hinge_of(lambda scores, sign: 1 - sign * scores),
            hinge_of(lambda scores, sign: np.maximum(0, 1 - sign * scores) ** 2),
            hinge_of(lambda scores, sign: np.abs(1 - sign * scores)),
            hinge_of(lambda scores, sign: np.maximum(0, 0.5 - sign * scores)),
            hinge_of(lambda scores, sign: np.log1p(np.exp(-sign * scores))),
            positives_alone,
        ),
    ),
    Exercise(
        "22.3",
        ("y", "p"),
        careful_cases,
        careful_mse,
        (
            Slip(
                as_printed,
                "That is the line as printed: small whole numbers wrap around, and a column "
                "against a row makes a table.",
            ),
            Slip(
                flat_alone,
                "The shapes are right. Small whole numbers wrap around; convert before you "
                "subtract.",
            ),
            Slip(
                floats_alone,
                "The type is right. A column against a row makes a table of all pairs; flatten "
                "both.",
            ),
            Slip(
                careful_with(lambda error: np.sum(error**2)),
                "That is the sum of the squares. The mean is asked for.",
            ),
        ),
        near_misses=(
            converted_too_late,
            careful_with(lambda error: 0.5 * np.mean(error**2)),
            careful_with(lambda error: np.sqrt(np.mean(error**2))),
            careful_with(lambda error: np.mean(np.abs(error))),
            careful_with(lambda error: np.mean(error) ** 2),
            careful_with(lambda error: np.median(error**2)),
            other_order,
            sorted_both,
        ),
    ),
)
