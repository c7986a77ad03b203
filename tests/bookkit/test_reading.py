"""What counts as reading: prose, captions, visible code and formulas of the spine, no more."""

import pytest

from bookkit.reading import Reading, read_deeper, read_spine

HEAD = """---
kernelspec:
  display_name: Python 3
  language: python
  name: python3
---

"""


@pytest.fixture
def spine(tmp_path):
    def read(text):
        path = tmp_path / "chapter.md"
        path.write_text(HEAD + text, encoding="utf-8")
        return read_spine(path)

    return read


def cell(code, *tags):
    tags = f":tags: [{', '.join(tags)}]\n\n" if tags else ""
    return f"```{{code-cell}} ipython3\n{tags}{code}\n```\n\n"


def test_words_end_where_the_exercises_begin(spine):
    assert spine("# One two\n\nthree four\n\n## Exercises\n\nfive six").words == 5


@pytest.mark.parametrize("heading", ["Going deeper", "Checked as well", "Notes and sources"])
def test_other_ends_of_the_spine(spine, heading):
    assert spine(f"one two\n\n## {heading}\n\nthree").words == 2


def test_going_deeper_is_measured_by_itself(tmp_path):
    path = tmp_path / "chapter.md"
    text = "one\n\n## Exercises\n\n" + cell("a = 1") + "### Exercise 1\n\n## Going deeper\n\nseven "
    text += (
        "words\n\n" + cell("b = 2\nc = 3") + "in two\n\n### places\n\n## Notes and sources\n\nno"
    )
    path.write_text(HEAD + text, encoding="utf-8")
    deeper = read_deeper(path)
    assert (deeper.words, deeper.visible_lines) == (9, 2)  # signs of headings count


def test_markup_is_no_word(spine):
    text = "(ex-a)=\n:::{admonition} one\n:class: card\ntwo {term}`three` <b>four</b>\n:::\n"
    assert spine(text).words == 3


def test_a_smaller_sign_opens_no_markup(spine):
    assert spine("one $a < b$ five\n\nsix $c > d$ ten").words == 10


def test_folded_code_is_not_read(spine):
    text = cell("a = 1\n\nb = 2") + cell("c = 3", "hide-input") + cell("d = 4", "other")
    assert (spine(text).visible_lines, spine(text).widest_cell) == (3, 2)


def test_derivations_and_formulas(spine):
    text = "$$\na = b\n$$ (eq-a)\n\nword\n\n$$\na &= b \\\\\n&= c \\le d\n$$\n\n$$x \\neq y$$\n"
    assert (spine(text).formulas, spine(text).derivations, spine(text).words) == (2, 1, 2)


def test_captions_are_read(spine):
    text = (
        "```{code-cell} ipython3\n---\nmystnb:\n  figure:\n    caption: one two three\n"
        "tags: [hide-input]\n---\n1\n```\n"
    )
    assert spine(text).words == 3


def test_minutes():
    assert Reading(1500, 60, 10, 3, 2).minutes == 10 + 8 + 1 + 2
    assert Reading(151, 0, 0, 0, 0).minutes == 2
