"""Letters above the glossary, each leading to the first term that begins with it."""

from docutils import nodes
from sphinx import addnodes


def add_letters(_app, doctree):
    """Put a line of letters before a glossary."""
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


def setup(app):
    app.connect("doctree-read", add_letters)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
