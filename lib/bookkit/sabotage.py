"""Does the regression run bite? Plant small faults in a copy of the library, run the chapters.

``python -m bookkit.sabotage`` asks all parts of the book, ``… optimizers losses`` those named.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

from bookkit.manifest import ROOT, chapters_of, read_manifest

FAULTS = ROOT / "tests/sabotage"
LIBRARY = Path("lib/descent")


@dataclass(frozen=True)
class Fault:
    """One place of the library changed: what that does, the file, the text before and after."""

    what: str
    file: str
    old: str
    new: str

    @property
    def names(self):
        """The functions that are changed, as `what` names them before its colon."""
        return self.what.split(":")[0].split(", ")

    def plant(self, root):
        """Make the change below `root`; refuse one that does not fit exactly once."""
        path = Path(root) / LIBRARY / self.file
        source = path.read_text(encoding="utf-8")
        if (count := source.count(self.old)) != 1:
            raise ValueError(f"{self.what}: {self.old!r} occurs {count} times in {self.file}")
        path.write_text(source.replace(self.old, self.new), encoding="utf-8")


def parts():
    """The parts of the book that have faults: folders of chapters, files in tests/sabotage."""
    return sorted(path.stem for path in FAULTS.glob("*.toml"))


def read_faults(part):
    """The faults that a chapter of this part should notice."""
    return [Fault(**entry) for entry in _entries(part)["fault"]]


def required_of(part):
    """The share of the faults of a part that its chapters must notice."""
    return _entries(part)["required"]


def _entries(part):
    return tomllib.loads((FAULTS / f"{part}.toml").read_text(encoding="utf-8"))


def chapters_in(part):
    """The chapters whose texts lie in the folder chapters/part."""
    return [c for c in chapters_of(read_manifest()) if c.path.startswith(f"{part}/")]


def copy_book(target):
    """Copy what the tests and notebooks need into a folder."""
    for name in ("lib", "tests", "chapters"):
        shutil.copytree(name, target / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "conftest.py"):
        shutil.copy(name, target)


def run_pytest(folder, *arguments):
    """Run pytest on a copy of the book, with the copy's library, up to the first failure."""
    environment = {n: v for n, v in os.environ.items() if not n.startswith("PYTEST_")}
    environment["PYTHONPATH"] = str(folder / "lib")
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *arguments]
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, encoding="utf-8", check=False
    )


def likeliest_first(fault, chapters):
    """The chapters, those first that name the changed functions most often."""

    def mentions(chapter):
        text = Path(f"chapters/{chapter.path}.md").read_text(encoding="utf-8")
        return sum(text.count(name) for name in fault.names)

    return sorted(chapters, key=mentions, reverse=True)


def found_by(fault, chapters):
    """The first cell that a fault turns red, such as "losses/margins, cell 12", or None.

    Without a fault (None), the first cell that is red already.
    """
    with tempfile.TemporaryDirectory() as folder:
        copy_book(Path(folder))
        if fault is not None:
            fault.plant(folder)
        for chapter in chapters:
            notebook = f"chapters/{chapter.path}.ipynb"
            run = run_pytest(Path(folder), "--nbval", "--tb=no", notebook)
            if run.returncode == 1:
                cell = re.search(r"FAILED \S+::Cell (\d+)", run.stdout)
                return f"{chapter.path}, cell {cell[1] if cell else '?'}"
            if run.returncode != 0:
                raise RuntimeError(f"{notebook}: pytest stopped:\n{run.stdout}{run.stderr}")
    return None


def try_part(part):
    """Plant every fault of a part, print which cell finds it, and return whether enough are."""
    faults, chapters = read_faults(part), chapters_in(part)
    if place := found_by(None, chapters):
        sys.exit(f"{place} is red without any fault; mend that first")
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        runs = pool.map(lambda fault: found_by(fault, likeliest_first(fault, chapters)), faults)
        places = list(tqdm(runs, total=len(faults), unit="fault"))
    for fault, place in sorted(zip(faults, places, strict=True), key=lambda pair: pair[1] or ""):
        print(f"{place or 'NOT FOUND':44} {fault.file:34} {fault.what}")
    found = sum(place is not None for place in places)
    print(
        f"{part}: {found} of {len(faults)} faults turn a notebook red ({found / len(faults):.0%})"
    )
    return found >= required_of(part) * len(faults)


def main(chosen):
    """Try the parts that are named, or all; fail if too few of the faults of one are found."""
    if unknown := set(chosen) - set(parts()):
        sys.exit(f"there are no faults for {sorted(unknown)}; there are for {parts()}")
    passed = [try_part(part) for part in chosen or parts()]
    return 0 if all(passed) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
