"""The verdicts that chapter 22 counts and draws are those of its tables."""

import ast
import re
from collections import Counter
from pathlib import Path

import jupytext

CHAPTER = Path("chapters/appendix/what-the-internet-says.md")
KINDS = ["true", "true if …", "false", "undefined"]


def counted(cells):
    """The counts that the chapter writes down: group, then verdict, then number."""
    trees = [ast.parse(cell.source) for cell in cells if cell.cell_type == "code"]
    return next(
        ast.literal_eval(node.value)
        for tree in trees
        for node in tree.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "verdicts"
    )


def tables(cells):
    """The rows of each table whose last column is the verdict, as lists of cells."""
    prose = "\n\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    pattern = r"^(\|.*verdict \|)\n\|[-|]+\n((?:\|.*\n)+)"
    for head, body in re.findall(pattern, prose + "\n", re.MULTILINE):
        yield head, [[c.strip() for c in row.split("|")[1:-1]] for row in body.splitlines()]


def kind(verdict):
    return "true if …" if verdict.startswith("true if ") else verdict


def test_the_counts_are_those_of_the_tables():
    cells = jupytext.read(CHAPTER).cells
    found, numbers = {"sentences": Counter(), "programs": Counter(), "comparisons": Counter()}, []
    for head, rows in tables(cells):
        numbered = rows[0][0].isdigit()
        group = "sentences" if numbered else "programs" if "program" in head else "comparisons"
        found[group].update(kind(row[-1]) for row in rows)
        numbers += [int(row[0]) for row in rows if numbered]
    assert sorted(numbers) == list(range(1, 29))
    assert {name.split(" ")[1]: counts for name, counts in counted(cells).items()} == {
        name: {verdict: counts[verdict] for verdict in KINDS} for name, counts in found.items()
    }
    for name, counts in counted(cells).items():
        assert sum(counts.values()) == int(name.split(" ")[0])
