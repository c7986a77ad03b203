"""The drawing of what needs what: lines lead down, and none passes behind a chapter."""

from itertools import pairwise
from types import SimpleNamespace

import pytest

from bookkit.layers import draw
from bookkit.manifest import chapters_of, read_manifest


def chapters(*needs):
    """Chapters 0, 1, … with what each needs."""
    return [SimpleNamespace(number=n, needs=need) for n, need in enumerate(needs)]


LATTICE = chapters((), (), (0,), (1,), (0, 3), (2, 1), (4, 0), (5, 6))
EXAMPLES = {"the book": chapters_of(read_manifest()), "a lattice": LATTICE, "nothing": []}


@pytest.fixture(params=EXAMPLES.values(), ids=EXAMPLES)
def example(request):
    return request.param, draw(request.param)


def test_a_chapter_stands_in_the_row_below_the_last_that_it_needs(example):
    listed, drawing = example
    row = {number: place[0] for number, place in drawing.places.items()}
    assert set(row) == {chapter.number for chapter in listed}
    for chapter in listed:
        assert row[chapter.number] == max((row[n] + 1 for n in chapter.needs), default=0)
    assert drawing.rows == max((r + 1 for r in row.values()), default=0)


def test_each_need_has_its_line_from_the_middle_of_a_box_to_the_middle_of_another(example):
    listed, drawing = example
    assert set(drawing.lines) == {(need, c.number) for c in listed for need in c.needs}
    middle = {n: (row, left + width / 2) for n, (row, left, width) in drawing.places.items()}
    for (need, number), points in drawing.lines.items():
        assert points[0] == pytest.approx(middle[need])
        assert points[-1] == pytest.approx(middle[number])
        assert all(below == above + 1 for (above, _), (below, _) in pairwise(points))


def test_boxes_and_passing_lines_do_not_meet(example):
    _, drawing = example
    for row in range(drawing.rows):
        boxes = sorted((left, left + w) for r, left, w in drawing.places.values() if r == row)
        assert all(end <= start + 1e-9 for (_, end), (start, _) in pairwise(boxes))
        assert boxes[0][0] >= 0
        assert boxes[-1][1] <= 1 + 1e-9
        passing = [x for points in drawing.lines.values() for r, x in points[1:-1] if r == row]
        assert not any(left < x < right for x in passing for left, right in boxes)
        assert len(passing) == len(set(passing))


def test_what_need_not_cross_does_not():
    drawing = draw(chapters((), (), (1,), (0,)))
    left = {number: place[1] for number, place in drawing.places.items()}
    assert (left[0] < left[1]) == (left[3] < left[2])


def test_the_lines_of_the_book_cross_seldom():
    lines = draw(EXAMPLES["the book"]).lines.values()
    steps = [step for points in lines for step in pairwise(points)]
    crossings = sum(
        a[0] == c[0] and (a[1] - c[1]) * (b[1] - d[1]) < -1e-12
        for i, (a, b) in enumerate(steps)
        for c, d in steps[:i]
    )
    assert crossings <= len(steps) / 3
