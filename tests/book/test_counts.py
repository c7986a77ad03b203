"""The counts of the colophon, counted a second time in another way."""

import importlib
import re
from pathlib import Path

import jupytext
import pytest

from bookkit.counts import counts
from bookkit.manifest import chapters_of, read_manifest

CHAPTERS = chapters_of(read_manifest())
COUNTS = counts()


def occurrences(pattern, paths):
    """How often a pattern stands in these files."""
    return sum(len(re.findall(pattern, Path(p).read_text("utf-8"), re.MULTILINE)) for p in paths)


def test_claims():
    notebooks = [f"{chapter.docname}.ipynb" for chapter in CHAPTERS]
    assert COUNTS["claims"] == occurrences(r'"application/vnd\.descent\.claim\+json"', notebooks)
    assert COUNTS["seeded"] == occurrences(r'^ +"spread": "', notebooks)


def test_cells():
    texts = (jupytext.read(f"{chapter.docname}.md", fmt="md:myst") for chapter in CHAPTERS)
    assert COUNTS["cells"] == sum(c.cell_type == "code" for text in texts for c in text.cells)


def test_exercises():
    checks = [f"{chapter.docname}.md" for chapter in CHAPTERS]
    assert COUNTS["checked"] == occurrences(r'^check\("', checks)


def test_wrong_answers():
    """As many as the test of the exercises gives to them, one by one."""
    answers = [
        (exercise.number, wrong)
        for chapter in CHAPTERS
        for exercise in importlib.import_module(
            f"bookkit.exercises.chapter_{chapter.number:02d}"
        ).EXERCISES
        for wrong in [*(slip.wrong for slip in exercise.slips), *exercise.near_misses]
    ]
    assert COUNTS["rejected"] == len(answers)
    assert COUNTS["rejected"] >= 8 * COUNTS["checked"]


def test_faults():
    files = sorted(Path("tests/sabotage").glob("*.toml"))
    assert COUNTS["faults"] == occurrences(r"^\[\[fault\]\]$", files)
    shares = [
        re.search(r"^required = 0\.(\d+)$", f.read_text("utf-8"), re.MULTILINE) for f in files
    ]
    assert COUNTS["required"] == min(int(share[1].ljust(2, "0")) for share in shares)


def test_mutants():
    """The row of sums is the sum of the rows above it."""
    table = Path("tests/mutants.md").read_text(encoding="utf-8")
    rows = re.findall(
        r"^\| (?!all)\w+ \| (\d+) \| (\d+) \| \d+ \| [\d.]+% \|$", table, re.MULTILINE
    )
    assert len(rows) == 4
    assert COUNTS["mutants"] == sum(int(mutants) for mutants, _ in rows)
    assert COUNTS["noticed"] == sum(int(noticed) for _, noticed in rows)


@pytest.mark.parametrize("name", COUNTS)
def test_the_colophon_prints_each(name):
    assert f"{{count}}`{name}`" in Path("book/colophon.md").read_text(encoding="utf-8")
