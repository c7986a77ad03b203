"""Search by section: what is found, in words, and where it stands.

The finished pages are divided into entries: a section's prose, a claim, a figure, an exercise, a
term, a source, a name of the library. Formulas are there once, as they are read; folded and visible
code is left out.
MiniSearch looks through them in the reader's browser, over http and from a file alike.
"""

import json
import re
import shutil
import tomllib
from pathlib import Path

from bs4 import BeautifulSoup
from sphinx.util import logging

from bookkit.manifest import chapters_of

VENDORED = Path(__file__).parents[1] / "_vendor" / "minisearch"
ALIASES = Path(__file__).parents[1] / "aliases.toml"
NOT_PROSE = (
    ".headerlink, .katex-mathml, div.cell_input, div.highlight, div.math, svg, script, style, "
    ".chapter-facts, .copybtn, .minutes, .predict-answer, .progress, .toctree-wrapper, summary"
)
OWN_ENTRY = ".claim, figure, dl.glossary, dl.py, .citation-list, table.checked, table.autosummary"
REPEATING = {"book/cards", "book/exercises", "book/ledger"}  # what stands in the chapters
COMMON = {
    "The card",
    "The same in PyTorch",
    "What goes wrong in practice",
    "Exercises",
    "Going deeper",
    "Checked as well",
    "Notes and sources",
}

logger = logging.getLogger(__name__)


def read_aliases():
    """Return other names and the glossary's name for them."""
    return tomllib.loads(ALIASES.read_text(encoding="utf-8"))


def words(element):
    """The text of an element as a reader sees it, on one line."""
    for formula in element.select(".katex"):
        formula.replace_with(spoken(formula))
    return (
        " ".join(element.get_text(" ").replace("\u2060", "").split())
        .replace(" .", ".")
        .replace(" ,", ",")
    )


def spoken(formula):
    """A formula on one line: blanks around its signs and its words, none within log or exp."""
    for sign in formula.select(".mrel, .mbin, .mop"):
        sign.insert_before(" ")
        sign.insert_after(" ")
    return " ".join(formula.get_text().replace("\N{ZERO WIDTH SPACE}", "").split())


def entries_of(html, page):
    """Yield the entries of a page: dicts of kind, title, text, page, anchor and label."""
    article = BeautifulSoup(html, "html.parser").select_one("article")
    for part in article.select(NOT_PROSE):
        part.extract()
    title = words(article.h1) if article.h1 else page

    def entry(kind, head, text, anchor, label=""):
        return {
            "kind": kind,
            "title": head,
            "text": text,
            "page": page,
            "anchor": anchor,
            "label": label,
            "chapter": title,
        }

    for claim in article.select(".claim[id]"):
        number = claim["id"].removeprefix("claim-")
        name = claim.select_one(".claim-id").extract()
        yield entry("claim", words(name).rstrip("✓ "), words(claim), claim["id"], f"claim {number}")
    for figure in article.find_all("figure", id=True):
        number = figure.select_one(".caption-number")
        if number and figure.figcaption:
            name = words(number.extract())
            yield entry("figure", name, words(figure.figcaption), figure["id"], name.lower())
    for name in article.select("section > dl.py > dt[id]"):
        package, _, own = name["id"].rpartition(".")
        about = words(name.find_next_sibling("dd"))
        yield entry("library", own, about, name["id"]) | {"also": [name["id"]], "chapter": package}
    for term in article.select("dl.glossary dt"):
        meaning = term.find_next_sibling("dd")
        chinese = [words(part) for part in meaning.select(".zh")]
        yield entry("term", words(term), words(meaning), term["id"]) | {"also": chinese}
    for source in article.select(".citation-list > .citation"):
        yield entry("source", words(source)[:80], words(source), source["id"])
    for part in article.select(OWN_ENTRY):
        part.extract()
    for section in reversed(article.find_all("section", id=True)):
        if page in REPEATING and section.find_parent("section"):
            section.extract()
            continue
        heading = section.find(re.compile("^h[1-6]$"), recursive=False)
        if heading is not None:
            head = words(heading.extract())
            anchor = section["id"] if section.find_parent("section") else ""
            found = re.match(r"Exercise (\d+\.\d+)", head)
            kind, label = ("exercise", f"exercise {found[1]}") if found else ("section", "")
            yield entry(kind, head, words(section), anchor, label)
            section.extract()


def index_sections(app, _doctree):
    """Put the headings of a chapter's own sections into the index."""
    docname = app.env.current_document.docname
    if docname not in {chapter.docname for chapter in chapters_of(app.env.book_parts)}:
        return
    entries = app.env.domains.index_domain.entries.setdefault(docname, [])
    for node in _doctree.findall(lambda n: n.tagname == "section"):
        title = node[0].astext()
        own = node.parent is not _doctree and title not in COMMON
        if own and not title.startswith("Exercise "):
            entries.append(("single", title, node["ids"][0], "", None))


def index_aliases(app, env):
    """Put other names into the index, each with the place of its thing."""
    terms = {
        name.lower(): place
        for (kind, name), place in env.domains.standard_domain.objects.items()
        if kind == "term"
    }
    for alias, term in read_aliases().items():
        if terms and term.lower() not in terms:
            logger.error("aliases.toml: %r is no term of the glossary", term)
        elif terms:
            docname, anchor = terms[term.lower()]
            entries = env.domains.index_domain.entries.setdefault(docname, [])
            if not any(entry[1] == alias for entry in entries):
                entries.append(("single", alias, anchor, "", None))
    return []


def write(app, exception):
    """Write what the search looks through, and put MiniSearch beside it."""
    if exception is not None or app.builder.name != "html":
        return
    found = []
    for docname in sorted(app.env.found_docs):
        html = (Path(app.outdir) / f"{docname}.html").read_text(encoding="utf-8")
        found += entries_of(html, docname)
    data = {"entries": found, "aliases": read_aliases()}
    static = Path(app.outdir) / "_static"
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":")).replace("</", "<\\/")
    (static / "search-data.js").write_text(f"const SEARCH = {text};\n", encoding="utf-8")
    shutil.copytree(VENDORED, static / "minisearch", dirs_exist_ok=True)


def no_index(app):
    """Leave out Sphinx's own index of single words."""
    app.builder.search = False


def setup(app):
    app.connect("builder-inited", no_index)
    app.connect("doctree-read", index_sections)
    app.connect("env-updated", index_aliases)
    app.connect("build-finished", write)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
