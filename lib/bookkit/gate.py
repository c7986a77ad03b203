"""What a stored notebook must be, so that nbval has something to compare."""

from itertools import zip_longest

import jupytext
import nbformat

from bookkit.claims import RECORD as CLAIM

UNCOMPARED = {"nbval-skip", "nbval-ignore-output"}
LARGEST = 2_000_000  # bytes
WIDEST = 88  # characters of a line of code, which is what a page shows without scrolling


def problems(notebook_path):
    """Yield a sentence for everything that is wrong with a notebook and its text source."""
    raw = notebook_path.read_bytes()
    notebook = nbformat.reads(raw.decode(), as_version=4)
    code = [c for c in notebook.cells if c.cell_type == "code" and c.source.strip()]
    if len(raw) > LARGEST:
        yield f"it has {len(raw) / 1e6:.1f} MB, at most {LARGEST / 1e6:.0f} MB are allowed"
    yield from _execution(code)
    yield from _widths(code)
    yield from _outputs(code)
    yield from _figures(code)
    uncompared = sum(bool(UNCOMPARED & set(c.metadata.get("tags", []))) for c in code)
    if uncompared > len(code) / 4:
        yield f"{uncompared} of {len(code)} code cells are not compared; at most a quarter may be"
    yield from _out_of_step(notebook, notebook_path.with_suffix(".md").read_text("utf-8"))


def _execution(code):
    counts = [c.execution_count for c in code]
    if counts != list(range(1, len(code) + 1)):
        yield f"its cells were not run once, in order, from a fresh kernel: {counts}"
    for number, cell in enumerate(code, 1):
        if "execution" in cell.metadata:
            yield f"code cell {number} stores the times of its run"


def _widths(code):
    for number, cell in enumerate(code, 1):
        for line in cell.source.split("\n"):
            if len(line) > WIDEST:
                yield f"code cell {number} has a line of {len(line)} characters: {line.strip()!r}"


def _outputs(code):
    for number, cell in enumerate(code, 1):
        for output in cell.outputs:
            if output.output_type == "error":
                yield f"code cell {number} ended with {output.ename}: {output.evalue}"
            if output.get("name") == "stderr":
                yield f"code cell {number} wrote to stderr: {output.text[:80]!r}"


def _figures(code):
    for number, cell in enumerate(code, 1):
        images = {
            kind for o in cell.outputs for kind in o.get("data", {}) if kind.startswith("image/")
        }
        options = cell.metadata.get("mystnb", {})
        if images and not options.get("figure", {}).get("caption", "").strip():
            yield f"the figure of code cell {number} has no caption"
        if images and not options.get("image", {}).get("alt", "").strip():
            yield f"the figure of code cell {number} has no alternative text"
        claimed = any(CLAIM in o.get("data", {}) for o in cell.outputs)
        if images and claimed:
            yield f"code cell {number} draws a figure and claims; give the claim its own cell"
        if images - {"image/svg+xml"}:
            yield f"the figure of code cell {number} is {sorted(images)}, not SVG: call use_style()"


def _out_of_step(notebook, text):
    """Compare the text source with what jupytext would write for the notebook."""
    written = jupytext.writes(notebook, fmt="md:myst")
    lines, expected = (_without_version(t.splitlines()) for t in (text, written))
    for number, (line, other) in enumerate(zip_longest(lines, expected), 1):
        if line != other:
            yield f"line {number} of its text is {line!r}, not {other!r}: run make notebooks"
            return


def _without_version(lines):
    return [line for line in lines if not line.startswith("    jupytext_version:")]
