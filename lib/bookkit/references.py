"""What the book's labels stand for: the numbers that figures and equations have on the site."""

import json
import re
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from pybtex.database import parse_file
from pybtex.richtext import Text

from bookkit.manifest import ROOT, chapters_of, read_manifest

EQUATION = re.compile(r"^\$\$.*?^\$\$ \((?P<label>[\w-]+)\)", re.MULTILINE | re.DOTALL)
HEADED = re.compile(r"^\((?P<label>[\w-]+)\)=\n+#+ (?P<title>.+)$", re.MULTILINE)


@dataclass
class References:
    """Numbers of figures and equations, and titles of sections, by their labels.

    Attributes
    ----------
    figures, equations : dict of str
        Such as {"fig-stone": "1.1"}.
    titles : dict of str
        The headings that have a label of their own.
    sources : pybtex.database.BibliographyData
    """

    figures: dict = field(default_factory=dict)
    equations: dict = field(default_factory=dict)
    titles: dict = field(default_factory=dict)
    sources: object = None


@cache
def read_references(root=ROOT):
    """Gather the labels of all chapters and of the pages in book/, numbered as on the site."""
    found = References(sources=parse_file(Path(root) / "book/references.bib"))
    for chapter in chapters_of(read_manifest(root)):
        path = Path(root) / f"{chapter.docname}.ipynb"
        _gather(found, json.loads(path.read_text(encoding="utf-8"))["cells"], f"{chapter.number}.")
    for path in (Path(root) / "book").glob("*.md"):
        text = path.read_text(encoding="utf-8")
        _gather(found, [{"cell_type": "markdown", "source": text, "metadata": {}}], "")
    return found


def _gather(found, cells, prefix):
    figures = equations = 0
    for cell in cells:
        if cell["cell_type"] == "markdown":
            text = "".join(cell["source"])
            for equation in EQUATION.finditer(text):
                equations += 1
                found.equations[equation["label"]] = f"{prefix}{equations}"
            found.titles |= {m["label"]: m["title"].strip() for m in HEADED.finditer(text)}
        elif name := cell["metadata"].get("mystnb", {}).get("figure", {}).get("name"):
            figures += 1
            found.figures[name] = f"{prefix}{figures}"


def cited(sources, key, textual):
    """Return a citation in Markdown: "Gneiting (2011)" or "Gneiting, 2011", linked if it can be."""
    entry = sources.entries[key]
    people = entry.persons.get("author") or entry.persons.get("editor") or []
    names = [str(Text.from_latex(" ".join([*p.prelast_names, *p.last_names]))) for p in people]
    who = f"{names[0]} et al." if len(names) > 2 else " and ".join(names)
    year = entry.fields.get("year", "")
    words = f"{who} ({year})" if textual else f"{who}, {year}"
    return f"[{words}]({address})" if (address := address_of(entry)) else words


def address_of(entry):
    """Return where a source can be read: its DOI, its preprint, its address; or None."""
    fields = entry.fields
    if "doi" in fields:
        return f"https://doi.org/{fields['doi']}"
    if "eprint" in fields:
        return f"https://arxiv.org/abs/{fields['eprint']}"
    return fields.get("url")
