"""Labels are unique in the whole book, so that a reference can mean only one thing."""

import json
import re
from collections import Counter
from pathlib import Path

from bookkit.manifest import chapters_of, read_manifest
from bookkit.references import EQUATION, HEADED


def labels(notebook):
    """The names of figures, equations and headings of a notebook (its JSON)."""
    for cell in notebook["cells"]:
        if cell["cell_type"] == "markdown":
            text = "".join(cell["source"])
            yield from (found["label"] for found in EQUATION.finditer(text))
            yield from (found["label"] for found in HEADED.finditer(text))
        elif name := cell["metadata"].get("mystnb", {}).get("figure", {}).get("name"):
            yield name


def twice(notebooks):
    counted = Counter(label for notebook in notebooks for label in labels(notebook))
    return sorted(label for label, count in counted.items() if count > 1)


def stored():
    for chapter in chapters_of(read_manifest()):
        yield json.loads(Path(f"chapters/{chapter.path}.ipynb").read_text(encoding="utf-8"))


def test_no_label_is_used_twice():
    assert twice(stored()) == []


def test_formulas_hold_letters_that_tex_knows():
    """KaTeX refuses a letter such as ℓ, for which TeX has a command."""
    wrong = [
        formula
        for notebook in stored()
        for cell in notebook["cells"]
        if cell["cell_type"] == "markdown"
        for formula in re.findall(r"\$\$.+?\$\$", "".join(cell["source"]), re.DOTALL)
        if re.search(r"[ℓ∇∂Σ∑≤≥→]", formula)
    ]
    assert wrong == []


def test_a_label_that_is_used_twice_is_found():
    figure = {"cell_type": "code", "metadata": {"mystnb": {"figure": {"name": "fig-a"}}}}
    text = {"cell_type": "markdown", "source": ["$$\na\n$$ (eq-a)\n\n(ex-a)=\n### B\n"]}
    assert twice([{"cells": [figure, text]}, {"cells": [text]}]) == ["eq-a", "ex-a"]
    assert twice([{"cells": [figure, text]}]) == []
