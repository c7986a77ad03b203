"""The chapters in the site: the list on the title page, and each chapter's heading and downloads.

Everything comes from chapters/manifest.toml. In a page of the front matter `<!-- chapters -->`
becomes the list, `<!-- first claim -->` the first claim of the book, as verified, and
`<!-- teaching -->` the list of the teacher's notes in book/teaching.
"""

import json
import shutil
from pathlib import Path

from docutils import nodes
from sphinx.errors import ConfigError
from sphinx.util import logging

from bookkit.manifest import chapters_of, read_manifest

LIST = "<!-- chapters -->"
CLAIM = "<!-- first claim -->"
TEACHING = "<!-- teaching -->"
RECORD = "application/vnd.descent.claim+json"

logger = logging.getLogger(__name__)


def chapter_list(parts):
    """Return the MyST source of the list of chapters, with one table of contents for each part."""
    return "\n\n".join(_part(part) for part in parts)


def _part(part):
    entries = "\n".join(
        f"[{chapter.number} · {chapter.title}](/{chapter.docname}.ipynb) "
        f"[{chapter.minutes} minutes]{{.minutes}}\n: {chapter.summary}\n"
        for chapter in part.chapters
    )
    tree = "\n".join(
        f"{chapter.number} · {chapter.title} </{chapter.docname}>" for chapter in part.chapters
    )
    return (
        f"### {part.title}\n\n{entries}\n"
        f"```{{toctree}}\n:hidden:\n:caption: {part.title}\n\n{tree}\n```\n"
    )


def first_claim(parts, root):
    """Return the HTML of the first claim in the notebooks, without its id."""
    for chapter in chapters_of(parts):
        notebook = json.loads((Path(root) / f"{chapter.docname}.ipynb").read_text("utf-8"))
        for cell in notebook["cells"]:
            for output in cell.get("outputs", []):
                data = output.get("data", {})
                if RECORD in data:
                    number = data[RECORD]["number"]
                    return "".join(data["text/html"]).replace(f' id="claim-{number}"', "")
    logger.warning("no stored notebook holds a claim, but a page shows the first one")
    return ""


def teaching_notes(folder):
    """Return the MyST source of the list of the notes in a folder; nothing if there are none."""
    names = sorted(path.stem for path in Path(folder).glob("*.md"))
    if not names:
        return ""
    return "\n".join(["```{toctree}", ":maxdepth: 2", "", *(f"teaching/{n}" for n in names), "```"])


def read(app):
    """Read the manifest of the book that is being built."""
    try:
        app.env.book_parts = read_manifest(app.srcdir)
    except (ValueError, FileNotFoundError) as error:
        raise ConfigError(str(error)) from error  # which Sphinx prints without a traceback


def fill_in(app, docname, source):
    """Replace the markers in a page by the list of chapters and the first claim."""
    parts = app.env.book_parts
    if LIST in source[0]:
        app.env.note_dependency("chapters/manifest.toml", docname=docname)
        source[0] = source[0].replace(LIST, chapter_list(parts))
    if CLAIM in source[0]:
        for chapter in chapters_of(parts):
            app.env.note_dependency(f"{chapter.docname}.ipynb", docname=docname)
        source[0] = source[0].replace(CLAIM, first_claim(parts, app.srcdir))
    if TEACHING in source[0]:
        app.env.note_reread()  # a note may have come since
        source[0] = source[0].replace(TEACHING, teaching_notes(Path(app.srcdir) / "book/teaching"))


def number_heading(app, doctree):
    """Put a chapter's number before its title, here and wherever the title is shown."""
    docname = app.env.current_document.docname
    for chapter in chapters_of(app.env.book_parts):
        title = doctree.next_node(nodes.title)
        if chapter.docname == docname and title is not None:
            title.insert(0, nodes.Text(f"{chapter.number} · "))


def number_within_chapters(app, env):
    """Number figures and equations as 0.1, 0.2, … in chapter 0, and from 1 on other pages."""
    prefixes = {chapter.docname: (chapter.number,) for chapter in chapters_of(env.book_parts)}
    for docname, kinds in env.toc_fignumbers.items():
        for numbers in kinds.values():
            for place, node_id in enumerate(numbers, 1):
                numbers[node_id] = (*prefixes.get(docname, ()), place)
    return []


def describe(app, pagename, _template, context, _doctree):
    """Give a chapter's page its number, part, reading time and description, others theirs."""
    for chapter in chapters_of(app.env.book_parts):
        if chapter.docname == pagename:
            context["chapter"] = chapter
            context["chapter_file"] = Path(chapter.path).name
    chapter = context.get("chapter")
    context["description"] = chapter.summary if chapter else app.config.descriptions.get(pagename)


def copy_sources(app, exception):
    """Put each chapter's notebook and text beside its page, for the download links."""
    if exception is None and app.builder.format == "html":
        for chapter in chapters_of(app.env.book_parts):
            for suffix in (".ipynb", ".md"):
                source = Path(app.srcdir) / f"{chapter.docname}{suffix}"
                shutil.copyfile(source, Path(app.outdir) / f"{chapter.docname}{suffix}")


def setup(app):
    app.add_config_value("descriptions", {}, "html", types=frozenset({dict}))
    app.connect("builder-inited", read)
    app.connect("source-read", fill_in)
    app.connect("doctree-read", number_heading, priority=400)  # before the titles are gathered
    # Sphinx has given its own numbers, at the priority 500.
    app.connect("env-get-updated", number_within_chapters, priority=900)
    app.connect("html-page-context", describe)
    app.connect("build-finished", copy_sources)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
