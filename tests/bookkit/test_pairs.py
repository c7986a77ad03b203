"""What a reader wrote is never overwritten or removed unasked, and never passed over."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import jupytext
import nbformat
import pytest

from bookkit import pairs
from bookkit.manifest import chapters_of, read_manifest

ROOT = Path(__file__).resolve().parents[2]
TEXT = """---
kernelspec:
  display_name: Python 3
  language: python
  name: python3
---

# A chapter

```{code-cell} ipython3
print(1 + 1)
```
"""
NAME = "chapters/part/one"


@pytest.fixture
def pair(tmp_path, monkeypatch):
    """The text of a pair that is in step, in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    text = Path(f"{NAME}.md")
    text.parent.mkdir(parents=True)
    text.write_text(TEXT, encoding="utf-8")
    jupytext.write(jupytext.read(text), text.with_suffix(".ipynb"))
    return text


def edit(path):
    """Add a sentence to a text or to a notebook."""
    notebook = jupytext.read(path)
    notebook.cells[0].source += "\n\nA reader's sentence."
    if path.suffix == ".md":
        path.write_text(jupytext.writes(notebook, fmt="md:myst"), encoding="utf-8")
    else:
        nbformat.write(notebook, path)


def git(*arguments):
    identity = ["-c", "user.name=A", "-c", "user.email=a@b"]
    subprocess.run(["git", *identity, *arguments], check=True, capture_output=True)


def check(text):
    return list(pairs.out_of_step([text]))


def guard(text):
    return list(pairs.would_be_lost([text]))


def test_the_book_is_in_step(monkeypatch, tmp_path):
    monkeypatch.setattr(pairs, "RECORD", tmp_path / "pairs.json")
    texts = [ROOT / "chapters" / f"{c.path}.md" for c in chapters_of(read_manifest())]
    assert list(pairs.out_of_step(texts)) == []


def test_in_step(pair):
    assert check(pair) == guard(pair) == []


def test_outputs_and_runs_are_no_difference(pair):
    notebook = nbformat.read(pair.with_suffix(".ipynb"), as_version=4)
    notebook.cells[-1].execution_count = 7
    notebook.cells[-1].outputs = [nbformat.v4.new_output("stream", text="2")]
    nbformat.write(notebook, pair.with_suffix(".ipynb"))
    assert check(pair) == guard(pair) == []


def test_an_edited_text_may_be_run(pair):
    assert check(pair) == []
    edit(pair)
    assert check(pair)[0].startswith(f"{NAME}.md and {NAME}.ipynb are out of step")
    assert guard(pair) == []


@pytest.mark.parametrize("both", [False, True])
def test_an_edited_notebook_is_not_overwritten(pair, both):
    assert check(pair) == []
    edit(pair.with_suffix(".ipynb"))
    if both:
        pair.write_text(TEXT + "\nMore.\n", encoding="utf-8")
    assert check(pair)
    assert guard(pair)[0].startswith(f"{NAME}.ipynb holds changes that {NAME}.md does not have.")


@pytest.mark.parametrize("name", [pairs.RECORD, Path("nothing")])
def test_without_a_record_nothing_is_overwritten(pair, name):
    check(pair)
    name.write_text("no JSON", encoding="utf-8")
    if name != pairs.RECORD:
        pairs.RECORD.unlink()
    edit(pair)
    assert guard(pair)


def test_without_a_record_the_commit_says_who_changed(pair):
    git("init", "-q")
    git("add", "chapters")
    git("commit", "-q", "-m", "x")
    edit(pair)
    assert guard(pair) == []
    edit(pair.with_suffix(".ipynb"))
    edit(pair.with_suffix(".ipynb"))
    assert guard(pair)


def test_a_new_text_has_nothing_to_lose(pair):
    pair.with_suffix(".ipynb").unlink()
    assert guard(pair) == []
    assert check(pair)


def test_a_folder_that_cannot_be_written_to(pair):
    pairs.RECORD.parent.write_text("a file where the folder would be", encoding="utf-8")
    assert check(pair) == []


# The targets themselves

PROGRAM = """#!/bin/sh
echo "$(basename $0) $*" >> commands
case "$*" in *"{stopping}"*) exit 1;; esac
"""


@pytest.fixture
def make(pair, tmp_path):
    """A function that runs make in a small book."""
    if shutil.which("make") is None:
        pytest.skip("make is not installed")
    shutil.copy(ROOT / "Makefile", tmp_path)
    shutil.copytree(ROOT / "requirements", tmp_path / "requirements")
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    Path("venv").mkdir()

    def run(*arguments):
        Path("venv/installed").touch()
        environment = {**os.environ, "PYTHONPATH": str(ROOT / "lib")}
        command = ["make", "VENV=venv", "WORKERS=1", *arguments]
        return subprocess.run(
            command, env=environment, capture_output=True, encoding="utf-8", check=False
        )

    return run


@pytest.fixture
def commands(make):
    """A function that runs make with programs that only note how they are called."""

    def run(*arguments, stopping="no such argument"):
        Path("commands").unlink(missing_ok=True)
        Path("venv/bin").mkdir(exist_ok=True)
        for name in ("python", "jupytext", "jupyter", "sphinx-build"):
            program = Path("venv/bin", name)
            program.write_text(PROGRAM.format(stopping=stopping), encoding="utf-8")
            program.chmod(0o755)
        code = make(*arguments).returncode
        noted = Path("commands").read_text(encoding="utf-8") if Path("commands").exists() else ""
        return code, noted.splitlines()

    return run


def test_clean_leaves_what_a_reader_wrote(make):
    kept = [Path("practice/part/one.ipynb"), Path(f"{NAME}.md"), Path(f"{NAME}.ipynb")]
    Path("practice/part").mkdir(parents=True)
    kept[0].write_text("the reader's work", encoding="utf-8")
    Path("_build").mkdir()
    assert make("clean").returncode == 0
    assert all(path.exists() for path in kept)
    assert not Path("_build").exists()


@pytest.mark.parametrize("target", ["book", "site", "portable", "sabotage"])
def test_targets_stop_at_a_pair_that_is_out_of_step(commands, target):
    check = f"python -m bookkit.pairs check {NAME}.md"
    code, stopped = commands(target, stopping="pairs check")
    assert code != 0
    assert stopped == [check]
    code, done = commands(target)
    assert code == 0
    assert done[0] == check
    assert len(done) > 1


def test_notebooks_stop_before_anything_is_written(commands):
    guard = f"python -m bookkit.pairs guard {NAME}.md"
    code, stopped = commands("notebooks", stopping="pairs guard")
    assert code != 0
    assert stopped == [guard]
    _, done = commands("notebooks")
    assert [line.split()[0] for line in done] == [
        "python", "jupytext", "jupyter", "jupytext", "python"
    ]  # fmt: skip
    assert done[0] == guard


def test_notebooks_do_as_they_are_told(commands):
    _, done = commands("notebooks", "KEEP=text")
    assert not [line for line in done if "guard" in line]
    assert done[0].startswith("jupytext --quiet --to ipynb")
    _, done = commands("notebooks", "KEEP=notebook")
    assert done[0] == f"jupytext --quiet --to md:myst {NAME}.ipynb"
    assert commands("notebooks", "KEEP=both") == (2, [])


def test_an_edited_notebook_is_kept_and_then_run(make):
    for name in ("bin", "lib", "pyvenv.cfg"):
        Path("venv", name).symlink_to(Path(sys.prefix, name))
    notebook = Path(f"{NAME}.ipynb")
    edit(notebook)
    before = notebook.read_bytes()
    run = make("notebooks")
    assert run.returncode != 0
    assert f"{notebook} holds changes" in run.stderr
    assert notebook.read_bytes() == before
    assert make("notebooks", "KEEP=notebook").returncode == 0
    assert "A reader's sentence." in Path(f"{NAME}.md").read_text(encoding="utf-8")
    assert nbformat.read(notebook, as_version=4).cells[-1].outputs[0].text == "2\n"
    assert check(Path(f"{NAME}.md")) == []
