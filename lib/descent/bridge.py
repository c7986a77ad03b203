"""The bridge to PyTorch: networks cross it in both directions, with weights and running statistics.

The one module of the library that imports PyTorch, which runs on graphics cards and many machines.
"""

import numpy as np
import torch
from torch import nn

from descent import layers
from descent.checks import generator
from descent.layers import Layer

DTYPES = {torch.float32: np.float32, torch.float64: np.float64}


def to_torch(net):
    r"""Build the PyTorch module that computes what a network computes.

    Weights, running statistics, frozen parameters, modes and dtype are the network's; they are
    copies. Parameters have the same names in the same order, so that ``state_dict`` fits both
    ways. Gradients are not taken along, nor are generators: PyTorch draws the masks of dropout
    from its own.

    Parameters
    ----------
    net : Layer
        Made of `Sequential` (subclasses such as `LeNet5` included), `Residual`, and the layers
        that both libraries have.

    Returns
    -------
    module : torch.nn.Module
        On the CPU.

    Raises
    ------
    TypeError
        A layer that the bridge does not know; the message names it and its place.
    ValueError
        An option that PyTorch's layer lacks; a parameter in two layers.

    Examples
    --------
    >>> from descent.bridge import to_torch
    >>> net = Sequential(Linear(3, 2, rng=np.random.default_rng(0)), ReLU())
    >>> to_torch(net)
    Sequential(
      (0): Linear(in_features=3, out_features=2, bias=True)
      (1): ReLU()
    )
    """
    _refuse_sharing(net.named_parameters().values(), [p for _, p in net._places()])
    module = _module(net, "")
    state = {name: torch.tensor(array) for name, array in net.state_dict().items()}
    for dtype in _float_types(state):
        module.to(dtype)
    module.load_state_dict(state)
    theirs = dict(module.named_parameters())
    for name, parameter in net.named_parameters().items():
        theirs[name].requires_grad_(parameter.requires_grad)
    return module


def from_torch(module, *, rng=None):
    """Build the network that computes what a PyTorch module computes; undoes `to_torch`.

    Parameters
    ----------
    module : torch.nn.Module
        Made of ``nn.Sequential`` and the layers that both libraries have, on any device, in
        float32 or float64. ``nn.AdaptiveAvgPool2d(1)`` must be followed by ``nn.Flatten()``.
    rng : numpy.random.Generator, optional
        Needed by dropout alone, which draws its masks from it.

    Returns
    -------
    net : Layer

    Raises
    ------
    TypeError
        A layer that the bridge does not know, another dtype, dropout without an `rng`.
    ValueError
        An option that our layer lacks; hooks; a parameter in two layers.

    Examples
    --------
    >>> from descent.bridge import from_torch
    >>> module = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(4, 2))
    >>> net = from_torch(module)
    >>> net, net.flat
    (Sequential(Flatten(), Linear(4, 2)), Parameter(shape=(10,), dtype=float32))
    """
    everywhere = [p for _, p in module.named_parameters(remove_duplicate=False)]
    _refuse_sharing(module.parameters(), everywhere)
    state = module.state_dict()
    dtypes = _float_types(state)
    if len(dtypes) > 1 or not dtypes <= DTYPES.keys():
        raise TypeError(f"module must be float32 or float64 throughout, got {dtypes}")
    dtype = DTYPES[dtypes.pop()] if dtypes else np.float64
    net = _layer(module, "", dtype, rng)
    net.load_state_dict({name: tensor.detach().cpu().numpy() for name, tensor in state.items()})
    ours = net.named_parameters()
    for name, parameter in module.named_parameters():
        ours[name].requires_grad_(parameter.requires_grad)
    return net


class Residual(nn.Module):
    """`descent.layers.Residual`, which PyTorch lacks: y = shortcut(x) + scale · body(x)."""

    def __init__(self, body, shortcut, scale):
        super().__init__()
        self.body, self.shortcut, self.scale = body, shortcut, scale

    def forward(self, x):
        return self.shortcut(x) + self.scale * self.body(x)


def _module(layer, place):
    """PyTorch's module of a layer at a place such as "3.body.0", its weights still to be set."""
    if _is_sequential(layer):
        inner = [_module(child, _below(place, i)) for i, child in enumerate(layer.layers)]
        module = nn.Sequential(*inner)
    elif type(layer) is layers.Residual:
        branches = (("body", layer.body), ("shortcut", layer.shortcut))
        module = Residual(*(_module(a, _below(place, name)) for name, a in branches), layer.scale)
    elif type(layer) is layers.GlobalAvgPool2d:
        module = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())
    else:
        kind = _known(layer, layers, place)
        module = getattr(nn, kind)(**OPTIONS[kind](layer))
    module.training = layer.training
    return module


def _layer(module, place, dtype, rng):
    """Our layer of a module at a place, its weights still to be set."""
    if hooks := [name for name, value in vars(module).items() if name.endswith("_hooks") and value]:
        raise ValueError(f"{_named(module, place)} has hooks, which our layers lack: {hooks}")
    if type(module).forward is nn.Sequential.forward:
        _refuse_names(module, place)
        pairs = zip(module, [*module, None][1:], strict=False)
        inner = [
            layers.GlobalAvgPool2d()
            if _pools_globally(child, following)
            else _layer(child, _below(place, i), dtype, rng)
            for i, (child, following) in enumerate(pairs)
        ]
        layer = layers.Sequential(*inner)
    elif type(module) is Residual:
        branches = (("body", module.body), ("shortcut", module.shortcut))
        inner = [_layer(child, _below(place, name), dtype, rng) for name, child in branches]
        layer = layers.Residual(*inner, scale=module.scale)
    else:
        kind = _known(module, nn, place)
        needed = {"dtype": dtype} if kind in WITH_ARRAYS else {}
        if kind in ("Linear", "Conv2d"):
            needed["rng"] = np.random.default_rng(0)  # what it draws is overwritten
        if kind in ("Dropout", "Dropout2d"):
            needed["rng"] = generator("rng", rng)
        layer = getattr(layers, kind)(**OPTIONS[kind](module), **needed)
    layer.training = module.training
    return layer


def _is_sequential(layer):
    """Whether a layer is `Sequential` or a subclass that changes nothing but how it is built."""
    plain = type(layer).forward is layers.Sequential.forward
    return plain and len(list(layer.children())) == len(layer.layers)


def _refuse_names(module, place):
    names = [name for name, _ in module.named_children()]
    if names != [str(i) for i in range(len(names))]:
        raise ValueError(
            f"{_named(module, place)} names its layers {names}; ours have numbers: pass "
            "nn.Sequential(*module)"
        )


def _pools_globally(module, following):
    """AdaptiveAvgPool2d(1) and then Flatten: ours gives (N, C) at once, which Flatten leaves."""
    one = type(module) is nn.AdaptiveAvgPool2d and module.output_size in (1, (1, 1))
    return one and type(following) is nn.Flatten


def _known(layer, library, place):
    """The name that both libraries have for a layer, whose options must be in both, too."""
    kind = type(layer).__name__
    if kind not in OPTIONS or type(layer) is not getattr(library, kind):
        raise TypeError(
            f"the bridge does not know {_named(layer, place)}; it knows Sequential, Residual, "
            f"GlobalAvgPool2d, {', '.join(OPTIONS)}"
        )
    for name, only in ONLY.get(kind, {}).items():
        if (value := getattr(layer, name, only)) != only:
            raise ValueError(
                f"{_named(layer, place)} has {name}={value!r}; both libraries have {only!r} alone"
            )
    if kind in AFFINE and (layer.weight is None) != (layer.bias is None):
        raise ValueError(f"{_named(layer, place)} has a weight and no bias; ours has both or none")
    return kind


def _float_types(state):
    return {tensor.dtype for tensor in state.values() if tensor.is_floating_point()}


def _named(layer, place):
    path = f"{type(layer).__module__}.{type(layer).__qualname__}"
    return f"layer {place!r}, a {path}" if place else f"a {path}"


def _below(place, name):
    return f"{place}.{name}" if place else f"{name}"


def _refuse_sharing(parameters, everywhere):
    if len(list(parameters)) < len(everywhere):
        raise ValueError("a parameter stands in two layers; the copies would go their own ways")


def _same(*names):
    """Options that both libraries keep as attributes of the same names."""
    return lambda layer: {name: getattr(layer, name) for name in names}


def _linear(layer):
    out_features, in_features = layer.weight.data.shape
    return {
        "in_features": in_features,
        "out_features": out_features,
        "bias": layer.bias is not None,
    }


def _conv(layer):
    out_channels, inside, *kernel_size = layer.weight.data.shape
    return _same("stride", "dilation", "groups")(layer) | {
        "in_channels": inside * layer.groups,
        "out_channels": out_channels,
        "kernel_size": tuple(kernel_size),
        "padding": _padding(layer.margins) if isinstance(layer, Layer) else layer.padding,
        "bias": layer.bias is not None,
    }


def _padding(margins):
    """Margins of unequal sides come from "same" alone."""
    before, after = zip(*margins, strict=True)
    return before if before == after else "same"


def _norm(*names):
    return lambda layer: _same(*names)(layer) | {"affine": layer.weight is not None}


def _layer_norm(layer):
    return _same("normalized_shape", "eps")(layer) | {
        "elementwise_affine": layer.weight is not None,
        "bias": layer.bias is not None,
    }


_BATCH = _norm("num_features", "eps", "momentum", "track_running_stats")
OPTIONS = {  # from a layer of either library to the arguments of both
    "Linear": _linear,
    "Conv2d": _conv,
    "BatchNorm1d": _BATCH,
    "BatchNorm2d": _BATCH,
    "InstanceNorm1d": _BATCH,
    "InstanceNorm2d": _BATCH,
    "GroupNorm": _norm("num_groups", "num_channels", "eps"),
    "LayerNorm": _layer_norm,
    "MaxPool2d": _same("kernel_size", "stride", "padding"),
    "AvgPool2d": _same("kernel_size", "stride", "padding", "count_include_pad"),
    "Dropout": _same("p"),
    "Dropout2d": _same("p"),
    "Flatten": _same(),
    "ReLU": _same(),
    "LeakyReLU": _same("negative_slope"),
    "ELU": _same("alpha"),
    "Sigmoid": _same(),
    "Tanh": _same(),
    "SiLU": _same(),
    "GELU": _same("approximate"),
    "Softplus": _same("beta", "threshold"),
}
NORMS = {kind for kind in OPTIONS if "Norm" in kind}
AFFINE = NORMS - {"LayerNorm"}
WITH_ARRAYS = {"Linear", "Conv2d"} | NORMS
ONLY = {  # what one of the two libraries cannot do, or not at this place
    "Conv2d": {"padding_mode": "zeros"},
    "MaxPool2d": {"dilation": 1, "ceil_mode": False, "return_indices": False},
    "AvgPool2d": {"ceil_mode": False, "divisor_override": None},
    "Dropout": {"inverted": True},
    "Dropout2d": {"inverted": True},
    "Flatten": {"start_dim": 1, "end_dim": -1},
}
