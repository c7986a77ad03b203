"""Text and notebook of a chapter: are they in step, and if not, whose change would be lost?"""

import argparse
import hashlib
import json
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import jupytext
import nbformat

RECORD = Path("_build/pairs.json")  # what each notebook said when it was last seen in step


def content(notebook):
    """What a reader can write in a notebook, as one text: the cells without their outputs."""
    lines = jupytext.writes(notebook, fmt="md:myst").splitlines()
    return "\n".join(line for line in lines if not line.startswith("    jupytext_version:"))


def in_step(text):
    """Whether the notebook beside a text says the same; false where there is none."""
    notebook = text.with_suffix(".ipynb")
    return notebook.is_file() and content(jupytext.read(text)) == content(_read(notebook))


def out_of_step(texts):
    """Yield a sentence for each pair that is out of step, and remember the others."""
    seen = _recorded()
    for text in texts:
        notebook = text.with_suffix(".ipynb")
        if in_step(text):
            seen[notebook.as_posix()] = _digest(_read(notebook))
        else:
            yield (
                f"{text} and {notebook} are out of step: make notebooks runs the text and stores "
                "both, and stops if the notebook holds changes of its own."
            )
    with suppress(OSError):  # a checkout that cannot be written to
        RECORD.parent.mkdir(exist_ok=True)
        RECORD.write_text(json.dumps(seen, indent=1, sort_keys=True), encoding="utf-8")


def would_be_lost(texts):
    """Yield a sentence for each notebook with changes that its text does not have.

    A notebook that says what it said when the pair was last in step, or when it was committed,
    holds no change of its own, and the text may replace its cells.
    """
    for text in texts:
        notebook = text.with_suffix(".ipynb")
        if not notebook.exists() or in_step(text):
            continue
        if _digest(_read(notebook)) not in (
            _recorded().get(notebook.as_posix()),
            _committed(notebook),
        ):
            yield (
                f"{notebook} holds changes that {text} does not have. Say which of the two is to "
                "be kept: make notebooks KEEP=notebook, or KEEP=text."
            )


def _read(path):
    return nbformat.reads(path.read_text(encoding="utf-8"), as_version=4)


def _digest(notebook):
    return hashlib.sha256(content(notebook).encode()).hexdigest()


def _recorded():
    try:
        return json.loads(RECORD.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


def _committed(path):
    """The digest of a notebook as it was committed; None without git, or if it never was."""
    command = ["git", "show", f"HEAD:./{path.as_posix()}"]
    try:
        run = subprocess.run(command, capture_output=True, check=True)
        return _digest(nbformat.reads(run.stdout.decode("utf-8"), as_version=4))
    except (OSError, subprocess.CalledProcessError):
        return None


def main(arguments=None):
    """Stop, by name, at pairs that are out of step (check) or whose notebook was edited (guard)."""
    parser = argparse.ArgumentParser(prog="python -m bookkit.pairs", description=main.__doc__)
    parser.add_argument("what", choices=["check", "guard"])
    parser.add_argument("texts", nargs="+", type=Path)
    given = parser.parse_args(arguments)
    problems = list({"check": out_of_step, "guard": would_be_lost}[given.what](given.texts))
    if problems:
        sys.exit("\n".join(problems))


if __name__ == "__main__":
    main()
