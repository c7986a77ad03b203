"""Live figures: the ES modules of book/live, inside the pages that ask for one.

A page asks with `<div class="live-figure" data-live="name" data-replaces="fig-name"></div>` after
the static figure. It then holds the modules as data: addresses in an import map, so that they
work over http and from a file without a request. Everywhere else the static figure stands.
"""

import json
import re
import shutil
from pathlib import Path
from urllib.parse import quote

from bs4 import BeautifulSoup
from docutils import nodes
from sphinx.util import logging

MODULES = Path(__file__).parents[1] / "live"
STYLESHEET = "live.css"
IMPORT = re.compile(r'from "live/([\w-]+)"')
COMMENT = re.compile(r"^ */\*\*.*\*/\n", re.MULTILINE)
INDENT = re.compile(r"^ +", re.MULTILINE)
BUILD = "export function build("  # what a figure has, and a module that figures share has not
READABLE = " !'()*+,-./:;=?@[]^_`{|}~$&"
MOUNT = """\
import {{ mount }} from "live/figure";
{imports}
const figures = {{ {names} }};
const hosts = document.querySelectorAll(".live-figure");
for (const host of hosts) mount(host, figures[host.dataset.live]);
"""


logger = logging.getLogger(__name__)


def source(name):
    """Return the text of a module, without its comments and indentation."""
    text = (MODULES / f"{name}.js").read_text(encoding="utf-8")
    return INDENT.sub("", COMMENT.sub("", text))


def needed(names):
    """Return these modules and all that they import, sorted."""
    found, waiting = set(), [*names, "figure"]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += IMPORT.findall(source(name))
    return sorted(found)


def import_map(names):
    """Return the import map as JSON: each module under its name, as a data: address."""
    return json.dumps(
        {"imports": {f"live/{name}": _address(source(name)) for name in needed(names)}}
    )


def _address(text):
    return f"data:text/javascript;charset=utf-8,{quote(text, safe=READABLE)}"


def mounting(names):
    """Return the module that puts the named figures into their places."""
    imports = [f'import {{ build as {_variable(name)} }} from "live/{name}";' for name in names]
    return MOUNT.format(
        imports="\n".join(imports),
        names=", ".join(f'"{name}": {_variable(name)}' for name in names),
    )


def _variable(name):
    return f"build_{name.replace('-', '_')}"


def hosts(doctree):
    """Return (name, id of the static figure) for each place that asks for a live figure."""
    raw = "".join(node.astext() for node in doctree.findall(nodes.raw) if node["format"] == "html")
    found = BeautifulSoup(raw, "html.parser").select(".live-figure")
    return [(host.get("data-live"), host.get("data-replaces")) for host in found]


def faults(doctree, asked):
    """Yield a sentence for each figure that does not exist, or has no static one to replace."""
    known = sorted(path.stem for path in MODULES.glob("*.js") if BUILD in path.read_text("utf-8"))
    ids = {node_id for node in doctree.findall(nodes.figure) for node_id in node["ids"]}
    for name, replaced in asked:
        if name not in known:
            yield f"there is no live figure {name!r}, but {', '.join(known)}"
        if replaced not in ids:
            yield f"the live figure {name!r} replaces {replaced!r}, which is no figure of this page"
    for name, _ in sorted(set(asked)):
        if sum(name == other for other, _ in asked) > 1:
            yield f"the live figure {name!r} stands here twice"


def add_modules(app, page, _template, _context, doctree):
    """Give a page the modules of the live figures that it asks for."""
    asked = hosts(doctree) if doctree else []
    found = list(faults(doctree, asked)) if asked else []
    for fault in found:
        logger.error("%s", fault, location=page)
    app.env.live_faults += len(found)
    if not asked or found or app.builder.name == "epub":
        return
    names = sorted({name for name, _ in asked})
    app.add_css_file(STYLESHEET)
    app.add_js_file(None, body=import_map(names), type="importmap")
    app.add_js_file(None, body=mounting(names), type="module")


def start(app):
    """Reset the count of faults."""
    app.env.live_faults = 0


def finish(app, exception):
    """Fail the build for the faults, and forget its state: the next one looks at every page."""
    if exception is None and app.env.live_faults:
        app.statuscode = 1
        shutil.rmtree(app.doctreedir, ignore_errors=True)


def note_dependencies(app, doctree):
    """Write a page again when one of its modules has changed."""
    for path in MODULES.glob("*.js") if hosts(doctree) else ():
        app.env.note_dependency(path.relative_to(app.srcdir).as_posix())


def setup(app):
    app.connect("builder-inited", start)
    app.connect("doctree-read", note_dependencies)
    app.connect("html-page-context", add_modules)
    app.connect("build-finished", finish)
    return {"parallel_read_safe": True, "parallel_write_safe": False}
