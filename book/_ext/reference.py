"""The reference of the library: below each docstring where the book uses it, and the deviations.

In a page `<!-- deviations -->` becomes the table of tests/descent/signatures.toml.
"""

import re
import tomllib
from functools import cache
from pathlib import Path

from bookkit.manifest import ROOT, chapters_of, read_manifest

MARKER = "<!-- deviations -->"
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
    """Replace the marker in a page by the table."""
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
