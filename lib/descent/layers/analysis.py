"""What a network does, layer by layer: outputs, shapes, parameters, work, receptive field."""

import math
from contextlib import contextmanager
from functools import partial
from typing import NamedTuple

import numpy as np

from descent.checks import integer
from descent.layers._layer import Layer, without_backward
from descent.layers.activations import Activation
from descent.layers.batch_norm import BatchNorm1d, BatchNorm2d
from descent.layers.containers import Residual, Sequential
from descent.layers.conv import Conv2d
from descent.layers.dropout import Dropout
from descent.layers.instance_norm import InstanceNorm1d, InstanceNorm2d
from descent.layers.linear import Linear
from descent.layers.normalization import GroupNorm, L2Normalize, LayerNorm
from descent.layers.pooling import AvgPool2d, GlobalAvgPool2d, MaxPool2d
from descent.layers.shape import Flatten
from descent.layers.spectral_norm import SpectralNorm

ENTRYWISE = (Activation, BatchNorm1d, BatchNorm2d, Dropout)
GLOBAL = (
    Flatten,
    GlobalAvgPool2d,
    GroupNorm,
    InstanceNorm1d,
    InstanceNorm2d,
    L2Normalize,
    LayerNorm,
    Linear,
)


class Step(NamedTuple):
    """One layer at work: its name in the network, the layer, what came in and what went out."""

    name: str
    layer: Layer
    input: np.ndarray
    output: np.ndarray


def trace(net, x):
    """Run a network forward and record every layer that is not made of layers.

    Parameters
    ----------
    net : Layer
    x : float array
        A batch of inputs. The network runs in the mode that it is in, `without_backward`.

    Returns
    -------
    list of Step
        (name, layer, input, output), in the order in which the layers ran.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> net = Sequential(Linear(3, 4, rng=rng), ReLU())
    >>> [(step.name, step.output.shape) for step in trace(net, np.ones((2, 3)))]
    [('0', (2, 4)), ('1', (2, 4))]
    """
    steps = []
    leaves = {layer: name for name, layer in net.named_modules() if _is_leaf(layer)}

    def observed(name, layer, forward, x):
        y = forward(x)
        steps.append(Step(name, layer, x, y))
        return y

    for layer, name in leaves.items():
        layer.forward = partial(observed, name, layer, layer.forward)
    try:
        with without_backward(net):
            net.forward(x)
    finally:
        for layer in leaves:
            del layer.forward  # the class's own comes back
    return steps


@contextmanager
def evaluating(net):
    """Put a network into evaluation mode for a while, then every layer back into its own."""
    modes = {layer: layer.training for layer in net.modules()}
    net.eval()
    try:
        yield net
    finally:
        for layer, mode in modes.items():
            layer.training = mode


def parameter_count(net):
    """The number of numbers that a network learns.

    Parameters
    ----------
    net : Layer

    Returns
    -------
    int

    Examples
    --------
    >>> parameter_count(Linear(3, 4, rng=np.random.default_rng(0)))
    16
    """
    return sum(p.data.size for p in net.parameters())


def flops(net, input_shape):
    r"""Multiply-adds of one forward pass of one sample.

    A weight of a `Linear` or `Conv2d` layer is multiplied once for each place in the output, so

    .. math::
        \text{Linear: } \text{in} \cdot \text{out},\qquad
        \text{Conv2d: } \text{out} \cdot \frac{\text{in}}{\text{groups}} \cdot k_h k_w
        \cdot H_\text{out} W_\text{out}

    Biases, activations, normalization, pooling and additions are not counted. This is what
    He et al. call FLOPs; others count a multiply-add as two operations.

    Parameters
    ----------
    net : Layer
    input_shape : tuple of int
        Of one sample, such as (1, 28, 28).

    Returns
    -------
    int

    References
    ----------
    He, Zhang, Ren and Sun (2016), "Deep Residual Learning for Image Recognition", CVPR, table 1.

    Examples
    --------
    >>> flops(Conv2d(1, 8, 3, rng=np.random.default_rng(0)), (1, 5, 5))
    648
    """
    return sum(_multiply_adds(step) for step in _trace_one(net, input_shape))


def receptive_field(net):
    r"""How many pixels of the input one pixel of the output can see, in height and in width.

    Let r be the receptive field so far and j the jump, the distance in the input between the
    centers of neighbouring pixels; at the input both are 1. A window of size k, stride s and
    dilation d makes them

    .. math:: r \leftarrow r + (k - 1)\, d\, j,\qquad j \leftarrow s\, j

    Layers that act on each entry alone change nothing (batch normalization too: evaluation mode
    is meant). Branches of a `Residual` see what the larger one sees. Layers that mix all
    positions, such as `Linear`, see the whole image, written as infinity.

    Parameters
    ----------
    net : Layer

    Returns
    -------
    tuple of two ints, or of two times ``math.inf``

    Raises
    ------
    TypeError
        A layer of a kind that is not known here.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> net = Sequential(Conv2d(1, 4, 3, rng=rng), MaxPool2d(2), Conv2d(4, 4, 3, rng=rng))
    >>> receptive_field(net)
    (8, 8)
    """
    fields = {}
    after = _field_after(net, _Field((1, 1), (1, 1)), fields)
    for layer, field in fields.items():
        if field is None:
            raise TypeError(f"net holds a layer of unknown receptive field, {layer!r}")
    return after.size


def summary(net, input_shape):
    """A table of a network's layers as text.

    Parameters
    ----------
    net : Layer
    input_shape : tuple of int
        Of one sample, such as (1, 28, 28).

    Returns
    -------
    str
        For each layer its name and kind, the shape of its output for one sample, its
        parameters, its multiply-adds (see `flops`) and the receptive field of its output
        (see `receptive_field`), and their totals. After a layer that `receptive_field` does not
        know, such as a reader's own, the field is "?".

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> net = Sequential(Conv2d(1, 4, 3, rng=rng), ReLU(), Flatten(), Linear(36, 2, rng=rng))
    >>> print(summary(net, (1, 5, 5)))
    layer      output  parameters  multiply-adds  receptive field
    0 Conv2d    4×3×3          40            324              3×3
    1 ReLU      4×3×3           0              0              3×3
    2 Flatten      36           0              0              all
    3 Linear        2          74             72              all
    total                     114            396              all
    """
    steps = _trace_one(net, input_shape)
    fields = {}
    last = _field_after(net, _Field((1, 1), (1, 1)), fields)
    rows = [("layer", "output", "parameters", "multiply-adds", "receptive field")]
    for step in steps:
        rows.append(
            (
                f"{step.name} {type(step.layer).__name__}".strip(),
                _times(step.output.shape[1:]),
                f"{parameter_count(step.layer):,}",
                f"{_multiply_adds(step):,}",
                _field_text(fields.get(step.layer)),
            )
        )
    work = sum(_multiply_adds(step) for step in steps)
    rows.append(("total", "", f"{parameter_count(net):,}", f"{work:,}", _field_text(last)))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]) for row in rows
    )


def has_weights(layer):
    """Whether a layer multiplies its input by a matrix of weights."""
    return isinstance(layer, (Linear, Conv2d))


def _is_leaf(layer):
    """Whether a layer is not made of layers."""
    return not isinstance(layer, Sequential) and next(iter(layer.children()), None) is None


def _trace_one(net, input_shape):
    shape = tuple(integer("input_shape", n, at_least=1) for n in input_shape)
    dtypes = [p.data.dtype for p in net.parameters()]
    with evaluating(net):
        return trace(net, np.zeros((1, *shape), dtypes[0] if dtypes else np.float64))


def _multiply_adds(step):
    if not has_weights(step.layer):
        return 0
    return step.layer.weight.data.size * math.prod(step.output.shape[2:])


class _Field(NamedTuple):
    size: tuple  # (height, width), in pixels of the input
    jump: tuple


def _field_after(layer, field, after):
    """The field after a layer, None if unknown; `after` collects it for every layer on the way."""
    if isinstance(layer, Sequential):
        for inner in layer.layers:
            field = _field_after(inner, field, after)
    elif isinstance(layer, SpectralNorm):
        field = _field_after(layer.layer, field, after)
    elif isinstance(layer, Residual):
        branches = [_field_after(inner, field, after) for inner in (layer.body, layer.shortcut)]
        field = None if None in branches else _larger(*branches)
    elif isinstance(layer, GLOBAL):
        field = _Field((math.inf, math.inf), (1, 1))
    elif field is None or isinstance(layer, ENTRYWISE):
        pass
    elif isinstance(layer, Conv2d):
        field = _through_window(field, layer.kernel_size, layer.stride, layer.dilation)
    elif isinstance(layer, (MaxPool2d, AvgPool2d)):
        field = _through_window(field, layer.kernel_size, layer.stride, (1, 1))
    else:
        field = None
    after[layer] = field
    return field


def _larger(a, b):
    return _Field(tuple(map(max, a.size, b.size)), a.jump)


def _through_window(field, kernel_size, stride, dilation):
    axes = zip(field.size, field.jump, kernel_size, stride, dilation, strict=True)
    moved = [(r + (k - 1) * d * j, s * j) for r, j, k, s, d in axes]
    size, jump = zip(*moved, strict=True)
    return _Field(size, jump)


def _field_text(field):
    if field is None:
        return "?"
    return "all" if math.inf in field.size else _times(field.size)


def _times(sizes):
    return "×".join(map(str, sizes))
