"""Exercises of chapter 6: springs, hard negatives, one look, a cosine's slope, an expectile."""

import numpy as np

from bookkit.exercises.engine import Exercise, Slip


def keep(part, *_):
    return part


def changed(reference, change_value, change_gradient):
    """The right value and gradient, each changed by a function of it and the arguments."""

    def wrong(*arguments):
        value, gradient = reference(*arguments)
        return change_value(value, *arguments), change_gradient(gradient, *arguments)

    return wrong


def springs(a, b, same, margin):
    difference = a - b
    distance = np.sqrt((difference**2).sum(axis=1))
    slope = np.where(same, distance, -np.maximum(0, margin - distance))
    gradient = (slope / distance)[:, None] * difference / len(a)
    return float((slope**2 / 2).mean()), gradient


def springs_cases(rng):
    yield np.array([[3.0, 4.0]]), np.zeros((1, 2)), np.array([True]), 1.0
    yield np.array([[0.3, 0.4]]), np.zeros((1, 2)), np.array([False]), 1.5
    yield (
        np.array([[3.0, 4.0], [0.3, 0.4], [1.2, 1.6]]),
        np.zeros((3, 2)),
        np.array([True, False, False]),
        1.5,
    )
    for rows, width, margin in ((5, 3, 2.0), (12, 4, 3.0), (7, 2, 0.7)):
        same = rng.random(rows) < 0.5
        same[:2] = True, False
        yield rng.normal(size=(rows, width)), rng.normal(size=(rows, width)), same, margin


def springs_by(value_of, slope_of):
    """Springs whose value and slope are other functions of (distance, same, margin)."""

    def wrong(a, b, same, margin):
        difference = a - b
        distance = np.sqrt((difference**2).sum(axis=1))
        slope = slope_of(distance, same, margin)
        gradient = (slope / distance)[:, None] * difference / len(a)
        return float(value_of(distance, same, margin).mean()), gradient

    return wrong


def right_value(distance, same, margin):
    return np.where(same, distance, np.maximum(0, margin - distance)) ** 2 / 2


def right_slope(distance, same, margin):
    return np.where(same, distance, -np.maximum(0, margin - distance))


def hardest_negatives(e, labels):
    return chosen(e, labels, same=False, nearest=True)


def chosen(e, labels, same, nearest):
    """For each row the nearest or farthest other row of the same class, or of another."""
    squared = ((e[:, None] - e) ** 2).sum(axis=2)
    allowed = (labels[:, None] == labels) == same
    np.fill_diagonal(allowed, False)
    if nearest:
        return np.where(allowed, squared, np.inf).argmin(axis=1)
    return np.where(allowed, squared, -np.inf).argmax(axis=1)


def hardest_negatives_cases(rng):
    yield np.array([[0.0], [1.0], [2.5]]), np.array([0, 0, 1])
    yield np.array([[0.0, 0.0], [0.1, 0.0], [3.0, 0.0], [0.0, 4.0]]), np.array([0, 0, 1, 1])
    yield np.array([[2.0, 2.0], [3.1, 0.1], [0.0, 2.9], [8.0, 9.0]]), np.array([3, 1, 1, 3])
    for rows, classes in ((8, 3), (30, 4)):
        labels = np.r_[np.arange(classes), rng.integers(classes, size=rows - classes)]
        yield 3 + rng.normal(size=(rows, 3)), labels
    yield 3 * rng.normal(size=(12, 2)), np.repeat([5, 2], 6)


def nearest_of_all(e, labels):
    squared = ((e[:, None] - e) ** 2).sum(axis=2)
    np.fill_diagonal(squared, np.inf)
    return squared.argmin(axis=1)


def by_measure(measure):
    def wrong(e, labels):
        distance = measure(e[:, None] - e).astype(float)
        distance[labels[:, None] == labels] = np.inf
        return distance.argmin(axis=1)

    return wrong


def by_cosine(e, labels):
    direction = e / np.maximum(np.linalg.norm(e, axis=1, keepdims=True), 1e-12)
    cosine = np.where(labels[:, None] == labels, -np.inf, direction @ direction.T)
    return cosine.argmax(axis=1)


def by_inner_product(e, labels):
    return np.where(labels[:, None] == labels, -np.inf, e @ e.T).argmax(axis=1)


def their_distances(e, labels):
    return np.sqrt(((e - e[hardest_negatives(e, labels)]) ** 2).sum(axis=1))


def one_for_each_class(e, labels):
    """The nearest stranger of the mean of a row's class."""
    centers = np.array([e[labels == label].mean(axis=0) for label in labels])
    squared = ((centers[:, None] - e) ** 2).sum(axis=2)
    squared[labels[:, None] == labels] = np.inf
    return squared.argmin(axis=1)


def recognize(e, labels, known):
    return recognized(e, labels, known)


def recognized(e, labels, known, similarity=None, rest=None, score=np.mean):
    direction = e / np.linalg.norm(e, axis=1, keepdims=True)
    rest = np.delete(np.arange(len(e)), known) if rest is None else rest
    scores = direction[rest] @ direction[known].T
    if similarity is not None:
        scores = similarity(e[rest], e[known])
    return float(score(labels[known][scores.argmax(axis=1)] == labels[rest]))


def recognize_cases(rng):
    e = np.array([[1.0, 0.0], [0.0, 1.0], [9.0, 1.0], [0.2, 3.0], [1.0, 0.8], [0.5, 4.0]])
    yield e, np.array([0, 1, 0, 1, 1, 1]), np.array([0, 1])
    for classes, each, width, shots in ((3, 6, 3, 1), (4, 9, 2, 2), (3, 12, 4, 3)):
        labels = rng.permutation(np.repeat(np.arange(classes) + 4, each))
        centers = 1.2 * rng.normal(size=(classes, width))
        e = (centers[labels - 4] + rng.normal(size=(labels.size, width))) * np.exp(
            rng.normal(size=(labels.size, 1))
        )
        known = np.concatenate(
            [rng.choice(np.flatnonzero(labels == k), shots, replace=False) for k in set(labels)]
        )
        yield e, labels, known


def unit(rows):
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def negative_distance(rows, known):
    return -((rows[:, None] - known) ** 2).sum(axis=2)


def by_means(e, labels, known):
    """Each class is the mean of its known rows."""
    classes = np.unique(labels)
    means = np.array([e[known][labels[known] == k].mean(axis=0) for k in classes])
    rows = np.vstack([e, means])
    everything = np.concatenate([labels, classes])
    rest = np.delete(np.arange(len(e)), known)
    return recognized(rows, everything, np.arange(len(e), len(rows)), rest=rest)


def mean_over_classes(e, labels, known):
    direction = e / np.linalg.norm(e, axis=1, keepdims=True)
    rest = np.delete(np.arange(len(e)), known)
    right = labels[known][(direction[rest] @ direction[known].T).argmax(axis=1)] == labels[rest]
    return float(np.mean([right[labels[rest] == k].mean() for k in np.unique(labels)]))


def nearest_other_row(e, labels, known):
    """Every row may be looked at, but for the row itself."""
    direction = e / np.linalg.norm(e, axis=1, keepdims=True)
    rest = np.delete(np.arange(len(e)), known)
    cosine = direction @ direction.T
    np.fill_diagonal(cosine, -np.inf)
    return float((labels[cosine.argmax(axis=1)] == labels)[rest].mean())


def cosine_distance(a, b):
    length = np.linalg.norm(a, axis=1, keepdims=True)
    u, v = a / length, b / np.linalg.norm(b, axis=1, keepdims=True)
    cosine = (u * v).sum(axis=1, keepdims=True)
    return float((1 - cosine).mean()), -(v - cosine * u) / length / len(a)


def cosine_distance_cases(rng):
    yield np.array([[3.0, 4.0]]), np.array([[2.0, 0.0]])
    yield np.array([[3.0, 4.0], [0.0, 2.0]]), np.array([[2.0, 0.0], [1.0, 1.0]])
    for rows, width in ((3, 5), (20, 4)):
        yield 2 * rng.normal(size=(rows, width)), rng.normal(size=(rows, width))
    yield (
        np.array([[1.0, 2.0, 2.0], [0.5, -1.0, 2.0]]),
        np.array([[2.0, 4.0, 4.0], [-1.0, 2.0, -4.0]]),
    )


def units(a, b):
    u, v = unit(a), unit(b)
    return u, v, (u * v).sum(axis=1, keepdims=True)


def keep_value(slope):
    """The right value, and another gradient, from a, b, û, v̂, c and the length of a."""

    def wrong(a, b):
        length = np.linalg.norm(a, axis=1, keepdims=True)
        return cosine_distance(a, b)[0], slope(a, b, *units(a, b), length) / len(a)

    return wrong


def inner_product(a, b):
    return float((1 - (a * b).sum(axis=1)).mean()), -b / len(a)


def angle(a, b):
    """The angle itself in place of 1 − cos."""
    length = np.linalg.norm(a, axis=1, keepdims=True)
    u, v, cosine = units(a, b)
    sine = np.sqrt(np.maximum(1 - cosine**2, 1e-12))
    return float(np.arccos(np.clip(cosine, -1, 1)).mean()), -(v - cosine * u) / sine / length / len(
        a
    )


def cosine_of_all(a, b):
    """One cosine of the two arrays, as if each were a single vector."""
    length = np.linalg.norm(a)
    u, v = a / length, b / np.linalg.norm(b)
    cosine = (u * v).sum()
    return float(1 - cosine), -(v - cosine * u) / length


def asymmetric(prediction, target, tau):
    error = prediction - target
    factor = np.where(error < 0, tau, 1 - tau)
    return float((factor * error**2).mean()), 2 * factor * error / error.size


def asymmetric_cases(rng):
    yield np.array([1.0]), np.array([2.0]), 0.9
    yield np.array([1.0, 3.0]), np.array([2.0, 2.0]), 0.9
    for size, tau in ((4, 0.5), (6, 0.1), (20, 0.75)):
        yield rng.normal(size=size), rng.normal(size=size), tau
    yield (
        np.array([[1.0, 4.0, 2.5], [0.0, 1.0, 7.0]]),
        np.array([[2.0, 2.0, 2.0], [3.0, 1.0, 5.0]]),
        0.8,
    )


def asymmetric_by(value, slope):
    """Another value and slope of each error, from the error, its factor and τ."""

    def wrong(prediction, target, tau):
        error = prediction - target
        factor = np.where(error < 0, tau, 1 - tau)
        return (
            float(value(error, factor, tau).mean()),
            slope(error, factor, tau) / error.size,
        )

    return wrong


EXERCISES = (
    Exercise(
        "6.1",
        ("a", "b", "same", "margin"),
        springs_cases,
        springs,
        (
            Slip(
                lambda a, b, same, margin: springs(a, b, ~same, margin),
                "The two branches are exchanged: pairs of the same class are pulled together.",
            ),
            Slip(
                changed(springs, keep, lambda g, *_: -g),
                "The loss is right, but the gradient has the opposite sign. A pair of one class "
                "costs less if a moves towards b.",
            ),
            Slip(
                changed(springs, keep, lambda g, a, *_: g * len(a)),
                "The loss is right. Its gradient must be divided by the number of pairs too.",
            ),
            Slip(
                changed(springs, lambda v, a, *_: v * len(a), lambda g, a, *_: g * len(a)),
                "That is the sum over the pairs. Take the mean, in the loss and in the gradient.",
            ),
            Slip(
                springs_by(lambda *d: 2 * right_value(*d), lambda *d: 2 * right_slope(*d)),
                "Both branches have the factor ½.",
            ),
            Slip(
                springs_by(right_value, lambda d, same, m: np.where(same, d, np.maximum(0, m - d))),
                "The loss is right. In the gradient the push has the sign of a pull: what happens "
                "to max(0, m − D) when D grows?",
            ),
            Slip(
                springs_by(
                    lambda d, same, m: np.where(same, d, m - d) ** 2 / 2,
                    lambda d, same, m: np.where(same, d, -(m - d)),
                ),
                "A pair of different classes that is farther apart than the margin is left alone. "
                "Yours is pulled back.",
            ),
            Slip(
                lambda *case: springs(*case)[0],
                "That is the loss alone. Return the pair: the loss, then the gradient.",
            ),
        ),
        near_misses=(
            changed(springs, keep, lambda g, a, b, same, m: np.where(same[:, None], g, 0)),
            changed(springs, keep, lambda g, a, b, same, m: g / 2),
            changed(springs, lambda v, a, *_: v / a.shape[1], keep),
            springs_by(right_value, lambda d, same, m: right_slope(d, same, m) * d),
            springs_by(right_value, lambda d, same, m: np.where(same, d, -1.0 * (d < m))),
            springs_by(
                lambda d, same, m: np.where(same, d**2, np.maximum(0, m - d**2)) / 2,
                lambda d, same, m: np.where(same, d, -d * (d**2 < m)),
            ),
            springs_by(
                lambda d, same, m: np.where(same, d**2, np.maximum(0, m**2 - d**2)) / 2,
                lambda d, same, m: np.where(same, d, -d * (d < m)),
            ),
            springs_by(
                lambda d, same, m: np.where(same, d, np.maximum(0, m - d)),
                lambda d, same, m: np.where(same, 1.0, -1.0 * (d < m)),
            ),
            lambda a, b, same, margin: springs(a, b, same, 1.0),
            changed(springs, keep, lambda g, *_: g.round(2)),
        ),
        praise="A pair beyond the margin is left alone.",
    ),
    Exercise(
        "6.2",
        ("e", "labels"),
        hardest_negatives_cases,
        hardest_negatives,
        (
            Slip(
                nearest_of_all,
                "That is the nearest row of any class. A negative has another label.",
            ),
            Slip(
                lambda e, labels: np.arange(len(e)),
                "Each row is nearest to itself. Only rows with another label count.",
            ),
            Slip(
                lambda e, labels: chosen(e, labels, same=False, nearest=False),
                "Those are the easiest negatives, the farthest ones. The hardest is the nearest.",
            ),
            Slip(
                lambda e, labels: chosen(e, labels, same=True, nearest=False),
                "Those are the hardest positives.",
            ),
            Slip(
                lambda e, labels: chosen(e, labels, same=True, nearest=True),
                "Those have the same label. Negatives have another one.",
            ),
            Slip(
                their_distances,
                "Those are the distances of the right rows. Return their indices.",
            ),
            Slip(
                by_measure(lambda d: np.abs(d).sum(axis=2)),
                "You added absolute differences. Euclidean distance adds their squares.",
            ),
        ),
        near_misses=(
            by_measure(lambda d: np.abs(d).max(axis=2)),
            by_measure(lambda d: np.abs(d.sum(axis=2))),
            by_measure(lambda d: (d[..., :1] ** 2).sum(axis=2)),
            by_cosine,
            by_inner_product,
            one_for_each_class,
            lambda e, labels: labels[hardest_negatives(e, labels)],
            lambda e, labels: hardest_negatives(e.round(), labels),
        ),
        praise="Whatever the labels are called.",
    ),
    Exercise(
        "6.3",
        ("e", "labels", "known"),
        recognize_cases,
        recognize,
        (
            Slip(
                lambda e, y, known: recognized(e, y, known, rest=np.arange(len(e))),
                "You also test the known rows, which recognize themselves. Leave them out.",
            ),
            Slip(
                lambda e, y, known: recognized(e, y, known, similarity=negative_distance),
                "You take the nearest by Euclidean distance. The exercise asks for the largest "
                "cosine, which looks at directions alone.",
            ),
            Slip(
                lambda e, y, known: recognized(e, y, known, similarity=lambda a, b: a @ b.T),
                "Those are inner products: a long known row wins because it is long. Divide by "
                "the lengths.",
            ),
            Slip(
                nearest_other_row,
                "You compare with all other rows, whose labels may not be looked at. Compare with "
                "the known rows only.",
            ),
            Slip(
                lambda e, y, known: recognized(e, y, known, score=lambda right: 1 - right.mean()),
                "That is the share of errors.",
            ),
            Slip(
                lambda e, y, known: recognized(e, y, known, score=np.sum),
                "That is how many are right. Divide by how many were tested.",
            ),
            Slip(
                by_means,
                "You average the known rows of each class first. Here the single known row with "
                "the largest cosine decides.",
            ),
        ),
        near_misses=(
            mean_over_classes,
            lambda e, y, known: recognized(
                e, y, known, similarity=lambda a, b: -(unit(a) @ unit(b).T)
            ),
            lambda e, y, known: recognized(
                e, y, known, similarity=lambda a, b: abs(unit(a) @ unit(b).T)
            ),
            lambda e, y, known: recognized(e, y, known[: len(set(y.tolist()))]),
            lambda e, y, known: recognized(e, y, known, score=np.sum) / len(e),
            lambda e, y, known: recognized(
                e, y, known, similarity=lambda a, b: negative_distance(unit(a), b)
            ),
            lambda e, y, known: recognized(e - e.mean(axis=0), y, known),
            lambda e, y, known: round(recognize(e, y, known), 1),
        ),
        praise="Directions alone have decided.",
    ),
    Exercise(
        "6.4",
        ("a", "b"),
        cosine_distance_cases,
        cosine_distance,
        (
            Slip(
                changed(cosine_distance, keep, lambda g, *_: -g),
                "The value is right. The gradient is that of the cosine; one minus it has the "
                "opposite slope.",
            ),
            Slip(
                changed(cosine_distance, keep, lambda g, a, b: g * len(a)),
                "The value is right. Its gradient must be divided by the number of rows too.",
            ),
            Slip(
                changed(cosine_distance, lambda v, a, b: v * len(a), lambda g, a, b: g * len(a)),
                "That is the sum over the rows. Take the mean, in the value and in the gradient.",
            ),
            Slip(
                keep_value(lambda a, b, u, v, c, length: -(v - c * u)),
                "The value is right. The slope must still be divided by the length of a: a longer "
                "vector turns more slowly.",
            ),
            Slip(
                keep_value(lambda a, b, u, v, c, length: -v / length),
                "The value is right. Your slope has a part along a, but a longer a has the same "
                "cosine.",
            ),
            Slip(
                inner_product,
                "That is one minus the inner product. A cosine divides by both lengths.",
            ),
            Slip(
                changed(cosine_distance, lambda v, *_: 1 - v, lambda g, *_: -g),
                "That is the cosine and its gradient. The distance is one minus it.",
            ),
            Slip(
                lambda a, b: cosine_distance(a, b)[0],
                "That is the value alone. Return the pair: the value, then the gradient.",
            ),
        ),
        near_misses=(
            keep_value(lambda a, b, u, v, c, length: -(b - c * u) / length),
            keep_value(lambda a, b, u, v, c, length: -(v - c * a) / length),
            keep_value(lambda a, b, u, v, c, length: -(v - c * u) / length**2),
            keep_value(lambda a, b, u, v, c, length: -(u - c * v) / length),
            keep_value(lambda a, b, u, v, c, length: -(v + c * u) / length),
            changed(cosine_distance, keep, lambda g, a, b: g / a.shape[1] * len(a)),
            angle,
            cosine_of_all,
            lambda a, b: (cosine_distance(a, b)[0] / 2, cosine_distance(a, b)[1] / 2),
            lambda a, b: (cosine_distance(a, b)[0], cosine_distance(b, a)[1]),
        ),
        praise="The slope is at right angles to a.",
    ),
    Exercise(
        "6.5",
        ("prediction", "target", "tau"),
        asymmetric_cases,
        asymmetric,
        (
            Slip(
                lambda p, t, tau: asymmetric(p, t, 1 - tau),
                "The two factors are exchanged. Too little planned, e < 0, costs τ.",
            ),
            Slip(
                changed(asymmetric, keep, lambda g, *_: -g),
                "The loss is right, but the gradient has the opposite sign. If too little was "
                "planned, a larger prediction makes the loss smaller.",
            ),
            Slip(
                changed(asymmetric, keep, lambda g, p, *_: g * p.size),
                "The loss is right. Its gradient must be divided by the number of entries too.",
            ),
            Slip(
                changed(asymmetric, lambda v, p, *_: v * p.size, lambda g, p, *_: g * p.size),
                "That is the sum over the entries. Take the mean, in the loss and in the gradient.",
            ),
            Slip(
                changed(asymmetric, keep, lambda g, *_: g / 2),
                "The loss is right. The derivative of e² is 2e.",
            ),
            Slip(
                asymmetric_by(lambda e, f, tau: f * np.abs(e), lambda e, f, tau: f * np.sign(e)),
                "You charge |e|, which asks for a quantile. Here the error is squared.",
            ),
            Slip(
                lambda p, t, tau: asymmetric(p, t, tau)[0],
                "That is the loss alone. Return the pair: the loss, then the gradient.",
            ),
        ),
        near_misses=(
            asymmetric_by(lambda e, f, tau: f * e**2, lambda e, f, tau: 2 * np.abs(f * e)),
            asymmetric_by(
                lambda e, f, tau: np.where(e < 0, tau, 1) * e**2,
                lambda e, f, tau: 2 * np.where(e < 0, tau, 1) * e,
            ),
            asymmetric_by(lambda e, f, tau: (f * e) ** 2, lambda e, f, tau: 2 * f**2 * e),
            asymmetric_by(lambda e, f, tau: f * e**2 / 2, lambda e, f, tau: f * e),
            asymmetric_by(lambda e, f, tau: f * e**2, lambda e, f, tau: 2 * e),
            asymmetric_by(lambda e, f, tau: f * e**2, lambda e, f, tau: 2 * tau * e),
            changed(asymmetric, lambda v, p, *_: v * p.size / len(p), keep),
            changed(asymmetric, keep, lambda g, p, *_: g * p.size / len(p)),
            lambda p, t, tau: asymmetric(p, t, 0.9),
            lambda p, t, tau: (asymmetric(p, t, tau)[0] ** 0.5, asymmetric(p, t, tau)[1]),
        ),
        praise="Half of it, at τ = ½, is squared error's half.",
    ),
)
