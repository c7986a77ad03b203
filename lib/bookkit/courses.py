"""Courses with the book, what to do in class, and short paths through it."""

import json
import tomllib
from dataclasses import dataclass
from pathlib import Path

from bookkit.manifest import ROOT, Chapter, chapters_of, closure, read_manifest
from bookkit.tasks import Task, tasks_of


@dataclass(frozen=True)
class Week:
    """The chapters of a week, and of their tasks to write up those that are marked."""

    chapters: tuple[Chapter, ...]
    mark: tuple[Task, ...]

    @property
    def minutes(self):
        """Minutes of reading and of exercises."""
        return (
            sum(chapter.minutes for chapter in self.chapters),
            sum(chapter.exercise_minutes for chapter in self.chapters),
        )


@dataclass(frozen=True)
class Course:
    """A course: its title, a sentence or two about it, and its weeks."""

    title: str
    about: str
    weeks: tuple[Week, ...]

    @property
    def chapters(self):
        """The chapters in the order of the course."""
        return tuple(chapter for week in self.weeks for chapter in week.chapters)

    @property
    def minutes(self):
        """Minutes of reading and of exercises, over all weeks."""
        reading, exercises = zip(*(week.minutes for week in self.weeks), strict=True)
        return sum(reading), sum(exercises)


@dataclass(frozen=True)
class Way:
    """A short path: its title, a sentence about it, and its chapters."""

    title: str
    about: str
    chapters: tuple[Chapter, ...]


def read_paths(root=ROOT):
    """Return the short paths of chapters/courses.toml: what their goals need, in order.

    Raises
    ------
    ValueError
        A goal that is no chapter of the book.
    """
    chapters = chapters_of(read_manifest(root))
    known = {chapter.number for chapter in chapters}
    paths = []
    for entry in _load(root).get("path", ()):
        for number in entry["goals"]:
            _known(number, known, entry["title"])
        paths.append(Way(entry["title"], entry["about"], closure(chapters, entry["goals"])))
    return tuple(paths)


def read_courses(root=ROOT):
    """Return the courses of chapters/courses.toml, and what to do in class for each chapter.

    Raises
    ------
    ValueError
        A chapter or a task to write up that the book does not have, a task of another week, or a
        chapter that comes twice in a course.
    """
    listed = _load(root)
    chapters = {chapter.number: chapter for chapter in chapters_of(read_manifest(root))}
    courses = tuple(_course(entry, chapters, root) for entry in listed["course"])
    for name in listed["class"]:
        _known(int(name), chapters, "class")
    return courses, {chapters[int(name)]: words for name, words in listed["class"].items()}


def _load(root):
    return tomllib.loads((Path(root) / "chapters/courses.toml").read_text(encoding="utf-8"))


def _course(entry, chapters, root):
    weeks = tuple(_week(week, chapters, root, entry["title"]) for week in entry["week"])
    course = Course(entry["title"], entry["about"], weeks)
    if len(set(course.chapters)) < len(course.chapters):
        raise ValueError(f"chapters/courses.toml: a chapter comes twice in {course.title!r}")
    return course


def _week(week, chapters, root, title):
    for number in week["chapters"]:
        _known(number, chapters, title)
    read = tuple(chapters[number] for number in week["chapters"])
    written = {task.number: task for chapter in read for task in _written(chapter, root)}
    for number in week["mark"]:
        if number not in written:
            raise ValueError(
                f"chapters/courses.toml: {title!r} marks {number}, but the tasks to write up of "
                f"that week are {', '.join(written)}"
            )
    return Week(read, tuple(written[number] for number in week["mark"]))


def _known(number, chapters, where):
    if number not in chapters:
        raise ValueError(f"chapters/courses.toml: {where!r} has the unknown chapter {number}")


def _written(chapter, root):
    notebook = json.loads((Path(root) / f"{chapter.docname}.ipynb").read_text(encoding="utf-8"))
    return [task for task in tasks_of(notebook) if task.written]
