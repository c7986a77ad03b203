"""Each chapter has the shape that readers asked for, and a fault of shape is seen."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from bookkit.manifest import Chapter, chapters_of, read_manifest
from bookkit.shape import faults

CHAPTERS = chapters_of(read_manifest())


def stored(chapter, root="chapters"):
    return json.loads((Path(root) / f"{chapter.path}.ipynb").read_text(encoding="utf-8"))


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda chapter: chapter.path)
def test_shape(chapter):
    assert list(faults(chapter, stored(chapter))) == []


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda chapter: chapter.path)
def test_exercises_to_write_up_have_a_teachers_note(chapter):
    note = Path(f"book/teaching/chapter-{chapter.number:02d}.md").read_text(encoding="utf-8")
    text = Path(f"chapters/{chapter.path}.md").read_text(encoding="utf-8")
    for line in text.splitlines():
        if line.startswith("### Exercise") and "(to write up)" in line:
            assert line.split(" ")[2] in note


HEAD = "---\nkernelspec:\n  display_name: Python 3\n  language: python\n  name: python3\n---\n\n"
BODY = """# A title

{prose}

```{{code-cell}} ipython3
a = 1
```

## The card

:::{{admonition}} The card of this chapter
:class: card
:::

## The same in PyTorch

## What goes wrong in practice

## Exercises

### Exercise 7.1. One
### Exercise 7.2. Two
### Exercise 7.3. Three
### Exercise 7.4 (to write up). Four
### Exercise 7.5 (to write up). Five

```{{code-cell}} ipython3
check("7.1", one)
```

## Going deeper

## Checked as well

## Notes and sources
"""
DERIVATIONS = "\n\n$$\na = b = c\n$$" * 2
WORDS = "word " * 2900
SOUND = HEAD + BODY.format(prose=WORDS + DERIVATIONS)
CHAPTER = Chapter(7, "part/name", "A title", "A sentence.", 22, 30, 2, (), "Part")
RECORD = "application/vnd.descent.claim+json"
ENTRY = {"number": "7.1", "statement": "It holds", "measured": "3", "required": "≥ 2"}


def notebook(claims=5):
    return {"cells": [{"outputs": [{"data": {RECORD: ENTRY}}] * claims}]}


@pytest.fixture
def found(tmp_path):
    def write(text=SOUND, chapter=CHAPTER, claims=5):
        (tmp_path / "part").mkdir(exist_ok=True)
        (tmp_path / "part/name.md").write_text(text, encoding="utf-8")
        return list(faults(chapter, notebook(claims), tmp_path))

    return write


def test_a_sound_chapter(found):
    assert found() == []
    assert found(SOUND.replace("## Going deeper\n", "")) == []


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        (WORDS, "word " * 3001, "its spine has 30"),
        (WORDS, "word " * 1900, "words, expected 2000 to 3000"),
        (DERIVATIONS, "", "its spine takes 20 minutes, expected 22 to 35"),
        ("a = 1\n", "a = 1\n" * 16, "a visible cell has 16 lines, at most 15 are read"),
        ("## The same in PyTorch\n", "", "its last sections are"),
        ("## The card\n", "## Card\n", "its last sections are"),
        (":class: card\n", "", "it has no card"),
        ('check("7.1", one)', "one", "no exercise is checked"),
        ("### Exercise 7.3. Three\n", "", "its exercises are numbered"),
        ("### Exercise 7.5 (to write up). Five\n", "", "it has 1 exercises to write up"),
        ("### Exercise 7.5 (to write up)", "### Exercise 8.5 (to write up)", "are numbered"),
    ],
)
def test_each_fault_is_found(found, old, new, fault):
    assert old in SOUND
    assert any(fault in sentence for sentence in found(SOUND.replace(old, new)))


def test_too_long_for_one_sitting(found):
    cell = "```{code-cell} ipython3\n" + "a = 1\n" * 15 + "```\n\n"
    long = SOUND.replace("## The card\n", cell * 9 + "## The card\n")
    assert "its spine takes 40 minutes, expected 22 to 35: one sitting" in found(long)


def test_a_manifest_that_promises_less(found):
    assert found(chapter=replace(CHAPTER, minutes=15)) == [
        "the manifest says 15 minutes, its spine takes 22"
    ]
    assert found(chapter=replace(CHAPTER, deeper_minutes=6)) == [
        "the manifest says 6 minutes of going deeper, not 2"
    ]


@pytest.mark.parametrize("claims", [4, 15])
def test_too_few_or_too_many_claims(found, claims):
    assert found(claims=claims) == [f"it has {claims} claims, expected 5 to 14"]


def test_too_few_checked_exercises(found):
    text = SOUND.replace("### Exercise 7.3. Three", "### Exercise 7.3 (to write up). Three")
    assert found(text) == ["it has 2 checked exercises, expected 3 to 6"]
