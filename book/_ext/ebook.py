"""The book as an EPUB: valid XHTML from the same pages, its fonts and colors with it, no scripts.

Sphinx's builder writes the container; here its pages are made well-formed, links that an e-book
cannot follow are dropped, and the style sheet gets the light theme's colors in place of variables.
"""

import posixpath
import re
from pathlib import Path

from bs4 import BeautifulSoup
from drawings import slim_files
from sphinx.builders.epub3 import Epub3Builder

VARIABLE = re.compile(r"var\(--([\w-]+)(?:, *([^()]*))?\)")
OWN_CASE = {"viewbox": "viewBox", "preserveaspectratio": "preserveAspectRatio"}
SCREEN_ONLY = ".headerlink, .live-figure, .progress, script, .chapter-facts a, .book-chart"
PLAIN = {
    "color-background-primary": "#fff",
    "color-background-secondary": "#f8f9fb",
    "color-background-border": "#d5d8de",
    "color-background-item": "#ccc",
    "color-foreground-primary": "#000",
    "color-foreground-secondary": "#4d5157",
    "color-table-border": "#d5d8de",
    "color-code-foreground": "#000",
    "header-height": "0px",
    "font-stack": "sans-serif",
}
ITEM = re.compile(r'href="((?!nav)[^"]*\.xhtml)" media-type="application/xhtml\+xml"')
STYLES = {"book.css", "pygments.css", "epub.css", "katex.min.css"}
UNUSED = {"live.css", "copybutton.css", "minus.png", "plus.png", "cover.svg"}


class Ebook(Epub3Builder):
    """Sphinx's builder, for a title page in a folder, with web fonts and finished styles."""

    media_types = Epub3Builder.media_types | {".woff2": "font/woff2"}
    search = False

    def get_toc(self):
        """Give the addresses of the contents as those of the container's files."""
        super().get_toc()
        for node in self.refnodes:
            node["refuri"] = posixpath.normpath(node["refuri"])
        index = f"genindex{self.out_suffix}"  # which the builder adds by itself
        self.refnodes = [n for n in self.refnodes if posixpath.basename(n["refuri"]) != index]

    def build_content(self):
        """Declare which pages hold MathML and SVG, as the standard asks."""
        super().build_content()
        path = Path(self.outdir) / "content.opf"
        path.write_text(ITEM.sub(self._declare, path.read_text("utf-8")), encoding="utf-8")

    def _declare(self, item):
        text = (Path(self.outdir) / item[1]).read_text(encoding="utf-8")
        kinds = [kind for tag, kind in (("<math", "mathml"), ("<svg", "svg")) if tag in text]
        return f'{item[0]} properties="{" ".join(kinds)}"' if kinds else item[0]

    def handle_finish(self):
        """Finish drawings and styles in the folder before it is packed."""
        slim_files(self.app, None)
        static = Path(self.outdir) / "_static"
        colors = PLAIN | self.config.html_theme_options["light_css_variables"]
        for path in static.glob("*.css"):
            text = resolve_colors(path.read_text(encoding="utf-8"), colors)
            path.write_text(text, encoding="utf-8")
        for path in static.iterdir():
            if path.suffix == ".js" or path.name in UNUSED:
                path.unlink()
        super().handle_finish()


def is_epub(app):
    return app.builder.name == Ebook.name


def prepare(app):
    """Leave out the pages that need scripts."""
    if is_epub(app):
        app.config.html_additional_pages = {}


def xhtml(html):
    """Return HTML as well-formed XHTML, without what an e-book cannot use."""
    soup = BeautifulSoup(html, "html.parser")
    for part in soup.select(SCREEN_ONLY):
        part.decompose()
    for fold in soup.select("details:not(.predict-answer)"):
        fold["open"] = "open"  # there is no reader that could not read on
    for tag in soup.find_all(True):
        tag.attrs = {OWN_CASE.get(name, name): value for name, value in tag.attrs.items()}
        for name in [name for name in tag.attrs if name.startswith("data-")]:
            del tag[name]
        if tag.name == "svg":
            tag["xmlns"] = "http://www.w3.org/2000/svg"
    return soup.decode(formatter="minimal")


def make_well_formed(app, _page, _template, context, _doctree):
    """Give a page's body to the builder as XHTML, with style sheets alone."""
    if not is_epub(app):
        return
    context["body"] = xhtml(context.get("body", ""))
    context["script_files"] = []
    context["css_files"] = [
        file
        for file in context["css_files"]
        if Path(str(getattr(file, "filename", file))).name in STYLES
    ]


def resolve_colors(text, colors):
    """Return a style sheet with the values of its variables, which old readers do not know."""
    while VARIABLE.search(text):
        text = VARIABLE.sub(lambda m: colors.get(m[1], m[2] or "inherit"), text)
    return text


REFERENCE = re.compile(r"^reference/index\n|^\[The library\]\(reference.*\n:.*\n\n", re.MULTILINE)


def leave_out_reference(app):
    """The reference of the library is for looking things up, on the site."""
    if app.builder.name == "epub":
        app.config.exclude_patterns.append("book/reference")


def forget_reference(app, docname, source):
    """Then the title page names it nowhere."""
    if app.builder.name == "epub" and docname == "book/index":
        source[0] = REFERENCE.sub("", source[0])


def setup(app):
    app.connect("builder-inited", leave_out_reference)
    app.connect("source-read", forget_reference)
    app.add_builder(Ebook, override=True)
    app.connect("builder-inited", prepare)
    app.connect("html-page-context", make_well_formed, priority=950)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
