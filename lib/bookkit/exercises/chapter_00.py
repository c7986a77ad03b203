"""Exercises of the prelude: accuracy, the loss and its gradient, sizes and counts, one step."""

import numpy as np

from bookkit.exercises.engine import Exercise, Slip


def accuracy(logits, labels):
    return float(np.mean(logits.argmax(axis=1) == labels))


def accuracy_cases(rng):
    logits = np.array([[3.0, 1.0, 2.0, 0.0], [1.0, 4.0, 2.0, 0.0], [1.0, 2.0, 3.0, 0.0]])
    yield logits, np.array([0, 0, 0])
    for samples, classes in ((4, 3), (50, 10), (7, 7)):
        yield rng.normal(size=(samples, classes)), rng.integers(classes, size=samples)


def top_two(logits, labels):
    own = logits[np.arange(len(labels)), labels]
    return float(((logits > own[:, None]).sum(axis=1) < 2).mean())


def over_a_half(logits, labels):
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return float((p[np.arange(len(labels)), labels] > 0.5).mean())


def mean_over_the_classes(logits, labels):
    right = logits.argmax(axis=1) == labels
    return float(np.mean([right[labels == k].mean() for k in np.unique(labels)]))


def log_loss(z, y):
    p = np.exp(z - z.max())
    p /= p.sum()
    shifted = z - z.max()
    gradient = p.copy()
    gradient[y] -= 1
    return float(np.log(np.exp(shifted).sum()) - shifted[y]), gradient


def log_loss_cases(rng):
    yield np.zeros(3), 1
    yield np.array([1.0, 2.0, 4.0]), 0
    for classes in (3, 10):
        yield rng.normal(size=classes) * 3, int(rng.integers(classes))
    yield np.array([1000.0, 0.0, -1000.0]), 2


def without_the_one(z, y):
    value, gradient = log_loss(z, y)
    return value, gradient + np.eye(len(z))[y]


def opposite_gradient(z, y):
    value, gradient = log_loss(z, y)
    return value, -gradient


def opposite_value(z, y):
    value, gradient = log_loss(z, y)
    return -value, gradient


def naive_log_loss(z, y):
    with np.errstate(all="ignore"):
        p = np.exp(z) / np.exp(z).sum()
        return -np.log(p[y]), p - np.eye(len(z))[y]


def log_of_stable(z, y):
    p = np.exp(z - z.max()) / np.exp(z - z.max()).sum()
    with np.errstate(divide="ignore"):
        return -np.log(p[y]), p - np.eye(len(z))[y]


def loss_parts(change_value, change_gradient):
    def changed(z, y):
        value, gradient = log_loss(z, y)
        return change_value(value, z, y), change_gradient(gradient, z, y)

    return changed


def keep(part, *_):
    return part


def instead(gradient, z, y):
    """The gradient after `gradient[y] = -1`, where `gradient[y] -= 1` is meant."""
    return np.where(np.arange(len(z)) == y, -1.0, gradient)


def conv_parameters(in_channels, out_channels, kernel_size):
    return out_channels * (in_channels * kernel_size**2 + 1)


def conv_parameters_cases(rng):
    yield 1, 1, 3
    yield 3, 16, 5
    for _ in range(4):
        yield tuple(int(n) for n in rng.integers(2, 64, size=3))


def output_size(size, kernel_size, stride, padding):
    return (size + 2 * padding - kernel_size) // stride + 1


def output_size_cases(rng):
    yield 8, 3, 1, 0
    yield 8, 3, 1, 1
    yield 8, 2, 2, 0
    for _ in range(6):
        kernel_size, stride, padding = (int(n) for n in rng.integers(1, 5, size=3))
        yield int(rng.integers(kernel_size, 40)), kernel_size, stride, padding


def step(theta, gradient, lr):
    return theta - lr * gradient


def step_cases(rng):
    yield np.array([1.0, -2.0]), np.array([10.0, 20.0]), 0.1
    for size in (1, 5, 12):
        yield rng.normal(size=size), rng.normal(size=size), float(rng.uniform(0.01, 1))


EXERCISES = (
    Exercise(
        "0.1",
        ("logits", "labels"),
        accuracy_cases,
        accuracy,
        (
            Slip(
                lambda logits, labels: float(np.sum(logits.argmax(axis=1) == labels)),
                "That is the number of right answers. Divide by how many there are.",
            ),
            Slip(
                lambda logits, labels: 100 * accuracy(logits, labels),
                "That is a percentage; the share of right answers lies between 0 and 1.",
            ),
            Slip(
                lambda logits, labels: 1 - accuracy(logits, labels),
                "That is the share of wrong answers.",
            ),
            Slip(
                lambda logits, labels: (logits.argmax(axis=1) == labels).astype(float),
                "That says for each image whether it is right. Take the mean.",
            ),
            Slip(
                lambda logits, labels: float(np.mean(logits.argmin(axis=1) == labels)),
                "Is the most probable class the one with the smallest logit?",
            ),
        ),
        near_misses=(
            top_two,
            over_a_half,
            mean_over_the_classes,
            lambda logits, labels: round(accuracy(logits, labels), 4),
            lambda logits, labels: np.sum(logits.argmax(axis=1) == labels) / logits.shape[1],
            lambda logits, labels: np.sum(logits.argmax(axis=1) == labels) / (len(labels) - 1),
            lambda logits, labels: float(np.median(logits.argmax(axis=1) == labels)),
            lambda logits, labels: float(np.mean(np.abs(logits).argmin(axis=1) == labels)),
            lambda logits, labels: accuracy(logits[:-1], labels[:-1]),
        ),
    ),
    Exercise(
        "0.2",
        ("z", "y"),
        log_loss_cases,
        log_loss,
        (
            Slip(
                without_the_one,
                "The loss is right, and the gradient is p. Where did the −1 of the true class go?",
            ),
            Slip(
                opposite_gradient,
                "The loss is right, but the gradient has the opposite sign: raising the logit of "
                "the true class must lower the loss.",
            ),
            Slip(
                opposite_value,
                "A logarithm of a probability is negative; the loss is its opposite.",
            ),
            Slip(
                lambda z, y: log_loss(z, y)[0],
                "That is the loss alone. Return the pair: the loss, then the gradient.",
            ),
            Slip(
                log_of_stable,
                "The probabilities are right, but the smallest was rounded to 0 before you took "
                "its logarithm. Can you get log p without forming p?",
            ),
            Slip(
                naive_log_loss,
                "The formula is right, but e^1000 overflows. What changes if you subtract the "
                "largest logit from all of them first?",
            ),
        ),
        near_misses=(
            loss_parts(lambda v, z, y: v / np.log(2), keep),
            loss_parts(lambda v, z, y: v / len(z), keep),
            loss_parts(lambda v, z, y: v - z.max(), keep),
            loss_parts(lambda v, z, y: min(v, -np.log(1e-12)), keep),
            loss_parts(keep, lambda g, z, y: g / len(z)),
            loss_parts(keep, instead),
            loss_parts(keep, lambda g, z, y: g + np.eye(len(z))[y] - np.eye(len(z))[y - 1]),
            loss_parts(keep, lambda g, z, y: np.append(g[:-1], 0.0)),
            lambda z, y: log_loss(np.clip(z, -30, 30), y),
            lambda z, y: log_loss(z, y - 1),
        ),
        praise="It holds for logits of a thousand too.",
    ),
    Exercise(
        "0.3",
        ("in_channels", "out_channels", "kernel_size"),
        conv_parameters_cases,
        conv_parameters,
        (
            Slip(lambda i, o, k: o * i * k**2, "Each output channel has a bias as well."),
            Slip(
                lambda i, o, k: o * (k**2 + 1),
                "A kernel reaches through all input channels: in_channels × k × k weights.",
            ),
            Slip(lambda i, o, k: o * (i * k + 1), "A kernel is k wide and k high."),
            Slip(
                lambda i, o, k: o * i * (k**2 + 1),
                "There is one bias for each output channel, not for each pair of channels.",
            ),
        ),
        near_misses=(
            lambda i, o, k: o * i * k**2 + 1,
            lambda i, o, k: o * i * k**2 + i,
            lambda i, o, k: o * (i * 2 * k + 1),
            lambda i, o, k: o * (i + 1) * k**2,
            lambda i, o, k: o * (i * (k - 1) ** 2 + 1),
            lambda i, o, k: o * (i * k**3 + 1),
            lambda i, o, k: (o + 1) * i * k**2,
            lambda i, o, k: o * (i * k**2 + k),
            lambda i, o, k: 2 * o * (i * k**2 + 1),
        ),
    ),
    Exercise(
        "0.4",
        ("size", "kernel_size", "stride", "padding"),
        output_size_cases,
        output_size,
        (
            Slip(
                lambda n, k, s, p: (n + 2 * p - k) // s,
                "You counted the moves of the window. Its first place counts too.",
            ),
            Slip(
                lambda n, k, s, p: (n + p - k) // s + 1,
                "The image is padded on both sides.",
            ),
            Slip(
                lambda n, k, s, p: (n + 2 * p - k) / s + 1,
                "A window that does not fit whole is left out: divide without remainder, //.",
            ),
        ),
        near_misses=(
            lambda n, k, s, p: -(-(n + 2 * p - k) // s) + 1,
            lambda n, k, s, p: round((n + 2 * p - k) / s) + 1,
            lambda n, k, s, p: (n + 2 * p - k + 1) // s,
            lambda n, k, s, p: n + 2 * p - k // s + 1,
            lambda n, k, s, p: (n - k) // s + 1,
            lambda n, k, s, p: (n - k) // s + 1 + 2 * p,
            lambda n, k, s, p: (n + 2 * p) // s,
            lambda n, k, s, p: (n + 2 * p - k) // s + s,
            lambda n, k, s, p: n + 2 * p - k + 1,
        ),
    ),
    Exercise(
        "0.5",
        ("theta", "gradient", "lr"),
        step_cases,
        step,
        (
            Slip(
                lambda theta, gradient, lr: theta + lr * gradient,
                "That step goes uphill. The gradient points to where the loss grows.",
            ),
            Slip(
                lambda theta, gradient, lr: -lr * gradient,
                "That is the step itself. Return where it leads to.",
            ),
            Slip(
                lambda theta, gradient, lr: theta - gradient,
                "Where is the learning rate?",
            ),
        ),
        near_misses=(
            lambda theta, gradient, lr: theta - lr * gradient.mean(),
            lambda theta, gradient, lr: theta - lr * gradient / gradient.size,
            lambda theta, gradient, lr: theta - lr * gradient / np.linalg.norm(gradient),
            lambda theta, gradient, lr: theta - lr * np.sign(gradient),
            lambda theta, gradient, lr: theta - lr * np.abs(gradient),
            lambda theta, gradient, lr: theta - lr**2 * gradient,
            lambda theta, gradient, lr: (1 - lr) * theta - lr * gradient,
            lambda theta, gradient, lr: theta - 0.1 * gradient,
            lambda theta, gradient, lr: gradient - lr * theta,
            lambda theta, gradient, lr: np.round(theta - lr * gradient, 4),
        ),
    ),
)
