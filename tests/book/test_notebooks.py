"""The gate: every stored notebook has been executed, can be compared, and matches its text."""

from pathlib import Path

import nbformat
import pytest

from bookkit.gate import problems
from bookkit.manifest import chapters_of, read_manifest

CHAPTERS = chapters_of(read_manifest())


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda chapter: chapter.path)
def test_stored_notebook(chapter):
    assert list(problems(Path("chapters") / f"{chapter.path}.ipynb")) == []


@pytest.fixture
def pair(tmp_path):
    """A copy of the first chapter, and a function that stores it after a change."""
    source = Path("chapters") / CHAPTERS[0].path
    for suffix in (".ipynb", ".md"):
        (tmp_path / f"copy{suffix}").write_bytes(source.with_suffix(suffix).read_bytes())
    path = tmp_path / "copy.ipynb"

    def after(change):
        notebook = nbformat.read(path, as_version=4)
        change(notebook, [c for c in notebook.cells if c.cell_type == "code"])
        nbformat.write(notebook, path)
        return " ".join(problems(path))

    return after


def unexecuted(notebook, code):
    code[3].execution_count = None


def gap(notebook, code):
    for cell in code[5:]:
        cell.execution_count += 1


def timed(notebook, code):
    code[0].metadata["execution"] = {"iopub.execute_input": "2026-01-01T00:00:00Z"}


def noisy(notebook, code):
    code[0].outputs.append(nbformat.v4.new_output("stream", name="stderr", text="a warning"))


def failed(notebook, code):
    code[0].outputs.append(nbformat.v4.new_output("error", ename="ValueError", evalue="no"))


def mostly_skipped(notebook, code):
    for cell in code[: len(code) // 4 + 1]:
        cell.metadata["tags"] = ["nbval-skip"]


def other_text(notebook, code):
    notebook.cells[0].source += " And one thing more."


def other_tags(notebook, code):
    code[0].metadata["tags"] = ["remove-cell"]


def shorter(notebook, code):
    del notebook.cells[-1]


def huge(notebook, code):
    code[0].outputs.append(nbformat.v4.new_output("stream", name="stdout", text="x" * 2_000_000))


def without_caption(notebook, code):
    del figure_cell(code).metadata["mystnb"]["figure"]


def without_alternative(notebook, code):
    figure_cell(code).metadata["mystnb"]["image"]["alt"] = " "


def pixels(notebook, code):
    (output,) = figure_cell(code).outputs
    output.data["image/png"] = "iVBORw0KGgo="


def claiming(notebook, code):
    record = {"application/vnd.descent.claim+json": {"number": "0.1"}}
    figure_cell(code).outputs.append(nbformat.v4.new_output("display_data", data=record))


def wide(notebook, code):
    code[0].source += "\n# " + 87 * "x"


def figure_cell(code):
    return next(c for c in code if "mystnb" in c.metadata)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (unexecuted, "not run once, in order"),
        (gap, "not run once, in order"),
        (timed, "code cell 1 stores the times of its run"),
        (noisy, "code cell 1 wrote to stderr: 'a warning'"),
        (failed, "code cell 1 ended with ValueError: no"),
        (mostly_skipped, "are not compared; at most a quarter"),
        (other_text, "run make notebooks"),
        (other_tags, "run make notebooks"),
        (shorter, "run make notebooks"),
        (huge, "at most 2 MB are allowed"),
        (without_caption, "has no caption"),
        (without_alternative, "has no alternative text"),
        (pixels, "not SVG"),
        (claiming, "draws a figure and claims; give the claim its own cell"),
        (wide, "code cell 1 has a line of 89 characters"),
    ],
)
def test_the_gate_bites(pair, change, sentence):
    assert pair(lambda notebook, code: None) == ""
    assert sentence in pair(change)
