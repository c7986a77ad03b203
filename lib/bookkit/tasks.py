"""The exercises and cards of a chapter, as they stand in its notebook's text."""

import re
from dataclasses import dataclass

HEADING = re.compile(
    r"^### Exercise (?P<number>\d+\.\d+)(?P<written> \(to write up\))?\. (?P<title>.+)$",
    re.MULTILINE,
)
CARD = re.compile(
    r"^(?P<fence>:{3,})\{admonition\}[^\n]*\n(?::[\w-]+:[^\n]*\n)*?:class:[^\n]*\bcard\b.*?"
    r"^(?P=fence)$",
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True)
class Task:
    """An exercise: its number and title, and whether it is written up, without a `check`."""

    number: str
    title: str
    written: bool


def tasks_of(notebook):
    """Return the exercises of a notebook (its JSON), in the order in which they stand."""
    return [
        Task(found["number"], found["title"].strip(), bool(found["written"]))
        for found in HEADING.finditer(_markdown(notebook))
    ]


def cards_of(notebook):
    """Return the Markdown of the cards of a notebook: its admonitions with the class "card"."""
    return [found[0] for found in CARD.finditer(_markdown(notebook))]


def _markdown(notebook):
    cells = (cell for cell in notebook["cells"] if cell["cell_type"] == "markdown")
    return "\n\n".join("".join(cell["source"]) for cell in cells)
