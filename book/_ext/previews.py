"""What a link leads to, shown beside it: the part that stands on other pages.

Equations, figures, claims and exercises of the same page are cloned there by previews.js. Terms
and sources stand on pages of their own; those that a page refers to travel with it, in a template.
"""

import re
from functools import cache
from html import escape

from docutils import nodes

from bookkit.references import read_references

TERM = re.compile(r'href="[^"]*glossary\.html#(term-[^"]+)"')
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


def add_template(app, page, _template, context, _doctree):
    """Give a page the definitions and sources that it links to."""
    body = context.get("body", "")
    if app.builder.name != "html" or not isinstance(body, str):
        return
    parts = {}
    terms = set(TERM.findall(body)) if page != "book/glossary" else set()
    if terms and "book/glossary" in app.env.found_docs:
        if not hasattr(app, "term_definitions"):
            app.term_definitions = definitions(app.env)
        for name in terms & set(app.term_definitions):
            term, meaning = app.term_definitions[name]
            parts[name] = f"<strong>{escape(term)}</strong>: {escape(meaning)}"
    keys = {c.citation_id: c.key for c in app.env.get_domain("cite").citations}
    for name in set(SOURCE.findall(body)) & set(keys):
        parts[name] = escape(described(keys[name]))
    if parts:
        items = "".join(f'<p data-of="{name}">{html}</p>' for name, html in sorted(parts.items()))
        context["body"] = f'{body}<template id="previews">{items}</template>'


def setup(app):
    app.connect("html-page-context", add_template)
    return {"parallel_read_safe": True, "parallel_write_safe": False}
