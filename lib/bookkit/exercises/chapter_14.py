"""Exercises of chapter 14: dropout both ways, its penalty and price, shifts, mixup's two losses."""

import numpy as np

from bookkit.exercises.engine import Exercise, Slip


def kept(x, p, seed):
    return np.random.default_rng(seed).random(x.shape) >= p


def dropout_pass(x, gradient, p, seed):
    factor = kept(x, p, seed) / (1 - p)
    return factor * x, factor * gradient


def pass_cases(rng):
    yield np.array([1.0, 2.0, 3.0, 4.0]), np.array([0.5, 0.25, 1.0, 2.0]), 0.5, 0
    for p, shape in ((0.8, (4, 6)), (0.2, (3, 5)), (0.0, (2, 3)), (0.35, (2, 3, 4))):
        yield rng.normal(size=shape), rng.normal(size=shape), p, int(rng.integers(1000))


def new_mask(x, gradient, p, seed):
    rng = np.random.default_rng(seed)
    forward, back = (rng.random(x.shape) >= p for _ in range(2))
    return forward * x / (1 - p), back * gradient / (1 - p)


def with_factors(forward, back):
    """Dropout with a factor for each direction, as functions of p."""

    def answer(x, gradient, p, seed):
        keep = kept(x, p, seed)
        return forward(p) * keep * x, back(p) * keep * gradient

    return answer


def dropped_instead(x, gradient, p, seed):
    factor = (np.random.default_rng(seed).random(x.shape) < p) / (1 - p)
    return factor * x, factor * gradient


def keep_with_p(x, gradient, p, seed):
    factor = (np.random.default_rng(seed).random(x.shape) < 1 - p) / (1 - p)
    return factor * x, factor * gradient


def gradient_passes(x, gradient, p, seed):
    return kept(x, p, seed) * x / (1 - p), gradient


def gradient_by_output(x, gradient, p, seed):
    y = kept(x, p, seed) * x / (1 - p)
    return y, y * gradient


def one_for_a_row(x, gradient, p, seed):
    factor = kept(x[..., :1], p, seed) / (1 - p)
    return factor * x, factor * gradient


def share_that_came(x, gradient, p, seed):
    keep = kept(x, p, seed)
    factor = keep / max(keep.mean(), 1e-9)
    return factor * x, factor * gradient


def normal_mask(x, gradient, p, seed):
    factor = (np.random.default_rng(seed).standard_normal(x.shape) >= p) / (1 - p)
    return factor * x, factor * gradient


def factor_in_expectation(x, gradient, p, seed):
    return kept(x, p, seed) * x / (1 - p), gradient * (1 - p)


def strengths(X, p):
    return p / (1 - p) * (X**2).mean(axis=0)


def strengths_cases(rng):
    yield np.array([[1.0, 2.0], [3.0, 0.0], [1.0, -1.0]]), 0.8
    for p, shape in ((0.5, (7, 3)), (0.2, (4, 6)), (0.9, (5, 2))):
        yield rng.normal(size=shape) + 1.5, p


def unit_prices(h, W, b, p):
    q = probabilities(W @ h + b)
    return 0.5 * p / (1 - p) * h**2 * (q @ W**2 - (q @ W) ** 2)


def probabilities(z):
    q = np.exp(z - z.max())
    return q / q.sum()


def price_cases(rng):
    yield np.array([1.0, 3.0]), np.array([[1.0, 0.0], [0.0, 0.5], [0.0, 0.0]]), np.zeros(3), 0.8
    for p, units, classes in ((0.5, 5, 3), (0.2, 3, 4), (0.9, 4, 6)):
        h = np.maximum(rng.normal(size=units) + 0.8, 0)
        yield h, rng.normal(size=(classes, units)), rng.normal(size=classes), p
    yield np.array([2.0, 0.5, 3.0]), rng.normal(size=(2, 3)), np.array([900.0, 900.3]), 0.3


def prices(middle, factor=lambda p: 0.5 * p / (1 - p), size=lambda h: h**2, bias=1.0):
    """The reference's parts, put together in another way."""

    def answer(h, W, b, p):
        q = probabilities(W @ h + bias * b)
        return factor(p) * size(h) * middle(q, W)

    return answer


def spread(q, W):
    return q @ W**2 - (q @ W) ** 2


def overflows(h, W, b, p):
    with np.errstate(over="ignore", invalid="ignore"):
        q = np.exp(W @ h + b)
        q = q / q.sum()
        return 0.5 * p / (1 - p) * h**2 * (q @ W**2 - (q @ W) ** 2)


def one_sum(h, W, b, p):
    return np.atleast_1d(unit_prices(h, W, b, p).sum())


def moved(images, down, right):
    height, width = images.shape[1:]
    y, x = abs(down), abs(right)
    padded = np.pad(images, ((0, 0), (y, y), (x, x)))
    return padded[:, y - down : y - down + height, x - right : x - right + width]


def moved_cases(rng):
    yield np.array([[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]]), 1, 0
    for shape, down, right in (
        ((2, 4, 5), 0, 2),
        ((3, 5, 4), -2, 1),
        ((2, 3, 6), 1, -3),
        ((2, 4, 3), 0, 0),
        ((1, 6, 7), -4, -2),
    ):
        yield rng.random(shape) + 0.5, down, right


def rolled(images, down, right):
    return np.roll(images, (down, right), axis=(1, 2))


def repeats_the_edge(images, down, right):
    height, width = images.shape[1:]
    y, x = abs(down), abs(right)
    padded = np.pad(images, ((0, 0), (y, y), (x, x)), mode="edge")
    return padded[:, y - down : y - down + height, x - right : x - right + width]


def positive_only(images, down, right):
    return moved(images, max(down, 0), max(right, 0))


def grows(images, down, right):
    y, x = abs(down), abs(right)
    rows = (y, 0) if down > 0 else (0, y)
    columns = (x, 0) if right > 0 else (0, x)
    return np.pad(images, ((0, 0), rows, columns))


def rolled_once(images, down, right):
    """Zeros for the rows, but not for the columns."""
    return np.roll(moved(images, down, 0), right, axis=2)


def loses_the_edge(images, down, right):
    result = moved(images, down, right).copy()
    result[:, -1] = 0
    return result


def mixup_loss(log_p, first, second, share):
    rows = np.arange(len(log_p))
    return -(share * log_p[rows, first] + (1 - share) * log_p[rows, second]).mean()


def mixup_cases(rng):
    yield np.log([[0.5, 0.25, 0.25], [0.1, 0.2, 0.7]]), np.array([0, 2]), np.array([1, 2]), 0.6
    for count, classes, share in ((5, 4, 0.3), (7, 3, 0.85), (4, 6, 1.0), (6, 5, 0.0)):
        z = rng.normal(size=(count, classes))
        log_p = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
        first, second = rng.integers(classes, size=(2, count))
        second[:2] = (first[:2] + 1) % classes
        yield log_p, first, second, share


def picked(log_p, labels):
    return log_p[np.arange(len(log_p)), labels]


def mixes_probabilities(log_p, first, second, share):
    blend = share * np.exp(picked(log_p, first)) + (1 - share) * np.exp(picked(log_p, second))
    return -np.log(blend).mean()


def whole_columns(log_p, first, second, share):
    return -(share * log_p[:, first] + (1 - share) * log_p[:, second]).mean()


def mean_of_all(log_p, first, second, share):
    return mixup_loss(log_p, first, second, share) / log_p.shape[1]


def majority(log_p, first, second, share):
    return -picked(log_p, first if share >= 0.5 else second).mean()


EXERCISES = (
    Exercise(
        "14.1",
        ("x", "gradient", "p", "seed"),
        pass_cases,
        dropout_pass,
        (
            Slip(
                new_mask,
                "The output is right. Your backward pass draws a new mask; the gradient goes "
                "through the units that were on in this pass.",
            ),
            Slip(
                with_factors(lambda p: 1.0, lambda p: 1.0),
                "You drop the right entries. What is kept must be enlarged, in both directions.",
            ),
            Slip(
                with_factors(lambda p: 1 / (1 - p), lambda p: 1.0),
                "The output is right. The gradient has the same factor as the output.",
            ),
            Slip(
                dropped_instead,
                "You keep what should be dropped: entries below p go to zero.",
            ),
            Slip(
                with_factors(lambda p: 1 - p, lambda p: 1 - p),
                "You multiply by the probability of keeping. In training one divides by it.",
            ),
            Slip(
                gradient_passes,
                "The output is right. A unit that was off has had no part in the loss: its "
                "gradient is 0, and that of the others is enlarged.",
            ),
        ),
        near_misses=(
            keep_with_p,
            gradient_by_output,
            one_for_a_row,
            share_that_came,
            normal_mask,
            factor_in_expectation,
            with_factors(lambda p: 1.0, lambda p: 1 / (1 - p)),
            with_factors(lambda p: 1 / (1 - p), lambda p: 1 / (1 - p) ** 2),
        ),
        praise="One mask and one factor, in both directions.",
    ),
    Exercise(
        "14.2",
        ("X", "p"),
        strengths_cases,
        strengths,
        (
            Slip(
                lambda X, p: p / (1 - p) * (X**2).sum(axis=0),
                "That belongs to the sum of the squared errors. Yours is their mean.",
            ),
            Slip(
                lambda X, p: (1 - p) / p * (X**2).mean(axis=0),
                "The factor is upside down: more dropout is a stronger penalty.",
            ),
            Slip(
                lambda X, p: p / (1 - p) * X.var(axis=0),
                "You subtract the mean. Dropout disturbs x itself, so its square counts.",
            ),
            Slip(
                lambda X, p: p * (1 - p) * (X**2).mean(axis=0),
                "That is the variance without the division by 1 − p.",
            ),
            Slip(
                lambda X, p: p / (1 - p) * (X**2).mean(axis=1),
                "One strength for each input, please: the mean goes over the examples.",
            ),
        ),
        near_misses=(
            lambda X, p: p * (X**2).mean(axis=0),
            lambda X, p: p / (1 - p) * np.abs(X).mean(axis=0),
            lambda X, p: p / (1 - p) * X.mean(axis=0) ** 2,
            lambda X, p: p / (1 - p) / 2 * (X**2).mean(axis=0),
            lambda X, p: 2 * p / (1 - p) * (X**2).mean(axis=0),
            lambda X, p: p / (1 - p) * np.full(X.shape[1], (X**2).mean()),
            lambda X, p: (p / (1 - p)) ** 2 * (X**2).mean(axis=0),
            lambda X, p: p / (1 - p) * (X**2).sum(axis=0) / (len(X) - 1),
        ),
    ),
    Exercise(
        "14.3",
        ("h", "W", "b", "p"),
        price_cases,
        unit_prices,
        (
            Slip(
                prices(spread, factor=lambda p: p / (1 - p)),
                "Twice too large: a second order has a half.",
            ),
            Slip(
                prices(lambda q, W: q @ W**2),
                "You have the mean of the squares. A variance subtracts the square of the mean.",
            ),
            Slip(
                prices(lambda q, W: W.var(axis=0)),
                "You treat the classes as equally likely. Weight them with the network's q.",
            ),
            Slip(
                prices(spread, size=lambda h: h),
                "The variance of dropout goes with the square of the activation.",
            ),
            Slip(
                prices(spread, factor=lambda p: 0.5 * (1 - p) / p),
                "The factor is upside down: p is the probability of dropping.",
            ),
            Slip(one_sum, "That is their sum. Return the price of each unit by itself."),
        ),
        near_misses=(
            overflows,
            prices(spread, factor=lambda p: 0.5),
            prices(spread, factor=lambda p: 0.5 * p),
            prices(spread, bias=0.0),
            prices(lambda q, W: np.sqrt(spread(q, W))),
            prices(lambda q, W: (q @ W) ** 2),
            prices(lambda q, W: (q**2) @ W**2 - (q @ W) ** 2),
            prices(spread, size=lambda h: 1.0),
        ),
    ),
    Exercise(
        "14.4",
        ("images", "down", "right"),
        moved_cases,
        moved,
        (
            Slip(rolled, "What leaves on one side comes back on the other. Zeros should come in."),
            Slip(
                lambda images, down, right: moved(images, -down, -right),
                "Your images go the other way: positive is down and to the right.",
            ),
            Slip(
                lambda images, down, right: np.swapaxes(
                    moved(np.swapaxes(images, 1, 2), down, right), 1, 2
                ),
                "You have exchanged the two directions: the axes are (N, H, W), rows first.",
            ),
            Slip(grows, "Your images have grown. The frame keeps its size."),
            Slip(repeats_the_edge, "You repeat the edge. What comes in is 0."),
        ),
        near_misses=(
            positive_only,
            rolled_once,
            loses_the_edge,
            lambda images, down, right: moved(images, down, -right),
            lambda images, down, right: moved(images, -down, right),
            lambda images, down, right: moved(images, abs(down), abs(right)),
            lambda images, down, right: moved(images, down, 0),
            lambda images, down, right: moved(images, 0, right),
        ),
    ),
    Exercise(
        "14.5",
        ("log_p", "first", "second", "share"),
        mixup_cases,
        mixup_loss,
        (
            Slip(
                lambda log_p, first, second, share: mixup_loss(log_p, second, first, share),
                "You have exchanged the two classes: the share belongs to the first.",
            ),
            Slip(
                lambda log_p, first, second, share: -mixup_loss(log_p, first, second, share),
                "The sign is reversed: a loss is minus the logarithm.",
            ),
            Slip(
                lambda log_p, first, second, share: (
                    len(log_p) * mixup_loss(log_p, first, second, share)
                ),
                "That is the sum over the batch. Take the mean.",
            ),
            Slip(
                mixes_probabilities,
                "You mix the probabilities and take the logarithm then. Mix the two losses.",
            ),
            Slip(
                whole_columns,
                "log_p[:, first] is a table. Take one entry from each row.",
            ),
        ),
        near_misses=(
            mean_of_all,
            majority,
            lambda log_p, first, second, share: -picked(log_p, first).mean(),
            lambda log_p, first, second, share: (
                -(picked(log_p, first) + picked(log_p, second)).mean()
            ),
            lambda log_p, first, second, share: (
                -(picked(log_p, first) + picked(log_p, second)).mean() / 2
            ),
            lambda log_p, first, second, share: (
                -(share * picked(log_p, first) + share * picked(log_p, second)).mean()
            ),
            lambda log_p, first, second, share: -share * picked(log_p, first).mean(),
            lambda log_p, first, second, share: (
                -np.median(share * picked(log_p, first) + (1 - share) * picked(log_p, second))
            ),
        ),
    ),
)
