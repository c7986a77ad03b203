"""What stops the site from being built, and whether the message helps."""

import pytest


@pytest.fixture
def book(tmp_path, small_book):
    """A function that writes a small book: the text of its one chapter, what its notation adds."""

    def write(chapter, addition):
        cells = [small_book.markdown(chapter), small_book.code("1 + 1")]
        root = small_book.write(tmp_path, {"first": cells}, pages=("index", "notation"))
        page = root / "book/notation.md"
        text = "# Notation\n\nSymbols.\n"
        page.write_text(text + addition, encoding="utf-8")
        return root

    return write


def test_a_broken_formula_stops_the_build_and_is_named(book, build):
    chapter = "# Title\n\n$$\\unknowncommand$$\n\nHere $\\another$.\n"
    root = book(chapter, "\nBroken: $\\frac{1$.\n")

    finished = build(root, root / "_build/site")

    assert finished.returncode != 0
    assert "book/notation.md:5: ERROR" in finished.stderr
    assert r"\frac{1" in finished.stderr
    assert "chapters/one/first.ipynb" in finished.stderr
    assert "cell 1, line 3: " in finished.stderr
    assert "cell 1, line 5: " in finished.stderr
    assert "Traceback" not in finished.stderr
    assert r"Undefined control sequence: \unknowncommand" in finished.stderr
    assert "3 formula(s) could not be typeset" in finished.stderr


def test_a_dead_cross_reference_stops_the_build(book, build):
    root = book("# Title\n", "\n{term}`no such term`\n")
    finished = build(root, root / "_build/site")
    assert finished.returncode != 0
    assert "book/notation.md" in finished.stderr
    assert "no such term" in finished.stderr


def test_a_small_book_without_a_fault_is_built(book, build):
    root = book("# Title\n\n$$x^2$$\n", "\nThe number $\\frac{1}{2}$.\n")
    finished = build(root, root / "_build/site")
    assert finished.returncode == 0, finished.stderr
