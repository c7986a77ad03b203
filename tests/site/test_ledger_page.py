"""The ledger in the site: every claim, with its evidence, linked to the place where it is run."""

import re
from pathlib import Path

import pytest
from markup import parsed

from bookkit.ledger import gather

ROOT = Path(__file__).resolve().parents[2]
CLAIM = re.compile(
    r'<(?:div|li) class="claim" id="claim-([\d.]+)"><span class="claim-id">Claim ([\d.]+) ✓'
)


def words(text):
    """A text without differences of spaces, quotation marks and dashes."""
    return re.sub(r"[\s'\"‘’“”–—-]+", "", text)


@pytest.fixture(scope="module")
def page(site):
    return parsed(site / "book/ledger.html")


def test_every_claim_is_there_in_order_with_its_evidence(page):
    shown = page.select(".ledger dt")
    entries = [entry for _, entries in gather(ROOT) for entry in entries]
    assert [item.a.text for item in shown] == [entry.number for entry in entries]
    for item, entry in zip(shown, entries, strict=True):
        evidence = " ".join(dd.text for dd in item.find_next_siblings("dd", limit=3))
        assert words(entry.statement) in words(item.text)
        for part in (entry.measured, entry.required, entry.spread, entry.source):
            assert words(part or "") in words(evidence)


def test_each_number_leads_to_the_claim_in_its_chapter(page, site):
    linked = {}
    for link in page.select(".ledger dt a"):
        address, anchor = link["href"].split("#")
        assert anchor == f"claim-{link.text}"
        linked.setdefault(address, []).append(link.text)
    assert linked
    for address, numbers in linked.items():
        chapter = (site / "book" / address).resolve().read_text(encoding="utf-8")
        assert sorted(CLAIM.findall(chapter)) == sorted((n, n) for n in numbers)


def test_each_chapter_has_a_heading_and_a_count(page):
    for chapter, entries in gather(ROOT):
        (heading,) = (h for h in page.find_all("h2") if h.text.startswith(f"{chapter.number} · "))
        assert words(chapter.title) in words(heading.text)
        count = f"{len(entries)} claim{'s' if len(entries) > 1 else ''} in the chapter."
        assert heading.find_next("p").text == count


def test_the_ledger_is_part_of_the_front_matter(site):
    title_page = parsed(site / "book/index.html")
    assert title_page.select_one("article a[href='ledger.html']")
    assert title_page.select_one(".sidebar-tree a[href='ledger.html']")
