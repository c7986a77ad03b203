"""What a failure, a dead worker or an interruption costs: only the run that it hit."""

import copyreg
import json
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import BrokenExecutor, Executor, Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from descent.experiments import choice, grid, random_search, seeds, uniform


def fails_at(cell, a, seed):
    if (a, seed) == cell:
        raise FloatingPointError(f"diverged at {a}")
    return a + seed / 10


def refuses_one(a, seed):
    return fails_at((2, 1), a, seed)


def kills_its_process_once(mark, a, seed):
    """The first time, cell (2, 1) ends its process, as when memory runs out."""
    if (a, seed) == (2, 1) and not Path(mark).exists():
        Path(mark).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return a + seed / 10


def always_dies(seed):
    os.kill(os.getpid(), signal.SIGKILL)


def noise(lr, rng):
    return lr + rng.random()


def drawn_number(a, rng):
    return rng.integers(2**32)


class TwoParts(Exception):
    """An error that can be pickled, but not unpickled."""

    def __init__(self, first, second):
        super().__init__(f"{first} and {second}")


def refuses_one_in_two_parts(a, seed):
    if (a, seed) == (2, 1):
        raise TwoParts("one", "another")
    return a + seed / 10


def refuses_one_beside_dask(a, seed):
    """Dask has Python pickle errors with their context, all those that are defined by then."""
    import distributed  # noqa: F401

    copyreg.dispatch_table.pop(TwoParts, None)  # TwoParts comes later
    return refuses_one_in_two_parts(a, seed)


AXES = {"a": [1, 2, 3]}
EXPECTED = np.array([[1.0, 1.1], [2.0, 2.1], [3.0, 3.1]])
WITH_GAP = np.where(EXPECTED == 2.1, np.nan, EXPECTED)


def lines(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


class Counted:
    """A run that remembers what it was asked."""

    def __init__(self, run=lambda a, seed: a + seed / 10):
        self.run, self.calls = run, []

    def __call__(self, **options):
        self.calls.append(tuple(options.values()))
        return self.run(**options)


class TestErrors:
    @pytest.mark.parametrize("workers", [1, 2, ThreadPoolExecutor(2)])
    def test_recorded_as_nan_with_a_warning(self, workers):
        message = (
            r"1 of 6 runs failed; the first had the options \{'a': 2, 'seed': 1\}: "
            "FloatingPointError: diverged at 2"
        )
        with pytest.warns(RuntimeWarning, match=message):
            results = grid(refuses_one, AXES, 2, workers=workers, on_error="record")
        np.testing.assert_array_equal(results, WITH_GAP)

    @pytest.mark.parametrize("workers", [1, 2, ThreadPoolExecutor(2)])
    def test_raised_unless_told_otherwise_with_the_options(self, workers):
        with pytest.raises(FloatingPointError, match="diverged at 2") as caught:
            grid(refuses_one, AXES, 2, workers=workers)
        assert caught.value.__notes__ == ["This run had the options {'a': 2, 'seed': 1}."]

    def test_of_arrays(self):
        def run(seed):
            if seed != 1:
                raise ValueError
            return [1, 2]

        with pytest.warns(RuntimeWarning, match="2 of 3 runs failed"):
            results = seeds(run, 3, on_error="record")
        np.testing.assert_array_equal(results, [[np.nan] * 2, [1, 2], [np.nan] * 2])

    def test_of_all_runs(self):
        with pytest.warns(RuntimeWarning, match="2 of 2 runs failed"):
            results = seeds(lambda seed: 1 / 0, 2, on_error="record")
        np.testing.assert_array_equal(results, [np.nan, np.nan])

    def test_an_interruption_is_no_error_of_a_run(self):
        def run(seed):
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            seeds(run, 2, on_error="record")

    def test_in_a_random_search(self):
        def run(a, rng):
            return 1 / (a - 1)

        with pytest.warns(RuntimeWarning, match=r"of 20 runs failed; the first had the options"):
            trials = random_search(
                {"a": choice([1, 2])}, run, 20, np.random.default_rng(0), on_error="record"
            )
        for trial in trials:
            if trial.options["a"] == 2:
                assert (trial.result, trial.error) == (1.0, None)
            else:
                assert np.isnan(trial.result)
                assert trial.error == "ZeroDivisionError: division by zero"

    def test_of_different_shapes(self):
        message = r"results of one shape, got \(1,\) with \{'seed': 0\}, \(2,\) with \{'seed': 1\}"
        with pytest.raises(ValueError, match=message):
            seeds(lambda seed: np.zeros(seed + 1), 2)

    def test_unknown_way(self):
        with pytest.raises(ValueError, match="on_error must be one of 'raise', 'record'"):
            seeds(lambda seed: 1, 2, on_error="ignore")


class TestWorkersThatDie:
    def test_are_replaced(self, tmp_path):
        run = partial(kills_its_process_once, tmp_path / "mark")
        np.testing.assert_array_equal(grid(run, AXES, 2, workers=2), EXPECTED)

    def test_again_and_again(self):
        message = "a worker process died before any run ended.*; 0 of 3 runs are done"
        with pytest.raises(RuntimeError, match=message):
            seeds(always_dies, 3, workers=2, on_error="record")

    def test_of_an_executor_of_ones_own_leave_what_is_done(self, tmp_path):
        class Breaks(Executor):
            """Runs two jobs, then breaks, with one still to end."""

            def __init__(self):
                self.futures = []

            def submit(self, function, *arguments):
                future = Future()
                self.futures.append(future)
                if len(self.futures) == 3:
                    future.set_exception(BrokenExecutor("gone"))
                elif len(self.futures) != 5:
                    future.set_result(function(*arguments))
                return future

        executor, path = Breaks(), tmp_path / "runs.jsonl"
        with pytest.raises(BrokenExecutor, match="gone"):
            grid(Counted(), AXES, 2, workers=executor, store=path, on_error="record")
        assert [(line["a"], line["seed"]) for line in lines(path)[1:]] == [
            *[(1, 0), (1, 1), (2, 1), (3, 1)]
        ]
        assert executor.futures[4].cancelled()
        rest = Counted()
        np.testing.assert_array_equal(grid(rest, AXES, 2, store=path), EXPECTED)
        assert rest.calls == [(2, 0), (3, 0)]


class TestStore:
    def test_is_a_line_for_the_experiment_and_one_for_each_run(self, tmp_path):
        path = tmp_path / "runs.jsonl"
        with pytest.warns(RuntimeWarning, match="1 of 6 runs failed"):
            grid(refuses_one, AXES, 2, store=path, on_error="record")
        assert path.read_text(encoding="utf-8") == (
            '{"format": "descent experiment 1", "run": "refuses_one", '
            '"axes": {"a": [1, 2, 3], "seed": [0, 1]}}\n'
            '{"a": 1, "seed": 0, "result": 1.0}\n'
            '{"a": 1, "seed": 1, "result": 1.1}\n'
            '{"a": 2, "seed": 0, "result": 2.0}\n'
            '{"a": 2, "seed": 1, "error": "FloatingPointError: diverged at 2"}\n'
            '{"a": 3, "seed": 0, "result": 3.0}\n'
            '{"a": 3, "seed": 1, "result": 3.1}\n'
        )
        assert os.listdir(tmp_path) == ["runs.jsonl"]

    @pytest.mark.parametrize("workers", [2, ThreadPoolExecutor(3)])
    def test_does_not_depend_on_the_workers(self, tmp_path, workers):
        grid(delayed, AXES, 2, store=tmp_path / "alone")
        grid(delayed, AXES, 2, store=tmp_path / "together", workers=workers)
        alone, together = ((tmp_path / name).read_bytes() for name in ("alone", "together"))
        assert alone == together

    def test_what_is_done_is_not_run_again(self, tmp_path):
        first, second, third = Counted(refuses_one), Counted(), Counted()
        with pytest.raises(FloatingPointError):
            grid(first, AXES, 2, store=tmp_path / "runs")
        assert first.calls == [(1, 0), (1, 1), (2, 0), (2, 1)]
        np.testing.assert_array_equal(grid(second, AXES, 2, store=tmp_path / "runs"), EXPECTED)
        assert second.calls == [(2, 1), (3, 0), (3, 1)]
        np.testing.assert_array_equal(grid(third, AXES, 2, store=tmp_path / "runs"), EXPECTED)
        assert third.calls == []

    def test_a_recorded_error_stands_until_it_is_to_be_raised(self, tmp_path):
        path = tmp_path / "runs"
        for times in (6, 0):
            run = Counted(refuses_one)
            with pytest.warns(RuntimeWarning, match="1 of 6 runs failed"):
                results = grid(run, AXES, 2, store=path, on_error="record")
            np.testing.assert_array_equal(results, WITH_GAP)
            assert len(run.calls) == times
        repaired = Counted()
        np.testing.assert_array_equal(grid(repaired, AXES, 2, store=path), EXPECTED)
        assert repaired.calls == [(2, 1)]
        assert "error" not in path.read_text(encoding="utf-8")

    def test_a_killed_program_goes_on(self, tmp_path):
        path = tmp_path / "runs.jsonl"
        command = [sys.executable, "-c", KILLED, str(path)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, encoding="utf-8")
        for _ in range(3):
            assert process.stdout.readline() == "run\n"
        process.kill()
        process.communicate()
        kept = lines(path)
        assert 2 <= len(kept) - 1 <= 3
        rest = Counted(lambda seed: seed / 3)
        rest.__qualname__ = "run"
        results = seeds(rest, 20, store=path)
        assert len(rest.calls) == 20 - (len(kept) - 1)
        assert results.tolist() == [seed / 3 for seed in range(20)]

    @pytest.mark.parametrize(
        "result",
        [
            0.1,
            1 / 3,
            float("inf"),
            -0.0,
            3,
            True,
            [1.5, float("nan")],
            np.arange(6.0).reshape(2, 3),
        ],
    )
    def test_results_come_back_to_the_last_bit(self, tmp_path, result):
        fresh = seeds(lambda seed: result, 1, store=tmp_path / "runs")
        again = seeds(lambda seed: result, 1, store=tmp_path / "runs")
        for came in (fresh, again):
            np.testing.assert_array_equal(came, [result], strict=True)
            assert np.array_equal(np.signbit(came), np.signbit([result]))

    def test_numbers_and_texts_of_any_kind_as_options(self, tmp_path):
        axes = {
            "lr": np.geomspace(1e-3, 1, 4),
            "batch": [np.int64(16), 32],
            "rule": ["SGD", "Größe\u2028x"],
            "betas": [(0.9, 0.99), None],
            "limit": [np.nan],
        }
        run = Counted(lambda **options: options["lr"])
        for _ in range(2):
            results = grid(run, axes, 1, store=tmp_path / "runs")
        assert len(run.calls) == 32
        assert results[3, 0, 0, 0, 0, 0] == 1.0

    def test_a_random_search_goes_on(self, tmp_path):
        space = {"lr": uniform(0.0, 1.0)}
        expected = random_search(space, noise, 5, np.random.default_rng(0))

        def broken(lr, rng):
            if lr == expected[3].options["lr"]:
                raise MemoryError
            return noise(lr, rng)

        broken.__qualname__ = "noise"
        path = tmp_path / "runs"
        with pytest.raises(MemoryError):
            random_search(space, broken, 5, np.random.default_rng(0), store=path)
        assert [line["trial"] for line in lines(path)[1:]] == [0, 1, 2]
        again = random_search(space, noise, 5, np.random.default_rng(0), store=path)
        assert again == expected

    def test_of_a_random_search_tells_the_generator_by_a_number(self, tmp_path):
        path, space = tmp_path / "runs", {"a": choice([7])}
        (trial,) = random_search(space, drawn_number, 1, np.random.default_rng(5), store=path)
        number = int(np.random.default_rng(5).spawn(1)[0].integers(2**32))
        assert trial.result == number
        assert lines(path) == [
            {"format": "descent experiment 1", "run": "drawn_number", "first_number": number},
            {"trial": 0, "a": 7, "result": number},
        ]

    def test_more_trials_of_a_random_search_use_those_that_are_done(self, tmp_path):
        space, path = {"lr": uniform(0.0, 1.0)}, tmp_path / "runs"
        first = random_search(space, noise, 3, np.random.default_rng(0), store=path)
        more = random_search(space, noise, 5, np.random.default_rng(0), store=path)
        assert more[:3] == first
        assert len(lines(path)) == 1 + 5

    @pytest.mark.parametrize("space", [{"lr": uniform(0.0, 1.0)}, {"lr": choice([0.5])}])
    def test_a_random_search_of_another_generator_is_refused(self, tmp_path, space):
        random_search(space, noise, 2, np.random.default_rng(0), store=tmp_path / "runs")
        with pytest.raises(ValueError, match="holds another experiment"):
            random_search(space, noise, 2, np.random.default_rng(1), store=tmp_path / "runs")

    def test_a_random_search_in_another_space_is_refused(self, tmp_path):
        path = tmp_path / "runs"
        random_search({"lr": uniform(0.0, 1.0)}, noise, 2, np.random.default_rng(0), store=path)
        with pytest.raises(ValueError, match="holds a run that is not of this experiment"):
            random_search({"lr": uniform(0.0, 2.0)}, noise, 2, np.random.default_rng(0), store=path)

    @pytest.mark.parametrize(
        ("run", "axes", "number"),
        [(noise, AXES, 2), (refuses_one, {"a": [1, 2]}, 2), (refuses_one, AXES, 3)],
    )
    def test_a_file_of_another_experiment_is_refused_and_stays(self, tmp_path, run, axes, number):
        path = tmp_path / "runs"
        with pytest.raises(FloatingPointError):
            grid(refuses_one, AXES, 2, store=path)
        before = path.read_bytes()
        with pytest.raises(
            ValueError, match=r"runs holds another .* expected .*}; choose another file$"
        ):
            grid(run, axes, number, store=path)
        assert path.read_bytes() == before

    @pytest.mark.parametrize(
        "content",
        [b"", b"lr,loss\n0.1,2\n", b"[1]\n", b"3\n", b"{}\n", b'{"format": "x 1"}\n', b"\xff\xfe"],
    )
    def test_other_files_are_refused_and_stay(self, tmp_path, content):
        path = tmp_path / "runs"
        path.write_bytes(content)
        with pytest.raises(ValueError, match="runs does not hold an experiment: "):
            seeds(lambda seed: 1, 2, store=path)
        assert path.read_bytes() == content

    def test_a_file_of_a_later_format_is_told_by_it(self, tmp_path):
        path = tmp_path / "runs"
        path.write_text('{"format": "descent experiment 2"}\n', encoding="utf-8")
        message = "its format is 'descent experiment 2', expected 'descent experiment 1'$"
        with pytest.raises(ValueError, match=message):
            seeds(lambda seed: 1, 2, store=path)

    def test_an_interrupted_write_leaves_the_old_file(self, tmp_path, monkeypatch):
        path = tmp_path / "runs"

        def run(seed):
            if seed == 2:
                monkeypatch.setattr(os, "replace", fail)
            return seed

        def fail(*_):
            raise OSError("disk full")

        with pytest.raises(OSError, match="disk full"):
            seeds(run, 4, store=path, on_error="record")
        assert [line.get("result") for line in lines(path)] == [None, 0, 1]
        assert os.listdir(tmp_path) == ["runs"]

    @pytest.mark.parametrize(
        ("axes", "error", "message"),
        [
            ({"rule": [len]}, TypeError, "the options must be numbers, texts.*got <built-in"),
            ({"result": [1]}, ValueError, "an option may not be named 'result'"),
            ({"error": [1]}, ValueError, "an option may not be named 'error'"),
            ({"lr": [0.1, 0.1]}, ValueError, "the options of two runs are equal"),
        ],
    )
    def test_options_that_cannot_be_stored(self, tmp_path, axes, error, message):
        run = Counted()
        with pytest.raises(error, match=message):
            grid(run, axes, 1, store=tmp_path / "runs")
        assert run.calls == []
        assert os.listdir(tmp_path) == []

    def test_a_result_that_cannot_be_stored(self, tmp_path):
        run = Counted(lambda seed: 1j)
        message = "the result of the run with {'seed': 0} must be numbers.*got 1j"
        with pytest.raises(TypeError, match=message):
            seeds(run, 5, store=tmp_path / "runs", on_error="record")
        assert len(run.calls) == 1

    def test_a_folder_that_is_missing_is_found_before_the_first_run(self, tmp_path):
        run = Counted()
        with pytest.raises(FileNotFoundError):
            seeds(run, 2, store=tmp_path / "missing" / "runs")
        assert run.calls == []


def delayed(a, seed):
    """Later runs end sooner."""
    time.sleep((6 - 2 * a + seed) / 100)
    return a + seed / 10


KILLED = """
import sys, time
from descent.experiments import seeds

def run(seed):
    print("run", flush=True)
    time.sleep(0.05 if seed < 2 else 60)
    return seed / 3

seeds(run, 20, store=sys.argv[1])
"""


@pytest.mark.parametrize("workers", [1, 2, ThreadPoolExecutor(1)])
def test_an_error_that_cannot_leave_its_process_costs_one_run_too(workers):
    message = "the options {'a': 2, 'seed': 1}: .*TwoParts: one and another"
    with pytest.warns(RuntimeWarning, match=message):
        came = grid(refuses_one_in_two_parts, AXES, 2, workers=workers, on_error="record")
    assert np.array_equal(came, WITH_GAP, equal_nan=True)
    kind = TwoParts if workers == 1 else RuntimeError
    with pytest.raises(kind, match="one and another"):
        grid(refuses_one_in_two_parts, AXES, 2, workers=workers)


def test_an_error_that_cannot_leave_its_process_is_not_the_context_of_what_leaves_it():
    with pytest.warns(RuntimeWarning, match="TwoParts: one and another"):
        came = grid(refuses_one_beside_dask, AXES, 2, workers=2, on_error="record")
    assert np.array_equal(came, WITH_GAP, equal_nan=True)
