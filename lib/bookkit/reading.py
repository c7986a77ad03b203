"""How long a chapter takes: words, visible lines of code, derivations, and the minutes of them."""

import math
import re
from dataclasses import dataclass
from pathlib import Path

import jupytext
import nbformat.v4

WORDS_PER_MINUTE = 150
SECONDS_PER_LINE = 8
SECONDS_PER_FORMULA = 20
SECONDS_PER_DERIVATION = 60  # a displayed formula with two equality signs or more

FOLDED = {"hide-input", "hide-cell", "remove-input", "remove-cell"}
AFTER_SPINE = re.compile(
    r"^## (Exercises|Going deeper|Checked as well|Notes and sources)\b", re.MULTILINE
)
DISPLAY = re.compile(r"^\$\$.*?\$\$", re.DOTALL | re.MULTILINE)
MARKUP = re.compile(
    r"</?[a-zA-Z][^>\n]*>|^:::.*$|^```.*$|^:[a-z-]+:.*$|^\(.*\)=$|\{[a-z:]+\}", re.MULTILINE
)


@dataclass(frozen=True)
class Reading:
    """What a reader meets in a part of a chapter.

    Attributes
    ----------
    words : int
        Of prose, captions among them; an inline formula counts as a word or a few.
    visible_lines, widest_cell : int
        Of code that is not folded: in all, and in the longest cell. Blank lines do not count.
    formulas, derivations : int
        Displayed; a derivation has two equality signs or more.
    """

    words: int
    visible_lines: int
    widest_cell: int
    formulas: int
    derivations: int

    @property
    def minutes(self):
        """Honest minutes, rounded up: 150 words of such prose a minute, 8 seconds a line."""
        seconds = (
            60 * self.words / WORDS_PER_MINUTE
            + SECONDS_PER_LINE * self.visible_lines
            + SECONDS_PER_FORMULA * self.formulas
            + SECONDS_PER_DERIVATION * self.derivations
        )
        return math.ceil(seconds / 60)


def read_spine(path):
    """Measure all that stands before the exercises of the chapter at `path` (.md or .ipynb)."""
    return _measure(cell for part, cell in _cells(path) if part == "spine")


def read_deeper(path):
    """Measure what stands under *Going deeper* in the chapter at `path` (.md or .ipynb).

    Proofs are read twice: the minutes that a chapter names for it are twice those of the measure.
    """
    return _measure(cell for part, cell in _cells(path) if part == "Going deeper")


def _cells(path):
    """Yield each cell with the part in which it stands; a text is cut where a part begins."""
    fmt = "md:myst" if Path(path).suffix == ".md" else "ipynb"
    part = "spine"
    for cell in jupytext.read(Path(path), fmt=fmt).cells:
        start = 0
        if cell.cell_type == "markdown":
            for heading in AFTER_SPINE.finditer(cell.source):
                yield part, nbformat.v4.new_markdown_cell(cell.source[start : heading.start()])
                part, start = heading[1], heading.start()
            cell.source = cell.source[start:]
        yield part, cell


def _measure(cells):
    prose, lines = [], []
    for cell in cells:
        if cell.cell_type == "markdown":
            prose.append(cell.source)
        else:
            figure = cell.metadata.get("mystnb", {}).get("figure", {})
            prose.append(figure.get("caption", ""))
            if not FOLDED & set(cell.metadata.get("tags", [])):
                lines.append(sum(bool(line.strip()) for line in cell.source.splitlines()))
    text = "\n\n".join(prose)
    displays = DISPLAY.findall(text)
    derivations = sum(len(re.findall(r"(?<![a-z\\])=|&=", d)) >= 2 for d in displays)
    return Reading(
        words=len(MARKUP.sub(" ", DISPLAY.sub(" ", text)).split()),
        visible_lines=sum(lines),
        widest_cell=max(lines, default=0),
        formulas=len(displays) - derivations,
        derivations=derivations,
    )
