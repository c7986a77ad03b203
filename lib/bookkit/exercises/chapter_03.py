"""Exercises of chapter 3: stable logarithms, p − q, means with weights, stalls, a repair."""

import numpy as np

from bookkit.exercises.engine import Exercise, Slip


def softmax(z, axis=1):
    e = np.exp(z - z.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


def log_probabilities(z, axis=1):
    shifted = z - z.max(axis=axis, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=axis, keepdims=True))


def log_probabilities_cases(rng):
    yield (np.array([[0.0, 0.0]]),)
    yield (np.array([[1.0, 2.0], [0.0, 3.0]]),)
    yield (rng.normal(size=(4, 4)) * 3,)
    yield (np.array([[0.0, -1000.0, -2000.0]]),)
    yield (np.array([[1e4, 0.0, -1e4], [-1e4, -1e4, -1e4]]),)
    yield (rng.uniform(-1e4, 1e4, size=(5, 3)),)


def quietly(function):
    """The function, with the overflows that it is there to show kept off the page."""

    def quiet(*arguments):
        with np.errstate(all="ignore"):
            return function(*arguments)

    return quiet


@quietly
def naive_log(z):
    return np.log(np.exp(z) / np.exp(z).sum(axis=1, keepdims=True))


@quietly
def naive_sum(z):
    return z - np.log(np.exp(z).sum(axis=1, keepdims=True))


@quietly
def log_of_stable(z):
    return np.log(softmax(z))


@quietly
def one_maximum(z):
    shifted = z - z.max()
    return shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))


@quietly
def patched_log(z):
    return np.log(np.maximum(softmax(z), 1e-12))


@quietly
def one_sum(z):
    return z - z.max() - np.log(np.exp(z - z.max()).sum())


def maximum_lost(z):
    return log_probabilities(z) + z.max(axis=1, keepdims=True)


def soft_cross_entropy(z, q):
    log_p = log_probabilities(z)
    return float(-(q * log_p).sum() / len(z)), (np.exp(log_p) - q) / len(z)


def soft_cross_entropy_cases(rng):
    yield np.array([[0.0, 0.0], [1.0, 0.0]]), np.array([[1.0, 0.0], [0.0, 1.0]])
    for samples, classes in ((1, 4), (6, 3), (20, 10)):
        yield rng.normal(size=(samples, classes)) * 2, rng.dirichlet(np.ones(classes), samples)
    yield np.array([[1000.0, 0.0], [0.0, 1000.0]]), np.array([[0.5, 0.5], [0.25, 0.75]])


def part_changed(change_value, change_gradient):
    def changed(z, q):
        value, gradient = soft_cross_entropy(z, q)
        return change_value(value, z), change_gradient(gradient, z, q)

    return changed


def keep(value, *_):
    return value


@quietly
def naive_soft_cross_entropy(z, q):
    p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    return -(q * np.log(p)).sum() / len(z), (p - q) / len(z)


def softmax_backward(p, gradient):
    return p * (gradient - (p * gradient).sum(axis=1, keepdims=True))


def softmax_backward_cases(rng):
    yield np.array([[0.5, 0.5]]), np.array([[1.0, 0.0]])
    yield np.array([[0.7, 0.2, 0.1]]), np.array([[0.0, -5.0, 0.0]])
    for samples, classes in ((4, 3), (10, 10)):
        yield rng.dirichlet(np.ones(classes), samples), rng.normal(size=(samples, classes))


def weighted_mean(losses, labels, weight, ignore_index):
    kept = labels != ignore_index
    w = weight[labels[kept]]
    return float((w * losses[kept]).sum() / w.sum())


def weighted_mean_cases(rng):
    yield np.array([1.0, 2.0, 6.0]), np.array([0, 0, 1]), np.array([1.0, 2.0]), -100
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


def floor(classes):
    return np.log(np.e + classes - 1) - 1


def diagnose(losses, classes):
    return verdict(np.mean(losses[-(len(losses) // 10) :]), classes)


def verdict(level, classes):
    if abs(level - floor(classes)) < 0.05:
        return "twice"
    return "guessing" if abs(level - np.log(classes)) < 0.05 else "neither"


def diagnose_cases(rng):
    def curve(start, end, steps=200, noise=0.02):
        falling = end + (start - end) * np.exp(-np.arange(steps) / (steps / 25))
        return falling + rng.normal(scale=noise, size=steps)

    yield curve(np.log(10), floor(10) + 0.01), 10
    yield curve(3.0, np.log(10)), 10
    yield curve(np.log(10), 0.3), 10
    for classes in (3, 100):
        yield curve(np.log(classes), floor(classes) + 0.02), classes
        yield curve(np.log(classes) + 0.5, np.log(classes)), classes
    yield curve(np.log(100), 1.4612), 100
    spiky = curve(np.log(10), floor(10) + 0.01)
    spiky[-1] += 0.2
    yield spiky, 10
    long = curve(np.log(10), floor(10) + 0.01, steps=400)
    long[-10:] += 0.1
    yield long, 10


def smoothing_for(gap, classes):
    return float(classes / (classes + np.expm1(gap)))


def smoothing_for_cases(rng):
    yield float(np.log(91)), 10
    yield 0.0, 10
    yield 3.0, 2
    for classes in (5, 10, 1000):
        yield float(rng.uniform(1, 8)), classes


def train_linear(x, labels, classes, lr, steps, *, slope=None, mean=True):
    """Softmax regression from zero weights; the slips exchange one of its parts."""
    slope = slope or (lambda z, q: softmax(z) - q)
    W, q = np.zeros((classes, x.shape[1])), np.eye(classes)[labels]
    for _ in range(steps):
        W -= lr * slope(x @ W.T, q).T @ x / (len(x) if mean else 1)
    return W


def train_linear_cases(rng):
    x, labels = np.array([[1.0], [-1.0]]), np.array([0, 1])
    yield x, labels, 2, 0.5, 1
    yield x, labels, 2, 0.5, 3
    for classes in (3, 5):
        x = rng.normal(size=(12, 4))
        yield x, rng.integers(classes, size=12), classes, 0.1, 10
    yield np.array([[100.0, 0.0], [0.0, 300.0]]), np.array([0, 1]), 2, 1.0, 2


def second_softmax(z, q):
    return softmax(softmax(z)) - q


@quietly
def naive_slope(z, q):
    e = np.exp(z)
    return e / e.sum(axis=1, keepdims=True) - q


@quietly
def as_given(x, labels, classes, lr, steps):
    def slope(z, q):
        p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
        r = np.exp(p) / np.exp(p).sum(axis=1, keepdims=True)
        return r - q

    return train_linear(x, labels, classes, lr, steps, slope=slope, mean=False)


EXERCISES = (
    Exercise(
        "3.1",
        ("z",),
        log_probabilities_cases,
        log_probabilities,
        (
            Slip(
                log_of_stable,
                "The probabilities are right, but one of them was rounded to 0 before you took "
                "its logarithm. Can you get log p without forming p?",
            ),
            Slip(
                naive_log,
                "The formula is right, but the exponentials leave what a computer can hold. "
                "Simplify log(e^z / Σ e^z) first, then look for a number to subtract.",
            ),
            Slip(
                naive_sum,
                "The formula is right, but the exponentials overflow or vanish. What changes if "
                "you subtract the largest logit of each row first?",
            ),
            Slip(
                one_maximum,
                "You subtract one maximum from the whole array. A row whose logits all lie far "
                "below it vanishes. Take the maximum of each row.",
            ),
            Slip(
                patched_log,
                "A floor under p puts a ceiling on the loss: all small probabilities become "
                "the same. Can you get log p without forming p?",
            ),
            Slip(
                one_sum,
                "You sum over the whole array. Each row has probabilities of its own.",
            ),
            Slip(
                maximum_lost,
                "You subtract the maximum within the sum and do not put it back: "
                "logsumexp(z) = m + log Σ e^(z − m).",
            ),
            Slip(
                lambda z: log_probabilities(z, axis=0),
                "You normalize the columns. One sample is one row: along which axis do the "
                "probabilities sum to 1?",
            ),
            Slip(
                lambda z: -log_probabilities(z),
                "That is the surprise. The logarithm of a probability is not positive.",
            ),
            Slip(softmax, "These are the probabilities. Their logarithms are wanted."),
            Slip(
                lambda z: z - z.max(axis=1, keepdims=True),
                "You have subtracted the maximum. What about the logarithm of the sum?",
            ),
        ),
        praise="It holds where exp does not.",
    ),
    Exercise(
        "3.2",
        ("z", "q"),
        soft_cross_entropy_cases,
        soft_cross_entropy,
        (
            Slip(
                part_changed(keep, lambda g, z, q: g * len(z)),
                "The value is right, and the gradient is that of the sum. The mean divides both.",
            ),
            Slip(
                part_changed(lambda v, z: v * len(z), lambda g, z, q: g * len(z)),
                "That is the sum over the samples. The mean divides by how many there are.",
            ),
            Slip(
                part_changed(lambda v, z: v / z.shape[1], lambda g, z, q: g / z.shape[1]),
                "You average over all entries. The sum over the classes belongs to the loss of "
                "one sample; the mean is over the samples only.",
            ),
            Slip(
                part_changed(lambda v, z: v / z.shape[1], keep),
                "The gradient is right. In the value you average over the classes as well, where "
                "the loss of one sample is a sum.",
            ),
            Slip(
                part_changed(keep, lambda g, z, q: -g),
                "The value is right, but the gradient has the opposite sign: a larger logit of a "
                "likely class must lower the loss.",
            ),
            Slip(
                part_changed(keep, lambda g, z, q: g + q / len(z)),
                "The value is right. From the gradient the target is missing.",
            ),
            Slip(
                part_changed(keep, lambda g, z, q: (z - q) / len(z)),
                "The value is right. Is the error of a sample its logits minus the target?",
            ),
            Slip(
                part_changed(lambda v, z: -v, keep),
                "A logarithm of a probability is negative; the loss is its opposite.",
            ),
            Slip(
                lambda z, q: (-(q * log_probabilities(z)).sum(axis=1), soft_cross_entropy(z, q)[1]),
                "The first part holds one loss for each sample. Take their mean.",
            ),
            Slip(
                lambda z, q: soft_cross_entropy(z, q)[0],
                "That is the value alone. Return the pair: the value, then the gradient.",
            ),
            Slip(
                naive_soft_cross_entropy,
                "The formulas are right, but e^1000 overflows. Exercise 2.1 has the cure.",
            ),
        ),
    ),
    Exercise(
        "3.3",
        ("p", "gradient"),
        softmax_backward_cases,
        softmax_backward,
        (
            Slip(
                lambda p, g: p * (1 - p) * g,
                "That is the diagonal of the Jacobian, as for a sigmoid. A logit moves the other "
                "probabilities too.",
            ),
            Slip(
                lambda p, g: p * g,
                "That is the part with k = j. The other part, −p_j Σ p_k ∂ℓ/∂p_k, is missing.",
            ),
            Slip(
                lambda p, g: p * (g - g.sum(axis=1, keepdims=True)),
                "You subtract the sum of the gradient. Weight it with p.",
            ),
            Slip(
                lambda p, g: p * (g - g.mean(axis=1, keepdims=True)),
                "You subtract the plain mean of the gradient. Weight it with p.",
            ),
            Slip(
                lambda p, g: g - (p * g).sum(axis=1, keepdims=True),
                "The bracket is right. Which factor stands before it?",
            ),
            Slip(
                lambda p, g: p * (g - (p * g).sum()),
                "You sum over the whole batch. The samples do not know of each other: sum along "
                "the classes, and keep the axis.",
            ),
            Slip(
                lambda p, g: p * (g - (p * g).sum(axis=0)),
                "You sum over the samples. The sum runs over the classes: axis 1, and keep the "
                "axis.",
            ),
            Slip(
                lambda p, g: -softmax_backward(p, g),
                "Both terms are there, with their signs exchanged.",
            ),
        ),
        praise="No K × K matrix was needed.",
    ),
    Exercise(
        "3.4",
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
    ),
    Exercise(
        "3.5",
        ("losses", "classes"),
        diagnose_cases,
        diagnose,
        (
            Slip(
                lambda losses, classes: diagnose(losses, 10),
                "You compare with the levels of ten classes. How many are there here?",
            ),
            Slip(
                lambda losses, classes: verdict(losses[-1], classes),
                "A single step is noisy. Take the mean of the last tenth.",
            ),
            Slip(
                lambda losses, classes: verdict(np.mean(losses[: len(losses) // 10]), classes),
                "That is the beginning of the curve. It is the end that has stalled.",
            ),
            Slip(
                lambda losses, classes: verdict(np.mean(losses), classes),
                "That is the mean of the whole curve. Take its last tenth.",
            ),
            Slip(
                lambda losses, classes: (
                    "neither" if diagnose(losses, classes) == "twice" else diagnose(losses, classes)
                ),
                "Put the K of this problem into log(e + K − 1) − 1, and mind the brackets.",
            ),
            Slip(
                lambda losses, classes: verdict(np.mean(losses[-10:]), classes),
                "Ten steps are not a tenth of the steps.",
            ),
        ),
        praise="A number has told you which line is wrong.",
    ),
    Exercise(
        "3.6",
        ("gap", "classes"),
        smoothing_for_cases,
        smoothing_for,
        (
            Slip(
                lambda gap, classes: float((classes - 1) / (classes + np.expm1(gap))),
                "That spreads ε over the K − 1 wrong classes. Here every class gets ε/K, the true "
                "one too.",
            ),
            Slip(
                lambda gap, classes: float(classes / (classes + np.exp(gap))),
                "Almost. Where did the 1 in log(1 + …) go? At a gap of 0, ε must be 1.",
            ),
            Slip(
                lambda gap, classes: float(classes / (classes + np.exp(gap) + 1)),
                "Check the sign of the 1. At a gap of 0, ε must be 1.",
            ),
            Slip(
                lambda gap, classes: 1 - smoothing_for(gap, classes),
                "That is 1 − ε. A wide gap asks for little smoothing.",
            ),
            Slip(
                lambda gap, classes: (
                    float(np.log1p(classes * (1 - gap) / gap)) if 0 < gap < 1 else float("nan")
                ),
                "That takes the gap for ε and returns a gap. Solve the equation for ε.",
            ),
            Slip(
                lambda gap, classes: float(classes / (classes + gap - 1)),
                "The gap is a logarithm. Take the exponential of both sides first.",
            ),
        ),
    ),
    Exercise(
        "3.7",
        ("x", "labels", "classes", "lr", "steps"),
        train_linear_cases,
        train_linear,
        (
            Slip(
                as_given,
                "That is the program as it was. Count the exponentials between z and the slope.",
            ),
            Slip(
                lambda *a: train_linear(*a, slope=second_softmax, mean=False),
                "There are still two softmaxes, and the step still grows with the number of "
                "samples.",
            ),
            Slip(
                lambda *a: train_linear(*a, slope=second_softmax),
                "The softmax is still applied twice.",
            ),
            Slip(
                quietly(lambda *a: train_linear(*a, slope=naive_slope, mean=False)),
                "One softmax is right. But if all samples came twice, your step would be twice "
                "as long, and large logits overflow.",
            ),
            Slip(
                lambda *a: train_linear(*a, mean=False),
                "That descends the sum of the losses. The mean divides by the number of samples.",
            ),
            Slip(
                lambda *a: train_linear(*a, slope=lambda z, q: (softmax(z) - q) / q.shape[1]),
                "The mean is over the samples. You divide by the number of classes as well.",
            ),
            Slip(
                quietly(lambda *a: train_linear(*a, slope=naive_slope)),
                "Right for small inputs. For large ones the exponential overflows: subtract from "
                "each row its own largest logit first.",
            ),
            Slip(
                lambda *a: train_linear(*a, slope=lambda z, q: q - softmax(z)),
                "That climbs. The slope is p − q, and a step goes against it.",
            ),
        ),
        tolerance=1e-7,
        praise="Three faults found, none of which had stopped the program.",
    ),
)
