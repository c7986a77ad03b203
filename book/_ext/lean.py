"""Pages that weigh less: code without idle markup, one small stylesheet."""

import re
from pathlib import Path

from pygments.formatters import HtmlFormatter
from pygments.token import Name, Operator, Punctuation, Text, Token
from sphinx.highlighting import PygmentsBridge

PLAIN = {Token, Text, Text.Whitespace, Name, Operator, Punctuation}
COMMENT = re.compile(r"\s*/\*.*?\*/")


class LeanFormatter(HtmlFormatter):
    """Write names, operators and blanks as they are, without a span around each."""

    def _get_css_classes(self, ttype):
        return "" if ttype in PLAIN else super()._get_css_classes(ttype)


def slim_colors(app, exception):
    """Rewrite the colors of code that Furo put into the site."""
    if exception is None and app.builder.format == "html":
        colors = Path(app.outdir) / "_static" / "pygments.css"
        colors.write_text(COMMENT.sub("", colors.read_text(encoding="utf-8")), encoding="utf-8")


def drop_stylesheet(_app, _page, _template, context, _doctree):
    """Leave out MyST-NB's stylesheet of 43 KB; book.css has the few rules that pages need."""
    context["css_files"] = [
        file
        for file in context["css_files"]
        if "mystnb" not in str(getattr(file, "filename", file))
    ]


def defer_scripts(_app, _page, _template, context, _doctree):
    """Let no script hold up the page: deferred ones run in order once it is parsed."""
    for script in context["script_files"]:
        if getattr(script, "filename", None) and "type" not in script.attributes:
            script.attributes.setdefault("defer", "defer")


def drop_deprecated_role(_app, _page, _template, context, _doctree):
    """Leave out a role that docutils gives to sources: browsers and e-books know it no more."""
    context["body"] = context.get("body", "").replace(' role="doc-biblioentry"', "")


def setup(app):
    PygmentsBridge.html_formatter = LeanFormatter
    app.connect("html-page-context", drop_stylesheet, priority=900)
    app.connect("html-page-context", defer_scripts, priority=901)
    app.connect("html-page-context", drop_deprecated_role, priority=902)
    app.connect("build-finished", slim_colors, priority=900)  # after Furo wrote its colors
    return {"parallel_read_safe": True, "parallel_write_safe": True}
