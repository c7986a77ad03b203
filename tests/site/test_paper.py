"""A printed chapter: complete, and without what belongs to the screen."""

import pytest

MISSING = """() => [...document.querySelectorAll("article details *, article .claim, .drawing")]
    .filter((e) => !e.closest(".katex, svg *, .live-figure, .copybtn") && e.tagName !== "BUTTON")
    .filter((e) => e.matches(":not(.copybtn *, span, input, label, fieldset, legend)"))
    .filter((e) => e.getClientRects().length === 0 && e.textContent.trim())
    .map((e) => e.outerHTML.slice(0, 100))"""
SCREEN_ONLY = (
    ".skip-first, .sidebar-drawer, .toc-drawer, .copybtn, .headerlink, .solved-mark, "
    ".predict button, .mobile-header, .related-pages, .live-figure, .back-to-top"
)


@pytest.fixture(scope="module")
def printed(site, browser):
    """A function that opens a page as it will be on paper."""
    context = browser.new_context(viewport={"width": 800, "height": 1100})

    page = context.new_page()

    def visit(name):
        page.goto((site / name).as_uri())
        page.emulate_media(media="print")
        return page

    yield visit
    context.close()


def test_folds_hints_and_solutions_are_printed(printed, chapters):
    missing = {name: printed(name).evaluate(MISSING) for name in chapters}
    assert not any(missing.values()), missing


def test_nothing_of_the_screen_is_printed(printed, chapters, pages):
    own = [page for page in pages if page.startswith("book/") and page.count("/") == 1]
    for name in [*chapters[::4], *own, "book/reference/losses.html", "genindex.html"]:
        page = printed(name)
        shown = page.locator(SCREEN_ONLY).evaluate_all(
            "(all) => all.filter((e) => e.checkVisibility()).map((e) => e.outerHTML.slice(0, 80))"
        )
        assert shown == [], name


def test_a_fold_without_its_content_is_found(printed, chapters):
    page = printed(chapters[0])
    page.add_style_tag(content="details > * { display: none !important; }")
    assert page.evaluate(MISSING)


def test_labels_of_folds_are_titles_on_paper(printed, chapters):
    page = printed(chapters[0])
    for summary in page.locator("details.fold > summary").all():
        assert not summary.inner_text().lower().startswith(("show", "hide"))
