"""The reference of the library: below each docstring where the book uses it, and the deviations.

In a page `<!-- deviations -->` becomes the table of tests/descent/signatures.toml. A package of
many names has several pages: there `<!-- descent.losses: margin, overlap -->` becomes the reference
of the public names that these modules define, `<!-- descent.losses -->` the list of all its names.
"""

import importlib
import inspect
import re
import tomllib
from functools import cache
from pathlib import Path

from bookkit.manifest import ROOT, chapters_of, read_manifest

MARKER = "<!-- deviations -->"
NAMES = re.compile(r"<!-- (descent\.\w+)(?:: ([\w., ]+))? -->")
TABLE = ROOT / "tests" / "descent" / "signatures.toml"
IMPORT = re.compile(r"^from (descent[\w.]*) import (\([^)]*\)|[^\n]*)", re.MULTILINE)


@cache
def imported(path):
    """Return the names of the library that a chapter's text imports."""
    text = Path(path).read_text(encoding="utf-8")
    return {name for _, names in IMPORT.findall(text) for name in re.findall(r"\w+", names)}


def add_chapters(app, what, name, _obj, _options, lines):
    """Say below a function's or class's docstring which chapters use it."""
    if what not in ("function", "class") or not name.startswith("descent."):
        return
    own = name.rpartition(".")[2]
    root = Path(app.srcdir)
    users = [
        f":doc:`chapter {chapter.number} </{chapter.docname}>`"
        for chapter in chapters_of(read_manifest(root))
        if own in imported(root / f"{chapter.docname}.md")
    ]
    if users:
        lines += ["", f"**In the book:** {', '.join(users)}.", ""]


def public_names(package, modules):
    """Return the public names of a package that some of its modules define, sorted."""
    owner = importlib.import_module(package)
    homes = {f"{package}.{module}" for module in modules}
    return sorted(
        (name for name in owner.__all__ if getattr(owner, name).__module__ in homes), key=str.lower
    )


def reference(package, modules):
    """Return the reST of the reference of what some modules of a package define."""
    owner = importlib.import_module(package)
    entries = [f".. py:currentmodule:: {package}"]
    for name in public_names(package, modules):
        if inspect.isclass(getattr(owner, name)):
            entries.append(f".. autoclass:: {name}\n   :members:")
        else:
            entries.append(f".. autofunction:: {name}")
    return "\n\n".join(entries)


def overview(package):
    """Return the reST of the list of all public names of a package, each with its first line."""
    names = sorted(importlib.import_module(package).__all__, key=str.lower)
    table = [".. autosummary::", "   :nosignatures:", "", *(f"   {name}" for name in names)]
    return "\n".join([f".. py:currentmodule:: {package}", "", *table])


def expand(match):
    """Return the MyST source for a marker that names a package, and modules of it or none."""
    package, modules = match.groups()
    rest = reference(package, modules.split(", ")) if modules else overview(package)
    return f"```{{eval-rst}}\n{rest}\n```"


def deviations():
    """Return the MyST source of the table of deviations, one for each package."""
    table = tomllib.loads(TABLE.read_text(encoding="utf-8"))
    everywhere = _rows("all functions", table.pop("everywhere"))
    parts = ["## Everywhere", *_table(everywhere)]
    for package, rows in table.items():
        found = [row for name, entry in rows.items() for row in _rows(name, entry)]
        if found:
            parts += [f"\n## {package.title()}", *_table(found)]
    return "\n".join(parts)


def _rows(name, entry):
    """Yield (what, deviation, reason) for each deviation of one name."""
    shown = "all of the package" if name == "everywhere" else f"`{name}`"
    for deviation, reason in entry.items():
        if deviation not in ("pytorch", "alone"):
            yield shown if name != "all functions" else name, deviation, reason


def _table(rows):
    yield "\n| | differs | why |\n|---|---|---|"
    for row in rows:
        yield "| " + " | ".join(part.replace("|", r"\|") for part in row) + " |"


def fill_in(app, docname, source):
    """Replace the markers in a page."""
    source[0] = NAMES.sub(expand, source[0])
    if MARKER in source[0]:
        app.env.note_dependency(str(TABLE), docname=docname)
        source[0] = source[0].replace(MARKER, deviations())


def describe(_app, page, _template, context, _doctree):
    """Give the pages with source code, which have no front matter, their description."""
    if page.startswith("_modules/"):
        module = page.removeprefix("_modules/").replace("/", ".")
        source = f"Source code of {module}."
        every = "All modules of the library of Descent."
        context["description"] = every if module == "index" else source


def setup(app):
    app.connect("source-read", fill_in)
    app.connect("autodoc-process-docstring", add_chapters)
    app.connect("html-page-context", describe, priority=600)  # after that of the chapters
    return {"parallel_read_safe": True, "parallel_write_safe": True}
