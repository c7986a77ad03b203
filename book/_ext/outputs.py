"""What the site makes of a cell's outputs: claims in a list, captions under figures alone, and no
verdict on an exercise."""

import re

from docutils import nodes
from myst_nb.sphinx_ import SphinxNbRenderer
from sphinx.transforms.post_transforms import SphinxPostTransform

ONE = re.compile(r'<div class="claim"(.*)</div>', re.DOTALL)


def claim_list(htmls):
    """Return one list of the claims of a cell, each with its id."""
    items = "\n".join(ONE.sub(r'<li class="claim"\1</li>', html) for html in htmls)
    return f'<ul class="claims">\n{items}\n</ul>'


class Outputs(SphinxPostTransform):
    """After the outputs of this builder are chosen (priority 4): join the claims of a cell, and
    drop what `check` said to the solution, since the reader has not tried yet."""

    default_priority = 160

    def run(self, **_options):
        for cell in list(self.document.findall(_is_output)):
            for verdict in [node for node in cell.children if _holds(node, "exercise-right")]:
                cell.remove(verdict)
            claims = [node for node in cell.children if _holds(node, "claim")]
            if len(claims) > 1:
                claims[0].replace_self(_raw(claim_list([node.astext() for node in claims])))
                for node in claims[1:]:
                    cell.remove(node)
            if not cell.children:
                cell.parent.remove(cell)


def _is_output(node):
    return isinstance(node, nodes.container) and node.get("nb_element") == "cell_code_output"


def _holds(node, name):
    return isinstance(node, nodes.raw) and node.astext().startswith(f'<div class="{name}"')


def _raw(html):
    return nodes.raw("", html, format="html", classes=["output", "text_html"])


def render_outputs(renderer, token, outputs, render=SphinxNbRenderer._render_nb_cell_code_outputs):
    """Give the caption and name of a cell to its pictures alone, not to its claims as well."""
    metadata = token.meta["metadata"]
    options = metadata.get("mystnb", {})
    for output in outputs:
        picture = any(kind.startswith("image/") for kind in output.get("data", {}))
        kept = options if picture else {k: v for k, v in options.items() if k != "figure"}
        token.meta["metadata"] = {**metadata, "mystnb": kept}
        render(renderer, token, [output])
    token.meta["metadata"] = metadata


def setup(app):
    SphinxNbRenderer._render_nb_cell_code_outputs = render_outputs
    app.add_post_transform(Outputs)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
