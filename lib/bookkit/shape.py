"""The shape of a chapter: what each has, in which order, and how long it may be."""

import re
from pathlib import Path

import jupytext

from bookkit.ledger import entries_of
from bookkit.reading import read_deeper, read_spine

SECTIONS = [
    "The card",
    "The same in PyTorch",
    "What goes wrong in practice",
    "Exercises",
    "Going deeper",
    "Checked as well",
    "Notes and sources",
]
OPTIONAL = {"Going deeper"}
WORDS = range(2000, 3001)
MINUTES = range(22, 36)
WIDEST_CELL = 15
CLAIMS = range(5, 15)
CHECKED_EXERCISES = range(3, 7)
WRITTEN_EXERCISES = 2

HEADING = re.compile(r"^## (.+)$", re.MULTILINE)
EXERCISE = re.compile(r"^### Exercise (\d+)\.(\d+)( \(to write up\))?\. (.+)$", re.MULTILINE)


def faults(chapter, notebook, folder="chapters"):
    """Yield a sentence for everything that a chapter lacks or has too much of.

    Parameters
    ----------
    chapter : bookkit.manifest.Chapter
    notebook : dict
        The JSON of the stored notebook, whose outputs hold the claims.
    folder : path
        Where the texts of the chapters lie.
    """
    path = Path(folder) / f"{chapter.path}.md"
    yield from _length(chapter, read_spine(path), 2 * read_deeper(path).minutes)
    cells = jupytext.read(path, fmt="md:myst").cells
    prose = "\n\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    yield from _sections(HEADING.findall(prose))
    yield from _exercises(chapter, EXERCISE.findall(prose))
    if ":class: card" not in prose:
        yield "it has no card"
    if not any(f'check("{chapter.number}.' in cell.source for cell in cells):
        yield "no exercise is checked"
    claims = len(entries_of(notebook))
    if claims not in CLAIMS:
        yield f"it has {claims} claims, expected {CLAIMS.start} to {CLAIMS.stop - 1}"


def _length(chapter, spine, deeper):
    if spine.words not in WORDS:
        yield f"its spine has {spine.words} words, expected {WORDS.start} to {WORDS.stop - 1}"
    if spine.minutes not in MINUTES:
        yield (
            f"its spine takes {spine.minutes} minutes, "
            f"expected {MINUTES.start} to {MINUTES.stop - 1}: one sitting"
        )
    if abs(chapter.minutes - spine.minutes) > 3:
        yield f"the manifest says {chapter.minutes} minutes, its spine takes {spine.minutes}"
    if abs(chapter.deeper_minutes - deeper) > 3:
        yield f"the manifest says {chapter.deeper_minutes} minutes of going deeper, not {deeper}"
    if spine.widest_cell > WIDEST_CELL:
        yield f"a visible cell has {spine.widest_cell} lines, at most {WIDEST_CELL} are read"


def _sections(headings):
    known = [heading for heading in headings if heading in SECTIONS]
    expected = [name for name in SECTIONS if name in known or name not in OPTIONAL]
    if known != expected:
        yield f"its last sections are {known}, expected {expected}"


def _exercises(chapter, found):
    numbers = [(int(number), int(place)) for number, place, _, _ in found]
    if numbers != [(chapter.number, place) for place in range(1, len(found) + 1)]:
        yield f"its exercises are numbered {numbers}"
    written = sum(bool(mark) for _, _, mark, _ in found)
    if len(found) - written not in CHECKED_EXERCISES:
        yield f"it has {len(found) - written} checked exercises, expected 3 to 6"
    if written < WRITTEN_EXERCISES:
        yield f"it has {written} exercises to write up, expected {WRITTEN_EXERCISES}"
