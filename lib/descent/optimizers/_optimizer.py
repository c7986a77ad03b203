"""What every optimizer has: groups of parameters, a state for each, step and zero_grad."""

import math
from fractions import Fraction
from itertools import pairwise

import numpy as np

from descent.checks import NotFiniteError, entries, number
from descent.layers import Parameter, coalesce
from descent.optimizers._runs import runs_of

PLAIN = {bool, int, float, str, type(None)}


class Optimizer:
    """A rule that changes parameters along their gradients.

    A subclass writes ``update(w, g, state, **options)``: `w` is an array of parameters to be
    changed in place, `g` its gradient, `state` a dict that stays with these parameters. Where
    the rule treats every entry alone, `w` and `g` are long vectors of parameters that are
    neighbours in memory, or blocks of them that stay in the processor's cache while the rule
    goes over them; a rule that needs the shapes of single layers sets ``entrywise = False``.

    A step on a gradient that holds nan or inf is refused with a ValueError before anything is
    changed. PyTorch would carry it into every weight without a word; looking costs one pass
    over the gradient. So is a step with an option that makes no sense, such as a rate of nan
    from a schedule, and one on parameters that have moved to other memory since the optimizer
    was made, by `flatten` or ``p.data = …``, as far as that can be seen.

    Attributes
    ----------
    param_groups : list of dicts
        Each with "params" and the options that hold for them, such as "lr", as in PyTorch.
        Schedules change ``group["lr"]``.
    defaults : dict
        The options of groups that do not name them.
    """

    entrywise = True

    def __init__(self, params, **options):
        self.defaults = _plain(options)
        self.param_groups = []
        self._state, self._runs, self._scratch, self._checked = {}, [], {}, None
        self._initial = []
        groups = _as_groups(params)
        if not any(group["params"] for group in groups):
            raise ValueError("params is empty; expected parameters such as net.parameters()")
        self._add(groups)

    def add_param_group(self, param_group):
        """Take in further parameters, such as those of a new head.

        Parameters
        ----------
        param_group : dict
            With "params" and the options that differ from the defaults.

        Raises
        ------
        ValueError
            Options that are unknown or make no sense, a parameter that is there already. Then
            nothing has been changed.
        TypeError
            Anything but a dict; parameters that are none.
        """
        if not isinstance(param_group, dict):
            raise TypeError(f"param_group must be a dict, got {param_group!r}")
        self._add(_as_groups([param_group]))

    def _add(self, groups):
        new = [{**self.defaults, **_plain(group)} for group in groups]
        for group in new:
            if unknown := group.keys() - self.defaults.keys() - {"params"}:
                raise ValueError(
                    f"params: a group has {sorted(unknown)}; expected only 'params' and "
                    f"{sorted(self.defaults)}"
                )
            self.check(**_options(group))
            self.check_parameters(group["params"])
        groups = self.param_groups + new
        parameters = [p for group in groups for p in group["params"]]
        refuse_twice("params", parameters)
        self._forget_runs()
        self.param_groups = groups
        self._state = {p: self._state.get(p, {}) for p in parameters}
        self._places = {p: (p.storage, p.start) for p in parameters}
        self._vectors = coalesce(parameters)

    def check(self, **options):
        """Refuse options that make no sense, with a ValueError that names them."""

    def check_parameters(self, parameters):
        """Refuse parameters that the rule cannot move, with a ValueError."""

    @property
    def state(self):
        """A dict from each Parameter to its state: arrays of its shape, and numbers."""
        self._forget_runs()
        return self._state

    @property
    def initial(self):
        """For each group a dict of what it held before schedules changed it, such as its "lr"."""
        self._initial += [{} for _ in self.param_groups[len(self._initial) :]]
        return self._initial

    def parameters(self):
        """The parameters that a step moves: those of all groups, without the frozen ones."""
        return [p for group in self.param_groups for p in group["params"] if p.requires_grad]

    def step(self, closure=None):
        """Change all parameters once.

        Parameters
        ----------
        closure : callable, optional
            Sets the gradients to zero, runs forward and backward, returns the loss. Without it
            the step goes by the gradients that the parameters hold now.

        Returns
        -------
        loss
            What the closure returned, the loss before the step; None without a closure.

        Raises
        ------
        ValueError
            A gradient that is not finite, an option that makes no sense, parameters that have
            moved in memory. Then nothing has been changed.
        """
        loss = None if closure is None else closure()
        options = self._checked_options()
        self.check_gradients()  # of the runs, as they are now
        for run in self._runs:
            for w, g, state in run.blocks:
                self.update(w, g, state, **options[run.group])
            run.gather()
        return loss

    def check_gradients(self):
        """Refuse gradients that hold nan or inf, with a ValueError that says where."""
        self._join()
        for run in self._runs:
            # The sum of squares is finite only if every entry is; large entries may overflow it.
            if not math.isfinite(np.vdot(run.g, run.g)):
                self.refuse_gradients(run.parameters)

    def refuse_gradients(self, parameters):
        """Raise an error if a gradient among those whose squares overflow cannot be used."""
        for p in parameters:
            if not np.isfinite(p.grad).all():
                index = tuple(int(i) for i in np.argwhere(~np.isfinite(p.grad))[0])
                raise NotFiniteError(
                    f"the gradient must be finite, got {p.grad[index]} at index {index} of "
                    f"{described(p)}; nothing was changed"
                )

    def _checked_options(self):
        """The options of every group, as Python's own numbers; new ones are checked first."""
        options = [_options(group) for group in self.param_groups]
        if options != self._checked:
            for values in options:
                self.check(**values)
            self._checked = options
        return options

    def _join(self):
        """Divide the parameters into runs, unless they are and all lie where they lay."""
        for p, (storage, start) in self._places.items():
            if p.storage is not storage or p.start != start or storage.left:
                _refuse_moved(p, storage, start)
        moving = self.parameters()
        if not self._runs or moving != self._moving:
            self._forget_runs()
            self._moving = moving
            for i, group in enumerate(self.param_groups):
                self._runs += runs_of(i, group["params"], self._state, entrywise=self.entrywise)

    def _forget_runs(self):
        for run in self._runs:
            run.save()
        self._runs = []

    def __getstate__(self):
        self._forget_runs()
        return vars(self) | {"_scratch": {}}

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
        """Set the gradients of all parameters to zero, those of frozen ones too."""
        for vector in self._vectors:
            vector.grad.fill(0)

    def state_dict(self):
        """Copies of the options and of every parameter's state, in order.

        It is what an exact resume needs, and does not depend on where in memory the parameters
        lie: it fits an optimizer of a copy of the network.
        """
        return {
            "groups": [_options(group) for group in self.param_groups],
            "shapes": [p.data.shape for p in self._state],
            "states": [
                {n: v.copy() if isinstance(v, np.ndarray) else v for n, v in state.items()}
                for state in self.state.values()
            ],
        }

    def load_state_dict(self, saved):
        """Put back what `state_dict` gave, on an optimizer of parameters of the same shapes.

        Raises
        ------
        ValueError
            A state of something else, another number of groups, other options, options that make
            no sense, parameters of other shapes. Then nothing has been changed.
        TypeError
            Anything but a dict. Then nothing has been changed either.
        """
        entries("saved", saved, ("groups", "shapes", "states"))
        sizes = len(self.param_groups), len(self._state)
        came = len(saved["groups"]), len(saved["states"])
        if sizes != came:
            raise ValueError(f"saved has (groups, states) = {came}, this optimizer has {sizes}")
        for group, options in zip(self.param_groups, saved["groups"], strict=True):
            if options.keys() != (names := group.keys() - {"params"}):
                raise ValueError(f"saved has options {sorted(options)}, expected {sorted(names)}")
            self.check(**_options(options))
        for i, (p, shape) in enumerate(zip(self._state, saved["shapes"], strict=True)):
            if p.data.shape != tuple(shape):
                raise ValueError(
                    f"saved belongs to parameters of other shapes: number {i} has {tuple(shape)}, "
                    f"here it is {described(p)}"
                )
        for group, options in zip(self.param_groups, saved["groups"], strict=True):
            group.update(options)
        for p, values in zip(self._state, saved["states"], strict=True):
            self.state[p].clear()
            self.state[p].update({n: _own(v, p.data.dtype) for n, v in values.items()})


def described(parameter):
    """The parameter with its name in the network, if it has one."""
    return f"{parameter.name}, a {parameter}" if parameter.name else repr(parameter)


def _own(value, dtype):
    """A copy of an array in a state, in the parameter's dtype; numbers as Python's own."""
    if isinstance(value, np.ndarray):
        return value.astype(dtype if value.dtype.kind == "f" else value.dtype)
    return _plain(value)


def descent_gradient(g, w, *, weight_decay, maximize):
    r"""The gradient to go down: :math:`\pm g + \lambda w`, minus to maximize."""
    if maximize:
        g = -g
    return g + weight_decay * w if weight_decay else g


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


def _plain(value):
    """Numbers as Python's own, which leave float32 arrays float32; also in containers."""
    match value:
        case bool() | int() | float() if not isinstance(value, np.generic):
            return value
        case np.longdouble() | Fraction():
            return float(value)
        case np.generic() | np.ndarray():
            return _plain(value.tolist())
        case dict():
            return {name: _plain(inner) for name, inner in value.items()}
        case list() | tuple():
            return type(value)(map(_plain, value))
    return value


def _options(group):
    return {
        name: value if type(value) in PLAIN else _plain(value)  # every step asks for them
        for name, value in group.items()
        if name != "params"
    }


def _as_groups(params):
    """Groups as new dicts, whose parameters are lists, from parameters or from groups."""
    if isinstance(params, Parameter):
        raise TypeError(f"params must be a list of Parameters or of groups, got {params!r}")
    params = list(params)
    grouped = bool(params) and isinstance(params[0], dict)
    groups = []
    for i, group in enumerate(params if grouped else [{"params": params}]):
        if not isinstance(group, dict) or "params" not in group:
            raise ValueError(f"params: a group must be a dict with 'params', got {group!r}")
        held = group["params"]
        if any(held is other["params"] for other in params[:i]):
            raise ValueError(f"params: two groups hold the same {type(held).__name__}")
        held = [held] if isinstance(held, Parameter) else list(held)
        for p in held:
            if not isinstance(p, Parameter):
                raise TypeError(f"params must hold Parameter objects, got {p!r}")
        groups.append({**group, "params": held})
    return groups


def refuse_twice(name, parameters):
    """Refuse a parameter, or a piece of its memory, that would be moved twice in a step."""
    if len(set(parameters)) < len(parameters):
        raise ValueError(f"{name} must not hold the same parameter more than once")
    pieces = sorted((id(p.storage), p.start, p.start + p.data.size) for p in parameters)
    for (storage, _, stop), (other, start, _) in pairwise(pieces):
        if storage == other and start < stop:
            raise ValueError(
                f"{name} must not hold parameters that share memory, such as a net's flat"
            )


def _refuse_moved(p, storage, start):
    stop = start + p.data.size
    moved = p.storage is not storage or p.start != start
    if moved or any(begin < stop and start < end for begin, end in storage.left):
        raise ValueError(
            f"{described(p)} has moved to other memory since this "
            "optimizer was made, by flatten, by a Sequential around its layer or by an "
            "assignment to its data or grad; make the optimizer afterwards"
        )
