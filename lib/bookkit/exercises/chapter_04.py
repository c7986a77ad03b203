"""Exercises of chapter 4: means with weights, parts of a batch, pixels, smoothing."""

import numpy as np

from bookkit.exercises.chapter_03 import quietly
from bookkit.exercises.engine import Exercise, Slip


def weighted_mean(losses, labels, weight, ignore_index):
    kept = labels != ignore_index
    w = weight[labels[kept]]
    return float((w * losses[kept]).sum() / w.sum())


def weighted_mean_cases(rng):
    yield np.array([1.0, 2.0, 6.0, 4.0]), np.array([0, 0, 1, 2]), np.array([1.0, 2.0, 4.0]), -100
    yield np.array([1.0, 2.0, 9.0]), np.array([0, 1, -1]), np.array([1.0, 3.0]), -1
    yield np.array([1.0, 2.0, 9.0]), np.array([0, 1, 255]), np.array([1.0, 3.0]), 255
    for _ in range(3):
        labels = np.r_[0, 2, 1, rng.integers(0, 4, size=12)]
        yield rng.exponential(size=15), labels, rng.uniform(0.2, 3, size=4), 2


def kept_losses(losses, labels, weight, ignore_index):
    """The weights and losses of the samples that count, each weighted."""
    kept = labels != ignore_index
    return weight[labels[kept]], weight[labels[kept]] * losses[kept]


def divided_by_kept(losses, labels, weight, ignore_index):
    w, weighted = kept_losses(losses, labels, weight, ignore_index)
    return float(weighted.sum() / len(w))


def divided_by_all(losses, labels, weight, ignore_index):
    return float(kept_losses(losses, labels, weight, ignore_index)[1].sum() / len(losses))


def divided_by_class_weights(losses, labels, weight, ignore_index):
    return float(kept_losses(losses, labels, weight, ignore_index)[1].sum() / weight.sum())


def not_divided(losses, labels, weight, ignore_index):
    return float(kept_losses(losses, labels, weight, ignore_index)[1].sum())


def without_weights(losses, labels, weight, ignore_index):
    return float(losses[labels != ignore_index].mean())


def nobody_ignored(losses, labels, weight, ignore_index):
    w = weight[np.clip(labels, -len(weight), len(weight) - 1)]
    return float((w * losses).sum() / w.sum())


def combine(means, divisors):
    counts = divisors > 0
    return float((means[counts] * divisors[counts]).sum() / divisors.sum())


def combine_cases(rng):
    yield np.array([1.0, 4.0, 2.5]), np.array([1.0, 2.0, 4.0])
    yield rng.exponential(size=4), rng.uniform(1, 9, size=4)
    yield np.array([2.0, 7.0]), np.array([30.0, 1.0])
    yield np.array([3.0]), np.array([0.25])
    yield np.array([1.5, np.nan, 4.0]), np.array([12.0, 0.0, 3.0])
    yield np.array([0.0, 2.0, 5.0]), np.array([4.0, 3.0, 2.0])


def pixel_cross_entropy(z, y, ignore_index, *, axis=1, largest=None):
    """The reference; the slips take another axis or another number from the logits."""
    kept = (y != ignore_index)[:, None]
    q = kept & (np.arange(z.shape[1])[:, None, None] == y[:, None])
    shifted = z - (z.max(axis=axis, keepdims=True) if largest is None else largest(z))
    log_p = shifted - np.log(np.exp(shifted).sum(axis=axis, keepdims=True))
    value = -np.where(q, log_p, 0).sum() / kept.sum()
    return float(value), (np.exp(log_p) * kept - q) / kept.sum()


def pixel_cases(rng):
    def drawn(*shape, outside):
        z, y = rng.normal(size=shape), rng.integers(shape[1], size=(shape[0], *shape[2:]))
        y[0, 0, 0] = y[0, -1, -1] = outside
        return z, y, outside

    yield np.array([[[[1.0, 2.0]], [[0.0, 2.5]], [[-1.0, 0.0]]]]), np.array([[[0, 9]]]), 9
    yield drawn(2, 3, 2, 4, outside=255)
    yield drawn(3, 4, 3, 2, outside=-1)
    z, y, _ = drawn(2, 3, 3, 2, outside=0)
    y[1] = 0  # nothing of the second image counts
    y[0, 1] = 2, 1
    yield z, y, 0
    z, y, _ = drawn(2, 2, 3, 5, outside=-100)
    yield z + 1000 * rng.choice([-1, 1], size=(2, 1, 3, 5)), y, -100


def other_count(count):
    """The right program, but for what it divides by."""

    def changed(z, y, ignore_index):
        value, gradient = pixel_cross_entropy(z, y, ignore_index)
        factor = (y != ignore_index).sum() / count(z, y)
        return value * factor, gradient * factor

    return changed


def mean_of_means(z, y, ignore_index):
    pairs = [
        pixel_cross_entropy(z[n : n + 1], y[n : n + 1], ignore_index)
        for n in range(len(z))
        if (y[n] != ignore_index).any()
    ]
    return float(np.mean([value for value, _ in pairs])), pixel_cross_entropy(z, y, ignore_index)[1]


def everybody_pulls(z, y, ignore_index):
    value, gradient = pixel_cross_entropy(z, y, ignore_index)
    kept = (y != ignore_index)[:, None]
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return value, gradient + ~kept * e / e.sum(axis=1, keepdims=True) / kept.sum()


def nothing_is_ignored(z, y, _):
    return pixel_cross_entropy(z, y % z.shape[1], -(10**6))


def gradient_changed(change):
    def changed(z, y, ignore_index):
        value, gradient = pixel_cross_entropy(z, y, ignore_index)
        return value, change(gradient, z, y)

    return changed


def value_changed(change):
    def changed(z, y, ignore_index):
        value, gradient = pixel_cross_entropy(z, y, ignore_index)
        return change(value), gradient

    return changed


def smoothing_for(lead, classes):
    return float(classes / (classes + np.expm1(lead)))


def smoothing_for_cases(rng):
    yield float(np.log(91)), 10
    yield 3.0, 2
    yield 0.0, 10
    yield 0.25, 7
    for classes in (5, 10, 1000):
        yield float(rng.uniform(1, 8)), classes


EXERCISES = (
    Exercise(
        "4.1",
        ("losses", "labels", "weight", "ignore_index"),
        weighted_mean_cases,
        weighted_mean,
        (
            Slip(
                divided_by_kept,
                "You divide by the number of samples that count. A mean of weighted things "
                "divides by the sum of the weights.",
            ),
            Slip(
                divided_by_all,
                "You divide by the number of samples. A mean of weighted things divides by the "
                "sum of the weights.",
            ),
            Slip(
                divided_by_class_weights,
                "You divide by the sum over the classes. Sum the weights of the samples: a class "
                "that comes twice counts twice.",
            ),
            Slip(not_divided, "That is the weighted sum. Divide by the sum of the weights."),
            Slip(without_weights, "Where is the weight of each sample's class?"),
            Slip(
                nobody_ignored,
                "The weights are right, but the samples to be ignored take part. With −1, "
                "weight[labels] even looks up the last class without a word.",
            ),
        ),
        near_misses=(
            lambda *a: weighted_mean(a[0], a[1], a[2] / a[2].sum(), a[3]) * a[2].sum(),
            lambda x, y, w, i: weighted_mean(x, y, w**2, i),
            lambda x, y, w, i: weighted_mean(x, y, 1 / w, i),
            lambda x, y, w, i: (
                weighted_mean(x[y >= 0], y[y >= 0], w, i if i < 0 else -100)
                if (y < len(w)).all()
                else without_weights(x, y, w, i)
            ),
            lambda x, y, w, i: float(np.median(x[y != i])),
            lambda x, y, w, i: round(weighted_mean(x, y, w, i), 3),
            lambda x, y, w, i: weighted_mean(x, y, np.roll(w, 1), i),
            lambda x, y, w, i: weighted_mean(x, np.where(y == i, i, np.maximum(y - 1, 0)), w, i),
        ),
    ),
    Exercise(
        "4.2",
        ("means", "divisors"),
        combine_cases,
        combine,
        (
            Slip(
                lambda m, d: float(np.mean(m)),
                "That is the mean of the means. A part that divides by more counts for more.",
            ),
            Slip(
                lambda m, d: float((m * d).sum() / d.sum()),
                "0 · nan is nan. Leave out the parts in which nothing counted.",
            ),
            Slip(
                lambda m, d: float(np.nansum(m * d) / len(m)),
                "The numerator is right. What has the whole batch divided by?",
            ),
            Slip(
                lambda m, d: float(np.nansum(m * d)),
                "That is the numerator of the whole batch. Divide by the sum of the divisors.",
            ),
            Slip(
                lambda m, d: float(np.nansum(m / np.where(d > 0, d, 1)) / np.sum(1 / d[d > 0])),
                "A mean was divided already. Multiply it by its divisor to get the numerator back.",
            ),
        ),
        near_misses=(
            lambda m, d: float(np.nansum(m * d) / (d > 0).sum() / np.mean(d[d > 0]) * 1.001),
            lambda m, d: float(np.nansum(m * d) / d[:-1].sum()) if len(d) > 1 else float(m[0]),
            lambda m, d: float(np.nansum(m * d**2) / (d**2).sum()),
            lambda m, d: float(np.nansum(m * np.sqrt(d)) / np.sqrt(d).sum()),
            lambda m, d: float(np.nansum(m * d) / d.sum() ** 2),
            lambda m, d: float(np.nansum(m * d) / d.max()),
            lambda m, d: float(np.nanmedian(m)),
            lambda m, d: round(combine(m, d), 2),
            lambda m, d: combine(m[m > 0], d[m > 0]),
        ),
    ),
    Exercise(
        "4.3",
        ("z", "y", "ignore_index"),
        pixel_cases,
        pixel_cross_entropy,
        (
            Slip(
                other_count(lambda z, y: y.size),
                "You divide by all pixels. Those that do not count are no part of the mean.",
            ),
            Slip(
                other_count(lambda z, y: len(y)),
                "You divide by the number of images. The mean is over the pixels that count.",
            ),
            Slip(
                other_count(lambda z, y: 1),
                "That is the sum over the pixels. Divide by how many count.",
            ),
            Slip(
                mean_of_means,
                "The gradient is right. The value is the mean of the images' means; where images "
                "have different numbers of labeled pixels, it is another number.",
            ),
            Slip(
                everybody_pulls,
                "The value is right. The slope at a pixel that does not count must be 0.",
            ),
            Slip(
                quietly(lambda z, y, i: pixel_cross_entropy(z, y, i, axis=-1)),
                "You normalize along the width of the image. The classes are axis 1.",
            ),
            Slip(
                gradient_changed(lambda g, z, y: -g),
                "The value is right, and the gradient has the opposite sign.",
            ),
            Slip(
                quietly(lambda z, y, i: pixel_cross_entropy(z, y, i, largest=lambda z: 0)),
                "The formula is right, but the exponentials leave what a computer can hold. "
                "Subtract from each pixel its own largest logit.",
            ),
            Slip(
                lambda *a: pixel_cross_entropy(*a)[0],
                "That is the value alone. Return the pair: the value, then the gradient.",
            ),
        ),
        near_misses=(
            quietly(lambda z, y, i: pixel_cross_entropy(z, y, i, largest=np.max)),
            quietly(lambda z, y, i: pixel_cross_entropy(z, y, i, axis=2)),
            nothing_is_ignored,
            gradient_changed(lambda g, z, y: g / z.shape[1]),
            gradient_changed(lambda g, z, y: g * (y < y.max())[:, None]),
            gradient_changed(lambda g, z, y: g.round(3)),
            other_count(lambda z, y: z.size),
            other_count(lambda z, y: y[0].size),
            value_changed(lambda v: v / np.log(2)),
            lambda z, y, i: pixel_cross_entropy(z, np.where(y == i, i, np.maximum(y, 1)), i),
        ),
    ),
    Exercise(
        "4.4",
        ("lead", "classes"),
        smoothing_for_cases,
        smoothing_for,
        (
            Slip(
                lambda lead, classes: float((classes - 1) / (classes + np.expm1(lead))),
                "That spreads ε over the K − 1 wrong classes. Here every class gets ε/K, the true "
                "one too.",
            ),
            Slip(
                lambda lead, classes: float(classes / (classes + np.exp(lead))),
                "Almost. Where did the 1 in log(1 + …) go? At a lead of 0, ε must be 1.",
            ),
            Slip(
                lambda lead, classes: float(classes / (classes + np.exp(lead) + 1)),
                "Check the sign of the 1. At a lead of 0, ε must be 1.",
            ),
            Slip(
                lambda lead, classes: 1 - smoothing_for(lead, classes),
                "That is 1 − ε. A wide lead asks for little smoothing.",
            ),
            Slip(
                lambda lead, classes: (
                    float(np.log1p(classes * (1 - lead) / max(lead, 1e-9))) if lead < 1 else -lead
                ),
                "That takes the lead for ε and returns a lead. Solve the equation for ε.",
            ),
            Slip(
                lambda lead, classes: float(classes / (classes + lead - 1)),
                "The lead is a logarithm. Take the exponential of both sides first.",
            ),
        ),
        near_misses=(
            lambda lead, classes: float(classes / (classes - np.expm1(lead))),
            lambda lead, classes: float(classes / (classes + np.expm1(2 * lead) / 2)),
            lambda lead, classes: float(1 / (classes + np.expm1(lead))),
            lambda lead, classes: float(10 / (10 + np.expm1(lead))),
            lambda lead, classes: float(classes / (classes + lead)),
            lambda lead, classes: round(smoothing_for(lead, classes), 3),
            lambda lead, classes: float(classes / (classes + 10**lead - 1)),
            lambda lead, classes: min(smoothing_for(lead, classes), 0.5),
        ),
    ),
)
