"""How much is verified: what the colophon counts, from the files that are verified."""

import importlib
import json
import re

from bookkit.ledger import gather
from bookkit.manifest import ROOT, chapters_of, read_manifest
from bookkit.sabotage import parts, read_faults, required_of

ALL_MUTANTS = re.compile(r"^\| all \| (\d+) \| (\d+) \|", re.MULTILINE)


def counts():
    """Return the numbers of what is verified, by name.

    Returns
    -------
    dict
        ``cells``: code cells of the notebooks, ``claims``, ``seeded``: claims measured with several
        seeds, ``checked``: exercises with a check, ``rejected``: wrong answers that these must
        refuse, ``faults``: those planted in the library, ``required``: the percentage of them
        that must be found in each part, ``mutants`` and ``noticed``: small changes of
        the library in the last count, and how many of them a test noticed.
    """
    chapters = chapters_of(read_manifest())
    claims = [entry for _, entries in gather() for entry in entries]
    exercises = [exercise for chapter in chapters for exercise in _exercises(chapter)]
    mutants, noticed = ALL_MUTANTS.search((ROOT / "tests/mutants.md").read_text("utf-8")).groups()
    return {
        "cells": sum(map(_code_cells, chapters)),
        "claims": len(claims),
        "seeded": sum(entry.spread is not None for entry in claims),
        "checked": len(exercises),
        "rejected": sum(len(each.slips) + len(each.near_misses) for each in exercises),
        "faults": sum(len(read_faults(part)) for part in parts()),
        "required": round(100 * min(map(required_of, parts()))),
        "mutants": int(mutants),
        "noticed": int(noticed),
    }


def _exercises(chapter):
    return importlib.import_module(f"bookkit.exercises.chapter_{chapter.number:02d}").EXERCISES


def _code_cells(chapter):
    notebook = (ROOT / f"{chapter.docname}.ipynb").read_text(encoding="utf-8")
    cells = json.loads(notebook)["cells"]
    return sum(cell["cell_type"] == "code" for cell in cells)
