"""Exercises of chapter 19: paired errors, temperature, the null error, lists, saliency."""

import numpy as np

from bookkit.exercises.engine import Exercise, Slip


def of_answers(change):
    """A wrong comparison, from A and B as numbers."""

    def compare(a, b):
        return change(a.astype(float), b.astype(float))

    return compare


def compare(a, b):
    difference = b.astype(float) - a
    return difference.mean(), difference.std() / np.sqrt(len(difference))


def compare_cases(rng):
    yield np.array([True, True, False, True, False]), np.array([True, False, True, True, True])
    a = rng.random(200) < 0.9
    yield a, a ^ (rng.random(200) < 0.07)
    yield rng.random(83) < 0.4, rng.random(83) < 0.75
    yield np.arange(12) < 9, np.arange(12) < 5
    yield np.arange(7) < 3, np.arange(7) < 3


def apart(a, b):
    return b.mean() - a.mean(), np.sqrt((a.var() + b.var()) / len(a))


def agreement_counted(a, b):
    return b.mean() - a.mean(), np.sqrt((a != b).mean() / len(a))


def half_differ(a, b):
    return b.mean() - a.mean(), np.sqrt((a != b).mean() / 2 / len(a))


def only_where_they_differ(a, b):
    d = (b - a)[a != b]
    return (d.mean(), d.std() / np.sqrt(len(d))) if len(d) else (0.0, 0.0)


def variance_of_mean(a, b):
    return b.mean() - a.mean(), (b - a).var() / len(a)


def at_95(a, b):
    return b.mean() - a.mean(), 1.96 * (b - a).std() / np.sqrt(len(a))


def cross_entropy(z, y):
    z = z - z.max(axis=1, keepdims=True)
    return (np.log(np.exp(z).sum(axis=1)) - z[np.arange(len(y)), y]).mean()


def softmax(z):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def chosen(grid, losses):
    return grid[int(np.argmin(losses))]


def tempered(z, y, z_test, y_test, grid):
    best = chosen(grid, [cross_entropy(z / T, y) for T in grid])
    return best, cross_entropy(z_test / best, y_test)


def tempered_cases(rng):
    yield (
        np.array([[4.0, 0.0], [4.0, 0.0], [0.0, 4.0], [4.0, 1.0]]),
        np.array([0, 1, 1, 0]),
        np.array([[3.0, 0.0], [0.0, 2.0], [1.0, 0.0]]),
        np.array([0, 1, 0]),
        np.array([0.5, 1.0, 2.0, 4.0, 8.0]),
    )
    for size, classes, loud, level in [(60, 3, 4.0, 0), (90, 5, 0.4, 1000), (40, 10, 300.0, 0)]:
        grid = rng.permutation(np.geomspace(0.2, 900, 30))
        sets = []
        for n, factor in ((size, loud), (size // 2 + 1, loud * 1.7)):
            z = rng.normal(size=(n, classes))
            y = (z + rng.gumbel(size=z.shape)).argmax(axis=1)
            sets += [factor * z + level, y]
        yield (*sets, grid)


def on_test(z, y, z_test, y_test, grid):
    return tempered(z_test, y_test, z_test, y_test, grid)


def on_both(z, y, z_test, y_test, grid):
    z_all, y_all = np.concatenate([z, z_test]), np.concatenate([y, y_test])
    best = chosen(grid, [cross_entropy(z_all / T, y_all) for T in grid])
    return best, cross_entropy(z_test / best, y_test)


def scales_probabilities(z, y, z_test, y_test, grid):
    best = chosen(grid, [cross_entropy(softmax(z) / T, y) for T in grid])
    return best, cross_entropy(softmax(z_test) / best, y_test)


def multiplies(z, y, z_test, y_test, grid):
    best = chosen(grid, [cross_entropy(z * T, y) for T in grid])
    return best, cross_entropy(z_test * best, y_test)


def validation_loss(z, y, z_test, y_test, grid):
    best = tempered(z, y, z_test, y_test, grid)[0]
    return best, cross_entropy(z / best, y)


def forgets_to_divide(z, y, z_test, y_test, grid):
    return tempered(z, y, z_test, y_test, grid)[0], cross_entropy(z_test, y_test)


def naive(z, y, z_test, y_test, grid):
    def loss(z, y):
        p = np.exp(z)
        p = p / p.sum(axis=1, keepdims=True)
        return -np.log(p[np.arange(len(y)), y]).mean()

    best = grid[int(np.nanargmin([loss(z / T, y) for T in grid]))]
    return best, loss(z_test / best, y_test)


def place_of_best(z, y, z_test, y_test, grid):
    losses = [cross_entropy(z / T, y) for T in grid]
    return float(np.argmin(losses)), tempered(z, y, z_test, y_test, grid)[1]


def summed(z, y, z_test, y_test, grid):
    best, loss = tempered(z, y, z_test, y_test, grid)
    return best, loss * len(y_test)


def by_accuracy(z, y, z_test, y_test, grid):
    best = chosen(grid, [-((z / T).argmax(axis=1) == y).mean() for T in grid])
    return best, cross_entropy(z_test / best, y_test)


def worst(z, y, z_test, y_test, grid):
    return tempered(z, y, z_test, y_test, [max(grid, key=lambda T: cross_entropy(z / T, y))])


def root_in_test(z, y, z_test, y_test, grid):
    best = tempered(z, y, z_test, y_test, grid)[0]
    return best, cross_entropy(z_test / np.sqrt(best), y_test)


def bin_of(confidence, bins, right=True):
    return np.digitize(confidence, np.linspace(0, 1, bins + 1)[1:-1], right=right)


def gaps(confidence, u, place, bins):
    """The sum of excess in each bin and draw, (M, D)."""
    excess = (u < confidence) - confidence
    return np.array([excess[:, place == m].sum(axis=1) for m in range(bins)])


def null_ece(p, bins, u):
    confidence = p.max(axis=1)
    found = gaps(confidence, u, bin_of(confidence, bins), bins)
    return np.abs(found).sum(axis=0).mean() / len(p)


def null_cases(rng):
    yield (
        np.array([[0.75, 0.25], [0.4, 0.6], [0.9, 0.1]]),
        2,
        np.array([[0.5, 0.7, 0.95], [0.8, 0.1, 0.2]]),
    )
    for n, classes, bins in [(40, 3, 10), (25, 4, 7), (60, 10, 15), (12, 2, 1)]:
        yield rng.dirichlet(np.full(classes, 0.7), size=n), bins, rng.random((9, n))
    edge = np.array([[0.5, 0.5], [0.75, 0.25], [1.0, 0.0], [0.5, 0.25]])
    edge[3] = [0.45, 0.55]
    yield edge, 4, rng.random((6, 4))


def draws_first(p, bins, u):
    confidence = p.max(axis=1)
    found = gaps(confidence, u, bin_of(confidence, bins), bins)
    return np.abs(found.mean(axis=1)).sum() / len(p)


def without_absolute(p, bins, u):
    confidence = p.max(axis=1)
    found = gaps(confidence, u, bin_of(confidence, bins), bins)
    return found.sum(axis=0).mean() / len(p)


def one_bin(p, bins, u):
    return null_ece(p, 1, u)


def bins_equally_heavy(p, bins, u):
    confidence = p.max(axis=1)
    place = bin_of(confidence, bins)
    count = np.maximum(np.bincount(place, minlength=bins), 1)
    found = np.abs(gaps(confidence, u, place, bins)) / count[:, None]
    return found.sum(axis=0).mean() / bins


def bins_summed(p, bins, u):
    return null_ece(p, bins, u) * len(p)


def other_half(p, bins, u):
    confidence = p.max(axis=1)
    excess = (u > confidence) - confidence
    place = bin_of(confidence, bins)
    found = np.array([excess[:, place == m].sum(axis=1) for m in range(bins)])
    return np.abs(found).sum(axis=0).mean() / len(p)


def closed_left(p, bins, u):
    confidence = p.max(axis=1)
    found = gaps(confidence, u, bin_of(confidence, bins, right=False), bins)
    return np.abs(found).sum(axis=0).mean() / len(p)


def first_class(p, bins, u):
    return null_ece(np.column_stack([p[:, 0], p[:, 0]]), bins, u)


def every_image_alone(p, bins, u):
    confidence = p.max(axis=1)
    return np.abs((u < confidence) - confidence).mean()


def squared_gaps(p, bins, u):
    confidence = p.max(axis=1)
    found = gaps(confidence, u, bin_of(confidence, bins), bins)
    return (found**2).sum(axis=0).mean() / len(p)


def bins_from_half(p, bins, u):
    confidence = p.max(axis=1)
    place = np.digitize(confidence, np.linspace(0.5, 1, bins + 1)[1:-1], right=True)
    return np.abs(gaps(confidence, u, place, bins)).sum(axis=0).mean() / len(p)


def one_bin_more(p, bins, u):
    return null_ece(p, bins + 1, u)


def rank_of(rank):
    """Lists with another rank; counted from 1, everything beyond n."""

    def lists(p, y, p_new, alpha):
        n = len(y)
        scores = np.sort(1 - p[np.arange(n), y])
        k = int(rank(n, alpha))
        limit = scores[max(k, 1) - 1] if k <= n else np.inf
        return 1 - p_new <= limit

    return lists


def right_rank(n, alpha):
    return np.ceil((n + 1) * (1 - alpha))


lists = rank_of(right_rank)


def lists_cases(rng):
    p = np.array([[0.7, 0.2, 0.1], [0.1, 0.6, 0.3], [0.2, 0.3, 0.5]])
    yield p, np.array([0, 2, 2]), np.array([[0.5, 0.3, 0.2], [0.1, 0.29, 0.61]]), 0.25
    for n, alpha in [(19, 0.125), (40, 0.25), (33, 0.5), (60, 0.07), (97, 0.11), (10, 0.33)]:
        p = rng.dirichlet(np.full(4, 0.6), size=n)
        y = np.array([rng.choice(4, p=row) for row in p])
        yield p, y, rng.dirichlet(np.full(4, 0.6), size=30), alpha
    yield p[:5], y[:5], rng.dirichlet(np.ones(4), size=3), 0.05
    yield p[:9], y[:9], p[:9], 0.25


def clipped(p, y, p_new, alpha):
    k = min(int(right_rank(len(y), alpha)), len(y))
    return 1 - p_new <= np.sort(1 - p[np.arange(len(y)), y])[k - 1]


def empty_when_few(p, y, p_new, alpha):
    found = lists(p, y, p_new, alpha)
    return found & (right_rank(len(y), alpha) <= len(y))


def strictly(p, y, p_new, alpha):
    n, k = len(y), int(right_rank(len(y), alpha))
    scores = np.sort(1 - p[np.arange(n), y])
    return 1 - p_new < (scores[k - 1] if k <= n else np.inf)


def by_largest(p, y, p_new, alpha):
    n, k = len(y), int(right_rank(len(y), alpha))
    scores = np.sort(1 - p.max(axis=1))
    return 1 - p_new <= (scores[k - 1] if k <= n else np.inf)


def counted_from_zero(p, y, p_new, alpha):
    n, k = len(y), int(right_rank(len(y), alpha))
    scores = np.sort(1 - p[np.arange(n), y])
    return 1 - p_new <= (scores[k] if k < n else np.inf)


def best_only(p, y, p_new, alpha):
    return p_new == p_new.max(axis=1, keepdims=True)


def above_promise(p, y, p_new, alpha):
    return p_new >= alpha


def outside(p, y, p_new, alpha):
    return ~lists(p, y, p_new, alpha)


def interpolated(p, y, p_new, alpha):
    scores = 1 - p[np.arange(len(y)), y]
    if right_rank(len(y), alpha) > len(y):
        return np.ones(p_new.shape, bool)
    return 1 - p_new <= np.quantile(scores, 1 - alpha)


def saliency(x, W1, b1, W2, b2, c):
    return (W2[c] * (W1 @ x + b1 > 0)) @ W1


def saliency_cases(rng):
    yield (
        np.array([1.0, 2.0]),
        np.array([[1.0, -1.0], [0.5, 1.0], [2.0, 0.0]]),
        np.array([0.0, 0.5, -1.0]),
        np.array([[1.0, 2.0, 3.0], [-1.0, 0.5, 1.0]]),
        np.array([0.1, -0.2]),
        0,
    )
    for D, H, K, c in [(4, 7, 3, 2), (6, 5, 10, 9), (3, 4, 2, 1)]:
        yield (
            rng.normal(size=D),
            rng.normal(size=(H, D)),
            rng.normal(size=H),
            rng.normal(size=(K, H)),
            rng.normal(size=K),
            c,
        )
    W1 = np.array([[1.0, 1.0], [1.0, -2.0]])
    yield np.array([1.0, -1.0]), W1, np.array([0.0, 0.5]), np.array([[3.0, 5.0]]), np.zeros(1), 0


def forward(x, W1, b1, W2, b2):
    hidden = W1 @ x + b1
    return hidden, W2 @ np.maximum(hidden, 0) + b2


def from_logits(weights):
    """The gradient of another function of the logits, whose own gradient is `weights`."""

    def gradient(x, W1, b1, W2, b2, c):
        hidden, z = forward(x, W1, b1, W2, b2)
        p = softmax(z[None])[0]
        return ((weights(p, np.eye(len(z))[c]) @ W2) * (hidden > 0)) @ W1

    return gradient


def without_relu(x, W1, b1, W2, b2, c):
    return W2[c] @ W1


def without_bias(x, W1, b1, W2, b2, c):
    return (W2[c] * (W1 @ x > 0)) @ W1


def hidden_instead(x, W1, b1, W2, b2, c):
    return (W2[c] * np.maximum(W1 @ x + b1, 0)) @ W1


def slope_one_at_kink(x, W1, b1, W2, b2, c):
    return (W2[c] * (W1 @ x + b1 >= 0)) @ W1


EXERCISES = (
    Exercise(
        "19.1",
        ("a", "b"),
        compare_cases,
        compare,
        (
            Slip(
                of_answers(apart),
                "That is the error for two test sets drawn apart. Here both answered the same "
                "images: take the differences first, image by image.",
            ),
            Slip(
                of_answers(lambda a, b: compare(b, a)),
                "The error is right. The difference is B's accuracy minus A's.",
            ),
            Slip(
                of_answers(lambda a, b: ((b - a).mean(), (b - a).std())),
                "That is the deviation of one image's difference. The mean of N of them scatters "
                "less.",
            ),
            Slip(
                of_answers(lambda a, b: ((b - a).mean(), (b - a).std(ddof=1) / np.sqrt(len(a)))),
                "Nearly: you divide by N − 1 in the deviation, and the exercise asks for N.",
            ),
            Slip(
                of_answers(at_95),
                "You have multiplied by 1.96. The standard error is without it.",
            ),
        ),
        near_misses=(
            of_answers(agreement_counted),
            of_answers(half_differ),
            of_answers(only_where_they_differ),
            of_answers(variance_of_mean),
            of_answers(lambda a, b: ((b - a).sum(), (b - a).std() * np.sqrt(len(a)))),
            of_answers(lambda a, b: (b.mean() - a.mean(), b.std() / np.sqrt(len(a)))),
            of_answers(lambda a, b: (abs(b.mean() - a.mean()), compare(a, b)[1])),
            of_answers(lambda a, b: ((b - a).mean(), (b - a).std() / len(a))),
        ),
        praise="The error bar is that of the differences, on the same images.",
    ),
    Exercise(
        "19.2",
        ("z", "y", "z_test", "y_test", "grid"),
        tempered_cases,
        tempered,
        (
            Slip(
                on_test,
                "You choose the temperature on the test images. Then their loss is no test any "
                "more.",
            ),
            Slip(
                scales_probabilities,
                "You divide probabilities. The temperature divides the logits, before softmax.",
            ),
            Slip(multiplies, "You multiply by T. Above 1 it must make the network less sure."),
            Slip(
                validation_loss,
                "The temperature is right. Return the loss of the test images with it.",
            ),
            Slip(
                forgets_to_divide,
                "The temperature is right. Divide the test logits by it, too.",
            ),
            Slip(place_of_best, "You return the place in the grid instead of the temperature."),
        ),
        near_misses=(
            naive,
            on_both,
            summed,
            by_accuracy,
            worst,
            root_in_test,
            lambda z, y, zt, yt, grid: (1.0, cross_entropy(zt, yt)),
            lambda z, y, zt, yt, grid: tempered(z, y, zt, yt, np.sort(grid)[1:-1][:2]),
        ),
        praise="Fitted on validation images, judged on test images, and safe at large logits.",
    ),
    Exercise(
        "19.3",
        ("p", "bins", "u"),
        null_cases,
        null_ece,
        (
            Slip(
                draws_first,
                "You average over the draws before the absolute values. A measured error has only "
                "one draw, whose gaps do not cancel.",
            ),
            Slip(
                without_absolute,
                "Gaps of both signs cancel. Take the absolute value in each bin.",
            ),
            Slip(one_bin, "You use one bin for all. Gaps of different bins must not cancel."),
            Slip(
                bins_equally_heavy,
                "Each bin counts as much as another. Weight it by its share of the images.",
            ),
            Slip(other_half, "An image is right if its u is below the confidence, not above it."),
            Slip(
                every_image_alone,
                "Take the absolute value of a bin's sum, not of every image.",
            ),
        ),
        near_misses=(
            closed_left,
            first_class,
            squared_gaps,
            bins_from_half,
            one_bin_more,
            bins_summed,
            lambda p, bins, u: null_ece(p, bins, u[:1]),
            lambda p, bins, u: null_ece(p, bins, u) / bins,
        ),
    ),
    Exercise(
        "19.4",
        ("p", "y", "p_new", "alpha"),
        lists_cases,
        lists,
        (
            Slip(
                rank_of(lambda n, alpha: np.ceil(n * (1 - alpha))),
                "You count n scores. With the new image there are n + 1, all equally likely to "
                "have any rank.",
            ),
            Slip(
                clipped,
                "With too few calibration images the largest known score is no limit: a new one "
                "exceeds it too often. Then every class is in the list.",
            ),
            Slip(
                empty_when_few,
                "With too few calibration images nothing can be excluded: all classes, not none.",
            ),
            Slip(
                counted_from_zero, "You are one rank too high: the k-th smallest is scores[k − 1]."
            ),
            Slip(
                rank_of(lambda n, alpha: np.ceil((n + 1) * alpha)),
                "Your rank belongs to α, the share of errors. The limit holds a share 1 − α.",
            ),
            Slip(
                by_largest,
                "Your score takes the largest probability. It must take that of the label.",
            ),
        ),
        near_misses=(
            strictly,
            best_only,
            above_promise,
            outside,
            interpolated,
            rank_of(lambda n, alpha: np.round((n + 1) * (1 - alpha))),
            rank_of(lambda n, alpha: np.ceil((n - 1) * (1 - alpha))),
            rank_of(lambda n, alpha: np.ceil((n + 1) * (1 - alpha / 2))),
        ),
        praise="The rank counts the new image, and few images exclude nothing.",
    ),
    Exercise(
        "19.5",
        ("x", "W1", "b1", "W2", "b2", "c"),
        saliency_cases,
        saliency,
        (
            Slip(
                from_logits(lambda p, own: p - own),
                "That is the gradient of the loss of class c. Start with 1 at the logit.",
            ),
            Slip(
                from_logits(lambda p, own: (p @ own) * (own - p)),
                "That is the gradient of the probability. The logit needs no softmax.",
            ),
            Slip(without_relu, "Through hidden units that are silent nothing passes."),
            Slip(
                without_bias,
                "Which units are silent depends on their bias, too.",
            ),
            Slip(
                hidden_instead,
                "You multiply by the activations. The slope of max(h, 0) is 1 or 0.",
            ),
        ),
        near_misses=(
            slope_one_at_kink,
            from_logits(lambda p, own: own - p),
            from_logits(lambda p, own: np.ones(len(own))),
            lambda x, W1, b1, W2, b2, c: np.abs(saliency(x, W1, b1, W2, b2, c)),
            lambda x, W1, b1, W2, b2, c: x * saliency(x, W1, b1, W2, b2, c),
            lambda x, W1, b1, W2, b2, c: -saliency(x, W1, b1, W2, b2, c),
            lambda x, W1, b1, W2, b2, c: saliency(x, W1, b1, W2, b2, c - 1),
            lambda x, W1, b1, W2, b2, c: (W2[c] * (W1 @ x + b1 < 0)) @ W1,
            lambda x, W1, b1, W2, b2, c: saliency(x, np.abs(W1), b1, W2, b2, c),
        ),
    ),
)
