"""Checkpoints: everything that an exact continuation of a training run needs, in one file."""

import json
from dataclasses import asdict

import numpy as np

from descent._files import replacing
from descent.layers import Layer
from descent.training._generators import generator_states, restore_generators
from descent.training.history import History

FORMAT = "descent checkpoint 2"


def save(path, **parts):
    """Write the state of a training run to one file, at one stroke.

    An ``.npz`` file, readable with `numpy.load`: every array under its name, such as
    "net/state/0.weight", and a text in JSON for the rest. It holds no pickled objects. It is
    written beside its place and then moved there, so that an interruption leaves either the
    old file or the new one.

    Parameters
    ----------
    path : path
    **parts
        What makes up the run, by any names: the network, the optimizer, a schedule, averages of
        the weights, early stopping, or anything else with ``state_dict()`` and
        ``load_state_dict()``; a `numpy.random.Generator`; the `History`. With a layer goes the
        state of the generators inside, such as dropout's. A part that is None is left out.

    Raises
    ------
    TypeError, ValueError
        Something that has no place in a checkpoint. Then an older file stays as it was.

    Examples
    --------
    >>> import tempfile
    >>> from descent.training import load, save
    >>> net = Sequential(Linear(3, 2, rng=np.random.default_rng(0)))
    >>> other = Sequential(Linear(3, 2, rng=np.random.default_rng(1)))
    >>> ema = EMA(net)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save(f"{folder}/net.npz", net=net, ema=ema)
    ...     _ = load(f"{folder}/net.npz", net=other)
    >>> np.array_equal(net[0].weight.data, other[0].weight.data)
    True
    """
    arrays = {}
    packed = {name: _pack(state, name, arrays) for name, state in _states(parts).items()}
    text = json.dumps({"format": FORMAT, "states": packed})
    arrays["checkpoint"] = np.frombuffer(text.encode(), np.uint8)
    with replacing(path) as file:
        np.savez(file, allow_pickle=False, **arrays)


def load(path, **parts):
    """Put back what `save` wrote, into objects built in the same way as those that were saved.

    Training then goes on as if it had never stopped, to the last bit. Options that belong to
    the code and not to the run, such as the patience of early stopping, are those of the objects
    given. Parts of the file that are not asked for are left alone.

    Parameters
    ----------
    path : path
    **parts
        As for `save`, under the same names.

    Returns
    -------
    history : History
        What was saved as "history", if it was not given as a part; empty if nothing was.

    Raises
    ------
    FileNotFoundError
        No such file.
    ValueError
        A file that is damaged or no checkpoint, lacks what is asked for, or belongs to another
        network, optimizer, schedule or kind of generator. Then nothing has been changed.
    TypeError
        A part that has no state.
    """
    saved, before = _read(path), _states(parts)
    for name, state in before.items():
        kind = saved[name]["kind"] if name in saved else "nothing"
        if kind != state["kind"]:
            raise ValueError(f"{path} holds {kind} as {name}, expected {state['kind']}")
    try:
        history = parts.get("history") or History(**saved.get("history", {}).get("state", {}))
        _restore(parts, saved)
    except Exception as error:  # whatever a foreign state leads to, nothing may stay changed
        _restore(parts, before)
        raise ValueError(f"{path} does not fit: {error}") from error
    return history


def _states(parts):
    return {name: _state(name, part) for name, part in parts.items() if part is not None}


def _state(name, part):
    if isinstance(part, np.random.Generator):
        bits = part.bit_generator
        return {"kind": type(bits).__name__, "state": bits.state}
    if isinstance(part, History):
        return {"kind": "History", "state": asdict(part)}
    if not (hasattr(part, "state_dict") and hasattr(part, "load_state_dict")):
        raise TypeError(
            f"{name} must have state_dict() and load_state_dict(), or be a "
            f"numpy.random.Generator or a History, got {part!r}"
        )
    state = {"kind": type(part).__name__, "state": part.state_dict()}
    if isinstance(part, Layer):
        state["generators"] = generator_states(part)
    return state


def _restore(parts, states):
    for name, part in parts.items():
        if isinstance(part, np.random.Generator):
            part.bit_generator.state = states[name]["state"]
        elif isinstance(part, History):
            vars(part).update(vars(History(**states[name]["state"])))
        elif part is not None:
            part.load_state_dict(states[name]["state"])
        if isinstance(part, Layer):
            restore_generators(part, states[name]["generators"])


def _read(path):
    with open(path, "rb") as file:
        try:
            with np.load(file, allow_pickle=False) as archive:
                arrays = dict(archive)
            content = json.loads(arrays.pop("checkpoint").tobytes())
            if content["format"] != FORMAT:
                raise ValueError(f"its format is {content['format']!r}, expected {FORMAT!r}")
            return {n: _unpack(state, arrays) for n, state in content["states"].items()}
        except Exception as error:  # a damaged zip file can raise almost anything
            raise ValueError(f"{path} is damaged, or no checkpoint: {error}") from error


def _pack(value, name, arrays):
    """Turn nested dicts, lists and tuples into what JSON can hold; arrays go to `arrays`."""
    match value:
        case np.ndarray() | np.generic():
            if name in arrays:
                raise ValueError(f"{name} is the name of two arrays")
            arrays[name] = np.asarray(value)
            return {"array" if isinstance(value, np.ndarray) else "scalar": name}
        case dict() if all(isinstance(key, str) for key in value):
            return {"dict": {k: _pack(v, f"{name}/{k}", arrays) for k, v in value.items()}}
        case list() | tuple():
            items = [_pack(v, f"{name}/{i}", arrays) for i, v in enumerate(value)]
            return {type(value).__name__: items}
        case None | bool() | int() | float() | str():
            return value
    raise TypeError(
        f"{name} must be arrays, numbers, text, or lists or dicts (by text) of them: {value!r}"
    )


def _unpack(packed, arrays):
    if not isinstance(packed, dict):
        return packed
    ((kind, content),) = packed.items()
    match kind:
        case "array":
            return arrays[content]
        case "scalar":
            return arrays[content][()]
        case "dict":
            return {key: _unpack(value, arrays) for key, value in content.items()}
        case "list":
            return [_unpack(value, arrays) for value in content]
        case "tuple":
            return tuple(_unpack(value, arrays) for value in content)
    raise ValueError(f"unknown kind {kind!r}")
