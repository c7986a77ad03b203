"""What every layer has: parameters, their gradients, forward and backward."""

import numpy as np

from descent.checks import float_array, matching


class Parameter:
    """An array that is learned, and its gradient.

    Attributes
    ----------
    data, grad : float arrays of one shape
        `grad` accumulates until it is set to zero, as in PyTorch.

    Raises
    ------
    TypeError
        Arrays that are not float32 or float64.
    ValueError
        Data that is not contiguous in memory, such as a transpose: a flat view of it, which
        optimizers need, would be a copy. A gradient of another shape.
    """

    def __init__(self, data, grad=None):
        self.data = float_array("data", data)
        if not self.data.flags.c_contiguous:
            raise ValueError(
                f"data of shape {self.data.shape} must be contiguous in memory; "
                "pass np.ascontiguousarray(data)"
            )
        self.grad = np.zeros_like(self.data)
        if grad is not None:
            _, self.grad = matching(data=self.data, grad=grad)

    def __repr__(self):
        return f"Parameter(shape={self.data.shape}, dtype={self.data.dtype})"


class Layer:
    """A step of a network.

    A subclass sets its parameters, buffers and inner layers as attributes and writes

    - ``forward(x)``, which keeps what the backward pass will need,
    - ``backward(gradient)``, which takes the derivative of the loss with respect to the output,
      *adds* the derivatives with respect to the parameters to their ``grad``, and returns the
      derivative with respect to the input. A layer with parameters also takes
      ``input_gradient=False``: then nothing is returned, which saves work in the first layer.

    Attributes
    ----------
    training : bool
        Whether dropout drops and batch normalization uses the batch; see `train` and `eval`.
    """

    training = True
    buffer_names = ()

    def __call__(self, x):
        return self.forward(x)

    def children(self):
        """The inner layers, as pairs of name and layer, in the order of their definition."""
        for name, value in vars(self).items():
            if isinstance(value, Layer):
                yield name, value
            elif isinstance(value, (list, tuple)):
                yield from ((str(i), v) for i, v in enumerate(value) if isinstance(v, Layer))

    def named_parameters(self, prefix=""):
        """A dict from PyTorch's name of each parameter, such as "0.weight", to the parameter."""
        named = {prefix + n: v for n, v in vars(self).items() if isinstance(v, Parameter)}
        for name, layer in self.children():
            named |= layer.named_parameters(f"{prefix}{name}.")
        return named

    def parameters(self):
        """The parameters, in the order of `named_parameters`."""
        return list(self.named_parameters().values())

    def named_buffers(self, prefix=""):
        """A dict of the arrays that are kept but not learned, such as running means."""
        named = {prefix + name: getattr(self, name) for name in self.buffer_names}
        for name, layer in self.children():
            named |= layer.named_buffers(f"{prefix}{name}.")
        return named

    def state_dict(self):
        """Copies of all parameters and buffers, by PyTorch's names."""
        arrays = {name: p.data for name, p in self.named_parameters().items()}
        return {name: array.copy() for name, array in (arrays | self.named_buffers()).items()}

    def load_state_dict(self, state):
        """Copy arrays into the parameters and buffers of the same names.

        Raises
        ------
        ValueError
            Names that are missing or unknown, or an array of another shape. Then nothing
            has been changed.
        """
        own = {name: p.data for name, p in self.named_parameters().items()} | self.named_buffers()
        if missing := own.keys() - state.keys():
            raise ValueError(f"state lacks {sorted(missing)}")
        if unknown := state.keys() - own.keys():
            raise ValueError(f"state has {sorted(unknown)}, which this network does not have")
        for name, array in own.items():
            if np.shape(state[name]) != array.shape:
                raise ValueError(
                    f"state[{name!r}] must have shape {array.shape}, got {np.shape(state[name])}"
                )
        for name, array in own.items():
            array[...] = state[name]

    def train(self, mode=True):
        """Put this layer and all inner ones into training mode; returns the layer itself."""
        self.training = mode
        for _, layer in self.children():
            layer.train(mode)
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
        """All parameters as one `Parameter` of shape (P,) that shares their memory."""
        runs = coalesce(self.parameters())
        if len(runs) != 1:
            raise ValueError(
                f"the parameters lie in {len(runs)} pieces of memory, expected 1; "
                "call flatten(net.parameters()) once"
            )
        return runs[0]


def flatten(parameters):
    """Move parameters into one vector, and their gradients into another.

    Each `Parameter` keeps its shape and values; its arrays become views. An optimizer can
    then update the whole network with a few operations on long vectors.
    """
    if not parameters:
        return
    data = np.concatenate([p.data.ravel() for p in parameters])
    grad = np.concatenate([p.grad.ravel() for p in parameters])
    start = 0
    for p in parameters:
        stop = start + p.data.size
        p.data = data[start:stop].reshape(p.data.shape)
        p.grad = grad[start:stop].reshape(p.grad.shape)
        start = stop


def coalesce(parameters):
    """Join neighbours in memory: the fewest vectors that are views of all the parameters.

    A network whose parameters were flattened gives one `Parameter` of shape (P,).
    """
    runs = []
    for p in parameters:
        if runs and _adjacent(runs[-1][-1], p):
            runs[-1].append(p)
        else:
            runs.append([p])
    return [Parameter(_span([p.data for p in r]), _span([p.grad for p in r])) for r in runs]


def _adjacent(p, q):
    return all(
        a.base is not None and a.base is b.base and _start(b) == _start(a) + a.size
        for a, b in ((p.data, q.data), (p.grad, q.grad))
    )


def _start(view):
    return (view.ctypes.data - view.base.ctypes.data) // view.itemsize


def _span(views):
    if len(views) == 1:
        return views[0].reshape(-1)
    return views[0].base[_start(views[0]) : _start(views[-1]) + views[-1].size]
