"""Exercises of chapter 5: a hinge, another prior, where focal loss settles, Jaccard's slope."""

import numpy as np

from bookkit.exercises.engine import Exercise, Slip


def hinge_loss(scores, labels, margin=1.0):
    y = 2 * labels - 1
    missing = np.maximum(0, margin - y * scores)
    return float(missing.mean()), np.where(missing > 0, -y, 0) / scores.size


def hinge_loss_cases(rng):
    yield np.array([1.2, -0.5, 0.3]), np.array([1, 0, 0])
    yield np.array([1.0, -1.0, 0.5, 2.0]), np.array([1, 0, 0, 0])
    yield np.array([0.3]), np.array([1])
    yield np.array([3.0, -2.0, 1.5]), np.array([1, 0, 1])
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


def squared(scores, labels):
    y = 2 * labels - 1
    missing = np.maximum(0, 1 - y * scores)
    return float((missing**2).mean()), -2 * y * missing / scores.size


def hinge_with_kept_labels(scores, labels):
    """The value with labels of ±1, the gradient with the labels as they came."""
    y = 2 * labels - 1
    return hinge_loss(scores, labels)[0], np.where(y * scores < 1, -labels, 0) / scores.size


def mean_of_the_active(scores, labels):
    y = 2 * labels - 1
    missing = np.maximum(0, 1 - y * scores)
    active = max(1, np.count_nonzero(missing))
    return float(missing.sum() / active), np.where(missing > 0, -y, 0) / active


def move(p, old, new):
    moved = p * new / old
    return moved / moved.sum(axis=1, keepdims=True)


def move_cases(rng):
    yield np.array([[0.9, 0.1], [0.4, 0.6]]), np.array([0.8, 0.2]), np.array([0.3, 0.7])
    yield np.array([[0.2, 0.5, 0.3]]), np.array([0.6, 0.3, 0.1]), np.array([0.5, 0.3, 0.2])
    yield np.array([[1.0, 0.0], [0.0, 1.0]]), np.array([0.9, 0.1]), np.array([0.25, 0.75])
    for samples, classes in ((3, 3), (20, 10)):
        yield (
            rng.dirichlet(np.ones(classes), samples),
            rng.dirichlet(np.full(classes, 5.0)),
            rng.dirichlet(np.full(classes, 5.0)),
        )


def normalized(p):
    return p / p.sum(axis=1, keepdims=True)


def focal_settles(pi, gamma, limit=20.0, halvings=100):
    low, high = -limit, limit
    for _ in range(halvings):
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
    yield 0.5, 2
    yield 1e-4, 0.2
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
    yield np.array([0.7, 0.4, 0.2]), np.array([1.0, 0.0, 1.0])
    yield np.array([1.0, 0.5, 0.0]), np.array([1.0, 0.0, 0.0])
    yield np.array([0.0, 0.0, 0.3]), np.array([1.0, 1.0, 0.0])
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


def iou_changed(change_value, change_gradient):
    def changed(p, t):
        value, gradient = iou_loss(p, t)
        return change_value(value, p, t), change_gradient(gradient, p, t)

    return changed


def iou_thresholded(p, t):
    return iou_loss(np.round(p), t)[0], iou_loss(p, t)[1]


def iou_smoothed(p, t):
    overlap = (p * t).sum() + 1
    union = p.sum() + t.sum() - (p * t).sum() + 1
    return float(1 - overlap / union), (overlap / union * (1 - t) - t) / union


def iou_of_squares(p, t):
    overlap = (p * t).sum()
    union = (p**2).sum() + t.sum() - overlap
    return float(1 - overlap / union), (overlap / union * (2 * p - t) - t) / union


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
        near_misses=(
            squared,
            hinge_with_kept_labels,
            mean_of_the_active,
            lambda s, t: hinge_loss(s, t, margin=0.5),
            lambda s, t: hinge_loss(s, t, margin=2.0),
            lambda s, t: hinge_loss(np.abs(s), t),
            lambda s, t: hinge_loss(s, np.ones_like(t)),
            hinge_parts(lambda v, s: v * s.size, keep),
            hinge_parts(lambda v, s: v / 2, lambda g, s: g / 2),
            hinge_parts(keep, lambda g, s: g.mean() + np.zeros_like(g)),
            lambda s, t: hinge_loss(s.round(1), t),
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
        near_misses=(
            lambda p, old, new: move(p, old[::-1], new[::-1]),
            lambda p, old, new: move(p, old, new).round(3),
            lambda p, old, new: move(p.mean(axis=0, keepdims=True) + 0 * p, old, new),
            lambda p, old, new: move(p, np.sqrt(old), np.sqrt(new)),
            lambda p, old, new: normalized(p + new - old),
            lambda p, old, new: normalized(p * new / p.mean(axis=0)),
            lambda p, old, new: p * new / old / (p * new / old).sum(),
            lambda p, old, new: (p + new) / 2,
            lambda p, old, new: move(np.clip(p, 1e-3, 1), old, new),
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
        near_misses=(
            lambda pi, gamma: focal_settles(pi, 2),
            lambda pi, gamma: focal_settles(pi, gamma, limit=2.0),
            lambda pi, gamma: focal_settles(pi, gamma, halvings=12),
            lambda pi, gamma: round(focal_settles(pi, gamma), 3),
            lambda pi, gamma: focal_settles(pi, 2 * gamma),
            lambda pi, gamma: focal_settles(pi, gamma + 1),
            lambda pi, gamma: focal_settles(0.25 * pi / (0.25 * pi + 0.75 * (1 - pi)), gamma),
            lambda pi, gamma: (pi + 0.5) / 2 if gamma else pi,
            lambda pi, gamma: focal_settles(min(pi, 0.5), gamma),
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
        near_misses=(
            iou_thresholded,
            iou_smoothed,
            iou_of_squares,
            iou_changed(lambda v, p, t: v, lambda g, p, t: g / p.size),
            iou_changed(lambda v, p, t: v, lambda g, p, t: g.mean() + 0 * g),
            iou_changed(lambda v, p, t: v, lambda g, p, t: g * (1 - t)),
            iou_changed(lambda v, p, t: -float(np.log(max(1 - v, 1e-300))), lambda g, p, t: g),
            iou_changed(lambda v, p, t: v, lambda g, p, t: g * p * (1 - p)),
            lambda p, t: iou_loss(p, np.ones_like(t)),
        ),
        praise="Two slopes again: one for the object, one for the background.",
    ),
)
