"""The map of the book: every chapter, what it needs, its minutes, and the short paths."""

import re
from itertools import combinations
from pathlib import Path

import pytest
from markup import parsed

from bookkit.manifest import chapters_of, read_manifest

CHAPTERS = chapters_of(read_manifest(Path(__file__).resolve().parents[2]))
PATHS = {
    "Losses only": [0, 1, 2, 3, 4, 5, 6],
    "The shortest way to a CNN that trains": [0, 1, 2, 3, 7, 15, 16, 18],
    "Optimizers, for those who know the rest": [0, 7, 8, 9, 10, 11],
}


@pytest.fixture(scope="module")
def page(site):
    return parsed(site / "book/map.html")


def test_the_map_and_the_table_lead_to_each_chapter_in_order(page):
    pages = [f"../{chapter.docname}.html" for chapter in CHAPTERS]
    assert [link["href"] for link in page.select(".book-map a")] == pages
    assert [link["href"] for link in page.select("table td a")] == pages
    for link, chapter in zip(page.select(".book-map a"), CHAPTERS, strict=True):
        assert link.text.replace("’", "'") == f"{chapter.number} {chapter.title}"
    assert len(page.select(".book-map path")) == sum(len(c.needs) for c in CHAPTERS)


def test_the_table_says_what_the_manifest_says(page):
    rows = [[cell.text for cell in row.select("td")] for row in page.select("tbody tr")]
    for (number, words, needs, minutes), chapter in zip(rows, CHAPTERS, strict=True):
        assert number == str(chapter.number)
        assert words.replace("’", "'") == f"{chapter.title} {chapter.summary}"
        assert [int(n) for n in re.findall(r"\d+", needs)] == list(chapter.needs)
        assert minutes == f"{chapter.minutes} + {chapter.exercise_minutes}"
    words = page.select("#all-chapters > p")[-1].text
    reading, exercises = map(int, re.findall(r"(\d+) hours", words))
    assert abs(reading - sum(c.minutes for c in CHAPTERS) / 60) <= 0.5
    assert abs(exercises - sum(c.exercise_minutes for c in CHAPTERS) / 60) <= 0.5


def test_a_short_path_has_all_that_its_chapters_need_before_them(page):
    titles = [item.text.partition(" (")[0] for item in page.select("#three-short-paths dt")]
    assert titles == list(PATHS)
    needs = {chapter.number: set(chapter.needs) for chapter in CHAPTERS}
    for item, path in zip(page.select("#three-short-paths dt"), PATHS.values(), strict=True):
        links = item.find_next_sibling("dd").select("a")
        assert [int(link.text.split()[0]) for link in links] == path
        assert all(needs[n] <= set(path[:i]) for i, n in enumerate(path))


@pytest.mark.parametrize("width", [360, 1300])
def test_boxes_can_be_touched_and_do_not_overlap(site, open_page, width):
    window = open_page(f"{site.as_uri()}/book/map.html", width=width)
    boxes = window.locator(".book-map a").evaluate_all(
        "(links) => links.map((a) => { const b = a.getBoundingClientRect();"
        "return [b.left, b.top, b.right, b.bottom, a.scrollWidth - a.clientWidth,"
        "a.scrollHeight - a.clientHeight]; })"
    )
    assert len(boxes) == len(CHAPTERS)
    for left, top, right, bottom, wider, taller in boxes:
        assert min(right - left, bottom - top) >= 24
        assert left >= 0
        assert right <= width
        assert max(wider, taller) <= 0
    for one, other in combinations(boxes, 2):
        apart = one[0] >= other[2] or other[0] >= one[2] or one[1] >= other[3] or other[1] >= one[3]
        assert apart
