"""Names, order and defaults of arguments, compared with PyTorch's.

A call that PyTorch takes must not mean another thing here. signatures.toml pairs every public name
of a package with PyTorch's, or says that there is none, and lists each deviation with its reason.
"""

import importlib
import inspect
import re
import tomllib
from pathlib import Path

import pytest

TABLE = tomllib.loads((Path(__file__).parent / "signatures.toml").read_text(encoding="utf-8"))
EVERYWHERE = TABLE.pop("everywhere")
ROWS = [
    (package, name)
    for package, rows in TABLE.items()
    for name, row in rows.items()
    if name != "everywhere" and "pytorch" in row
]


def arguments(signature):
    """The named arguments, without self, *args and **kwargs."""
    kinds = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return [p for p in signature.parameters.values() if p.kind not in kinds and p.name != "self"]


def signature_of(path):
    """PyTorch's signature; of functions in C++, which have none, the one in their docstring."""
    module, _, name = path.rpartition(".")
    thing = getattr(importlib.import_module(module), name)
    try:
        return inspect.signature(thing)
    except ValueError:
        listed = re.search(rf"{name}\((.*?)\)(?: ->|\n)", thing.__doc__).group(1)
        scope = {}
        exec(f"def documented({listed}): pass", scope)
        return inspect.signature(scope["documented"])


def deviations(ours, theirs):
    """Say in words where one list of arguments differs from the other."""
    ours_by_name = {p.name: p for p in ours}
    theirs_by_name = {p.name: p for p in theirs}
    said, renamed = set(), {}
    placed = [p for p in ours if p.kind != inspect.Parameter.KEYWORD_ONLY]
    places = [p for p in theirs if p.kind != inspect.Parameter.KEYWORD_ONLY]
    for i, p in enumerate(placed):
        other = places[i].name if i < len(places) else None
        if p.name == other:
            continue
        if p.name not in theirs_by_name and other is not None and other not in ours_by_name:
            renamed[p.name] = other
            said.add(f"{p.name}, not {other}")
        elif p.name in theirs_by_name or other is not None:
            said.add(f"place {i + 1} is {p.name}, not {other}")
    for p in ours:
        if p.name in renamed or p.name in theirs_by_name:
            other = theirs_by_name[renamed.get(p.name, p.name)]
            if p.default != other.default:
                said.add(f"{p.name}: {shown(p.default)}, not {shown(other.default)}")
        else:
            said.add(f"also {p.name}")
    missing = theirs_by_name.keys() - ours_by_name.keys() - set(renamed.values())
    return said | {f"no {name}" for name in missing}


def shown(default):
    return "required" if default is inspect.Parameter.empty else repr(default)


def arguments_of_row(package, name):
    ours = getattr(importlib.import_module(f"descent.{package}"), name)
    theirs = TABLE[package][name]["pytorch"]
    return arguments(inspect.signature(ours)), arguments(signature_of(theirs))


@pytest.mark.parametrize("package", TABLE)
def test_every_public_name_has_a_row(package):
    public = set(importlib.import_module(f"descent.{package}").__all__)
    assert TABLE[package].keys() - {"everywhere"} == public
    for name in public:
        assert len({"pytorch", "alone"} & TABLE[package][name].keys()) == 1, name


@pytest.mark.parametrize(("package", "name"), ROWS)
def test_as_in_pytorch_but_for_the_deviations_listed(package, name):
    found = deviations(*arguments_of_row(package, name))
    shared = EVERYWHERE.keys() | TABLE[package].get("everywhere", {}).keys()
    assert found - shared == TABLE[package][name].keys() - {"pytorch"} - shared


def test_every_reason_is_needed():
    found = {package: set() for package in TABLE}
    for package, name in ROWS:
        found[package] |= deviations(*arguments_of_row(package, name))
    for package, rows in TABLE.items():
        assert set(rows.get("everywhere", ())) <= found[package]
    assert set(EVERYWHERE) <= set.union(*found.values())


def test_deviations_are_seen():
    def theirs(input, target, weight=None, size_average=None, reduction="mean", *, out=None):
        pass

    def arguments_of(function):
        return arguments(inspect.signature(function))

    def said(function):
        return deviations(arguments_of(function), arguments_of(theirs))

    assert said(theirs) == set()
    assert said(lambda input, target, *, out=None, reduction="mean", weight=None: 0) == {
        "no size_average"
    }
    assert said(lambda input, target, reduction="mean", weight=None: 0) == {
        "place 3 is reduction, not weight",
        "place 4 is weight, not size_average",
        "no size_average",
        "no out",
    }
    assert said(lambda z, target, weight=1, *, reduction, smooth=0, **more: 0) == {
        "z, not input",
        "weight: 1, not None",
        "reduction: required, not 'mean'",
        "also smooth",
        "no size_average",
        "no out",
    }
    assert said(
        lambda input, target, weight=None, size_average=None, reduction="mean", eps=0: 0
    ) == {
        "also eps",
        "no out",
    }
