"""Exercises of chapter 5: a hinge, another prior, focal loss, overlap, negatives, expectiles."""

import numpy as np

from bookkit.exercises.engine import Exercise, Slip


def hinge_loss(scores, labels):
    y = 2 * labels - 1
    missing = np.maximum(0, 1 - y * scores)
    return float(missing.mean()), np.where(missing > 0, -y, 0) / scores.size


def hinge_loss_cases(rng):
    yield np.array([0.3]), np.array([1])
    yield np.array([1.2, -0.5, 0.8]), np.array([1, 0, 1])
    yield np.array([1.0, -1.0, 0.5, 2.0]), np.array([1, 0, 0, 0])
    for size in (7, 20):
        yield rng.normal(scale=2, size=size), rng.integers(2, size=size)


def unconverted_hinge(scores, labels):
    missing = np.maximum(0, 1 - labels * scores)
    return float(missing.mean()), np.where(missing > 0, -labels, 0) / scores.size


def hinge_parts(change_value, change_gradient):
    def changed(scores, labels):
        value, gradient = hinge_loss(scores, labels)
        return change_value(value, scores), change_gradient(gradient, scores)

    return changed


def hinge_of_wrong_sign(scores, labels):
    return hinge_loss(scores, 1 - labels)


def everywhere_active(scores, labels):
    return hinge_loss(scores, labels)[0], -(2 * labels - 1) / scores.size


def active_at_the_kink(scores, labels):
    y = 2 * labels - 1
    active = 1 - y * scores >= 0
    return hinge_loss(scores, labels)[0], np.where(active, -y, 0) / scores.size


def without_margin(scores, labels):
    y = 2 * labels - 1
    missing = np.maximum(0, -y * scores)
    return float(missing.mean()), np.where(missing > 0, -y, 0) / scores.size


def keep(value, _):
    return value


def move(p, old, new):
    moved = p * new / old
    return moved / moved.sum(axis=1, keepdims=True)


def move_cases(rng):
    yield np.array([[0.5, 0.5]]), np.array([0.9, 0.1]), np.array([0.5, 0.5])
    yield np.array([[0.9, 0.1], [0.4, 0.6]]), np.array([0.8, 0.2]), np.array([0.3, 0.7])
    for samples, classes in ((3, 3), (20, 10)):
        yield (
            rng.dirichlet(np.ones(classes), samples),
            rng.dirichlet(np.full(classes, 5.0)),
            rng.dirichlet(np.full(classes, 5.0)),
        )


def normalized(p):
    return p / p.sum(axis=1, keepdims=True)


def focal_settles(pi, gamma):
    low, high = -20.0, 20.0
    for _ in range(100):
        z = (low + high) / 2
        p, q = 1 / (1 + np.exp(-z)), 1 / (1 + np.exp(z))
        down = pi * q**gamma * (q - gamma * p * np.log(p))
        up = (1 - pi) * p**gamma * (p - gamma * q * np.log(q))
        low, high = (z, high) if up < down else (low, z)
    return float(p)


def focal_settles_cases(rng):
    yield 0.1, 0
    yield 0.1, 2
    yield 0.9, 2
    yield 0.01, 5
    for _ in range(3):
        yield float(rng.uniform(0.02, 0.98)), float(rng.uniform(0.2, 4))


def settles_on_weights(pi, gamma):
    """Where the weights of the two classes alone would balance: π q^γ = (1 − π) p^γ."""
    if gamma == 0:
        return pi
    odds = (pi / (1 - pi)) ** (1 / gamma)
    return odds / (1 + odds)


def settles_without_product_rule(pi, gamma):
    """The zero of the slope that treats q^γ as a constant: π q^(γ+1) = (1 − π) p^(γ+1)."""
    odds = (pi / (1 - pi)) ** (1 / (gamma + 1))
    return odds / (1 + odds)


def iou_loss(p, t):
    overlap = (p * t).sum()
    union = p.sum() + t.sum() - overlap
    jaccard = overlap / union
    return float(1 - jaccard), (jaccard * (1 - t) - t) / union


def iou_loss_cases(rng):
    yield np.array([0.5, 0.5]), np.array([1.0, 0.0])
    yield np.array([1.0, 0.5, 0.0]), np.array([1.0, 0.0, 0.0])
    for size in (5, 30):
        target = rng.integers(2, size=size).astype(float)
        target[0] = 1.0
        yield rng.uniform(size=size), target


def dice_loss(p, t):
    both = p.sum() + t.sum()
    coefficient = 2 * (p * t).sum() / both
    return float(1 - coefficient), (coefficient - 2 * t) / both


def iou_with_constant_union(p, t):
    value, _ = iou_loss(p, t)
    return value, -t / (p.sum() + t.sum() - (p * t).sum())


def iou_with_slope_of_union_one(p, t):
    overlap = (p * t).sum()
    union = p.sum() + t.sum() - overlap
    return float(1 - overlap / union), (overlap / union - t) / union


def iou_itself(p, t):
    value, gradient = iou_loss(p, t)
    return 1 - value, -gradient


def iou_against_gradient(p, t):
    value, gradient = iou_loss(p, t)
    return value, -gradient


def union_counted_twice(p, t):
    overlap = (p * t).sum()
    both = p.sum() + t.sum()
    return float(1 - overlap / both), (overlap / both - t) / both


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
    for rows, classes in ((8, 3), (30, 4)):
        labels = np.r_[np.arange(classes), rng.integers(classes, size=rows - classes)]
        yield rng.normal(size=(rows, 3)), labels


def nearest_of_all(e, labels):
    squared = ((e[:, None] - e) ** 2).sum(axis=2)
    np.fill_diagonal(squared, np.inf)
    return squared.argmin(axis=1)


def their_distances(e, labels):
    rows = np.arange(len(e))
    return np.sqrt(((e[rows] - e[hardest_negatives(e, labels)]) ** 2).sum(axis=1))


def by_city_blocks(e, labels):
    distance = np.abs(e[:, None] - e).sum(axis=2)
    distance[labels[:, None] == labels] = np.inf
    return distance.argmin(axis=1)


def asymmetric(prediction, target, tau):
    error = prediction - target
    factor = np.where(error < 0, tau, 1 - tau)
    return float((factor * error**2).mean()), 2 * factor * error / error.size


def asymmetric_cases(rng):
    yield np.array([1.0]), np.array([2.0]), 0.9
    yield np.array([1.0, 3.0]), np.array([2.0, 2.0]), 0.9
    for size, tau in ((4, 0.5), (6, 0.1), (20, 0.75)):
        yield rng.normal(size=size), rng.normal(size=size), tau


def asymmetric_parts(change_value, change_gradient):
    def changed(prediction, target, tau):
        value, gradient = asymmetric(prediction, target, tau)
        return change_value(value, prediction), change_gradient(gradient, prediction)

    return changed


def asymmetric_linear(prediction, target, tau):
    error = prediction - target
    factor = np.where(error < 0, tau, 1 - tau)
    slope = np.where(error < 0, -tau, 1 - tau) / error.size
    return float((factor * np.abs(error)).mean()), slope


EXERCISES = (
    Exercise(
        "5.1",
        ("scores", "labels"),
        hinge_loss_cases,
        hinge_loss,
        (
            Slip(
                unconverted_hinge,
                "With the label 0 the product y·s is 0, and the loss is 1 for every score. "
                "Turn the labels into −1 and 1 first.",
            ),
            Slip(
                hinge_of_wrong_sign,
                "Your −1 and 1 are exchanged: label 1 should want a large score.",
            ),
            Slip(
                hinge_parts(keep, lambda g, s: -g),
                "The loss is right, but the gradient has the opposite sign. For a positive that "
                "lacks margin, a larger score makes the loss smaller.",
            ),
            Slip(
                hinge_parts(keep, lambda g, s: g * s.size),
                "The loss is right. Its gradient must be divided by the number of scores too.",
            ),
            Slip(
                hinge_parts(lambda v, s: v * s.size, lambda g, s: g * s.size),
                "That is the sum over the scores. Take the mean, in the loss and in the gradient.",
            ),
            Slip(
                active_at_the_kink,
                "Exactly at a margin of 1 the exercise asks for the subgradient 0.",
            ),
            Slip(
                everywhere_active,
                "Where the margin is at least 1 the loss is the constant 0. What is its slope?",
            ),
            Slip(
                without_margin,
                "That is the perceptron's loss: right is enough for it. Ask for a margin of 1.",
            ),
            Slip(
                lambda s, t: hinge_loss(s, t)[0],
                "That is the loss alone. Return the pair: the loss, then the gradient.",
            ),
        ),
        praise="Also for the labels 0 and 1, and at the kink.",
    ),
    Exercise(
        "5.2",
        ("p", "old", "new"),
        move_cases,
        move,
        (
            Slip(
                lambda p, old, new: p * new / old,
                "The factors are right, but the rows no longer sum to 1.",
            ),
            Slip(
                lambda p, old, new: normalized(p * old / new),
                "You moved in the wrong direction: the old prior is to be taken out, and the new "
                "one put in.",
            ),
            Slip(
                lambda p, old, new: normalized(p / old),
                "The old prior is out. Now put the new one in.",
            ),
            Slip(
                lambda p, old, new: normalized(p * new),
                "The new prior is in, but the old one is still in p as well.",
            ),
            Slip(
                lambda p, old, new: p * new / old / (p * new / old).sum(axis=0),
                "Each row must sum to 1, and a row runs along axis 1.",
            ),
            Slip(
                lambda p, old, new: p - np.log(old) + np.log(new),
                "Logarithms are added to logits; probabilities are multiplied.",
            ),
        ),
        praise="Nothing had to be trained again.",
    ),
    Exercise(
        "5.3",
        ("pi", "gamma"),
        focal_settles_cases,
        focal_settles,
        (
            Slip(
                lambda pi, gamma: pi,
                "That is what cross-entropy settles on, the case γ = 0.",
            ),
            Slip(
                settles_without_product_rule,
                "You balanced π q^γ·q against (1 − π) p^γ·p. The factor q^γ changes with p too: "
                "the product rule gives a second term, −γ p log p.",
            ),
            Slip(
                settles_on_weights,
                "You balanced the weights π q^γ and (1 − π) p^γ. It is the slopes of the loss that "
                "must balance.",
            ),
            Slip(
                lambda pi, gamma: 1 - focal_settles(pi, gamma),
                "That is the probability of being negative.",
            ),
            Slip(
                lambda pi, gamma: float(
                    np.log(focal_settles(pi, gamma) / (1 - focal_settles(pi, gamma)))
                ),
                "That is the logit. Return the probability.",
            ),
        ),
        tolerance=1e-6,
        scale=lambda pi, gamma: 1.0,
        praise="It lies between π and one half, always.",
    ),
    Exercise(
        "5.4",
        ("p", "t"),
        iou_loss_cases,
        iou_loss,
        (
            Slip(
                dice_loss,
                "That is the Dice loss. In J the overlap is counted once, above and below.",
            ),
            Slip(
                union_counted_twice,
                "The union is the sum of both sizes minus the overlap, which would otherwise "
                "be counted twice.",
            ),
            Slip(
                iou_with_constant_union,
                "The loss is right. In the gradient the union changes with p as well.",
            ),
            Slip(
                iou_with_slope_of_union_one,
                "The loss is right. The slope of the union is 1 on the background, but what is it "
                "inside the object?",
            ),
            Slip(
                iou_against_gradient,
                "The loss is right, but the gradient has the opposite sign: inside the object a "
                "larger p makes the loss smaller.",
            ),
            Slip(iou_itself, "That is J and its slope. The loss is 1 − J."),
        ),
        praise="Two slopes again: one for the object, one for the background.",
    ),
    Exercise(
        "5.5",
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
                by_city_blocks,
                "You added absolute differences. Euclidean distance adds their squares.",
            ),
        ),
    ),
    Exercise(
        "5.6",
        ("prediction", "target", "tau"),
        asymmetric_cases,
        asymmetric,
        (
            Slip(
                lambda p, t, tau: asymmetric(p, t, 1 - tau),
                "The two factors are exchanged. Too little planned, e < 0, costs τ.",
            ),
            Slip(
                asymmetric_parts(keep, lambda g, p: -g),
                "The loss is right, but the gradient has the opposite sign. If too little was "
                "planned, a larger prediction makes the loss smaller.",
            ),
            Slip(
                asymmetric_parts(keep, lambda g, p: g * p.size),
                "The loss is right. Its gradient must be divided by the number of entries too.",
            ),
            Slip(
                asymmetric_parts(lambda v, p: v * p.size, lambda g, p: g * p.size),
                "That is the sum over the entries. Take the mean, in the loss and in the gradient.",
            ),
            Slip(
                asymmetric_parts(keep, lambda g, p: g / 2),
                "The loss is right. The derivative of e² is 2e.",
            ),
            Slip(
                asymmetric_linear,
                "You charge |e|, which asks for a quantile. Here the error is squared.",
            ),
            Slip(
                lambda p, t, tau: asymmetric(p, t, tau)[0],
                "That is the loss alone. Return the pair: the loss, then the gradient.",
            ),
        ),
        praise="Did you find that τ = ½ settles on the mean, and τ → 1 on the largest value?",
    ),
)
