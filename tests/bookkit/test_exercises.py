"""Every exercise accepts its solution and rejects the usual wrong answers with the right hint."""

import ast
import importlib
from itertools import combinations
from pathlib import Path

import jupytext
import numpy as np
import pytest

from bookkit.exercises.engine import LIKELY, NotYet
from bookkit.manifest import chapters_of, read_manifest

CHAPTERS = chapters_of(read_manifest())
EXERCISES = {
    exercise.number: exercise
    for chapter in CHAPTERS
    for exercise in importlib.import_module(
        f"bookkit.exercises.chapter_{chapter.number:02d}"
    ).EXERCISES
}


def verdict(exercise, answer):
    with pytest.raises(NotYet) as refusal:
        exercise.judge(answer)
    return str(refusal.value)


@pytest.mark.parametrize("exercise", EXERCISES.values(), ids=EXERCISES)
def test_the_reference_passes(exercise):
    assert exercise.judge(exercise.reference) >= 3


@pytest.mark.parametrize("exercise", EXERCISES.values(), ids=EXERCISES)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_usual_wrong_answers_are_rejected_with_their_hint(exercise):
    assert len(exercise.slips) >= 3
    for slip in exercise.slips:
        assert verdict(exercise, slip.wrong).endswith(slip.hint)


@pytest.mark.parametrize("exercise", EXERCISES.values(), ids=EXERCISES)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_near_misses_are_rejected_without_a_false_hint(exercise):
    """A near miss gives a result, a wrong one; no hint of a slip is true of it in all cases."""
    for answer in exercise.near_misses:
        sentence = verdict(exercise, answer)
        assert "result should" in sentence
        for slip in exercise.slips:
            assert slip.hint not in sentence.replace(LIKELY + slip.hint, "")


@pytest.mark.parametrize("exercise", EXERCISES.values(), ids=EXERCISES)
def test_at_least_eight_wrong_answers_are_near_and_no_two_of_them_are_one(exercise):
    wrong = [*(slip.wrong for slip in exercise.slips), *exercise.near_misses]
    cases = exercise.all_cases()
    results = [[exercise.result(answer, case) for case in cases] for answer in wrong]
    for one, other in combinations(results, 2):
        assert not all(map(exercise.alike, one, other, cases))
    assert len(wrong) >= 8
    assert exercise.near_misses


@pytest.mark.parametrize("exercise", EXERCISES.values(), ids=EXERCISES)
def test_a_constant_does_not_pass(exercise):
    for case in exercise.all_cases():
        constant = exercise.reference(*case)
        assert verdict(exercise, lambda *_, constant=constant: constant).startswith("Not yet.")


def of_each_part(change, result):
    """A change made to every part of a result that has numbers."""
    if isinstance(result, tuple):
        return tuple(of_each_part(change, part) for part in result)
    return result if isinstance(result, str) else change(np.asarray(result))


@pytest.mark.parametrize("exercise", EXERCISES.values(), ids=EXERCISES)
def test_rounded_results_do_not_pass_unless_they_are_whole_or_true(exercise):
    results = [exercise.reference(*case) for case in exercise.all_cases()]
    parts = [np.asarray(p) for r in results for p in (r if isinstance(r, tuple) else (r,))]
    numbers = [part[np.isfinite(part)] for part in parts if part.dtype.kind == "f"]
    if all((part == np.rint(part)).all() for part in numbers):
        return
    for places in (2, 4):

        def rounded(*arguments, places=places):
            def change(part):
                return np.round(part, places) if part.dtype.kind == "f" else part

            return of_each_part(change, exercise.reference(*arguments))

        assert verdict(exercise, rounded).startswith("Not yet.")


@pytest.mark.parametrize("exercise", EXERCISES.values(), ids=EXERCISES)
def test_the_reference_cannot_be_reached_through_the_arguments(exercise):
    for case in exercise.cases(np.random.default_rng(0)):
        for argument in case:
            assert isinstance(argument, (int, float, str, list, np.ndarray))


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda chapter: chapter.path)
def test_the_chapter_checks_each_of_its_exercises_once(chapter):
    cells = jupytext.read(Path("chapters") / f"{chapter.path}.md").cells
    calls = [
        node.args[0].value
        for cell in cells
        if cell.cell_type == "code"
        for node in ast.walk(ast.parse(cell.source))
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "check"
    ]
    assert calls == [n for n in EXERCISES if n.split(".")[0] == str(chapter.number)]
