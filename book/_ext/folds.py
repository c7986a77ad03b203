"""Folded code says what it holds: the figure that it draws, the claim that it measures.

A cell tagged `hide-input` becomes a `<details>` whose label is derived from its tags and outputs.
A cell whose metadata name a prompt of their own keeps it.
"""

import re
from html import escape

from docutils import nodes
from myst_nb.sphinx_ import HideCodeCellNode
from sphinx.transforms.post_transforms import SphinxPostTransform

CLAIM = re.compile(r'class="claim" id="claim-([\d.]+)"')
BY_TAG = {
    "setup": "Show the set-up",
    "solution": "Show the solution",
    "checked": "How these are checked",
}


def in_a_row(numbers):
    """Return numbers in words: "2.3", "2.3 and 2.5", "2.3 to 2.6"."""
    chapter, _, first = numbers[0].rpartition(".")
    run = [f"{chapter}.{int(first) + i}" if chapter else "" for i in range(len(numbers))]
    if len(numbers) > 2 and numbers == run:
        return f"{numbers[0]} to {numbers[-1]}"
    return " and ".join(filter(None, [", ".join(numbers[:-1]), numbers[-1]]))


def label(tags, figures, claims):
    """Return the label of a fold from its cell's tags and the numbers of what the cell shows."""
    for tag, words in BY_TAG.items():
        if tag in tags:
            return words
    if figures:
        shown = f"Figure{'s' if len(figures) > 1 else ''} {in_a_row(figures)}"
        also = f" and of claim{'s' if len(claims) > 1 else ''} {in_a_row(claims)}" if claims else ""
        return f"Show the code of {shown}{also}"
    if claims:
        noun, verb = ("claims", "are") if len(claims) > 1 else ("claim", "is")
        return f"How {noun} {in_a_row(claims)} {verb} measured"
    return "Show the code"


class LabelFolds(SphinxPostTransform):
    """Give each folded cell its label, once the outputs of this builder are chosen (priority 4)
    and before MyST-NB wraps the code (199)."""

    default_priority = 150

    def run(self, **_options):
        default = self.config.nb_code_prompt_show
        for cell in self.document.findall(nodes.container):
            if cell.get("hide_mode") and cell["prompt_show"] == default:
                tags = cell["cell_metadata"].get("tags", [])
                cell["prompt_show"] = label(tags, self._figures(cell), _claims(cell))

    def _figures(self, cell):
        docname = self.env.current_document.docname
        numbers = self.env.toc_fignumbers.get(docname, {}).get("figure", {})
        ids = [figure["ids"][0] for figure in cell.findall(nodes.figure) if figure["ids"]]
        return [".".join(map(str, numbers[i])) for i in ids if i in numbers]


def _claims(cell):
    return [n for raw in cell.findall(nodes.raw) for n in CLAIM.findall(raw.astext())]


def visit_fold(translator, node):
    """Open the fold. Its visible label is its accessible name, also when it stands open."""
    show = node["prompt_show"]
    verb, _, rest = show.partition(" ")
    if verb == "Show":
        words = (
            f'<span class="if-closed">Show</span><span class="if-open">Hide</span> {escape(rest)}'
        )
    else:
        words = escape(show)
    translator.body.append(f'<details class="fold"><summary>{words}</summary>\n')


def depart_fold(translator, _node):
    translator.body.append("</details>\n")


def setup(app):
    app.add_post_transform(LabelFolds)
    app.add_node(HideCodeCellNode, override=True, html=(visit_fold, depart_fold))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
