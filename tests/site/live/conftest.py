"""A small book with a chapter for each live figure, and pages opened at one."""

from pathlib import Path

import pytest
from livefigures import HOST

from bookkit.manifest import chapters_of, read_manifest

ROOT = Path(__file__).resolve().parents[3]
MODULES = {p.stem: p.read_text(encoding="utf-8") for p in (ROOT / "book/live").glob("*.js")}
NAMES = sorted(name for name, text in MODULES.items() if "export function build(" in text)


def pytest_generate_tests(metafunc):
    """Run a test that asks for `every_figure` once for each module of book/live."""
    if "every_figure" in metafunc.fixturenames:
        metafunc.parametrize("every_figure", NAMES)


def chapter_with(small_book, name, host):
    """The cells of a chapter with a static figure and the place of a live one."""
    title = small_book.markdown(f"# The {name}\n\nA sentence.")
    return [title, small_book.figure(f"fig-{name}"), small_book.markdown(host)]


@pytest.fixture(scope="session")
def write_live_book(small_book):
    """A function that writes a book with a chapter for each name of `hosts`."""

    def write(root, hosts):
        return small_book.write(
            root, {name: chapter_with(small_book, name, host) for name, host in hosts.items()}
        )

    return write


@pytest.fixture(scope="session")
def small_site(tmp_path_factory, build, write_live_book):
    """The site of a book with a chapter for each live figure there is."""
    root = tmp_path_factory.mktemp("live")
    write_live_book(root, {name: HOST.format(name=name) for name in NAMES})
    finished = build(root, root / "_build/site")
    assert finished.returncode == 0, finished.stderr
    return root / "_build/site"


def chapter_of(name):
    """The docname of the chapter with this live figure, or None."""
    for chapter in chapters_of(read_manifest(ROOT)):
        if f'data-live="{name}"' in (ROOT / f"{chapter.docname}.md").read_text(encoding="utf-8"):
            return chapter.docname
    return None


@pytest.fixture
def watch(browser):
    """A function that opens an address and notes faults and requests of its page."""
    contexts = []

    def start(address, *, width=1280, theme="light", motion="reduce", **settings):
        size = {"width": width, "height": 900}
        context = browser.new_context(
            viewport=size, color_scheme=theme, reduced_motion=motion, **settings
        )
        contexts.append(context)
        page = context.new_page()
        page.faults, page.addresses = [], []
        page.on("console", lambda m: m.type == "error" and page.faults.append(m.text))
        page.on("pageerror", lambda error: page.faults.append(str(error)))
        page.on("request", lambda request: page.addresses.append(request.url))
        page.goto(address)
        return page

    yield start
    for context in contexts:
        context.close()


@pytest.fixture
def open_figure(small_site, watch, request):
    """A function that opens the page of a live figure, in the small book or in its chapter."""

    def start(name, book="small", **settings):
        folder, docname = small_site, f"chapters/one/{name}"
        if book == "whole":
            docname = chapter_of(name)
            if docname is None:
                pytest.skip(f"no chapter has the live figure {name} yet")
            folder = request.getfixturevalue("site")
        page = watch(f"{folder.as_uri()}/{docname}.html", **settings)
        replaced = page.locator(f'[data-live="{name}"]').get_attribute("data-replaces")
        page.figure = page.locator(f"#{replaced}")
        return page

    return start


@pytest.fixture
def spoken():
    """A function that moves a figure's first slider one step up and returns what is spoken."""

    def listen(page):
        page.figure.locator("input").first.press("ArrowRight")
        status = page.figure.get_by_role("status")
        page.wait_for_function(
            "document.querySelector('.live-figure [role=status]').textContent", timeout=3000
        )
        return status.text_content()

    return listen
