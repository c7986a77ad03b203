"""Checks of exercises that answer in sentences."""

import copy
import importlib
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from html import escape

import numpy as np
from IPython.display import display

from bookkit.exercises.answers import difference
from bookkit.exercises.running import misfit, run, saying_when_slow
from bookkit.exercises.words import show

LIKELY = "In this case it looks like a usual slip: "
STOPPED = object()  # what a slip that raises an exception returns; it is like nothing
ROUNDING = 1e-5  # of the largest argument: the smallest scale that is not declared


class _Sentence(Exception):
    """An error that a notebook shows as its sentence, without a traceback."""

    def _render_traceback_(self):
        return [str(self)]


class NotYet(_Sentence, AssertionError):
    """An exercise that is not solved yet."""


class NoSuchExercise(_Sentence, ValueError):
    """A number that no exercise has."""


@dataclass(frozen=True)
class Slip:
    """A usual wrong answer, and what to say to somebody who gives it."""

    wrong: Callable
    hint: str


@dataclass(frozen=True)
class Exercise:
    """An exercise that asks for a function.

    Attributes
    ----------
    number : str
        Such as "0.1".
    arguments : sequence of str
        What the function takes, in order; used in the sentences.
    cases : callable
        Takes a `numpy.random.Generator`, yields tuples of arguments, the simplest first.
    reference : callable
        The right answer; it never sees the arrays that the reader's function sees.
    slips : sequence of Slip
        Usual wrong answers. A hint is stated as fact only where its slip and the reader's answer
        agree in every case that was tried.
    near_misses : sequence of callable
        More wrong answers, each right but for one thing. Some case must tell each apart.
    tolerance : float
        Largest error, relative to the scale.
    scale : callable, optional
        Takes the arguments of a case, returns the size of the numbers in it: one for all parts of
        the result, or a tuple with one for each. Without it, the scale of a part is its largest
        entry, or 1e-5 of the largest argument if that is more, so that an exact 0 may be missed
        by a rounding error.
    praise : str
        What a right answer has shown, and the cases have checked.
    """

    number: str
    arguments: Sequence[str]
    cases: Callable
    reference: Callable
    slips: Sequence[Slip] = ()
    near_misses: Sequence[Callable] = field(default=(), kw_only=True)
    tolerance: float = field(default=1e-9, kw_only=True)
    scale: Callable | None = field(default=None, kw_only=True)
    praise: str = field(default="", kw_only=True)

    def judge(self, answer):
        """Return the number of cases if all are right; else raise `NotYet` at the first wrong."""
        if problem := misfit(answer, self.arguments):
            raise NotYet(f"Not yet. {problem}")
        cases, came = self.all_cases(), []
        for case in cases:
            result, problem = self._try(answer, case)
            came.append(result)
            if problem:
                hint = "" if result is None else self._hint(answer, cases, came)
                raise NotYet(f"Not yet. For {self._describe(case)} {problem}{hint}")
        return len(cases)

    def all_cases(self):
        """The cases, the same ones every time."""
        return list(self.cases(np.random.default_rng(20261121)))

    def alike(self, one, other, case, relative=None):
        """Whether two results of a case agree, to within the tolerance or another one."""
        if one is STOPPED or other is STOPPED:
            return False
        return difference(one, other, self._allowed(case, relative or self.tolerance)) is None

    def result(self, function, case):
        """What the reference or a slip returns, without its warnings; STOPPED if it raises."""
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            try:
                return function(*copy.deepcopy(case))
            except Exception:
                return STOPPED

    def _try(self, answer, case):
        """Return what came and a sentence on what is wrong; None for what is not there."""
        given = copy.deepcopy(case)
        came, problem = run(answer, given)
        if problem:
            return None, problem
        for name, before, after in zip(self.arguments, case, given, strict=True):
            if not _untouched(before, after):
                return None, (
                    f"the result may be right, but your function changes its argument {name} in "
                    "place. Work on a copy, or write a = a − b instead of a -= b."
                )
        wanted = self.reference(*copy.deepcopy(case))
        return came, difference(wanted, came, self._allowed(case, self.tolerance))

    def _allowed(self, case, relative):
        """The largest absolute error of a part of the result."""
        declared = self.scale(*copy.deepcopy(case)) if self.scale else None
        least = ROUNDING * max(map(_largest, case), default=0)

        def allowed(part, place):
            if declared is None:
                return relative * max(_largest(part), least)
            return relative * (declared[place] if isinstance(declared, tuple) else declared)

        return allowed

    def _hint(self, answer, cases, came):
        """The hint of the slip that explains what came, the last of which is wrong.

        A slip that is right in the failed case explains nothing, and one that agrees there alone
        is no more than likely. So the answer is asked once more, in the case that tells most.
        """
        tried, rest = cases[: len(came)], cases[len(came) :]
        here = [s for s in self.slips if self._explains(s, tried[-1], came[-1])]
        fitting = [s for s in here if self._agrees_in_all(s, tried, came)]
        fitting, further = self._confirmed(fitting, answer, rest)
        overflow = len(came) > 1 and not _finite(came[-1])
        if fitting:
            sure = overflow or any(map(_telling, [came[-1], *further])) or _vary(came[-1], further)
            return f" {'' if sure else LIKELY}{fitting[0].hint}"
        if here and _finite(came[-1]) and _telling(came[-1]):
            return f" {LIKELY}{here[0].hint}"
        return ""

    def _confirmed(self, slips, answer, rest):
        """Those slips that the answer agrees with in a further case too, and what came there.

        More cases are asked only while they tell the remaining slips apart.
        """
        came, rest = [], rest[::-1]
        while slips and rest:
            functions = [slip.wrong for slip in slips] + ([] if came else [self.reference])
            case = max(rest, key=lambda case: self._worth(functions, case))
            if came and self._variety(functions, case) < 2:
                break
            result, _ = run(answer, copy.deepcopy(case))
            came.append(result)
            slips = [slip for slip in slips if self._agrees_in_all(slip, [case], [result])]
            rest = [other for other in rest if other is not case]
        return slips, came

    def _worth(self, functions, case):
        """How much a case tells: the more results differ, and the more numbers they have."""
        results = [self.result(function, case) for function in functions]
        return (
            self._variety(functions, case),
            all(map(_finite, results)),
            max(len(_numbers_in(result)) for result in results),
        )

    def _explains(self, slip, case, came):
        wrong = self.result(slip.wrong, case)
        right = self.result(self.reference, case)
        return self.alike(wrong, came, case, 1e-6) and not self.alike(right, wrong, case)

    def _agrees_in_all(self, slip, cases, came):
        return all(
            self.alike(self.result(slip.wrong, case), result, case, 1e-6)
            for case, result in zip(cases, came, strict=True)
        )

    def _variety(self, functions, case):
        """How many different results some functions have in a case."""
        different = []
        for result in (self.result(function, case) for function in functions):
            if not any(self.alike(other, result, case) for other in different):
                different.append(result)
        return len(different)

    def _describe(self, case):
        pairs = zip(self.arguments, case, strict=True)
        return ", ".join(f"{name} = {show(value)}" for name, value in pairs)


def check(number, answer):
    """Check an answer to the exercise of this number and say what is wrong with it, if anything.

    Raises
    ------
    NotYet
        With the first input that fails, what was expected, what came, and the likely slip.
    NoSuchExercise
        A `ValueError`: there is no exercise of this number.
    """
    exercise = find(number)
    try:
        with saying_when_slow(number):
            cases = exercise.judge(answer)
    except KeyboardInterrupt:
        raise NotYet("Not yet. The check was interrupted.") from None
    praise = f" {exercise.praise}" if exercise.praise else ""
    line = f"Exercise {number} ✓ Right in all {cases} cases.{praise}"
    html = f'<div class="exercise-right">{escape(line, quote=False)}</div>'
    display({"text/plain": line, "text/html": html}, raw=True)


def find(number):
    """The exercise of this number, from the module of its chapter."""
    if not isinstance(number, str):
        raise NoSuchExercise(
            f'number: the number of an exercise is a text, such as "0.1", and comes first: '
            f'check("0.1", …); got {show(number)}'
        )
    chapter = number.split(".")[0]
    try:
        module = importlib.import_module(f"bookkit.exercises.chapter_{int(chapter):02d}")
        return next(e for e in module.EXERCISES if e.number == number)
    except (ValueError, ModuleNotFoundError, StopIteration):
        raise NoSuchExercise(f"number: there is no exercise {number!r}") from None


def _untouched(before, after):
    if isinstance(before, np.ndarray):
        return np.array_equal(before, after, equal_nan=before.dtype.kind == "f")
    if isinstance(before, (list, tuple)):
        alike = type(before) is type(after) and len(before) == len(after)
        return alike and all(map(_untouched, before, after))
    return type(before) is type(after) and before == after


def _numbers_in(value):
    """All real numbers in a result, one after another; none where it holds anything else."""
    parts = value if isinstance(value, tuple) else (value,)
    try:
        arrays = [np.ravel(np.asarray(part)) for part in parts]
        return np.concatenate([a.astype(float) for a in arrays if a.dtype.kind in "fiub"])
    except Exception:  # results of any kind come here
        return np.empty(0)


def _largest(value):
    numbers = _numbers_in(value)
    return np.abs(numbers[np.isfinite(numbers)]).max(initial=0)


def _finite(value):
    return bool(np.isfinite(_numbers_in(value)).all())


def _telling(value):
    """Whether two results of this kind are hardly alike by chance: many digits, or many entries."""
    numbers = _numbers_in(value)
    numbers = numbers[np.isfinite(numbers)]
    small = (numbers == np.rint(numbers)) & (np.abs(numbers) < 100)
    return len(numbers) > 3 or not small.all()


def _vary(value, further):
    """Whether numbers came, and not the same in all cases."""
    return any(
        len(_numbers_in(other)) and not np.array_equal(_numbers_in(value), _numbers_in(other))
        for other in further
    )
