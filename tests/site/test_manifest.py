"""The list of chapters, and what happens when it disagrees with the folder."""

from pathlib import Path

import pytest

from bookkit.manifest import Chapter, Part, chapters_of, closure, read_manifest

ROOT = Path(__file__).resolve().parents[2]
CHAPTER = """
[[part.chapter]]
number = {number}
path = "{path}"
title = "A title"
summary = "A sentence."
minutes = 7
exercise_minutes = 8
deeper_minutes = 0
needs = []
"""


@pytest.fixture
def book(tmp_path):
    """A function that writes a manifest and the files of its chapters."""

    def write(manifest, *paths):
        folder = tmp_path / "chapters"
        folder.mkdir(exist_ok=True)
        (folder / "manifest.toml").write_text(manifest, encoding="utf-8")
        for path in paths:
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).touch()
        return tmp_path

    return write


def manifest(*chapters):
    entries = (CHAPTER.format(number=number, path=path) for number, path in chapters)
    return '[[part]]\ntitle = "One"\n' + "".join(entries)


def test_parts_and_chapters_come_in_order(book):
    root = book(manifest((4, "b/x"), (2, "a/y")), "b/x.md", "b/x.ipynb", "a/y.md", "a/y.ipynb")
    x = Chapter(4, "b/x", "A title", "A sentence.", 7, 8, 0, (), "One")
    y = Chapter(2, "a/y", "A title", "A sentence.", 7, 8, 0, (), "One")
    assert read_manifest(root) == (Part("One", (x, y)),)
    assert x.docname == "chapters/b/x"


def needing(*needs):
    """A manifest of chapters 0, 1, …, in order, each with what it needs."""
    entries = [CHAPTER.format(number=n, path=f"c{n}") for n in range(len(needs))]
    listed = zip(entries, needs, strict=True)
    chapters = (entry.replace("needs = []", f"needs = {need}") for entry, need in listed)
    return '[[part]]\ntitle = "One"\n' + "".join(chapters)


FILES = [f"c{n}{suffix}" for n in range(5) for suffix in (".md", ".ipynb")]


def test_what_a_chapter_needs_and_what_these_need(book):
    root = book(needing([], [0], [0], [2], [1]), *FILES)
    chapters = chapters_of(read_manifest(root))
    assert [chapter.needs for chapter in chapters] == [(), (0,), (0,), (2,), (1,)]
    assert [chapter.number for chapter in closure(chapters, [3])] == [0, 2, 3]
    assert [chapter.number for chapter in closure(chapters, [4, 2])] == [0, 1, 2, 4]
    assert closure(chapters, []) == ()


@pytest.mark.parametrize(
    ("needs", "message"),
    [
        (([1], [], [], [], []), "'c0' needs 1, which is no chapter before it"),
        (([], [1], [], [], []), "'c1' needs 1, which is no chapter before it"),
        (([], [], [7], [], []), "'c2' needs 7, which is no chapter before it"),
        (([], [0], [1], [0, 2], []), "'c3' needs 0, which follows from the others"),
        (([], [0], [1, 1], [], []), "'c2' needs 1, which follows from the others"),
    ],
)
def test_mistakes_in_what_is_needed(book, needs, message):
    with pytest.raises(ValueError, match=message):
        read_manifest(book(needing(*needs), *FILES))


def test_checkpoints_are_no_chapters(book):
    root = book(manifest((0, "x")), "x.md", "x.ipynb", ".ipynb_checkpoints/x-checkpoint.ipynb")
    assert len(read_manifest(root)) == 1


def test_the_book_itself_agrees():
    assert read_manifest(ROOT)[0].title == "Prelude"


def test_missing_manifest(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"list of chapters is missing: .*manifest\.toml"):
        read_manifest(tmp_path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[[part", "cannot be read"),
        ("", "the manifest lacks the key 'part'"),
        ("[[part]]\nchapter = []", r"the part '\(without a title\)' lacks the key 'title'"),
        ("[[part]]\ntitle = 'One'", "the part 'One' lacks the key 'chapter'"),
        (
            manifest((0, "x")).replace("\nminutes = 7", ""),
            "the chapter 'x' lacks the key 'minutes'",
        ),
        (
            manifest((0, "x")).replace("7", "'seven'"),
            "'minutes' of the chapter 'x' must be of type int, got 'seven'",
        ),
        (manifest((0, "x")) + "colour = 1", "the chapter 'x' has the unknown key 'colour'"),
        (manifest((0, "x"), (0, "y")), "the number 0 is used twice"),
        (manifest((0, "x"), (1, "x")), "the path 'x' is used twice"),
    ],
)
def test_mistakes_in_the_manifest(book, text, message):
    with pytest.raises(ValueError, match=message):
        read_manifest(book(text, "x.md", "x.ipynb", "y.md", "y.ipynb"))


@pytest.mark.parametrize("missing", ["x.md", "x.ipynb"])
def test_chapter_without_its_file(book, missing):
    paths = {"x.md", "x.ipynb"} - {missing}
    with pytest.raises(FileNotFoundError, match=f"chapters/{missing} does not exist"):
        read_manifest(book(manifest((0, "x")), *paths))


def test_file_that_is_not_listed(book):
    root = book(manifest((0, "x")), "x.md", "x.ipynb", "y.md")
    with pytest.raises(ValueError, match=r"chapters/y\.md is not listed"):
        read_manifest(root)
