"""Exercises of chapter 16: padding, the matrix of a layer, its gradients, and how far it sees."""

import numpy as np

from bookkit.exercises.engine import Exercise, Slip


def same_padding(size, kernel_size, stride):
    outputs = -(-size // stride)
    total = max((outputs - 1) * stride + kernel_size - size, 0)
    return total // 2, total - total // 2


def same_padding_cases(rng):
    yield 8, 3, 1
    yield 11, 6, 4
    yield 8, 4, 1
    yield 7, 3, 2
    yield 8, 3, 2
    yield 10, 2, 5
    yield 9, 1, 4
    yield 28, 5, 3
    yield 5, 7, 1
    yield 224, 7, 2
    yield 13, 2, 3


def half_the_kernel(size, kernel_size, stride):
    return kernel_size // 2, kernel_size // 2


def half_rounded_down(size, kernel_size, stride):
    return (kernel_size - 1) // 2, (kernel_size - 1) // 2


def without_the_stride(size, kernel_size, stride):
    return same_padding(size, kernel_size, 1)


def odd_one_before(size, kernel_size, stride):
    return same_padding(size, kernel_size, stride)[::-1]


def for_outputs(outputs_of, least=0):
    def pads(size, kernel_size, stride):
        total = (outputs_of(size, stride) - 1) * stride + kernel_size - size
        total = max(total, least)
        return total // 2, total - total // 2

    return pads


def rounded_up(size, stride):
    return -(-size // stride)


def all_after(size, kernel_size, stride):
    return 0, sum(same_padding(size, kernel_size, stride))


def both_rounded_up(size, kernel_size, stride):
    return (-(-sum(same_padding(size, kernel_size, stride)) // 2),) * 2


def both_rounded_down(size, kernel_size, stride):
    return (sum(same_padding(size, kernel_size, stride)) // 2,) * 2


def total_on_each_side(size, kernel_size, stride):
    return (sum(same_padding(size, kernel_size, stride)),) * 2


def one_window_more(size, kernel_size, stride):
    total = max(rounded_up(size, stride) * stride + kernel_size - size, 0)
    return total // 2, total - total // 2


def conv_matrix(kernel, height, width):
    a, b = kernel.shape
    rows, columns = height - a + 1, width - b + 1
    A = np.zeros((rows, columns, height, width))
    for u in range(rows):
        for v in range(columns):
            A[u, v, u : u + a, v : v + b] = kernel
    return A.reshape(rows * columns, height * width)


def conv_matrix_cases(rng):
    yield np.array([[1.0, 2.0], [3.0, 5.0]]), 3, 4
    yield np.array([[1.0, 2.0, 4.0]]), 2, 5
    yield np.array([[7.0]]), 2, 3
    yield rng.normal(size=(3, 2)), 4, 5
    yield rng.normal(size=(2, 3)), 3, 3
    yield rng.normal(size=(2, 4)), 5, 4


def turned_kernel(kernel, height, width):
    return conv_matrix(kernel[::-1, ::-1], height, width)


def transposed_kernel(kernel, height, width):
    return conv_matrix(kernel.T, height, width)


def transposed_matrix(kernel, height, width):
    return conv_matrix(kernel, height, width).T


def sides_exchanged(kernel, height, width):
    return conv_matrix(kernel, width, height)


def mirrored_kernel(kernel, height, width):
    return conv_matrix(kernel[:, ::-1], height, width)


def upside_down_kernel(kernel, height, width):
    return conv_matrix(kernel[::-1], height, width)


def numbered_by(step_of):
    """Rows of pixels that are not `width` apart."""

    def matrix(kernel, height, width):
        (a, b), step = kernel.shape, step_of(height, width, kernel.shape)
        rows, columns = height - a + 1, width - b + 1
        A = np.zeros((rows * columns, height * width))
        for u, v, i, j in np.ndindex(rows, columns, a, b):
            A[u * columns + v, (u + i) * step + v + j] += kernel[i, j]
        return A

    return matrix


def column_by_column(kernel, height, width):
    A = conv_matrix(kernel, height, width)
    return A.reshape(len(A), height, width).swapaxes(1, 2).reshape(A.shape)


def places_column_by_column(kernel, height, width):
    A = conv_matrix(kernel, height, width)
    rows = height - kernel.shape[0] + 1
    return A.reshape(rows, -1, height * width).swapaxes(0, 1).reshape(A.shape)


def normalized(kernel, height, width):
    return conv_matrix(kernel, height, width) / kernel.size


def with_padding(kernel, height, width):
    size = (height + 2, width + 2)
    A = conv_matrix(kernel, *size).reshape(-1, *size)[:, 1:-1, 1:-1]
    return A.reshape(-1, height * width)


def stepped(x, delta, kernel_size, stride, dilation):
    """For each weight the pixels that it meets."""
    OH, OW = delta.shape
    for i, j in np.ndindex(*kernel_size):
        yield x[dilation * i :, dilation * j :][::stride, ::stride][:OH, :OW]


def kernel_gradient(x, delta, kernel_size, stride, dilation):
    met = [(delta * pixels).sum() for pixels in stepped(x, delta, kernel_size, stride, dilation)]
    return np.reshape(met, kernel_size)


def kernel_gradient_cases(rng):
    yield np.arange(12.0).reshape(3, 4) ** 2, np.array([[1.0, 2.0, 4.0]]), [3, 2], 1, 1
    yield rng.normal(size=(5, 7)), rng.normal(size=(2, 3)), [2, 3], 2, 1
    yield rng.normal(size=(6, 8)), rng.normal(size=(2, 4)), [3, 2], 1, 2
    yield rng.normal(size=(9, 12)), rng.normal(size=(2, 3)), [3, 2], 3, 2
    yield rng.normal(size=(8, 9)), rng.normal(size=(2, 3)), [2, 2], 3, 1


def changed_gradient(change):
    return lambda *arguments: change(kernel_gradient(*arguments), *arguments)


def without_stride(x, delta, kernel_size, stride, dilation):
    return kernel_gradient(x, delta, kernel_size, 1, dilation)


def without_dilation(x, delta, kernel_size, stride, dilation):
    return kernel_gradient(x, delta, kernel_size, stride, 1)


def steps_exchanged(x, delta, kernel_size, stride, dilation):
    return kernel_gradient(x, delta, kernel_size, dilation, stride)


def turned_gradient(gradient, *_):
    return gradient[::-1, ::-1]


def mean_over_places(gradient, x, delta, *_):
    return gradient / delta.size


def turned_delta(x, delta, *options):
    return kernel_gradient(x, delta[::-1, ::-1], *options)


def without_delta(x, delta, *options):
    return kernel_gradient(x, np.ones_like(delta), *options)


def without_pixels(x, delta, *options):
    return kernel_gradient(np.ones_like(x), delta, *options)


def last_place_only(x, delta, *options):
    last = np.zeros_like(delta)
    last[-1, -1] = delta[-1, -1]
    return kernel_gradient(x, last, *options)


def last_row_left_out(x, delta, *options):
    return kernel_gradient(x, delta * (np.arange(len(delta)) < len(delta) - 1)[:, None], *options)


def times_dilation(gradient, x, delta, kernel_size, stride, dilation):
    return gradient * stride


def transposed_image(x, delta, kernel_size, stride, dilation):
    return kernel_gradient(x[::-1, ::-1], delta, kernel_size, stride, dilation)


def max_pool_backward(x, delta):
    result = np.zeros(x.shape)
    for (u, v), message in np.ndenumerate(delta):
        window = x[2 * u : 2 * u + 2, 2 * v : 2 * v + 2]
        i, j = divmod(int(window.argmax()), 2)
        result[2 * u + i, 2 * v + j] = message
    return result


def max_pool_cases(rng):
    yield (
        np.array([[1.0, 2.0, 7.0, 7.0], [4.0, 3.0, 7.0, 7.0]]),
        np.array([[0.5, 0.3]]),
    )
    yield np.array([[1.0, 5.0], [5.0, 2.0], [-3.0, -4.0], [-2.0, -2.0]]), np.array([[2.0], [-1.0]])
    yield np.zeros((2, 6)), np.array([[1.0, 2.0, 4.0]])
    yield rng.normal(size=(6, 4)), rng.normal(size=(3, 2))
    yield np.round(rng.normal(size=(8, 10))), rng.normal(size=(4, 5))


def by_window(rule):
    """What each pixel of a window gets, from the window and its message."""

    def backward(x, delta):
        h, w = delta.shape
        result = np.zeros((h, 2, w, 2))
        for (u, v), message in np.ndenumerate(delta):
            window = x[2 * u : 2 * u + 2, 2 * v : 2 * v + 2]
            result[u, :, v] = rule(window, message)
        return result.reshape(x.shape)

    return backward


def to_all_equal(window, message):
    return message * (window == window.max())


def in_equal_parts(window, message):
    winners = window == window.max()
    return message * winners / winners.sum()


def to_the(place_of):
    def rule(window, message):
        share = np.zeros(4)
        share[place_of(window.ravel())] = message
        return share.reshape(2, 2)

    return by_window(rule)


def first_by_columns(window, message):
    share = np.zeros(4)
    share[window.T.ravel().argmax()] = message
    return share.reshape(2, 2).T


def value_of_the_maximum(window, message):
    share = np.zeros(4)
    share[window.argmax()] = window.max()
    return share.reshape(2, 2)


def times_the_maximum(window, message):
    share = np.zeros(4)
    share[window.argmax()] = message * window.max()
    return share.reshape(2, 2)


def a_quarter_to_the_winner(window, message):
    share = np.zeros(4)
    share[window.argmax()] = message / 4
    return share.reshape(2, 2)


def nothing_at_or_below_zero(window, message):
    share = np.zeros(4)
    share[window.argmax()] = message * (window.max() > 0)
    return share.reshape(2, 2)


def last_winner(window):
    return 3 - window[::-1].argmax()


def as_relu(window, message):
    return message * (window > 0)


def field(windows, grow=None, begin=None, step=None):
    r, jump, first = 1, 1, 0
    for k, s, p, d in windows:
        r += grow(k, s, d, jump) if grow else d * (k - 1) * jump
        first -= begin(p, s, d, jump) if begin else p * jump
        jump = step(jump, s) if step else jump * s
    return r, jump, first


def field_cases(rng):
    yield ([(3, 1, 1, 1)],)
    yield ([(5, 1, 2, 1), (2, 2, 0, 1), (5, 1, 0, 1), (2, 2, 0, 1)],)
    yield ([(3, 2, 1, 1), (3, 1, 2, 2)],)
    yield ([(7, 2, 3, 1), (3, 2, 1, 1), (3, 1, 1, 1), (3, 3, 1, 2)],)
    yield ([(1, 3, 0, 1), (4, 1, 3, 3), (2, 2, 1, 1)],)
    yield ([],)


def with_k_for_k_minus_1(k, s, d, jump):
    return d * k * jump


def without_jump(k, s, d, jump):
    return d * (k - 1)


def new_jump(k, s, d, jump):
    return d * (k - 1) * jump * s


def ignoring_dilation(k, s, d, jump):
    return (k - 1) * jump


def dilated_minus_one(k, s, d, jump):
    return (d * k - 1) * jump


def from_the_top(windows):
    return field(windows[::-1])


def with_padding_in_the_field(windows):
    r, jump, first = field(windows)
    return r + 2 * sum(p for _, _, p, _ in windows), jump, first


def positive_start(windows):
    r, jump, first = field(windows)
    return r, jump, -first


def middle_of_the_first(windows):
    r, jump, first = field(windows)
    return r, jump, first + (r - 1) / 2


def last_stride(windows):
    r, _, first = field(windows)
    return r, (windows[-1][1] if windows else 1), first


EXERCISES = [
    Exercise(
        "16.1",
        ["size", "kernel_size", "stride"],
        same_padding_cases,
        same_padding,
        [
            Slip(
                half_the_kernel,
                "Half the kernel on either side is one too many for an even kernel, and takes no "
                "notice of the stride.",
            ),
            Slip(
                without_the_stride,
                "That keeps the size for stride 1. With a stride the last window begins at "
                "(outputs − 1) · stride.",
            ),
            Slip(odd_one_before, "If the sum is odd, the odd zero comes after, not before."),
            Slip(
                for_outputs(rounded_up, least=-100),
                "A negative number of zeros: here the image is longer than the windows need.",
            ),
        ],
        near_misses=[
            half_rounded_down,
            all_after,
            both_rounded_up,
            both_rounded_down,
            total_on_each_side,
            one_window_more,
            for_outputs(lambda size, stride: size // stride),
            for_outputs(lambda size, stride: size // stride + 1),
            lambda size, kernel_size, stride: sum(same_padding(size, kernel_size, stride)),
        ],
        praise="Even kernels, and strides larger than the kernel, were among them.",
    ),
    Exercise(
        "16.2",
        ["kernel", "height", "width"],
        conv_matrix_cases,
        conv_matrix,
        [
            Slip(
                turned_kernel,
                "The kernel is turned around: that is the convolution of the mathematicians.",
            ),
            Slip(transposed_matrix, "One row for each output, one column for each pixel."),
            Slip(
                column_by_column,
                "The pixels are numbered column by column; ravel goes row by row.",
            ),
            Slip(
                places_column_by_column,
                "The outputs are numbered column by column; ravel goes row by row.",
            ),
        ],
        near_misses=[
            transposed_kernel,
            sides_exchanged,
            mirrored_kernel,
            upside_down_kernel,
            normalized,
            with_padding,
            numbered_by(lambda height, width, kernel: width - kernel[1] + 1),
            numbered_by(lambda height, width, kernel: height),
            lambda kernel, height, width: conv_matrix(abs(kernel), height, width),
        ],
        praise="Tall and wide kernels were among them, and images with unequal sides.",
    ),
    Exercise(
        "16.3",
        ["x", "delta", "kernel_size", "stride", "dilation"],
        kernel_gradient_cases,
        kernel_gradient,
        [
            Slip(
                without_stride,
                "Those are the pixels for stride 1. The window number u begins at pixel s·u.",
            ),
            Slip(
                without_dilation,
                "Those are the pixels for dilation 1. The weight number i stands d·i pixels from "
                "the window's beginning.",
            ),
            Slip(
                changed_gradient(mean_over_places),
                "A weight is shared by all places and collects their sum, not their mean.",
            ),
            Slip(
                changed_gradient(turned_gradient),
                "The gradient stands the wrong way round: nothing is turned here. The kernel is "
                "turned around on the way to the image, not on the way to the weights.",
            ),
        ],
        near_misses=[
            steps_exchanged,
            turned_delta,
            without_delta,
            without_pixels,
            last_place_only,
            last_row_left_out,
            transposed_image,
            changed_gradient(times_dilation),
            lambda *arguments: -kernel_gradient(*arguments),
            lambda *arguments: kernel_gradient(*arguments).T,
        ],
        praise="Stride and dilation together were among them.",
    ),
    Exercise(
        "16.4",
        ["x", "delta"],
        max_pool_cases,
        max_pool_backward,
        [
            Slip(
                by_window(to_all_equal),
                "Where several pixels are equally large, each of them got the whole message. It "
                "is counted several times; the first one alone gets it.",
            ),
            Slip(
                by_window(in_equal_parts),
                "Where several pixels are equally large they share the message. Here the first "
                "one gets all of it.",
            ),
            Slip(to_the(last_winner), "Among equal pixels that is the last; the first one wins."),
            Slip(
                by_window(lambda window, message: np.full((2, 2), message / 4)),
                "That is the way back through a mean.",
            ),
        ],
        near_misses=[
            by_window(first_by_columns),
            by_window(value_of_the_maximum),
            by_window(times_the_maximum),
            by_window(a_quarter_to_the_winner),
            by_window(nothing_at_or_below_zero),
            by_window(as_relu),
            by_window(lambda window, message: np.full((2, 2), message)),
            to_the(lambda window: window.argmin()),
            to_the(lambda window: abs(window).argmax()),
            to_the(lambda window: 0),
        ],
        praise="Ties, and windows without a positive pixel, were among them.",
    ),
    Exercise(
        "16.5",
        ["windows"],
        field_cases,
        lambda windows: field(windows),
        [
            Slip(
                lambda windows: field(windows, grow=new_jump),
                "The window moves over the units of the layer below: its old jump counts, not "
                "the one after this layer's stride.",
            ),
            Slip(
                lambda windows: field(windows, grow=without_jump),
                "That adds up the windows as if there were no strides below them.",
            ),
            Slip(
                lambda windows: field(windows, grow=ignoring_dilation),
                "That is the field without dilation: a window spans d(k − 1) steps.",
            ),
            Slip(
                lambda windows: field(windows, begin=lambda p, s, d, jump: p),
                "The padding of a deeper layer is counted in its own units, each a jump wide.",
            ),
        ],
        near_misses=[
            from_the_top,
            with_padding_in_the_field,
            positive_start,
            middle_of_the_first,
            last_stride,
            lambda windows: field(windows, grow=with_k_for_k_minus_1),
            lambda windows: field(windows, grow=dilated_minus_one),
            lambda windows: field(windows, begin=lambda p, s, d, jump: p * jump * s),
            lambda windows: field(windows, begin=lambda p, s, d, jump: p * jump * d),
            lambda windows: field(windows, begin=lambda p, s, d, jump: 0),
            lambda windows: field(windows, step=lambda jump, s: jump + s - 1),
            lambda windows: field(windows, step=lambda jump, s: jump + s),
        ],
        praise="Padding below and above a stride, and no layer at all, were among them.",
    ),
]
