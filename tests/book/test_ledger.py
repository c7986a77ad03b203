"""The claims of the book: numbered 1 … n in each chapter, and pointed to only where they are."""

import json
import re
from pathlib import Path
from types import SimpleNamespace

import pytest

from bookkit.claims import RECORD
from bookkit.ledger import entries_of, gather, pointers, problems

ROOT = Path(__file__).resolve().parents[2]
CHAPTER = """
[[part.chapter]]
number = {number}
path = "one/{name}"
title = "A title"
summary = "A sentence."
minutes = 7
exercise_minutes = 8
deeper_minutes = 0
needs = []
"""


def claims_of(*numbers):
    """A code cell for each claim, as `claim` stores it."""
    record = {"statement": "It holds", "measured": "3", "required": "≥ 2", "source": None}
    for number in numbers:
        data = {"text/plain": "Claim", RECORD: {"number": number, **record}}
        yield {
            "cell_type": "code",
            "metadata": {},
            "source": [],
            "outputs": [{"output_type": "stream", "text": "x"}, {"data": data}],
        }


def text(*lines):
    return {"cell_type": "markdown", "metadata": {}, "source": [f"{line}\n" for line in lines]}


@pytest.fixture
def book(tmp_path):
    """A function that writes a book of chapters, {number: cells}, and of front matter."""

    def write(chapters, front=""):
        (tmp_path / "chapters/one").mkdir(parents=True)
        (tmp_path / "book").mkdir()
        (tmp_path / "book/front.md").write_text(front, encoding="utf-8")
        manifest = '[[part]]\ntitle = "One"\n'
        for number, cells in chapters.items():
            path = tmp_path / f"chapters/one/c{number}"
            path.with_suffix(".md").touch()
            path.with_suffix(".ipynb").write_text(json.dumps({"cells": cells}), encoding="utf-8")
            manifest += CHAPTER.format(number=number, name=path.name)
        (tmp_path / "chapters/manifest.toml").write_text(manifest, encoding="utf-8")
        return tmp_path

    return write


def test_the_book_itself():
    assert list(problems(ROOT)) == []
    assert all(len(entries) >= 5 for _, entries in gather(ROOT))


def test_a_sound_book(book):
    prose = (
        "As claim 0.1 and claims 1.2–1.10 say, see [there](#claim-1.3). Version 7.7 is no claim."
    )
    root = book(
        {
            0: [text("# Zero"), *claims_of("0.1")],
            1: [*claims_of(*(f"1.{n}" for n in range(1, 11))), text(prose)],
        },
        front="Claim 0.1 is the first.",
    )
    assert list(problems(root)) == []


@pytest.mark.parametrize(
    ("numbers", "fault"),
    [
        (["1.1", "1.2", "1.2"], "claim 1.2 is there twice"),
        (["1.1", "2.2"], "claim 2.2 is not numbered 1.1, 1.2, …"),
        (["1.1", "1.2b"], "claim 1.2b is not numbered 1.1, 1.2, …"),
        (["1.1", "1.02"], "claim 1.02 is not numbered 1.1, 1.2, …"),
        (["1.1", "1.3"], "claim 1.2 is missing"),
        (["1.2"], "claim 1.1 is missing"),
        (["1.2", "1.1"], "claim 1.1 stands after claim 1.2"),
    ],
)
def test_bad_numbers(book, numbers, fault):
    assert list(problems(book({1: list(claims_of(*numbers))}))) == [f"one/c1: {fault}"]


@pytest.mark.parametrize(
    "prose",
    [
        "See claim 1.9.",
        "Claims 1.1 and 1.9 say so.",
        "Claims 1.1, 1.9 and 1.2 say so.",
        "claims 1.1–1.9",
        "See claim\n1.9.",
        "See [there](#claim-1.9).",
        "See [there](/chapters/one/c1.ipynb#claim-1.9).",
    ],
)
def test_pointers_to_nothing(book, prose):
    root = book({1: [*claims_of("1.1", "1.2"), text(prose)]})
    assert list(problems(root)) == ["one/c1: it points to claim 1.9, which is not there"]


def test_pointers_in_captions_and_front_matter(book):
    (cell,) = claims_of("1.1")
    cell["metadata"] = {"mystnb": {"figure": {"caption": "As claim 1.8 says."}}}
    assert list(problems(book({1: [cell]}, front="Claim 1.9 is good."))) == [
        "one/c1: it points to claim 1.8, which is not there",
        "book/front.md: it points to claim 1.9, which is not there",
    ]


def test_pointers_to_another_chapter(book):
    root = book({0: [text("Claim 1.1 will show it.")], 1: list(claims_of("1.1"))})
    assert list(problems(root)) == []


def test_pointers():
    assert pointers("Claims 2.1, 2.2, and 2.10; a claim of 3.5 percent; #claim-4.1") == [
        "2.1",
        "2.2",
        "2.10",
        "4.1",
    ]


def test_entries_hold_the_evidence_and_are_sorted_by_number(book):
    root = book({0: list(claims_of("0.10", "0.2"))})
    ((chapter, entries),) = gather(root)
    assert chapter.number == 0
    assert [entry.number for entry in entries] == ["0.2", "0.10"]
    assert (entries[0].statement, entries[0].measured, entries[0].required) == (
        "It holds",
        "3",
        "≥ 2",
    )
    assert entries[0].spread is None


def test_entries_come_in_the_order_of_the_notebook():
    cells = list(claims_of("0.10", "0.2"))
    assert [entry.number for entry in entries_of({"cells": cells})] == ["0.10", "0.2"]


@pytest.mark.parametrize("chapter", [c.number for c, _ in gather(ROOT)])
def test_statements_make_sense_alone(chapter):
    """In the ledger no sentence stands before a statement."""
    (entries,) = [entries for c, entries in gather(ROOT) if c.number == chapter]
    leaning = re.compile(r"(The same|In the same|It|This|These|That|Those|Meanwhile|And|But)\b")
    found = [entry.statement for entry in entries if leaning.match(entry.statement)]
    assert not found


def number(printed):
    return float(printed.replace("−", "-").rstrip("%"))


def unsupported(entry):
    """The bounds of a claim over seeds that lie inside the 95% interval of its own mean."""
    low, high = map(
        number, re.search(r"95% interval of the mean (\S+) to (\S+)", entry.spread).groups()
    )
    expected = re.fullmatch(r"(\S+) ± (\S+)", entry.required)
    if expected:
        center, half = map(number, expected.groups())
        half *= 100 if "%" in expected[1] else 1
        bounds = {"≥": center - half, "≤": center + half}
    else:
        bounds = {
            sign: number(bound) for sign, bound in re.findall(r"([≥≤]) (\S+)", entry.required)
        }
    return [
        sign
        for sign, bound in bounds.items()
        if (sign == "≥" and bound > low) or (sign == "≤" and bound < high)
    ]


@pytest.mark.parametrize(
    ("required", "spread", "found"),
    [
        ("≥ 0.15", "5 seeds, 0.1 to 0.3, 95% interval of the mean 0.13 to 0.26", ["≥"]),
        ("≥ 0.12", "5 seeds, 0.1 to 0.3, 95% interval of the mean 0.13 to 0.26", []),
        (
            "≥ −0.02 and ≤ 0.06",
            "9 seeds, 0 to 0, 95% interval of the mean −0.04 to 0.1",
            ["≥", "≤"],
        ),
        ("0.00 ± 0.06", "5 seeds, −1 to 1, 95% interval of the mean −0.05 to 0.13", ["≤"]),
        ("50% ± 0.04", "5 seeds, 47% to 53%, 95% interval of the mean 47% to 53%", []),
        ("< 1e-12", "5 seeds, 0 to 0, 95% interval of the mean 0 to 0", []),
    ],
)
def test_a_bound_inside_its_own_interval_is_found(required, spread, found):
    assert unsupported(SimpleNamespace(required=required, spread=spread)) == found


@pytest.mark.parametrize("chapter", range(7))
def test_the_seeds_support_what_part_one_requires(chapter):
    """Other seeds would be likely to miss a bound inside the interval: it says too much."""
    (entries,) = [entries for c, entries in gather(ROOT) if c.number == chapter]
    assert [entry.number for entry in entries if entry.spread and unsupported(entry)] == []
