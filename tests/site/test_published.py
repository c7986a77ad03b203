"""What a published site has beside its pages: previews of links, a site map, a page for nothing."""

import re

import pytest

ADDRESS = "https://example.org/descent/"


@pytest.fixture(scope="module", params=[None, ADDRESS.rstrip("/")])
def published(request, tmp_path_factory, build, small_book):
    """The address (or None) and the site of a book of one chapter that was built for it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("BOOK_URL", raising=False)
        if request.param:
            patch.setenv("BOOK_URL", request.param)
        root = tmp_path_factory.mktemp("published")
        small_book.write(root, {"first": [small_book.markdown("# The first\n\nA sentence.")]})
        finished = build(root, root / "_build/site")
    assert finished.returncode == 0, finished.stderr
    return request.param, root / "_build/site"


def test_links_are_previewed(published):
    address, site = published
    page = (site / "chapters/one/first.html").read_text(encoding="utf-8")
    found = dict(re.findall(r'<meta property="og:(\w+)" content="([^"]*)"', page))
    if address is None:
        assert found == {}
    else:
        assert found["title"] == "The first" or found["title"].endswith("The first")
        assert found["url"] == f"{ADDRESS}chapters/one/first.html"
        assert "A sentence." in found["description"]


def test_the_map_has_every_page(published):
    address, site = published
    assert (site / "sitemap.xml").exists() == (address is not None)
    if address:
        found = re.findall(r"<loc>([^<]*)</loc>", (site / "sitemap.xml").read_text("utf-8"))
        assert {f"{ADDRESS}book/index.html", f"{ADDRESS}chapters/one/first.html"} <= set(found)
        for place in found:
            assert (site / place.removeprefix(ADDRESS)).exists(), place


def test_a_page_that_is_not_there_leads_back(published):
    address, site = published
    assert (site / "404.html").exists() == (address is not None)
    if address:
        page = (site / "404.html").read_text(encoding="utf-8")
        assert 'href="/descent/book/index.html"' in page
        assert not re.search(r'href="(?!https?:|#|/|data:|mailto:)', page)
