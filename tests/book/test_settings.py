"""The book is green whatever the reader's own settings are."""

import ast
import json
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


PLACES = {"read_text": 0, "write_text": 1, "open": 3}  # of the encoding, if it has no name
BINARY = {"tarfile.open", "gzip.open"}  # unless a mode says text
PROGRAMS = {"run", "Popen", "check_output", "check_call", "call"}
TABLES = {"loadtxt", "savetxt", "genfromtxt", "NamedTemporaryFile", "TemporaryFile"}


def texts_without_encoding(source):
    """The calls that read or write text as the machine's default encoding has it."""
    for call in ast.walk(ast.parse(source)):
        if not isinstance(call, ast.Call):
            continue
        name = ast.unparse(call.func).rpartition(".")[2]
        named = {keyword.arg for keyword in call.keywords}
        place = PLACES.get(name, 99)
        if name == "open" and isinstance(call.func, ast.Attribute):
            place -= 1  # path.open has no path among its arguments
        given = [a.value for a in [*call.args, *(k.value for k in call.keywords)] if is_text(a)]
        binary = any(set(value) <= set("rwxab+") and "b" in value for value in given)
        if "encoding" in named or len(call.args) > place or binary:
            continue
        asks = (
            (name in PLACES and ast.unparse(call.func) not in BINARY)
            or (name in PROGRAMS and named & {"text", "universal_newlines"})
            or (name in TABLES and (not name.endswith("File") or given))
        )
        if asks:
            yield ast.unparse(call)


def is_text(argument):
    return isinstance(argument, ast.Constant) and isinstance(argument.value, str)


@pytest.mark.parametrize(
    ("call", "finds"),
    [
        ("open('a')", 1),
        ("open('a', 'w')", 1),
        ("open('a', 'rb')", 0),
        ("open('a', mode='wb')", 0),
        ("open('a', encoding='utf-8')", 0),
        ("path.open()", 1),
        ("path.open('w')", 1),
        ("path.open('ab')", 0),
        ("path.open('r', -1, 'utf-8')", 0),
        ("(folder / 'a').read_text()", 1),
        ("path.read_text('utf-8')", 0),
        ("path.write_text(text)", 1),
        ("path.write_text(text, 'utf-8')", 0),
        ("tarfile.open(path)", 0),
        ("subprocess.run(command, text=True)", 1),
        ("subprocess.run(command, encoding='utf-8')", 0),
        ("subprocess.Popen(command, universal_newlines=True)", 1),
        ("subprocess.run(command)", 0),
        ("np.loadtxt('a')", 1),
        ("NamedTemporaryFile('w')", 1),
        ("NamedTemporaryFile()", 0),
    ],
)
def test_calls_that_take_the_default_encoding_are_told_apart(call, finds):
    assert len(list(texts_without_encoding(call))) == finds


def sources():
    """The code of the book, cells of notebooks included, by where it stands."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "*.py", "*.ipynb"], capture_output=True, encoding="utf-8"
    )
    paths = listed.stdout.split("\0")[:-1] or pytest.skip("not a checkout of git")
    for path in paths:
        if path.endswith(".py"):
            yield path, Path(path).read_text(encoding="utf-8")
            continue
        for cell in json.loads(Path(path).read_text(encoding="utf-8"))["cells"]:
            lines = "".join(cell["source"]).splitlines()
            if cell["cell_type"] == "code" and not lines[0].startswith("%%"):
                yield path, "\n".join("" if line.startswith(("%", "!")) else line for line in lines)


def test_every_text_names_its_encoding():
    """Where ruff cannot tell a path from something else, as in ``(folder / name).read_text()``."""
    found = [f"{path}: {c}" for path, source in sources() for c in texts_without_encoding(source)]
    assert found == []


def test_ruff_watches_the_encodings():
    command = [sys.executable, "-m", "ruff", "check", "--no-cache", "--stdin-filename", "lib/x.py"]
    for code, status in [("open('a')\n", 1), ("open('a', encoding='utf-8')\n", 0)]:
        run = subprocess.run(
            [*command, "--select", "PLW1514", "-"], input=code.encode(), capture_output=True
        )
        assert run.returncode == status, run.stdout
