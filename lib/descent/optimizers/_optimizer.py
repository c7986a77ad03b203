"""What every optimizer has: groups of parameters, a state for each, step and zero_grad."""

import math

import numpy as np

from descent.checks import NotFiniteError, number
from descent.layers import Parameter, coalesce


class Optimizer:
    """A rule that changes parameters along their gradients.

    A subclass writes ``update(w, g, state, **options)``: `w` is an array of parameters to be
    changed in place, `g` its gradient, `state` a dict that stays with these parameters. Where
    the rule treats every entry alone, `w` and `g` are one long vector for the whole network, or
    blocks of it if it is very long, which stay in the processor's cache while the rule goes over
    them; a rule that needs the shapes of single layers sets ``entrywise = False``.

    A step on a gradient that holds nan or inf is refused with a ValueError before anything is
    changed. PyTorch would carry it into every weight without a word; looking costs one pass
    over the gradient.

    Attributes
    ----------
    param_groups : list of dicts
        Each with "params" and the options that hold for them, such as "lr", as in PyTorch.
        Schedules change ``group["lr"]``.
    state : dict from Parameter to dict
    """

    entrywise = True

    def __init__(self, params, **options):
        groups = _as_groups(params)
        self.param_groups = [{**options, **group} for group in groups]
        for group in self.param_groups:
            if unknown := group.keys() - options.keys() - {"params"}:
                raise ValueError(
                    f"params: a group has {sorted(unknown)}; expected only 'params' and "
                    f"{sorted(options)}"
                )
            self.check(**{name: group[name] for name in options})
            if self.entrywise:
                group["params"] = [b for p in coalesce(group["params"]) for b in _blocks(p)]
        self.state = {p: {} for group in self.param_groups for p in group["params"]}
        self._scratch = {}

    def check(self, **options):
        """Refuse options that make no sense, with a ValueError that names them."""

    def step(self):
        """Change all parameters once, by the gradients that they hold now."""
        self.check_gradients()
        for group in self.param_groups:
            options = dict(group)
            for p in options.pop("params"):
                self.update(p.data, p.grad, self.state[p], **options)

    def check_gradients(self):
        """Refuse gradients that hold nan or inf, with a ValueError that says where."""
        for p in self.state:
            # The sum of squares is finite only if every entry is; large entries may overflow it.
            if not math.isfinite(np.vdot(p.grad, p.grad)) and not np.isfinite(p.grad).all():
                index = tuple(int(i) for i in np.argwhere(~np.isfinite(p.grad))[0])
                raise NotFiniteError(
                    f"the gradient must be finite, got {p.grad[index]} at index {index} of "
                    f"{p}; nothing was changed"
                )

    def scratch(self, w):
        """An array like `w` to work in, kept from step to step; it is no part of the state."""
        key = w.shape, w.dtype
        if key not in self._scratch:
            self._scratch[key] = np.empty_like(w)
        return self._scratch[key]

    def train(self):
        """Let the network hold the weights that train; most rules have no others."""
        return self

    def eval(self):
        """Let the network hold the weights to be measured; most rules have no others."""
        return self

    def zero_grad(self):
        """Set the gradients of all parameters to zero."""
        for p in self.state:
            p.grad.fill(0)

    def state_dict(self):
        """Copies of the options and states, in order; what an exact resume needs."""
        return {
            "groups": [{n: v for n, v in g.items() if n != "params"} for g in self.param_groups],
            "states": [{n: np.copy(v) for n, v in s.items()} for s in self.state.values()],
        }

    def load_state_dict(self, saved):
        """Put back what `state_dict` gave, on an optimizer of the same parameters."""
        sizes = len(self.param_groups), len(self.state)
        came = len(saved["groups"]), len(saved["states"])
        if sizes != came:
            raise ValueError(f"saved has (groups, states) = {came}, this optimizer has {sizes}")
        for group, options in zip(self.param_groups, saved["groups"], strict=True):
            if options.keys() != (names := group.keys() - {"params"}):
                raise ValueError(f"saved has options {sorted(options)}, expected {sorted(names)}")
        for group, options in zip(self.param_groups, saved["groups"], strict=True):
            group.update(options)
        for state, arrays in zip(self.state.values(), saved["states"], strict=True):
            state.clear()
            state.update({n: v.copy() if v.ndim else v.item() for n, v in arrays.items()})


def descent_gradient(g, w, *, weight_decay, maximize):
    r"""The gradient to go down: :math:`\pm g + \lambda w`, minus to maximize."""
    if maximize:
        g = -g
    return g + weight_decay * w if weight_decay else g


def blend(average, value, beta, scratch):
    r"""Move a running average in place, :math:`a \leftarrow \beta a + (1 - \beta) x`.

    `scratch` is overwritten, and may be `value` itself.
    """
    average *= beta
    average += np.multiply(1 - beta, value, out=scratch)


def nonnegative(**options):
    """Refuse options that are not numbers ≥ 0."""
    for name, value in options.items():
        number(name, value, at_least=0)


def check_betas(betas):
    """Refuse anything but two decay rates in [0, 1)."""
    if np.shape(betas) != (2,):
        raise ValueError(f"betas must be two numbers, got {betas!r}")
    for i, beta in enumerate(betas):
        number(f"betas[{i}]", beta, at_least=0, below=1)


def _blocks(vector, size=2**16):
    """Views of a long vector, short enough to stay in the processor's cache during a step."""
    return [
        Parameter(vector.data[start : start + size], vector.grad[start : start + size])
        for start in range(0, vector.data.size, size)
    ]


def _as_groups(params):
    params = list(params)
    if not params:
        raise ValueError("params is empty; expected parameters such as net.parameters()")
    groups = params if isinstance(params[0], dict) else [{"params": params}]
    for group in groups:
        for p in group["params"]:
            if not isinstance(p, Parameter):
                raise TypeError(f"params must hold Parameter objects, got {p!r}")
    everything = [p for group in groups for p in group["params"]]
    if len(set(everything)) < len(everything):
        raise ValueError("params holds the same parameter more than once")
    return [{**group, "params": list(group["params"])} for group in groups]
