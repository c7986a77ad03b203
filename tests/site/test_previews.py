"""Previews: hover or focus shows what a link leads to, without a request, and Escape closes it."""

import pytest
from markup import parsed

KINDS = {
    "figure": "a[href^='#fig-']:not(.headerlink)",
    "equation": "a[href^='#equation-']:not(.headerlink)",
    "claim": "a[href^='#claim-']:not(.headerlink, .predict a)",
    "claim of another chapter": "a[href*='.html#claim-']",
    "term": "a[href*='glossary.html#term-']",
    "source": "a[href*='bibliography.html#']",
}
SHOWN = {
    "figure": "figure svg",
    "equation": ".katex",
    "claim": ".claim .claim-evidence",
    "claim of another chapter": ".claim .claim-evidence",
    "term": "strong",
    "source": "p",
}


@pytest.fixture(scope="module")
def read(site, chapters):
    """The parsed page of each chapter, by its name."""
    return {name: parsed(site / name) for name in chapters}


@pytest.fixture(scope="module")
def chapter_with(read):
    """A function that returns a chapter that has a link of each of these kinds."""

    def find(*kinds):
        for name, page in read.items():
            if all(page.select_one(f"article {KINDS[kind]}") for kind in kinds):
                return name
        return pytest.fail(f"no chapter has a link of each of the kinds {kinds}")

    return find


@pytest.fixture(scope="module")
def chapter(chapter_with):
    return chapter_with("figure", "equation", "term", "source")


@pytest.mark.parametrize("kind", KINDS)
def test_focus_shows_and_escape_hides(site, chapter_with, open_page, kind):
    page = open_page(f"{site.as_uri()}/{chapter_with(kind)}")
    before = len(page.addresses)
    page.locator("article details").evaluate_all("(all) => all.forEach((e) => (e.open = true))")
    page.add_style_tag(content="section { content-visibility: visible !important; }")
    link = page.locator(f"article {KINDS[kind]}").and_(page.locator(":visible")).first
    preview = page.locator("#preview")
    link.scroll_into_view_if_needed()
    assert not preview.is_visible()
    link.focus()
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Tab")
    preview.wait_for(state="visible", timeout=2000)
    assert link.get_attribute("aria-describedby") == "preview"
    assert preview.get_attribute("role") == "tooltip"
    assert preview.locator(SHOWN[kind]).first.is_visible()
    box = preview.bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 1280
    if kind.startswith("claim"):
        number = link.get_attribute("href").partition("#claim-")[2]
        assert preview.locator(".claim-id").inner_text().startswith(f"Claim {number} ")
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


def test_what_a_chapter_takes_from_elsewhere_travels_with_it(read):
    """Each link to a claim of another chapter, to a term or to a source has its preview."""
    for name, page in read.items():
        template = page.find("template", id="previews")
        parts = template.find_all(attrs={"data-of": True}) if template else []
        carried = {part["data-of"] for part in parts}
        for kind in ("claim of another chapter", "term", "source"):
            links = {a["href"].partition("#")[2] for a in page.select(f"article {KINDS[kind]}")}
            assert links <= carried, f"{name}, {kind}: {sorted(links - carried)}"


def test_every_link_within_a_chapter_to_a_claim_leads_to_one(read):
    for name, page in read.items():
        for link in page.select(f"article {KINDS['claim']}"):
            assert page.select_one(f".claim[id='{link['href'][1:]}']"), f"{name}: {link['href']}"
