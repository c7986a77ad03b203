"""Steps over long vectors: parameters that are neighbours in memory are updated together."""

import numpy as np

from descent.layers import coalesce
from descent.layers._parameter import neighbours

BLOCK = 2**16  # entries; a rule's arrays of this length stay in the processor's cache


class Run:
    """Parameters of one group that one call of a rule, or one for each block, moves.

    For the time of the run, the arrays of the parameters' states are pieces of long vectors, and
    the numbers among them, such as counts of steps, stand in the blocks.

    Attributes
    ----------
    group : int
        The index of the group, whose options hold.
    parameters, states : lists
    w, g : float arrays
        The parameters and their gradients.
    blocks : list of (w, g, state)
        What the rule is called with.
    """

    def __init__(self, group, parameters, states):
        self.group, self.parameters, self.states = group, parameters, states
        (flat,) = coalesce(parameters)
        self.w, self.g = flat.data, flat.grad
        self.parts = [slice(i, i + BLOCK) for i in range(0, self.w.size, BLOCK)]
        self.blocks = [(self.w[part], self.g[part], {}) for part in self.parts]
        self.pieces = [{} for _ in self.parts]  # of the vectors, as the blocks hold them
        self.vectors = {}
        for name, value in states[0].items():
            if isinstance(value, np.ndarray):
                self._share(name, _joined([state[name] for state in states]))
            else:
                for _, _, state in self.blocks:
                    state[name] = value

    def gather(self):
        """Let arrays that the rule has made be pieces of long vectors, in blocks and states."""
        made = [
            name
            for (_, _, state), pieces in zip(self.blocks, self.pieces, strict=True)
            for name, value in state.items()
            if isinstance(value, np.ndarray) and value is not pieces.get(name)
        ]
        for name in dict.fromkeys(made):
            values = [state[name] for _, _, state in self.blocks]
            self._share(name, values[0] if len(values) == 1 else np.concatenate(values))

    def save(self):
        """Write the numbers into the states of the parameters."""
        self.gather()
        _, _, first = self.blocks[0]
        numbers = {name: v for name, v in first.items() if not isinstance(v, np.ndarray)}
        for state in self.states:
            state.update(numbers)

    def _share(self, name, vector):
        self.vectors[name] = vector
        blocks = zip(self.blocks, self.parts, self.pieces, strict=True)
        for (_, _, state), part, pieces in blocks:
            state[name] = pieces[name] = vector[part]
        start = 0
        for p, state in zip(self.parameters, self.states, strict=True):
            stop = start + p.data.size
            state[name] = vector[start:stop].reshape(p.data.shape)
            start = stop


class Single:
    """One parameter in its shape, for rules that need shapes; a `Run` of its own."""

    def __init__(self, group, parameter, state):
        self.group, self.parameters = group, [parameter]
        self.w, self.g = parameter.data, parameter.grad
        self.blocks = [(self.w, self.g, state)]

    def gather(self):
        """Nothing: the rule works on the parameter's own state."""

    def save(self):
        """Nothing either."""


def runs_of(group, parameters, states, *, entrywise):
    """The runs of one group's parameters, without those that are frozen.

    Neighbours are joined if one state fits both: the same names and the same numbers.
    """
    moving = [p for p in parameters if p.requires_grad]
    if not entrywise:
        return [Single(group, p, states[p]) for p in moving]
    runs = []
    for near in neighbours(moving):
        alike = [[near[0]]]
        for p in near[1:]:
            if _fits(states[p], states[alike[-1][-1]]):
                alike[-1].append(p)
            else:
                alike.append([p])
        runs += [Run(group, ps, [states[p] for p in ps]) for ps in alike]
    return runs


def _fits(a, b):
    return a.keys() == b.keys() and all(
        isinstance(a[name], np.ndarray) or a[name] == b[name] for name in a
    )


def _joined(arrays):
    """One vector of all entries: the one whose pieces the arrays are, or a new one."""
    vector = arrays[0].base
    if vector is not None and vector.ndim == 1 and vector.size == sum(a.size for a in arrays):
        places = np.cumsum([0, *(a.nbytes for a in arrays[:-1])]) + vector.ctypes.data
        if all(
            a.base is vector and a.ctypes.data == place
            for a, place in zip(arrays, places, strict=True)
        ):
            return vector
    return np.concatenate([a.ravel() for a in arrays])
