"""What a page costs a slow telephone, counted and not timed: nodes, bytes, what holds it up."""

import json
from pathlib import Path

from markup import parsed

from bookkit.manifest import chapters_of, read_manifest
from bookkit.shape import faults

ROOT = Path(__file__).resolve().parents[2]
NODES = 12_000  # of a chapter of one sitting; with 11,125 Lighthouse gives 99 on a phone
NODES_ELSEWHERE = 4_000
LARGEST_HTML = 700_000  # bytes, before compression
SCRIPTS = 100_000  # bytes that a page of the book loads, before compression
STYLES = 130_000


def well_shaped():
    """The docnames of the chapters that have the length and shape of one sitting."""
    for chapter in chapters_of(read_manifest(ROOT)):
        notebook = json.loads((ROOT / f"{chapter.docname}.ipynb").read_text(encoding="utf-8"))
        if not list(faults(chapter, notebook, ROOT / "chapters")):
            yield chapter.docname


def test_chapters_of_one_sitting_are_light(site):
    names = list(well_shaped())
    assert names
    for name in names:
        path = site / f"{name}.html"
        assert len(parsed(path).find_all(True)) <= NODES, name
        assert path.stat().st_size <= LARGEST_HTML, name


GROWING = {"book/ledger.html", "book/cards.html", "genindex.html"}  # with every chapter
NODES_OF_REFERENCE = 6_000  # formulas, looked up and not read through


def test_other_pages_are_light(site, pages):
    for name in pages:
        if not name.startswith("chapters/") and name not in GROWING:
            reference = name.startswith("book/reference/")
            most = NODES_OF_REFERENCE if reference else NODES_ELSEWHERE
            assert len(parsed(site / name).find_all(True)) <= most, name


def test_no_script_holds_up_a_page(site, pages):
    for name in pages:
        if name != "search.html":
            page = parsed(site / name)
            waiting = [s["src"] for s in page.select("script[src]") if not s.has_attr("defer")]
            assert waiting == [], name


def test_scripts_and_styles_are_small(site, pages):
    def weight(page, name, selector, attribute):
        found = (tag[attribute].split("?")[0] for tag in page.select(selector))
        return sum(((site / name).parent / path).resolve().stat().st_size for path in found)

    for name in pages:
        if name != "search.html":
            page = parsed(site / name)
            assert weight(page, name, "script[src]", "src") <= SCRIPTS, name
            assert weight(page, name, "link[rel=stylesheet]", "href") <= STYLES, name


def test_every_picture_has_its_size(site, pages):
    """So that nothing moves while it loads."""
    for name in pages:
        for picture in parsed(site / name).select("article svg.drawing, article img"):
            assert picture.get("width"), f"{name}: {str(picture)[:100]}"
            assert picture.get("height"), f"{name}: {str(picture)[:100]}"


def test_sections_out_of_sight_cost_nothing(site, browser, chapters):
    """The first screen of a chapter does not lay out its end."""
    page = browser.new_page(viewport={"width": 412, "height": 823})
    page.goto((site / chapters[0]).as_uri())
    values = page.locator("article > section > section").evaluate_all(
        "(all) => all.map((e) => getComputedStyle(e).contentVisibility)"
    )
    page.close()
    assert set(values) == {"auto"}
