"""Previews: hover or focus shows what a link leads to, without a request, and Escape closes it."""

import pytest

pytestmark = pytest.mark.xdist_group("site")

KINDS = {
    "figure": "a[href^='#fig-']:not(.headerlink)",
    "equation": "a[href^='#equation-']:not(.headerlink)",
    "term": "a[href*='glossary.html#term-']",
    "source": "a[href*='bibliography.html#']",
}


@pytest.fixture(scope="module")
def chapter(site, chapters):
    """A chapter that has a link of each kind."""
    for name in chapters:
        text = (site / name).read_text(encoding="utf-8")
        wanted = ('href="#fig-', 'href="#equation-', "glossary.html#term-", "bibliography.html#")
        if all(part in text for part in wanted):
            return name
    return pytest.fail("no chapter has a link of each kind")


@pytest.mark.parametrize("kind", KINDS)
def test_focus_shows_and_escape_hides(site, chapter, open_page, kind):
    page = open_page(f"{site.as_uri()}/{chapter}")
    before = len(page.addresses)
    link, preview = page.locator(f"article {KINDS[kind]}").first, page.locator("#preview")
    link.scroll_into_view_if_needed()
    assert not preview.is_visible()
    link.focus()
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Tab")
    preview.wait_for(state="visible", timeout=2000)
    assert link.get_attribute("aria-describedby") == "preview"
    assert preview.get_attribute("role") == "tooltip"
    inside = {"figure": "figure svg", "equation": ".katex", "term": "strong", "source": "p"}[kind]
    assert preview.locator(inside).first.is_visible()
    box = preview.bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 1280
    page.keyboard.press("Escape")
    assert not preview.is_visible()
    assert link.get_attribute("aria-describedby") is None
    assert len(page.addresses) == before
    assert page.faults == []


def test_the_pointer_shows_and_leaves(site, chapter, open_page):
    page = open_page(f"{site.as_uri()}/{chapter}")
    link = page.locator("article a[href*='glossary.html#term-']").first
    link.scroll_into_view_if_needed()
    link.hover()
    preview = page.locator("#preview")
    preview.wait_for(state="visible", timeout=2000)
    assert len(preview.inner_text()) > 20
    page.mouse.move(2, 2)
    preview.wait_for(state="hidden", timeout=2000)


def test_no_id_is_there_twice_while_it_is_shown(site, chapter, open_page):
    page = open_page(f"{site.as_uri()}/{chapter}")
    link = page.locator(f"article {KINDS['figure']}").first
    link.scroll_into_view_if_needed()
    link.hover()
    page.locator("#preview").wait_for(state="visible", timeout=2000)
    twice = page.evaluate("""() => {
        const ids = [...document.querySelectorAll("[id]")].map((e) => e.id);
        return ids.filter((id, i) => ids.indexOf(id) !== i);
    }""")
    assert twice == []
