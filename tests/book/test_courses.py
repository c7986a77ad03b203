"""The courses of the teacher's page: their chapters, minutes and tasks are the book's."""

import json
from pathlib import Path

import pytest

from bookkit.courses import read_courses
from bookkit.manifest import chapters_of, read_manifest

ROOT = Path(__file__).resolve().parents[2]
COURSES, CLASS = read_courses(ROOT)
WORDS = {"Six": 6, "Twelve": 12}
CHAPTER = """
[[part.chapter]]
number = {number}
path = "c{number}"
title = "A title"
summary = "A sentence."
minutes = {minutes}
exercise_minutes = {exercise_minutes}
deeper_minutes = 1000
needs = []
"""
SMALL = """
[[course]]
title = "A course"
about = "A sentence."
[[course.week]]
chapters = [2, 3]
mark = ["3.2"]
[[course.week]]
chapters = [5]
mark = []
[class]
2 = "Ask."
"""


@pytest.fixture
def book(tmp_path):
    """A function that writes a book of three chapters with a list of courses."""

    def write(courses):
        (tmp_path / "chapters").mkdir(exist_ok=True)
        entries = ['[[part]]\ntitle = "One"\n']
        for number, minutes in ((2, 7), (3, 11), (5, 20)):
            facts = {"number": number, "minutes": minutes, "exercise_minutes": 100 + minutes}
            entries.append(CHAPTER.format(**facts))
            tasks = f"### Exercise {number}.1. Code\n### Exercise {number}.2 (to write up). Prove"
            cell = {"cell_type": "markdown", "source": tasks}
            path = tmp_path / f"chapters/c{number}.ipynb"
            path.write_text(json.dumps({"cells": [cell]}), encoding="utf-8")
            path.with_suffix(".md").touch()
        (tmp_path / "chapters/manifest.toml").write_text("".join(entries), encoding="utf-8")
        (tmp_path / "chapters/courses.toml").write_text(courses, encoding="utf-8")
        return tmp_path

    return write


@pytest.mark.parametrize("course", COURSES, ids=lambda course: course.title)
def test_a_course_has_as_many_weeks_as_its_title_says(course):
    assert len(course.weeks) == WORDS[course.title.split()[0]]
    assert all(week.mark for week in course.weeks)


@pytest.mark.parametrize("course", COURSES, ids=lambda course: course.title)
def test_a_course_has_what_its_chapters_need_before_them(course):
    read = set()
    for chapter in course.chapters:
        assert set(chapter.needs) <= read, chapter.title
        read.add(chapter.number)


def test_the_whole_book_is_the_whole_book_in_order():
    assert COURSES[1].chapters == chapters_of(read_manifest(ROOT))


def test_there_is_an_idea_for_each_chapter_and_a_live_figure_wherever_it_has_one():
    assert tuple(CLASS) == chapters_of(read_manifest(ROOT))
    for chapter, words in CLASS.items():
        text = (ROOT / f"{chapter.docname}.md").read_text(encoding="utf-8")
        replaced = text.partition('class="live-figure"')[2].partition('data-replaces="')[2]
        figure = replaced.partition('"')[0]
        assert ("{live}`" in words) == bool(figure), chapter.number
        assert figure in words


def test_minutes_are_sums(book):
    (course,), ideas = read_courses(book(SMALL))
    assert [week.minutes for week in course.weeks] == [(18, 218), (20, 120)]
    assert course.minutes == (38, 338)
    assert [chapter.number for chapter in course.chapters] == [2, 3, 5]
    assert [[task.title for task in week.mark] for week in course.weeks] == [["Prove"], []]
    assert {chapter.number: words for chapter, words in ideas.items()} == {2: "Ask."}


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("[5]", "[4]", "'A course' has the unknown chapter 4"),
        ("2 = ", "7 = ", "'class' has the unknown chapter 7"),
        ("[5]", "[2]", "a chapter comes twice in 'A course'"),
        ('"3.2"', '"3.1"', r"marks 3\.1, but the tasks to write up of that week are 2\.2, 3\.2"),
        ('"3.2"', '"5.2"', r"marks 5\.2, but"),
    ],
)
def test_mistakes_in_the_list(book, old, new, message):
    with pytest.raises(ValueError, match=message):
        read_courses(book(SMALL.replace(old, new)))
