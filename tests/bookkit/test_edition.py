"""The reader's edition: plain Markdown, the site's numbers, trusted; a reader's work is kept."""

import json
import re
from pathlib import Path

import nbformat
import pytest
from nbformat.sign import NotebookNotary
from pybtex.database import parse_string

from bookkit import edition
from bookkit.manifest import Chapter, chapters_of, read_manifest
from bookkit.references import References, read_references

CHAPTERS = chapters_of(read_manifest())
EACH = pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda chapter: chapter.path)
SOURCES = """
@article{one, author = {Huber, Peter J.}, year = {1964}, doi = {10.1/x}, title = {T}}
@article{two, author = {Doll{\\'a}r, Piotr and He, Kaiming}, year = {2017}, eprint = {1708.02002},
  title = {T}}
@book{many, author = {A, B and van der Waals, D and E, F}, year = {1999}, title = {T}}
"""
REFERENCES = References(
    figures={"fig-a": "7.2"},
    equations={"eq-a": "7.3"},
    titles={"ex-a": "Exercise 7.1. Title"},
    sources=parse_string(SOURCES, "bibtex"),
)
HERE = Chapter(7, "losses/x", "X", "S.", 1, 1, 0, (), "One")


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("See {numref}`Figure %s <fig-a>`.", "See Figure 7.2."),
        ("See {numref}`fig-a`.", "See Figure 7.2."),
        ("By {eq}`eq-a`,", "By (7.3),"),
        ("{cite:t}`one` showed", "[Huber (1964)](https://doi.org/10.1/x) showed"),
        (
            "so {cite:p}`one,two`.",
            "so ([Huber, 1964](https://doi.org/10.1/x); "
            "[Dollár and He, 2017](https://arxiv.org/abs/1708.02002)).",
        ),
        ("{cite:t}`many`", "A et al. (1999)"),
        (
            "a {term}`loss function` and {term}`losses <loss function>`",
            "a loss function and losses",
        ),
        ("press {kbd}`Tab`", "press Tab"),
        ("`{eq}` in code and `[a](#b)`", "`{eq}` in code and `[a](#b)`"),
        ("[Exercise 7.1](#ex-a) and [](#ex-a)", "Exercise 7.1 and Exercise 7.1. Title"),
        ("[claim 0.2](#claim-0.2)", "claim 0.2"),
        ("[chapter 1](/chapters/losses/y.ipynb#z)", "[chapter 1](../losses/y.ipynb)"),
        ("[chapter 1](y.md)", "[chapter 1](y.ipynb)"),
        ("[notation](../../book/notation.md)", "notation"),
        ("[there](https://x.org/y.md)", "[there](https://x.org/y.md)"),
        ("[学习率]{.zh .language-zh-Hans}", "学习率"),
        ("(ex-a)=\n### Exercise 7.1. Title", "### Exercise 7.1. Title"),
        ("$$\na = b\n$$ (eq-a)", "$$\na = b\n\\tag{7.3}\n$$"),
        ("Formula\n: $a$", "- **Formula** $a$"),
        ("</details>\n<details>", "</details>\n\n<details>"),
        (
            ":::{admonition} The card\n:class: card\n\nOne\n\n- two\n:::",
            "> **The card**\n>\n> One\n>\n> - two",
        ),
        (
            ":::{predict} How many?\n:answer: 232\n:low: 1\n:high: 9\n:unit: steps\n:claim: 7.1\n\n"
            "It waits.\n:::",
            "> **Predict, then look.** How many?\n\n<details>\n<summary>The answer</summary>\n\n"
            "**232 steps** (claim 7.1). It waits.\n\n</details>",
        ),
        (
            ":::{predict} Which?\n:answer: b\n:choices: a | b\n:claim: 7.1\n:::",
            "> **Predict, then look.** Which?\n>\n> - a\n> - b\n\n<details>\n"
            "<summary>The answer</summary>\n\n**b** (claim 7.1). \n\n</details>",
        ),
    ],
)
def test_markdown_without_extensions(source, text):
    assert edition.readable(source, REFERENCES, HERE) == text


def test_an_unknown_role_is_named():
    with pytest.raises(ValueError, match="does not know the role 'download'"):
        edition.readable("{download}`x`", REFERENCES, HERE)


@EACH
def test_nothing_of_myst_is_left(chapter):
    notebook = edition.reading_notebook(chapter)
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            text = edition.CODE_SPAN.sub("", cell.source)
            left = re.findall(
                r"\{[a-z:]+\}`|^:::.*|^\([\w-]+\)=|^\$\$ \(|<div ", text, re.MULTILINE
            )
            assert left == []


@EACH
def test_figures_have_numbers_and_captions_and_folded_sources_are_closed(chapter):
    stored = json.loads(Path(f"chapters/{chapter.path}.ipynb").read_text(encoding="utf-8"))
    notebook = edition.reading_notebook(chapter)
    cells = iter(notebook.cells)
    for cell in stored["cells"]:
        edited = next(cells)
        assert edited.cell_type == cell["cell_type"]
        folded = "hide-input" in cell["metadata"].get("tags", [])
        if cell["cell_type"] == "code":
            assert edited.source == "".join(cell["source"])
            assert edited.metadata.get("jupyter", {}).get("source_hidden", False) == folded
        if "figure" in cell["metadata"].get("mystnb", {}):
            caption = next(cells)
            name = cell["metadata"]["mystnb"]["figure"]["name"]
            assert caption.source.startswith(f"**Figure {read_references().figures[name]}.** ")
    assert next(cells, None) is None


@EACH
def test_no_exercise_is_right_before_it_was_tried(chapter):
    notebook = edition.reading_notebook(chapter)
    assert "Right in all" not in nbformat.writes(notebook)
    assert any(cell.source.startswith("check(") for cell in notebook.cells)


@EACH
def test_the_title_bears_the_number(chapter):
    first = edition.reading_notebook(chapter).cells[0].source
    assert first.startswith(f"# {chapter.number} · {chapter.title}")


def test_notebooks_are_valid_and_trusted(tmp_path):
    said = edition.publish(tmp_path, edition.reading_notebook)
    assert len(said) == len(CHAPTERS)
    for chapter in CHAPTERS:
        notebook = nbformat.read(tmp_path / f"{chapter.path}.ipynb", as_version=4)
        nbformat.validate(notebook)
        assert NotebookNotary().check_signature(notebook)


@pytest.fixture
def small(tmp_path):
    """A function that publishes one small notebook; its text can change."""
    chapter = CHAPTERS[0]

    def publish(text):
        cell = nbformat.v4.new_markdown_cell(text, id="a")
        return edition.write(
            nbformat.v4.new_notebook(cells=[cell]), tmp_path / "x.ipynb", record, chapter.path
        )

    record = {}
    return publish, tmp_path / "x.ipynb"


def test_what_is_unchanged_is_made_anew(small):
    publish, target = small
    assert publish("one").startswith("written")
    assert publish("two").startswith("renewed")
    assert "two" in target.read_text(encoding="utf-8")


def test_what_a_reader_changed_is_kept(small):
    publish, target = small
    publish("one")
    changed = target.read_text(encoding="utf-8").replace("one", "mine")
    target.write_text(changed, encoding="utf-8")
    for _ in range(2):
        assert "changes of yours" in publish("two")
        assert target.read_text(encoding="utf-8") == changed
    target.unlink()
    assert publish("two").startswith("written")


def test_a_file_of_unknown_origin_is_kept(small):
    publish, target = small
    target.write_text("the reader's own", encoding="utf-8")
    assert publish("one").startswith("kept")
    assert target.read_text(encoding="utf-8") == "the reader's own"
