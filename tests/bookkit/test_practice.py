"""Practice notebooks: blanks where the solutions stand, and everything else as in the chapter."""

from pathlib import Path

import jupytext
import nbformat
import pytest
from nbclient import NotebookClient

from bookkit import practice
from bookkit.manifest import chapters_of, read_manifest

CHAPTERS = chapters_of(read_manifest())


SOLUTION = '''import math


def f(a, b=(1,
    2)):
    """What it does."""
    return a


x = y = 1
'''
BLANK = '''import math


def f(a, b=(1,
    2)):
    """What it does."""
    raise NotImplementedError("f is yours to write")


x = y = ...  # your answer'''


def test_a_function_keeps_its_head_and_docstring():
    assert practice.blank(SOLUTION) == BLANK


def test_a_solution_that_cannot_be_blanked():
    with pytest.raises(ValueError, match=r"not 'print\(1\)'"):
        practice.blank("print(1)")


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda chapter: chapter.path)
def test_only_solutions_are_blanked(chapter):
    path = Path("chapters") / f"{chapter.path}.md"
    original, blanked = jupytext.read(path), practice.practice_notebook(path)
    pairs = zip(original.cells, blanked.cells, strict=True)
    changed = [(a, b) for a, b in pairs if a.source != b.source]
    assert len(changed) >= 3
    for before, after in changed:
        assert "solution" in before.metadata["tags"]
        assert "return" not in after.source
        assert "yours to write" in after.source or "your answer" in after.source
        assert after.metadata["tags"] == []


def exercises_of(chapter):
    """The first imports of a chapter, its blanks and its checks, as a reader finds them."""
    path = Path("chapters") / f"{chapter.path}.md"
    original, notebook = jupytext.read(path), practice.practice_notebook(path)
    start = next(cell for cell in notebook.cells if "import" in cell.source)
    return [
        start,
        *(
            blanked
            for whole, blanked in zip(original.cells, notebook.cells, strict=True)
            if "solution" in whole.metadata.get("tags", []) or whole.source.startswith("check(")
        ),
    ]


@pytest.fixture(scope="module")
def played():
    """The cells of every chapter's exercises, run in one kernel that forgets between chapters."""
    cells = {chapter.path: exercises_of(chapter) for chapter in CHAPTERS}
    notebook = nbformat.v4.new_notebook()
    for own in cells.values():
        notebook.cells += [*own, nbformat.v4.new_code_cell("%reset -f")]
    NotebookClient(notebook, allow_errors=True, timeout=60, kernel_name="python3").execute()
    return cells


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda chapter: chapter.path)
def test_the_blank_version_stops_only_at_its_blanks(played, chapter):
    for cell in played[chapter.path]:
        errors = [o for o in cell.outputs if o.output_type == "error"]
        assert bool(errors) == cell.source.startswith("check("), cell.source
        for error in errors:
            assert error.ename == "NotYet"
            assert error.traceback == [error.evalue]


def test_writes_each_chapter_and_never_over_what_is_there(tmp_path, monkeypatch, capsys):
    (tmp_path / "chapters").symlink_to(Path("chapters").resolve())
    monkeypatch.chdir(tmp_path)
    targets = [tmp_path / "practice" / f"{chapter.path}.ipynb" for chapter in CHAPTERS]
    targets[-1].parent.mkdir(parents=True)
    targets[-1].write_text("the reader's work", encoding="utf-8")
    practice.main()
    assert all("check(" in target.read_text(encoding="utf-8") for target in targets[:-1])
    targets[0].write_text("more of it", encoding="utf-8")
    capsys.readouterr()
    practice.main()
    assert targets[0].read_text(encoding="utf-8") == "more of it"
    assert targets[-1].read_text(encoding="utf-8") == "the reader's work"
    said = capsys.readouterr().out
    assert said.count("kept ") == 2  # the others are as they were written, and made anew
    assert said.count("renewed ") == len(targets) - 2
