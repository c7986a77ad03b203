"""The glossary: letters above it, and below each term the way back to the chapters that use it."""

from docutils import nodes
from sphinx import addnodes

from bookkit.manifest import chapters_of


def add_letters(_app, doctree):
    """Put a line of letters before a glossary, each leading to the first term that begins so."""
    for glossary in list(doctree.findall(addnodes.glossary)):
        first = {}
        for term in glossary.findall(nodes.term):
            letter = term.astext()[:1].upper()
            if letter.isalpha() and term["ids"]:
                first.setdefault(letter, term["ids"][0])
        line = nodes.paragraph(classes=["letters"])
        for letter, target in sorted(first.items()):
            line += [nodes.reference("", letter, refid=target, internal=True), nodes.Text(" ")]
        glossary.parent.insert(glossary.parent.index(glossary), line)


def start(app):
    """Remember from build to build which terms a page uses."""
    app.env.terms_used = getattr(app.env, "terms_used", {})


def collect(app, doctree):
    """Note the terms that a page refers to."""
    references = doctree.findall(addnodes.pending_xref)
    terms = {r["reftarget"].lower() for r in references if r["reftype"] == "term"}
    app.env.terms_used[app.env.current_document.docname] = terms


def merge(_app, env, _docnames, other):
    """Take over what another process has read."""
    env.terms_used |= other.terms_used


def rewrite(_app, env):
    """The page with the glossary depends on all others."""
    return ["book/glossary"] if "book/glossary" in env.found_docs else []


def add_ways_back(app, doctree, docname):
    """Name below each definition the chapters that use its term."""
    for item in doctree.findall(nodes.definition_list_item):
        names = {_straight(name.astext()).lower() for name in item.findall(nodes.term)}
        users = [c for c in chapters_of(app.env.book_parts) if names & _terms(app.env, c)]
        if not users or not isinstance(item.parent.parent, addnodes.glossary):
            continue
        line = nodes.paragraph("", "Used in ", classes=["uses"])
        for i, chapter in enumerate(users):
            target = app.builder.get_relative_uri(docname, chapter.docname)
            text = f"chapter {chapter.number}"
            line += [nodes.Text(", ")] if i else []
            line += nodes.reference("", text, refuri=target, internal=True)
        line += nodes.Text(".")
        item.next_node(nodes.definition).append(line)


def _straight(text):
    """A term as chapters write it: typesetting has curled its apostrophe."""
    return text.replace("’", "'")


def _terms(env, chapter):
    return env.terms_used.get(chapter.docname, set())


def setup(app):
    app.connect("builder-inited", start)
    app.connect("doctree-read", add_letters)
    app.connect("doctree-read", collect)
    app.connect("env-merge-info", merge)
    app.connect("env-updated", rewrite)
    app.connect("doctree-resolved", add_ways_back)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
