"""Layers made of layers."""

from descent.checks import number
from descent.layers._layer import Layer
from descent.layers._parameter import flatten


class Sequential(Layer):
    r"""Layers applied one after the other.

    .. math:: y = f_L(\cdots f_2(f_1(x)))

    The backward pass is the chain rule, read from the last layer to the first. All parameters
    lie in one vector, and the layers keep shaped views of it: `flatten` moves them there, unless
    they lie in one vector already. A part of a network, such as ``net[:-1]``, shares its layers
    and its memory.

    Parameters
    ----------
    *layers : Layer
        Without any, the identity.

    Raises
    ------
    TypeError
        What is not a layer.
    ValueError
        One layer at two places: the second forward pass would overwrite what the first kept.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> net = Sequential(Linear(3, 4, rng=rng), Linear(4, 2, rng=rng))
    >>> list(net.named_parameters())
    ['0.weight', '0.bias', '1.weight', '1.bias']
    >>> net.flat
    Parameter(shape=(26,), dtype=float64)
    >>> net[:-1]
    Sequential(Linear(3, 4))
    """

    def __init__(self, *layers):
        for i, layer in enumerate(layers):
            if not isinstance(layer, Layer):
                raise TypeError(f"layers[{i}] must be a Layer, got {layer!r}")
        self.layers = list(layers)
        _settle(self)

    def __repr__(self):
        return f"Sequential({', '.join(map(repr, self.layers))})"

    def __len__(self):
        return len(self.layers)

    def __getitem__(self, index):
        """The layer of an index, or for a slice a `Sequential` of the same layers."""
        if not isinstance(index, slice):
            return self.layers[index]
        part = Sequential(*self.layers[index])
        part.training = self.training
        return part

    def children(self):
        """The layers, named "0", "1", … as in PyTorch; then those of other attributes."""
        for name, layer in super().children():
            yield name.removeprefix("layers."), layer

    def forward(self, x):
        for layer in self.layers:
            x = layer.forward(x)
        return x

    def backward(self, gradient, input_gradient=True):
        layers = self.layers
        if not input_gradient:  # nor do layers need one that come before all that learn
            layers = layers[next((i for i, a in enumerate(layers) if a.learns()), len(layers)) :]
        for layer in reversed(layers[1:]):
            gradient = layer.backward(gradient)
        if not input_gradient:
            return layers[0].backward(gradient, input_gradient=False) if layers else None
        return layers[0].backward(gradient) if layers else gradient


class Residual(Layer):
    r"""A body whose output is added to its input.

    .. math:: y = s(x) + \alpha\, f(x),\qquad
        \frac{\partial L}{\partial x} = \Bigl(\frac{\partial s}{\partial x}\Bigr)^{\!\top} \delta
        + \alpha\, \Bigl(\frac{\partial f}{\partial x}\Bigr)^{\!\top} \delta

    with f the body and s the shortcut. If s is the identity, the gradient reaches the input
    whatever the body does to it.

    Parameters
    ----------
    body : Layer
        :math:`f`
    shortcut : Layer, optional
        :math:`s`, such as a 1×1 convolution where the body changes the shape; the identity
        unless given.
    scale : float
        :math:`\alpha`. With 1/√L, the variance of the signal stays bounded over L blocks.

    Raises
    ------
    TypeError
        A body or shortcut that is not a `Layer`.
    ValueError
        Body and shortcut whose outputs differ in shape; one layer in both.

    References
    ----------
    He, Zhang, Ren and Sun (2016), "Deep Residual Learning for Image Recognition", CVPR.

    Examples
    --------
    >>> block = Residual(ReLU(), scale=0.5)
    >>> block(np.array([[-2.0, 2.0]]))
    array([[-2.,  3.]])
    >>> block.backward(np.ones((1, 2)))
    array([[1. , 1.5]])
    """

    def __init__(self, body, shortcut=None, *, scale=1.0):
        shortcut = Sequential() if shortcut is None else shortcut
        for name, branch in (("body", body), ("shortcut", shortcut)):
            if not isinstance(branch, Layer):
                raise TypeError(f"{name} must be a Layer, got {branch!r}")
        self.body = body
        self.shortcut = shortcut
        self.scale = float(number("scale", scale))
        _settle(self)

    def __repr__(self):
        return f"Residual({self.body!r}, {self.shortcut!r}, scale={self.scale})"

    def forward(self, x):
        change, kept = self.body.forward(x), self.shortcut.forward(x)
        if change.shape != kept.shape:
            raise ValueError(
                f"body must give the shape that shortcut gives, {kept.shape}, got {change.shape}"
            )
        return self.keep(kept + self.scale * change)

    def backward(self, gradient, input_gradient=True):
        self.recall(gradient)
        if not input_gradient:
            for branch, delta in ((self.body, self.scale * gradient), (self.shortcut, gradient)):
                if branch.learns():
                    branch.backward(delta, input_gradient=False)
            return None
        return self.shortcut.backward(gradient) + self.body.backward(self.scale * gradient)


def _settle(net):
    """Refuse one layer at two places; give the parameters one vector, and their names."""
    places = {}
    for name, layer in net.named_modules():
        if places.setdefault(layer, name) != name:
            raise ValueError(
                f"layers must differ, got {layer!r} both as {places[layer]!r} and as {name!r}: "
                "the second forward pass would overwrite what the first kept"
            )
    moved = flatten(net.parameters())
    for name, parameter in net.named_parameters().items():
        if moved or parameter.name is None:
            parameter.name = name
