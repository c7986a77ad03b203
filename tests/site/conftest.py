"""The site, built once, a server for it, and a browser."""

import functools
import http.server
import os
import shutil
import subprocess
import sys
import threading
import types
from pathlib import Path

import nbformat
import pytest
from browsing import new_context, watched_page
from filelock import FileLock

from bookkit.manifest import chapters_of, read_manifest
from bookkit.paper import find_chromium

ROOT = Path(__file__).resolve().parents[2]
OF_ONE_TEMPLATE = ("_modules/", "book/reference/", "book/teaching/")
NO_BROWSER = (
    "no Chromium was found: install it (Debian: apt-get install chromium-headless-shell) "
    "or set CHROMIUM to its path"
)
FLAGS = [
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def pytest_collection_modifyitems(items):
    """Let a worker build the site at once: those that came to it together would all wait."""
    items.sort(key=lambda item: item.path.name != "test_ledger_page.py")


def run_sphinx(root, out):
    """Build the site of the book in `root` as the Makefile does; return the finished process."""
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going"]
    command += ["-d", f"{out}.doctrees", "-c", "book", ".", str(out)]
    return subprocess.run(command, cwd=root, capture_output=True, encoding="utf-8", check=False)


@pytest.fixture(scope="session")
def build():
    """The function that builds a site."""
    return run_sphinx


@pytest.fixture(scope="session")
def site(tmp_path_factory, worker_id):
    """The folder of the built site, built by one worker for all; a warning is a failure."""
    shared = tmp_path_factory.getbasetemp()
    if worker_id != "master":
        shared = shared.parent
    out, said = shared / "site", shared / "site.said"
    with FileLock(shared / "site.lock"):
        if not said.exists():
            finished = run_sphinx(ROOT, out)
            failure = finished.stderr or f"Sphinx ended with {finished.returncode}"
            said.write_text(failure if finished.returncode else "", encoding="utf-8")
    if message := said.read_text(encoding="utf-8"):
        pytest.fail(message, pytrace=False)
    return out


@pytest.fixture(scope="session")
def pages(site):
    """The site's pages, as paths relative to it, without the redirect at its root."""
    found = sorted(path.relative_to(site).as_posix() for path in site.rglob("*.html"))
    return [page for page in found if page != "index.html"]


@pytest.fixture(scope="session")
def chapters(pages):
    """The pages of the chapters, in reading order."""
    names = [f"{chapter.docname}.html" for chapter in chapters_of(read_manifest(ROOT))]
    assert set(names) <= set(pages)
    return names


@pytest.fixture(scope="session")
def kinds_of_pages(pages):
    """The pages that a browser opens one by one: of the library's many sources only two."""
    sources = [page for page in pages if page.startswith("_modules/")]
    return [page for page in pages if page not in sources] + sources[:2]


@pytest.fixture(scope="session")
def few_pages(pages):
    """Two pages of each kind that one template makes, and all others."""
    found = {kind: [p for p in pages if p.startswith(kind)] for kind in OF_ONE_TEMPLATE}
    left = {page for same in found.values() for page in same[2:]}
    return [page for page in pages if page not in left]


@pytest.fixture(scope="session")
def serve():
    """A function that serves a folder over http and returns its address."""
    servers = []

    def start(folder):
        handler = functools.partial(_QuietHandler, directory=str(folder))
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_port}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


class _QuietHandler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_args):
        pass


@pytest.fixture(scope="session")
def chromium():
    """The path of a Chromium."""
    path = find_chromium()
    if path is None and os.environ.get("CI"):
        pytest.fail(NO_BROWSER)
    if path is None:
        pytest.skip(NO_BROWSER)
    return path


@pytest.fixture(scope="session")
def browser(chromium):
    sync_api = pytest.importorskip("playwright.sync_api")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield browser
        browser.close()


STATIC = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="300pt" height="100pt" viewBox="0 0 300 100">'
    '<path d="M0 9H99"/></svg>'
)


def markdown(text):
    """A Markdown cell."""
    return nbformat.v4.new_markdown_cell(text)


def code(source="pass", *outputs, tags=(), **mystnb):
    """A code cell that was run, with these outputs (dicts of MIME types)."""
    cell = nbformat.v4.new_code_cell(source, execution_count=1)
    cell.metadata = {"tags": list(tags), "mystnb": mystnb}
    cell.outputs = [nbformat.v4.new_output("display_data", data) for data in outputs]
    return cell


def figure(name, *outputs, tags=("hide-input",), svg=STATIC):
    """A code cell that draws a figure."""
    options = {"caption": "The static caption.", "name": name}
    data = {"image/svg+xml": svg, "text/plain": "<Figure>"}
    return code("plt.show()", data, *outputs, tags=tags, figure=options, image={"alt": "A line."})


def write_book(root, chapters, pages=("index",)):
    """Write a book with the site's own settings: cells for each name of a chapter.

    Of the site's own pages it has `pages`; its title page lists the chapters alone.
    """
    dropped = {path.name for path in (ROOT / "book").glob("*.md") if path.stem not in pages}
    ignored = shutil.ignore_patterns("__pycache__", "teaching", "reference", *dropped)
    shutil.copytree(ROOT / "book", root / "book", ignore=ignored)
    listed = "\n".join(name for name in pages if name != "index")
    (root / "book/index.md").write_text(
        f"# A book\n\n```{{toctree}}\n:hidden:\n\n{listed}\n```\n\n"
        '<div class="progress"></div>\n\n## All\n\n<!-- chapters -->\n',
        encoding="utf-8",
    )
    entries = ['[[part]]\ntitle = "One"']
    for number, (name, cells) in enumerate(chapters.items()):
        path = root / "chapters/one" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.with_suffix(".md").touch()
        kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
        for i, cell in enumerate(cells):
            cell["id"] = f"cell-{i}"
        notebook = nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel})
        nbformat.write(notebook, path.with_suffix(".ipynb"))
        facts = f'path = "one/{name}"\ntitle = "The {name}"\nsummary = "A sentence."'
        minutes = "minutes = 1\nexercise_minutes = 2\ndeeper_minutes = 0\nneeds = []"
        entries.append(f"[[part.chapter]]\nnumber = {number}\n{facts}\n{minutes}")
    (root / "chapters/manifest.toml").write_text("\n\n".join(entries), encoding="utf-8")
    return root


@pytest.fixture(scope="session")
def small_book():
    """What a test needs to write a small book of its own."""
    return types.SimpleNamespace(write=write_book, markdown=markdown, code=code, figure=figure)


@pytest.fixture
def open_page(browser):
    """A function that opens an address in a window of its own."""
    contexts = []

    def start(address, *, width=1280, theme="light"):
        contexts.append(new_context(browser, theme, width))
        return watched_page(contexts[-1], address)

    yield start
    for context in contexts:
        context.close()
