"""The book is green whatever the reader's own settings are."""

import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from bookkit.sabotage import copy_book

FIGURE = """import matplotlib.pyplot as plt
from bookkit import use_style
use_style()
plt.plot([1, 2, 3], label="$x^2$")
plt.legend()
plt.show()"""
MATPLOTLIBRC = "text.usetex: True\nfont.size: 30\nbackend: Agg\nsvg.fonttype: path\n"


def drawn():
    """The outputs of a cell with a figure, by kind."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(FIGURE)])
    NotebookClient(notebook, timeout=60).execute()
    return [output.data for output in notebook.cells[0].outputs]


def test_figures_do_not_depend_on_the_readers_matplotlib(tmp_path, monkeypatch):
    monkeypatch.delenv("MPLBACKEND", raising=False)
    (expected,) = drawn()
    assert set(expected) == {"image/svg+xml", "text/plain"}
    assert "x" in expected["image/svg+xml"]
    (tmp_path / "matplotlibrc").write_text(MATPLOTLIBRC, encoding="utf-8")
    monkeypatch.setenv("MATPLOTLIBRC", str(tmp_path))
    monkeypatch.setenv("MPLBACKEND", "Agg")
    assert drawn() == [expected]


def run_tests(folder, *arguments, **variables):
    environment = {n: v for n, v in os.environ.items() if not n.startswith("PYTEST_")}
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", *arguments],
        cwd=folder,
        env={**environment, "PYTHONPATH": str(folder / "lib"), **variables},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )


@pytest.fixture
def copy_of_the_book(tmp_path):
    copy_book(tmp_path)
    return tmp_path


def test_a_checkout_that_cannot_be_written_to(copy_of_the_book):
    # Files where the folders would be: permissions do not stop a test that runs as root.
    for name in (".pytest_cache", ".hypothesis"):
        (copy_of_the_book / name).write_text("", encoding="utf-8")
    tests = ["tests/bookkit/test_claims.py", "tests/descent/losses/test_softmax.py"]
    run = run_tests(copy_of_the_book, *tests)
    assert run.returncode == 0, run.stdout + run.stderr


OURS = "(bookkit|descent|tests|conftest|test_)"


def test_the_default_encoding_is_asked_for_nowhere(copy_of_the_book):
    """With this variable Python warns wherever the machine's default encoding would be used."""
    for path in Path().glob("[!.]*"):
        if not (copy_of_the_book / path).exists():
            (copy_of_the_book / path).symlink_to(path.resolve())
    planted = copy_of_the_book / "tests/book/test_planted.py"
    planted.write_text("def test_it():\n    open('README.md').close()\n", encoding="utf-8")
    tests = [f"tests/book/test_{name}.py" for name in ("readme", "versions", "ledger", "planted")]
    filters = ["-o", f"filterwarnings=error::EncodingWarning:{OURS}"]
    run = run_tests(copy_of_the_book, *filters, *tests, PYTHONWARNDEFAULTENCODING="1")
    assert run.returncode == 1, run.stdout + run.stderr
    failed = [line for line in run.stdout.splitlines() if line.startswith("FAILED")]
    assert len(failed) == 1, run.stdout
    assert "test_planted.py::test_it - EncodingWarning" in failed[0]


def test_ruff_watches_the_encodings():
    command = [sys.executable, "-m", "ruff", "check", "--no-cache", "--stdin-filename", "lib/x.py"]
    for code, status in [("open('a')\n", 1), ("open('a', encoding='utf-8')\n", 0)]:
        run = subprocess.run(
            [*command, "--select", "PLW1514", "-"], input=code.encode(), capture_output=True
        )
        assert run.returncode == status, run.stdout
