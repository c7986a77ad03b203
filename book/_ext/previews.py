"""What a link leads to, shown beside it: the part that stands on other pages.

Equations, figures and claims of the same page are cloned there by previews.js. Terms, sources and
the claims of other chapters stand elsewhere; those that a page refers to travel with it, in a
template.
"""

import json
import re
from functools import cache
from html import escape
from pathlib import Path

from docutils import nodes

from bookkit.manifest import chapters_of
from bookkit.references import read_references

TERM = re.compile(r'href="[^"]*glossary\.html#(term-[^"]+)"')
CLAIM = re.compile(r'href="[^"#]+#(claim-[\d.]+)"')  # of another page
OWN = re.compile(r' id="(claim-[\d.]+)"')
LEDGER = "book/ledger"  # where the statements stand beside their links
SOURCE = re.compile(r'href="[^"]*bibliography\.html#([^"]+)"')


def definitions(env):
    """Return the text of each term's definition, by the term's id."""
    found = {}
    for item in env.get_doctree("book/glossary").findall(nodes.definition_list_item):
        meaning = item.next_node(nodes.definition)
        for term in item.findall(nodes.term):
            found |= {
                name: (term.astext(), " ".join(meaning.astext().split())) for name in term["ids"]
            }
    return found


@cache
def described(key):
    """Return a source in one line: who, when, what."""
    entry = read_references().sources.entries[key]
    people = entry.persons.get("author") or entry.persons.get("editor") or []
    names = ", ".join(" ".join([*p.first_names, *p.prelast_names, *p.last_names]) for p in people)
    facts = [names, entry.fields.get("title", ""), entry.fields.get("year", "")]
    return re.sub(r"[{}]|\\['\"`^~]", "", ". ".join(filter(None, facts)))


def claims(app):
    """Return the HTML of each claim, as its chapter prints it, by the claim's id."""
    found = {}
    for chapter in chapters_of(app.env.book_parts):
        path = Path(app.srcdir) / f"{chapter.docname}.ipynb"
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        for data in (o.get("data", {}) for cell in cells for o in cell.get("outputs", [])):
            html = "".join(data.get("text/html", ""))
            if html.startswith('<div class="claim"') and (own := OWN.search(html)):
                found[own[1]] = OWN.sub("", html, count=1)
    return found


def add_template(app, page, _template, context, _doctree):
    """Give a page the definitions and sources that it links to."""
    body = context.get("body", "")
    if app.builder.name != "html" or not isinstance(body, str):
        return
    parts = {}
    named = set(CLAIM.findall(body)) if page != LEDGER else set()
    if named:
        if not hasattr(app, "claims_of_book"):
            app.claims_of_book = claims(app)
        parts |= {name: app.claims_of_book[name] for name in named & set(app.claims_of_book)}
    terms = set(TERM.findall(body)) if page != "book/glossary" else set()
    if terms and "book/glossary" in app.env.found_docs:
        if not hasattr(app, "term_definitions"):
            app.term_definitions = definitions(app.env)
        for name in terms & set(app.term_definitions):
            term, meaning = app.term_definitions[name]
            parts[name] = f"<p><strong>{escape(term)}</strong>: {escape(meaning)}</p>"
    keys = {c.citation_id: c.key for c in app.env.get_domain("cite").citations}
    for name in set(SOURCE.findall(body)) & set(keys):
        parts[name] = f"<p>{escape(described(keys[name]))}</p>"
    if parts:
        items = "".join(
            f'<div data-of="{name}">{html}</div>' for name, html in sorted(parts.items())
        )
        context["body"] = f'{body}<template id="previews">{items}</template>'


def setup(app):
    app.connect("html-page-context", add_template)
    return {"parallel_read_safe": True, "parallel_write_safe": False}
