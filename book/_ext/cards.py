"""All cards of the book on one page: `<!-- cards -->` becomes the card of each chapter."""

import json
from pathlib import Path

from bookkit.manifest import chapters_of
from bookkit.tasks import cards_of

MARKER = "<!-- cards -->"


def fill_in(app, docname, source):
    """Replace the marker in a page by the chapters' cards, each under the chapter's name."""
    if MARKER not in source[0]:
        return
    parts = []
    app.env.note_dependency("chapters/manifest.toml", docname=docname)
    for chapter in chapters_of(app.env.book_parts):
        app.env.note_dependency(f"{chapter.docname}.ipynb", docname=docname)
        path = Path(app.srcdir) / f"{chapter.docname}.ipynb"
        if cards := cards_of(json.loads(path.read_text(encoding="utf-8"))):
            heading = f"## [{chapter.number} · {chapter.title}](/{chapter.docname}.ipynb)"
            parts += [heading, *cards]
    source[0] = source[0].replace(MARKER, "\n\n".join(parts))


def setup(app):
    app.connect("source-read", fill_in)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
