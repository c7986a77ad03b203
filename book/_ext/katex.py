"""Mathematics typeset while the site is built, so that no page needs a script for it.

KaTeX runs in an embedded V8; the page gets finished HTML, with MathML beside it for screen
readers. A formula that KaTeX cannot parse fails the build and is named with its page and line.
"""

import re
import shutil
from functools import cache
from pathlib import Path

from docutils import nodes
from py_mini_racer import JSEvalException, MiniRacer
from sphinx.util import logging
from sphinx.util.math import get_node_equation_number

VENDORED = Path(__file__).parents[1] / "_vendor" / "katex"
STYLESHEET = "katex/katex.min.css"
UNDERLINE = "\N{COMBINING LOW LINE}"
SOURCE = re.compile(r"<semantics>(.*?)<annotation [^>]*>.*?</annotation></semantics>", re.DOTALL)
SYMBOL = re.compile(
    r'<span class="katex-html" aria-hidden="true"><span class="base">'
    r'<span class="strut"[^>]*></span>'
    r'(<span class="mord[^"]*"[^>]*>[^<]+</span>)</span></span></span>$'
)
APPLICATION = "<mo>\N{FUNCTION APPLICATION}</mo>"  # a third child where MathML allows two
TAG = re.compile(r"<[^>]*>")
STOP = re.compile(r"[,.;:!?)’”]")
WORD_JOINER = "\N{WORD JOINER}"  # no line may begin with the stop after a formula
LONGEST_WHOLE = 24  # characters of an inline formula that stays on one line
NUMBERED = re.compile(r"\\(begin|end)\{(equation|align|alignat|gather)\}")

logger = logging.getLogger(__name__)


@cache
def engine():
    """Return the JavaScript engine with KaTeX loaded, one for the whole build."""
    context = MiniRacer()
    context.eval((VENDORED / "katex.min.js").read_text(encoding="utf-8"))
    return context


@cache
def typeset(formula, display):
    """Return the HTML and MathML of one formula, without the copy of its source."""
    options = {"displayMode": display, "strict": "error", "throwOnError": True}
    html = SOURCE.sub(r"\1", engine().call("katex.renderToString", formula, options))
    return html.replace(APPLICATION, "")


def simplified(html):
    """Return a formula of one symbol without its copy in MathML: the symbol says as much."""
    symbol = SYMBOL.search(html)
    return f'<span class="katex">{symbol[1]}</span>' if symbol else html


def visit_math(translator, node):
    html = simplified(_typeset_or_report(translator, node, node.astext(), display=False))
    words = "math notranslate" + (" whole" if visible_length(html) <= LONGEST_WHOLE else "")
    translator.body.append(translator.starttag(node, "span", "", CLASS=words))
    translator.body.append(f"{html}</span>")
    if STOP.match(_text_after(node)):
        translator.body.append(WORD_JOINER)
    raise nodes.SkipNode


def visible_length(html):
    """The number of characters that a reader sees of a formula's HTML."""
    return len(TAG.sub("", html.split('class="katex-html"')[-1]).partition(">")[2])


def _text_after(node):
    following = node.next_node(descend=False, siblings=True)
    return following.astext() if isinstance(following, nodes.Text) else ""


def visit_displaymath(translator, node):
    # Sphinx numbers the equations, so that references know their numbers; KaTeX must not.
    formula = NUMBERED.sub(r"\\\1{\2*}", node.astext())
    if r"\\" in formula and r"\begin" not in formula:
        formula = rf"\begin{{aligned}}{formula}\end{{aligned}}"  # as Sphinx promises for .. math::
    wrapped = "math-wrapper" in node.parent.get("classes", [])  # Furo's, which has the id
    own = "" if wrapped or not node["ids"] else f' id="{node["ids"][0]}"'
    translator.body.append(f'<div class="math notranslate"{own}>')
    translator.body.append(_typeset_or_report(translator, node, formula, display=True))
    if node["number"]:
        number = get_node_equation_number(translator, node)
        translator.body.append(f'<span class="eqno">({number})')
        translator.add_permalink_ref(node, "Link to this equation")
        translator.body.append("</span>")
    translator.body.append("</div>\n")
    raise nodes.SkipNode


def _typeset_or_report(translator, node, formula, display):
    app = translator.builder.app
    try:
        return typeset(formula, display)
    except JSEvalException as error:
        reason = str(error).split("ParseError: ")[-1].splitlines()[0].replace(UNDERLINE, "")
        logger.error("%s%s\n    %s", _cell(node), reason, formula, location=node)
        app.env.katex_failures += 1
        return f"<code>{translator.encode(formula)}</code>"


def _cell(node):
    """Say which cell of a notebook is meant: myst-nb counts from 10001 in the first cell."""
    cell, line = divmod((node.line or 0) - 1, 10000)
    return f"cell {cell}, line {line}: " if cell > 0 else ""


def start(app):
    """Reset the count of failures and copy the stylesheet and its fonts into the site."""
    app.env.katex_failures = 0
    static = Path(app.outdir) / "_static" / "katex"
    shutil.copytree(
        VENDORED, static, dirs_exist_ok=True, ignore=shutil.ignore_patterns("katex.min.js")
    )


def add_stylesheet(app, _page, _template, context, _doctree):
    """Let only pages with mathematics load KaTeX's stylesheet."""
    if context.get("has_maths_elements"):
        app.add_css_file(STYLESHEET)


def finish(app, exception):
    """Fail the build for unparsed formulas, and forget its state: the next one starts afresh."""
    if exception is None and app.env.katex_failures:
        logger.error("%s formula(s) could not be typeset", app.env.katex_failures)
        app.statuscode = 1
        shutil.rmtree(app.doctreedir)


def setup(app):
    app.add_html_math_renderer(
        "katex", inline_renderers=(visit_math, None), block_renderers=(visit_displaymath, None)
    )
    app.connect("builder-inited", start)
    app.connect("html-page-context", add_stylesheet)
    app.connect("build-finished", finish)
    return {"parallel_read_safe": True, "parallel_write_safe": False}
