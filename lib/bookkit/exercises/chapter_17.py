"""Exercises of chapter 17: LeNet, VGG, ResNet."""

from itertools import pairwise

import numpy as np

from bookkit.exercises.engine import Exercise, Slip


def count_network(shape, convs, classes):
    return _count(shape, convs, classes)


def _count(
    shape, convs, classes, *, bias=1, head_bias=1, of_input=False, window=2, padded=2, linear=True
):
    c, h, w = shape
    parameters = work = 0
    for out, k, stride, padding in convs:
        before = h * w
        h = (h + padded * padding - k) // stride + 1
        w = (w + padded * padding - k) // stride + 1
        parameters += (k**window * c + bias) * out
        work += k**window * c * out * (before if of_input else h * w)
        c = out
    units = c * h * w
    return parameters + (units + head_bias) * classes, work + units * classes * linear


def count_cases(rng):
    yield [1, 8, 8], [(4, 3, 1, 1)], 10
    yield [1, 28, 28], [(6, 5, 1, 2), (16, 5, 2, 0)], 10
    yield [3, 13, 9], [(5, 3, 2, 1), (7, 1, 1, 0), (2, 3, 2, 0)], 4
    yield [2, 6, 5], [], 3
    yield [3, 12, 12], [(8, 4, 4, 0), (6, 3, 1, 1)], 5
    yield [1, 10, 7], [(3, 2, 3, 1)], 2


def one_channel(shape, convs, classes):
    c, h, w = shape
    parameters = work = 0
    for out, k, stride, padding in convs:
        h, w = ((n + 2 * padding - k) // stride + 1 for n in (h, w))
        parameters += (k * k * c + 1) * out
        work += k * k * c * out * h * w
    units = (convs[-1][0] if convs else c) * h * w
    return parameters + (units + 1) * classes, work + units * classes


def with_biases_as_work(shape, convs, classes):
    parameters, work = _count(shape, convs, classes)
    return parameters, work + sum(conv[0] for conv in convs) + classes


def square_maps(shape, convs, classes):
    c, h, _ = shape
    return _count((c, h, h), convs, classes)


def pooled_head(shape, convs, classes):
    parameters, work = _count(shape, convs, classes)
    c, h, w = shape
    for out, k, stride, padding in convs:
        c, h, w = out, *((n + 2 * padding - k) // stride + 1 for n in (h, w))
    return parameters - c * (h * w - 1) * classes, work - c * (h * w - 1) * classes


def no_flooring(shape, convs, classes):
    c, h, w = shape
    parameters = work = 0
    for out, k, stride, padding in convs:
        h, w = (-((k - n - 2 * padding) // stride) + 1 for n in (h, w))
        parameters += (k * k * c + 1) * out
        work += k * k * c * out * h * w
        c = out
    return parameters + (c * h * w + 1) * classes, work + c * h * w * classes


def widest(depth, side, parameters, multiply_adds):
    return _widest(depth, side, parameters, multiply_adds)


def _widest(
    depth,
    side,
    parameters,
    multiply_adds,
    *,
    inner=2,
    biases=1,
    head=10,
    first=1,
    pixels=2,
    strict=False,
    both=all,
    head_work=10,
):
    def fits(width):
        weights = 9 * width * first + (depth - 1) * 9 * width**inner
        numbers = weights + biases * depth * width + head * width + 10 * bool(head)
        work = weights * side**pixels + head_work * width
        return both([numbers <= parameters - strict, work <= multiply_adds - strict])

    width = 0
    while fits(width + 1):
        width += 1
    return width


def widest_cases(rng):
    yield 2, 8, 1000, 10**9
    yield 2, 8, 10**9, 80_000
    yield 3, 8, 10_000, 1_000_000
    yield 1, 28, 500, 20_000
    yield 6, 16, 5000, 700_000
    yield 2, 4, 9 * 49 + 9 * 7 + 2 * 7 + 10 * 7 + 10, 10**9  # exactly 7
    yield 2, 4, 9 * 49 + 9 * 7 + 2 * 7 + 10 * 7 + 9, 10**9
    yield 2, 4, 10**9, (9 * 49 + 9 * 7) * 16 + 70  # exactly 7
    yield 2, 4, 10**9, (9 * 49 + 9 * 7) * 16 + 69
    yield 4, 8, 20, 10**9
    yield 12, 8, 10_000, 1_000_000
    yield 5, 32, 40_000, 3_000_000
    yield 1, 4, 20 * 11 + 10, 10**9  # 20 exactly, with one convolution
    yield 3, 5, 10**9, 40_000


def depth_of_all_inputs(depth, side, parameters, multiply_adds):
    return _widest(depth + 1, side, parameters, multiply_adds)


def one_too_many(depth, side, parameters, multiply_adds):
    return widest(depth, side, parameters, multiply_adds) + 1


def at_least_one(depth, side, parameters, multiply_adds):
    return max(1, widest(depth, side, parameters, multiply_adds))


def but(**options):
    return lambda *limits: _widest(*limits, **options)


def scale_for(blocks, growth):
    return np.sqrt(growth ** (1 / blocks) - 1)


def scale_cases(rng):
    yield 4, 16.0
    yield 19, 2.0
    yield 2, 2.0
    yield 1, 5.0
    yield 50, 1.01
    yield 3, 1000.0
    yield 100, np.e


def block_backward(x, W1, W2, alpha, delta):
    z = x @ W1.T
    h = np.maximum(0, z)
    change = alpha * delta
    dz = (change @ W2) * (z > 0)
    return delta + dz @ W1, dz.T @ x, change.T @ h


def block_cases(rng):
    yield (
        np.array([[1.0, 2.0]]),
        np.array([[1.0, 0.5], [-1.0, 0.25], [0.5, 2.0]]),
        np.array([[2.0, 3.0, -1.0], [1.0, 5.0, 0.5]]),
        0.5,
        np.array([[1.0, -3.0]]),
    )
    for n, d, m, alpha in ((4, 3, 5, 0.3), (2, 4, 3, 1.0), (5, 2, 2, 2.5)):
        yield (
            rng.normal(size=(n, d)),
            rng.normal(size=(m, d)),
            rng.normal(size=(d, m)),
            alpha,
            rng.normal(size=(n, d)),
        )
    yield (
        np.array([[0.0, 0.0], [1.0, 1.0]]),  # the ReLU's kink
        np.array([[1.0, -1.0], [2.0, 1.0]]),
        np.array([[1.0, 2.0], [3.0, 4.0]]),
        0.7,
        np.array([[1.0, 2.0], [-1.0, 0.5]]),
    )
    yield (
        rng.normal(size=(3, 2)),
        rng.normal(size=(4, 2)),
        np.zeros((2, 4)),  # a last layer that starts at zero
        0.9,
        rng.normal(size=(3, 2)),
    )


def _backward(
    x, W1, W2, alpha, delta, *, shortcut=1.0, hidden=None, open_at_zero=False, mean=False
):
    z = x @ W1.T
    h = np.maximum(0, z) if hidden is None else hidden(z)
    change = alpha * delta
    dz = (change @ W2) * (z >= 0 if open_at_zero else z > 0)
    n = len(x) if mean else 1
    return shortcut * delta + dz @ W1, dz.T @ x / n, change.T @ h / n


def without_alpha(x, W1, W2, alpha, delta):
    return block_backward(x, W1, W2, 1.0, delta)


def alpha_on_the_shortcut(x, W1, W2, alpha, delta):
    return _backward(x, W1, W2, alpha, delta, shortcut=alpha)


def plain_backward(x, W1, W2, alpha, delta):
    return _backward(x, W1, W2, alpha, delta, shortcut=0.0)


def without_relu(x, W1, W2, alpha, delta):
    z = x @ W1.T
    dz = alpha * delta @ W2
    return delta + dz @ W1, dz.T @ x, alpha * delta.T @ np.maximum(0, z)


def alpha_once(x, W1, W2, alpha, delta):
    dx, dW1, _ = block_backward(x, W1, W2, alpha, delta)
    return dx, dW1, delta.T @ np.maximum(0, x @ W1.T)


def alpha_not_in_x(x, W1, W2, alpha, delta):
    _, dW1, dW2 = block_backward(x, W1, W2, alpha, delta)
    return block_backward(x, W1, W2, 1.0, delta)[0], dW1, dW2


def alpha_not_in_W1(x, W1, W2, alpha, delta):
    dx, dW1, dW2 = block_backward(x, W1, W2, alpha, delta)
    return dx, dW1 / alpha, dW2


def shortcut_in_W1(x, W1, W2, alpha, delta):
    dx, dW1, dW2 = block_backward(x, W1, W2, alpha, delta)
    return dx, dW1 + np.ones_like(W1), dW2


def saving(maps, hidden, classes):
    return _saving(maps, hidden, classes)


def _saving(maps, hidden, classes, *, new=1, bias=1, inputs=None, kept=(), bias_is_work=0):
    """Parameters and multiply-adds of the old head, less those of the new one."""
    c, h, w = maps
    old = _head([c * h * w, *hidden, classes], bias, bias_is_work)
    other = _head([inputs(maps) if inputs else c, *kept, classes], bias, bias_is_work)
    return old[0] - new * other[0], old[1] - new * other[1]


def _head(widths, bias, bias_is_work):
    pairs = list(pairwise(widths))
    work = sum((a + bias_is_work) * b for a, b in pairs)
    return sum((a + bias) * b for a, b in pairs), work


def saving_cases(rng):
    yield [2, 3, 2], [5], 4
    yield [16, 5, 5], [120, 84], 10
    yield [512, 7, 7], [4096, 4096], 1000
    yield [8, 2, 3], [], 4
    yield [6, 1, 1], [], 10
    yield [50, 1, 1], [2], 10
    yield [3, 6, 2], [7, 9], 2


def hidden_layers_kept(maps, hidden, classes):
    return _saving(maps, hidden, classes, kept=hidden)


def first_hidden_only(maps, hidden, classes):
    return saving(maps, hidden[:1], classes)


def old_head_without_its_end(maps, hidden, classes):
    c, h, w = maps
    old, new = _head([c * h * w, *hidden], 1, 0), _head([c, classes], 1, 0)
    return old[0] - new[0], old[1] - new[1]


def mean_counted_as_work(maps, hidden, classes):
    parameters, work = saving(maps, hidden, classes)
    return parameters, work - maps[0] * maps[1] * maps[2]


def new_head_without_bias(maps, hidden, classes):
    parameters, work = saving(maps, hidden, classes)
    return parameters + classes, work


EXERCISES = [
    Exercise(
        "17.1",
        ["shape", "convs", "classes"],
        count_cases,
        count_network,
        [
            Slip(
                lambda *network: _count(*network, bias=0),
                "Each output channel of a convolution has a bias, too.",
            ),
            Slip(
                lambda *network: _count(*network, of_input=True),
                "A weight is used once for each pixel of the output, not of the input.",
            ),
            Slip(
                with_biases_as_work,
                "A bias is added, not multiplied: it does not count as a multiply-add.",
            ),
            Slip(one_channel, "The input channels of a layer are the outputs of the one before."),
        ],
        near_misses=[
            lambda *network: _count(*network, head_bias=0),
            lambda *network: _count(*network, padded=1),
            lambda *network: _count(*network, window=1),
            lambda *network: _count(*network, linear=False),
            lambda *network: 2 * (_count(*network)[0],),
            lambda *network: (_count(*network)[0], 2 * _count(*network)[1]),
            square_maps,
            pooled_head,
            no_flooring,
        ],
        praise="LeNet, VGG and ResNet are counted in the same way.",
    ),
    Exercise(
        "17.2",
        ["depth", "side", "parameters", "multiply_adds"],
        widest_cases,
        widest,
        [
            Slip(
                but(inner=1),
                "Between two layers of width C there are 9 C² weights: each output channel has a "
                "window for every input channel.",
            ),
            Slip(but(pixels=0), "Each weight of a convolution is used at every pixel."),
            Slip(
                depth_of_all_inputs,
                "The first convolution has one input channel; only depth − 1 of them have C.",
            ),
            Slip(but(strict=True), "At most means that the limit itself is allowed."),
        ],
        near_misses=[
            but(biases=0),
            but(head=0),
            but(first=0),
            but(both=any),
            but(pixels=1),
            but(head_work=0),
            one_too_many,
            at_least_one,
            lambda depth, side, parameters, work: widest(depth, side, parameters, 10**12),
            lambda depth, side, parameters, work: widest(depth, side, 10**12, work),
        ],
        praise="Limits that are met exactly are allowed, and too small ones give 0.",
    ),
    Exercise(
        "17.3",
        ["blocks", "growth"],
        scale_cases,
        scale_for,
        [
            Slip(
                lambda blocks, growth: growth ** (1 / blocks) - 1,
                "That is α². The mean square grows by 1 + α² in a block.",
            ),
            Slip(
                lambda blocks, growth: np.sqrt(np.log(growth) / blocks),
                "log(1 + α²) ≈ α² is good for many blocks only; the equation can be solved.",
            ),
            Slip(
                lambda blocks, growth: growth ** (1 / blocks) ** 0.5,
                "That is the growth in one block, or its root; where has the 1 of 1 + α² gone?",
            ),
            Slip(
                lambda blocks, growth: np.sqrt((growth - 1) / blocks),
                "The growth of the blocks multiplies, it does not add up.",
            ),
        ],
        near_misses=[
            lambda blocks, growth: 1 / np.sqrt(blocks),
            lambda blocks, growth: 1 / blocks,
            lambda blocks, growth: np.sqrt(growth ** (1 / (2 * blocks)) - 1),
            lambda blocks, growth: np.sqrt(growth ** (2 / blocks) - 1),
            lambda blocks, growth: np.sqrt(growth**blocks - 1),
            lambda blocks, growth: growth ** (1 / (2 * blocks)) - 1,
            lambda blocks, growth: np.sqrt(growth ** (1 / (blocks + 1)) - 1),
            lambda blocks, growth: -scale_for(blocks, growth),
            lambda blocks, growth: scale_for(blocks, growth) * (1 + 1e-7),
        ],
        praise="For growth e and many blocks it is close to 1/√L.",
    ),
    Exercise(
        "17.4",
        ["x", "W1", "W2", "alpha", "delta"],
        block_cases,
        block_backward,
        [
            Slip(plain_backward, "The gradient for x also comes along the shortcut, as it is."),
            Slip(without_alpha, "The body is multiplied by alpha, and so is its gradient."),
            Slip(alpha_on_the_shortcut, "alpha belongs to the body; the shortcut passes delta on."),
            Slip(without_relu, "Where the ReLU is closed nothing comes back through it."),
        ],
        near_misses=[
            alpha_once,
            alpha_not_in_x,
            alpha_not_in_W1,
            shortcut_in_W1,
            lambda *given: _backward(*given, hidden=lambda z: z),
            lambda *given: _backward(*given, open_at_zero=True),
            lambda *given: _backward(*given, mean=True),
            lambda *given: tuple(-part for part in block_backward(*given)),
        ],
        praise="With W2 = 0 the gradient for W1 is 0 and that for W2 is not: the block wakes up "
        "from its last layer.",
    ),
    Exercise(
        "17.5",
        ["maps", "hidden", "classes"],
        saving_cases,
        saving,
        [
            Slip(
                lambda *head: _saving(*head, new=0),
                "That is what the old head has. The new one has a linear layer, too.",
            ),
            Slip(
                lambda *head: _saving(*head, bias=0),
                "Each output of a linear layer has a bias, too.",
            ),
            Slip(
                lambda *head: _saving(*head, inputs=lambda maps: maps[0] * maps[1] * maps[2]),
                "After the mean a single number is left of each map.",
            ),
            Slip(hidden_layers_kept, "The new head has no hidden layers."),
            Slip(
                lambda *head: _saving(*head, bias_is_work=1),
                "A bias is added, not multiplied: it is no multiply-add.",
            ),
        ],
        near_misses=[
            lambda maps, hidden, classes: saving([maps[0], maps[1], maps[1]], hidden, classes),
            lambda maps, hidden, classes: saving([maps[0], maps[2], maps[2]], hidden, classes),
            lambda *head: tuple(-part for part in saving(*head)),
            lambda *head: tuple(max(part, 0) for part in saving(*head)),
            first_hidden_only,
            old_head_without_its_end,
            mean_counted_as_work,
            new_head_without_bias,
        ],
        praise="VGG-16 would lose 123 million parameters of its 138; a head may also grow.",
    ),
]
