"""Parameters, and the memory that they share: one vector for a network, one for its gradients."""

import math

import numpy as np

from descent.checks import float_array, matching


class Storage:
    """A vector of parameters and the vector of their gradients.

    Every `Parameter` is a piece of a storage. Copies and pickles keep that: what shared a
    storage shares the copied one.

    Attributes
    ----------
    data, grad : float arrays, (P,)
    left : list of pairs
        The pieces (start, stop) whose parameters have moved elsewhere.
    """

    def __init__(self, data, grad):
        self.data, self.grad = data, grad
        self.left = []


class Parameter:
    """An array that is learned, and its gradient.

    Both are views of a `Storage`, which they may share with other parameters; see `flatten`.
    An assignment such as ``p.data = new`` moves the parameter to other memory, where optimizers
    made before do not look for it (their next step says so); ``p.data[...] = new`` does not.

    Attributes
    ----------
    data, grad : float arrays of one shape
        `grad` accumulates until it is set to zero, as in PyTorch.
    requires_grad : bool
        Whether layers add to the gradient and optimizers change the data, as in PyTorch.
    name : str or None
        Where in its network it is, such as "0.weight"; see `Sequential`.

    Raises
    ------
    TypeError
        Arrays that are not float32 or float64.
    ValueError
        Data that is not contiguous in memory, such as a transpose: a flat view of it, which
        optimizers need, would be a copy. Data that is read-only. A gradient of another shape.
    """

    def __init__(self, data, grad=None):
        data = _memory("data", float_array("data", data))
        if grad is None:
            grad = np.zeros_like(data)
        else:
            _, grad = matching(data=data, grad=grad)
            _memory("grad", grad)
        self.requires_grad, self.name = True, None
        self._own(data, grad)

    @classmethod
    def _of(cls, storage, start, shape):
        """A further parameter, over memory that exists."""
        parameter = cls.__new__(cls)
        parameter.requires_grad, parameter.name = True, None
        parameter._place(storage, start, shape)
        return parameter

    def _own(self, data, grad):
        self.storage, self.start = Storage(data.reshape(-1), grad.reshape(-1)), 0
        self._data, self._grad = data, grad

    def _place(self, storage, start, shape):
        self.storage, self.start = storage, start
        piece = slice(start, start + math.prod(shape))
        self._data = storage.data[piece].reshape(shape)
        self._grad = storage.grad[piece].reshape(shape)

    def _leave(self):
        self.storage.left.append((self.start, self.start + self._data.size))

    @property
    def data(self):
        return self._data

    @data.setter
    def data(self, data):
        if data is not self._data:  # p.data += 1 comes here with the same array
            self._assign(data, self._grad)

    @property
    def grad(self):
        return self._grad

    @grad.setter
    def grad(self, grad):
        if grad is not self._grad:
            self._assign(self._data, grad)

    def _assign(self, data, grad):
        for name, new in (("data", data), ("grad", grad)):
            if _memory(name, float_array(name, new)).shape != self._data.shape:
                raise ValueError(
                    f"{name} must have shape {self._data.shape}, got {np.shape(new)}; "
                    "make a new Parameter"
                )
        matching(data=data, grad=grad)
        self._leave()
        self._own(data, grad)

    def requires_grad_(self, requires_grad=True):
        """Freeze with False, thaw with True; returns the parameter itself."""
        self.requires_grad = bool(requires_grad)
        return self

    def __repr__(self):
        return f"Parameter(shape={self._data.shape}, dtype={self._data.dtype})"

    def __getstate__(self):
        """The place in the storage; views would be copied as arrays of their own."""
        views = ("_data", "_grad")
        state = {name: value for name, value in vars(self).items() if name not in views}
        return state | {"shape": self._data.shape}

    def __setstate__(self, state):
        shape = state.pop("shape")
        vars(self).update(state)
        self._place(self.storage, self.start, shape)


def flatten(parameters):
    """Let parameters lie in one vector, and their gradients in another.

    Each `Parameter` keeps its shape and values; its arrays become views. An optimizer can
    then update the whole network with a few operations on long vectors. What lies in one vector
    already, if only as pieces of it, stays where it is: whoever else uses these parameters,
    such as a larger network or an optimizer, need not notice.

    Parameters
    ----------
    parameters : list of Parameter
        Optimizers made before refuse to go on where parameters had to move.

    Returns
    -------
    moved : bool

    Raises
    ------
    TypeError
        Parameters of different dtypes.
    """
    parameters = list(dict.fromkeys(parameters))
    if len({p.storage for p in parameters}) < 2:
        return False
    if len(dtypes := {p.data.dtype for p in parameters}) > 1:
        raise TypeError(f"parameters must have one dtype, got {sorted(map(str, dtypes))}")
    storage = Storage(
        np.concatenate([p.data.ravel() for p in parameters]),
        np.concatenate([p.grad.ravel() for p in parameters]),
    )
    start = 0
    for p in parameters:
        p._leave()
        p._place(storage, start, p.data.shape)
        start += p.data.size
    return True


def coalesce(parameters):
    """Join neighbours in memory: the fewest vectors that are views of all the parameters.

    A network whose parameters were flattened gives one `Parameter` of shape (P,).
    """
    return [
        Parameter._of(run[0].storage, run[0].start, (sum(p.data.size for p in run),))
        for run in neighbours(parameters)
    ]


def neighbours(parameters):
    """Lists of parameters, in order, each of which follow each other without a gap in memory."""
    runs, stop = [], None
    for p in parameters:
        if (p.storage, p.start) == stop:
            runs[-1].append(p)
        else:
            runs.append([p])
        stop = p.storage, p.start + p.data.size
    return runs


def _memory(name, array):
    """Insist on memory that a flat view can change."""
    if not array.flags.c_contiguous:
        raise ValueError(
            f"{name} of shape {array.shape} must be contiguous in memory; "
            f"pass np.ascontiguousarray({name})"
        )
    if not array.flags.writeable:
        raise ValueError(f"{name} of shape {array.shape} is read-only; pass {name}.copy()")
    return array
