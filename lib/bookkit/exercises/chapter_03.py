"""Exercises of chapter 3: stable logarithms, p − q, through the softmax, stalls, a repair."""

import numpy as np

from bookkit.exercises.engine import Exercise, Slip


def softmax(z, axis=1):
    e = np.exp(z - z.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


def log_probabilities(z, axis=1):
    shifted = z - z.max(axis=axis, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=axis, keepdims=True))


def log_probabilities_cases(rng):
    yield (np.array([[1.0, 2.0, 4.0], [0.0, 3.0, 3.5]]),)
    yield (rng.normal(size=(4, 3)) * 3,)
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
    yield np.array([[0.0, 1.0, 3.0], [1.0, 0.0, 0.5]]), np.array([[1.0, 0, 0], [0, 0.3, 0.7]])
    for samples, classes in ((5, 2), (6, 3), (20, 10)):
        yield rng.normal(size=(samples, classes)) * 2, rng.dirichlet(np.ones(classes), samples)
    extreme = np.array([[1000.0, 0.0], [-1000.0, 0.0], [-2000.0, -1000.0]])
    yield extreme, np.array([[0.5, 0.5], [0.25, 0.75], [0.1, 0.9]])


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


def rows_by(log_p_of):
    """The right program with another logarithm of the softmax."""

    @quietly
    def changed(z, q):
        log_p = log_p_of(z)
        return float(-(q * log_p).sum() / len(z)), (np.exp(log_p) - q) / len(z)

    return changed


def softmax_backward(p, gradient):
    return p * (gradient - (p * gradient).sum(axis=1, keepdims=True))


def softmax_backward_cases(rng):
    yield np.array([[0.7, 0.2, 0.1], [0.1, 0.6, 0.3]]), np.array([[1.0, 0, 2], [0, -5.0, 3]])
    yield np.array([[0.7, 0.2, 0.1], [1.0, 0, 0]]), np.array([[0.0, -5.0, 0.0], [4.0, 1, 1]])
    for samples, classes in ((4, 3), (10, 6)):
        yield rng.dirichlet(np.ones(classes), samples), rng.normal(size=(samples, classes))


def floor(classes):
    return np.log(np.e + classes - 1) - 1


def diagnose(losses, classes):
    return verdict(np.mean(losses[-(len(losses) // 10) :]), classes)


def verdict(level, classes, limit=0.05):
    if abs(level - floor(classes)) < limit:
        return "twice"
    return "guessing" if abs(level - np.log(classes)) < limit else "neither"


def tail(losses, share=10):
    return np.mean(losses[-(len(losses) // share) :])


def diagnose_cases(rng):
    def curve(end, classes, steps=200):
        """It falls from above the level of guessing, and ends in noise of mean 0 about `end`."""
        start = np.log(classes) + 0.8
        falling = end + (start - end) * np.exp(-np.arange(steps) / (steps / 8))
        noise = rng.normal(scale=0.02, size=steps // 10)
        falling[-len(noise) :] = end + noise - noise.mean()
        falling[-1] += 0.19
        falling[-2] -= 0.19
        return falling

    yield curve(floor(10) + 0.01, 10), 10
    for classes in (10, 3, 100):
        for level, sign in ((floor(classes), 1), (np.log(classes), -1)):
            for distance in (0.04, 0.06, -0.04, -0.06):
                yield curve(level + sign * distance, classes), classes
    yield np.where(np.arange(200) < 30, np.log(10), curve(0.3, 10)), 10
    one_step = curve(floor(10) + 0.3, 10)
    one_step[-5], one_step[-1] = floor(10), np.log(10)
    yield one_step, 10
    yield curve(1.4612, 100), 100
    yield curve((floor(10) + np.log(10)) / 2, 10), 10
    ends_late, ends_early = curve(floor(10), 10), curve(floor(10), 10)
    ends_late[-22:-20] = 3.0  # only a window that is too long sees these
    yield ends_late, 10
    yield np.where(np.arange(200) < 178, 3.0, ends_early), 10
    ends_early[-20:-18], ends_early[-18:] = floor(10) - 0.3, floor(10) + 0.06
    yield ends_early, 10
    long = curve(floor(10) + 0.01, 10, steps=400)
    long[-10:] += 0.1
    long[-40:-10] -= 0.1 / 3
    yield long, 10
    lopsided = curve(np.log(10), 10)  # the median is elsewhere
    lopsided[-20:-12], lopsided[-12:] = np.log(10) + 0.15, np.log(10) - 0.1
    yield lopsided, 10


def train_linear(x, labels, classes, lr, steps, *, slope=None, mean=True):
    """Softmax regression from zero weights; the slips exchange one of its parts."""
    slope = slope or (lambda z, q: softmax(z) - q)
    W, q = np.zeros((classes, x.shape[1])), np.eye(classes)[labels]
    for _ in range(steps):
        W -= lr * slope(x @ W.T, q).T @ x / (len(x) if mean else 1)
    return W


def train_linear_cases(rng):
    x, labels = np.array([[1.0, 2.0], [-1.0, 0.0], [0.5, -1.0]]), np.array([0, 1, 1])
    yield x, labels, 3, 0.5, 1
    yield x, labels, 3, 0.5, 3
    for classes in (4, 5):
        x = rng.normal(size=(12, 3))
        yield x, rng.integers(classes - 1, size=12), classes, 0.1, 10
    yield np.array([[100.0, 0.0], [0.0, 100.0]]), np.array([0, 1]), 2, 1.0, 2
    yield np.array([[1000.0, 0.0], [0.0, 1.0]]), np.array([0, 1]), 2, 1.0, 3


def second_softmax(z, q):
    return softmax(softmax(z)) - q


@quietly
def naive_slope(z, q):
    e = np.exp(z)
    return e / e.sum(axis=1, keepdims=True) - q


@quietly
def slope_by_one_maximum(z, q):
    e = np.exp(z - z.max())
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
        near_misses=(
            lambda z: log_probabilities(np.clip(z, -700, 700)),
            lambda z: log_probabilities(z) / np.log(2),
            lambda z: log_probabilities(z.astype("f4")).astype(float),
            lambda z: log_probabilities(z).round(6),
            lambda z: log_probabilities(z) + 1e-5,
            lambda z: z - np.logaddexp.reduce(z, axis=1, keepdims=True) / z.shape[1],
            lambda z: log_probabilities(z) - np.log(z.shape[1]),
            lambda z: np.maximum(log_probabilities(z), -745),
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
                lambda z, q: soft_cross_entropy(z, q)[::-1],
                "Both parts are right, in the other order. Return the value first.",
            ),
            Slip(
                rows_by(log_of_stable),
                "The softmax is stable, but its logarithm is not: a small probability was rounded "
                "to 0 first. Exercise 3.1 has the cure.",
            ),
            Slip(
                rows_by(one_maximum),
                "You subtract one maximum from the whole array. A row whose logits all lie far "
                "below it vanishes. Take the maximum of each row.",
            ),
            Slip(
                naive_soft_cross_entropy,
                "The formulas are right, but e^1000 overflows. Exercise 3.1 has the cure.",
            ),
        ),
        near_misses=(
            part_changed(keep, lambda g, z, q: g / z.shape[1]),
            part_changed(lambda v, z: v / len(z), keep),
            part_changed(lambda v, z: v / np.log(2), keep),
            part_changed(keep, lambda g, z, q: g + (np.eye(z.shape[1])[q.argmax(1)] - q) * -0.1),
            part_changed(keep, lambda g, z, q: (np.round(softmax(z), 3) - q) / len(z)),
            part_changed(keep, lambda g, z, q: (softmax(z, axis=0) - q) / len(z)),
            rows_by(lambda z: np.log(softmax(z) + 1e-12)),
            rows_by(lambda z: log_probabilities(z, axis=0)),
            rows_by(lambda z: log_probabilities(np.clip(z, -700, 700))),
            lambda z, q: soft_cross_entropy(z, np.eye(z.shape[1])[q.argmax(axis=1)]),
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
        near_misses=(
            lambda p, g: softmax_backward(p, g) / len(p),
            lambda p, g: p * (g - (p * g).mean(axis=1, keepdims=True)),
            lambda p, g: p * (g - (p * g).max(axis=1, keepdims=True)),
            lambda p, g: p * (g + (p * g).sum(axis=1, keepdims=True)),
            lambda p, g: p * (g - (p**2 * g).sum(axis=1, keepdims=True)),
            lambda p, g: p * g - (p * g).sum(axis=1, keepdims=True),
            lambda p, g: softmax_backward(p, g).round(3),
            lambda p, g: softmax_backward(softmax(p), g),
        ),
    ),
    Exercise(
        "3.4",
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
                lambda losses, classes: verdict(np.mean(losses[len(losses) // 10 :]), classes),
                "losses[n:] leaves out the first n steps. A minus sign counts from the end.",
            ),
            Slip(
                lambda losses, classes: verdict(np.mean(losses), classes),
                "That is the mean of the whole curve. Take its last tenth.",
            ),
            Slip(
                lambda losses, classes: verdict(tail(losses) + 1, classes),
                "Is there a −1 at the end of your floor? log(e + K − 1) − 1 has two of them.",
            ),
            Slip(
                lambda losses, classes: verdict(np.mean(losses[-10:]), classes),
                "Ten steps are not a tenth of the steps.",
            ),
        ),
        near_misses=(
            lambda losses, classes: verdict(tail(losses), classes, limit=0.1),
            lambda losses, classes: verdict(tail(losses), classes, limit=0.5),
            lambda losses, classes: verdict(tail(losses), classes, limit=0.005),
            lambda losses, classes: verdict(tail(losses, 9), classes),
            lambda losses, classes: verdict(tail(losses, 11), classes),
            lambda losses, classes: verdict(tail(losses, 5), classes),
            lambda losses, classes: verdict(np.median(losses[-(len(losses) // 10) :]), classes),
            lambda losses, classes: verdict(max(tail(losses), floor(classes)), classes),
            lambda losses, classes: verdict(max(tail(losses), np.log(classes)), classes),
            lambda losses, classes: verdict(min(tail(losses), np.log(classes)), classes),
            lambda losses, classes: verdict(np.min(losses[-(len(losses) // 10) :]), classes),
            lambda losses, classes: {"twice": "guessing", "guessing": "twice"}.get(
                diagnose(losses, classes), "neither"
            ),
        ),
        praise="A number has told you which line is wrong.",
    ),
    Exercise(
        "3.5",
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
            Slip(
                lambda *a: train_linear(*a, slope=slope_by_one_maximum),
                "You subtract one maximum from all rows. A row whose logits all lie far below it "
                "vanishes. Take the maximum of each row.",
            ),
        ),
        near_misses=(
            lambda x, y, K, lr, steps: train_linear(x, y, K, 2 * lr, steps),
            lambda x, y, K, lr, steps: train_linear(x, y, K, lr, steps + 1),
            lambda x, y, K, lr, steps: train_linear(x, y, K, lr, 1),
            lambda x, y, K, lr, steps: train_linear(x, y, y.max() + 1, lr, steps),
            lambda x, y, K, lr, steps: train_linear(x, y, K, lr, steps).T,
            lambda x, y, K, lr, steps: train_linear(x, y, K, lr / len(x), steps),
            lambda x, y, K, lr, steps: train_linear(x, y, K, lr, steps) - 1e-4,
            lambda *a: train_linear(*a, slope=lambda z, q: softmax(z, axis=0) - q),
            lambda *a: train_linear(*a, slope=lambda z, q: (softmax(z) - q) * (q > 0)),
        ),
        tolerance=1e-7,
        praise="Three faults found, none of which had stopped the program.",
    ),
)
