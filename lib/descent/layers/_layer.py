"""What every layer has: parameters and buffers with names, modes, forward and backward."""

import threading
from collections import deque
from collections.abc import Mapping
from contextlib import contextmanager
from typing import NamedTuple

import numpy as np

from descent.checks import FLOATS
from descent.layers._parameter import Parameter, coalesce


class IncompatibleKeys(NamedTuple):
    """What `Layer.load_state_dict` found missing, and what it found too much."""

    missing_keys: list
    unexpected_keys: list


class Layer:
    """A step of a network.

    A subclass sets its parameters, buffers and inner layers as attributes (also in lists, tuples
    and dicts) and writes

    - ``forward(x)``, which returns the output through ``self.keep(y, …)`` with whatever the
      backward pass will need,
    - ``backward(gradient)``, which takes the derivative of the loss with respect to the output,
      gets back through ``self.recall(gradient)`` what was kept, *adds* the derivatives with
      respect to the parameters to their ``grad``, and returns the derivative with respect to the
      input. A layer with parameters also takes ``input_gradient=False``: then nothing is
      returned, which saves work in the first layer. A parameter whose ``requires_grad`` is False
      gets nothing added.

    A layer keeps what one forward pass left, until the next: `backward` belongs to the forward
    pass that came last, and a network holds a layer at one place only. What is kept is the
    layer's own, so that an input or output may be changed after the forward pass. To compute
    between a forward pass and its backward pass without a trace, see `without_backward`.

    Attributes
    ----------
    training : bool
        Whether dropout drops and batch normalization uses the batch; see `train` and `eval`.

    Examples
    --------
    >>> class Cube(Layer):
    ...     def forward(self, x):
    ...         return self.keep(x**3, 3 * x**2)
    ...
    ...     def backward(self, gradient):
    ...         (slope,) = self.recall(gradient)
    ...         return gradient * slope
    >>> cube = Cube()
    >>> cube(np.array([2.0])), cube.backward(np.array([1.0]))
    (array([8.]), array([12.]))
    """

    training = True
    buffer_names = ()
    kept = None

    def __call__(self, x):
        return self.forward(x)

    @property
    def keeps(self):
        """Whether a backward pass may follow; see `without_backward`."""
        return id(self) not in _quiet.layers

    def keep(self, y, *needed):
        """Remember what the backward pass will need, and return the output `y`."""
        if self.keeps:
            self.kept = y.shape, needed  # one assignment: a thread sees all of it or nothing
        return y

    def recall(self, gradient):
        """What the last forward pass kept, a tuple, for a gradient of the output's shape.

        Raises
        ------
        RuntimeError
            There was no forward pass.
        ValueError
            A gradient of another shape than the output's.
        TypeError
            A gradient that is no array of floats.
        """
        if self.kept is None:
            raise RuntimeError(f"backward of {self!r} was called before forward")
        shape, needed = self.kept
        if np.shape(gradient) != shape:
            raise ValueError(
                f"gradient must have the shape of the output of {self!r}, {shape}, "
                f"got {np.shape(gradient)}"
            )
        if getattr(gradient, "dtype", None) not in FLOATS:
            came = getattr(gradient, "dtype", type(gradient).__name__)
            raise TypeError(f"gradient must be an array of float32 or float64, got {came}")
        return needed

    def children(self):
        """The inner layers, as pairs of name and layer, in the order of their definition."""
        yield from _members(vars(self).items(), Layer)

    def named_modules(self, prefix=""):
        """Pairs of PyTorch's name and layer: this one, named "", and all inner ones.

        Raises
        ------
        ValueError
            A layer that holds itself, such as an attribute for the layer above.
        """
        yield from self._walk(prefix, ())

    def _walk(self, name, above):
        if any(layer is self for layer in above):
            raise ValueError(f"{name} is a {type(self).__name__} that lies within itself")
        yield name, self
        for own, layer in self.children():
            yield from layer._walk(f"{name}.{own}" if name else own, (*above, self))

    def modules(self):
        """This layer and all inner ones, outer ones first."""
        return (layer for _, layer in self.named_modules())

    def named_parameters(self, prefix=""):
        """A dict from PyTorch's name of each parameter, such as "0.weight", to the parameter.

        A parameter that two layers share stands under its first name, as in PyTorch.

        Raises
        ------
        ValueError
            Two parameters of one name, as with the keys 1 and "1" of a dict.
        """
        first = {}
        for name, parameter in self._places(prefix):
            first.setdefault(parameter, name)
        named = {name: parameter for parameter, name in first.items()}
        if len(named) < len(first):
            twice = next(name for p, name in first.items() if named[name] is not p)
            raise ValueError(f"two parameters are both named {twice!r}; rename an attribute or key")
        return named

    def _places(self, prefix=""):
        for name, layer in self.named_modules():
            before = f"{prefix}{name}." if name else prefix
            for own, parameter in _members(vars(layer).items(), Parameter):
                yield before + own, parameter

    def parameters(self):
        """The parameters, in the order of `named_parameters`."""
        return list(self.named_parameters().values())

    def learns(self):
        """Whether any parameter requires a gradient."""
        own = vars(self).values()  # most layers that learn hold their parameters themselves
        return any(isinstance(p, Parameter) and p.requires_grad for p in own) or any(
            p.requires_grad for _, p in self._places()
        )

    def requires_grad_(self, requires_grad=True):
        """Freeze all parameters with False, thaw them with True; returns the layer itself.

        A frozen parameter gets no gradient added and no step. Its gradient stays what it was
        until `zero_grad`; batch normalization still follows its batches in training mode.
        """
        for parameter in self.parameters():
            parameter.requires_grad_(requires_grad)
        return self

    def named_buffers(self, prefix=""):
        """A dict of the arrays that are kept but not learned, such as running means."""
        return {
            (f"{prefix}{name}." if name else prefix) + own: getattr(layer, own)
            for name, layer in self.named_modules()
            for own in layer.buffer_names
        }

    def _arrays(self):
        return {name: p.data for name, p in self._places()} | self.named_buffers()

    def state_dict(self):
        """Copies of all parameters and buffers, by PyTorch's names."""
        return {name: array.copy() for name, array in self._arrays().items()}

    def load_state_dict(self, state, strict=True):
        """Copy arrays into the parameters and buffers of the same names.

        Parameters
        ----------
        state : dict of arrays
        strict : bool
            Whether every name must be on both sides. If not, those that are on one side only
            are left alone: so the trunk of another network can be taken over. As in PyTorch,
            shapes must agree in either case.

        Returns
        -------
        missing_keys, unexpected_keys : lists of str
            Unless ``strict``: names that the state lacks, and names that this network does not
            have. Nothing if ``strict``, where there are none.

        Raises
        ------
        ValueError
            Names that are missing or unknown if ``strict``, or an array of another shape. Then
            nothing has been changed.
        TypeError
            Something that is not an array of numbers. Then nothing has been changed either.
        """
        if not isinstance(state, Mapping):
            raise TypeError(f"state must be a dict of arrays, got {state!r}")
        own = self._arrays()
        missing, unexpected = sorted(own.keys() - state.keys()), sorted(state.keys() - own.keys())
        if strict and missing:
            raise ValueError(f"state lacks {missing}")
        if strict and unexpected:
            raise ValueError(f"state has {unexpected}, which this network does not have")
        new = {name: np.asarray(state[name]) for name in own if name in state}
        for name, array in new.items():
            if array.shape != own[name].shape:
                raise ValueError(
                    f"state[{name!r}] must have shape {own[name].shape}, got {array.shape}"
                )
            if array.dtype.kind not in "fiub":
                raise TypeError(f"state[{name!r}] must hold numbers, got {array.dtype}")
        for name, array in new.items():
            own[name][...] = array
        return None if strict else IncompatibleKeys(missing, unexpected)

    def train(self, mode=True):
        """Put this layer and all inner ones into training mode; returns the layer itself."""
        for layer in self.modules():
            layer.training = mode
        return self

    def eval(self):
        """Put this layer and all inner ones into evaluation mode; returns the layer itself."""
        return self.train(False)

    def zero_grad(self):
        """Set the gradients of all parameters to zero."""
        for parameter in coalesce(self.parameters()):
            parameter.grad.fill(0)

    @property
    def flat(self):
        """All parameters as one `Parameter` of shape (P,) that shares their memory.

        An optimizer of it moves frozen parameters too: it does not know them one by one.
        """
        runs = coalesce(self.parameters())
        if len(runs) != 1:
            raise ValueError(
                f"the parameters lie in {len(runs)} pieces of memory, expected 1; "
                "call flatten(net.parameters()) once, before an optimizer is made"
            )
        return runs[0]


class _Quiet(threading.local):
    layers = frozenset()


_quiet = _Quiet()


@contextmanager
def without_backward(net):
    """Within a ``with`` block, forward passes of a network keep nothing.

    A backward pass that is still to come uses what it would have used without them, and less
    memory is needed. The block counts for the thread that it is in: in evaluation mode several
    threads may use one network.

    Examples
    --------
    >>> relu = ReLU()
    >>> _ = relu(np.array([1.0, 2.0]))
    >>> with without_backward(relu):
    ...     relu(np.array([-3.0, -4.0]))
    array([0., 0.])
    >>> relu.backward(np.array([5.0, 5.0]))
    array([5., 5.])
    """
    before = _quiet.layers
    _quiet.layers = before.union(map(id, net.modules()))
    try:
        yield net
    finally:
        _quiet.layers = before


def _members(attributes, kind):
    """Those of some pairs of name and value that are of a kind, also in lists, tuples and dicts."""
    for name, value in attributes:
        if isinstance(value, kind):
            yield name, value
        elif isinstance(value, (list, tuple, deque)):
            yield from _members(((f"{name}.{i}", v) for i, v in enumerate(value)), kind)
        elif isinstance(value, dict):
            yield from _members(((f"{name}.{key}", v) for key, v in value.items()), kind)
        elif isinstance(value, (set, frozenset)) and any(isinstance(v, kind) for v in value):
            raise TypeError(
                f"{name} must be a list, not a set: what is in it has no order, no names"
            )
