"""Running many jobs: here or in other processes, and what happens when one of them fails."""

import pickle
from collections.abc import Callable
from concurrent.futures import BrokenExecutor, Executor, ProcessPoolExecutor, as_completed
from functools import partial
from typing import Any, NamedTuple
from warnings import warn

from descent.checks import integer, one_of


class Outcome(NamedTuple):
    """What a run returned, or the text of the error that ended it."""

    result: Any = None
    error: str | None = None


def run_all(run, jobs, *, workers, on_error, store):
    """Return the outcome of ``run(**job)`` for each job, in their order.

    What the store holds already is not run again; what ends is written to it at once. A run that
    failed before is tried again if ``on_error="raise"``.
    """
    one_of("on_error", on_error, ("raise", "record"))
    if not isinstance(workers, Executor):
        workers = integer("workers", workers, at_least=1)
    tasks = _Tasks(run, jobs, on_error, store)
    if isinstance(workers, Executor):
        _run_on(workers, tasks)
    elif workers == 1:
        for index in tasks.remaining():
            tasks.finish(index, partial(run, **jobs[index]))
    else:
        _run_in_processes(workers, tasks)
    outcomes = [tasks.done[index] for index in range(len(jobs))]
    _warn_of_failures(jobs, outcomes)
    return outcomes


class _Tasks:
    def __init__(self, run, jobs, on_error, store):
        self.run, self.jobs, self.on_error, self.store = run, jobs, on_error, store
        self.done = {} if store is None else store.begin()
        if on_error == "raise":
            self.done = {i: outcome for i, outcome in self.done.items() if outcome.error is None}

    def remaining(self):
        return [index for index in range(len(self.jobs)) if index not in self.done]

    def finish(self, index, result: Callable):
        try:
            outcome = Outcome(result())
        except BrokenExecutor:  # says nothing about this job: a worker died
            raise
        except Exception as error:
            if self.on_error == "raise":
                error.add_note(f"This run had the options {self.jobs[index]}.")
                raise
            outcome = Outcome(error=f"{type(error).__name__}: {error}")
        if self.store is not None:
            outcome = self.store.add(index, outcome)
        self.done[index] = outcome


def _run_on(executor, tasks):
    futures = {
        executor.submit(_call, tasks.run, tasks.jobs[index]): index for index in tasks.remaining()
    }
    try:
        for future in as_completed(futures):
            tasks.finish(futures[future], future.result)
    except Exception:
        running = [future for future in futures if not future.cancel()]
        for future in as_completed(running):  # what others have nearly finished is not lost
            if futures[future] not in tasks.done and future.exception() is None:
                tasks.finish(futures[future], future.result)
        raise
    finally:
        for future in futures:
            future.cancel()


def _run_in_processes(workers, tasks):
    """A worker that dies takes its pool with it: go on in a new one, as long as that helps."""
    while remaining := tasks.remaining():
        try:
            with ProcessPoolExecutor(workers) as executor:
                _run_on(executor, tasks)
        except BrokenExecutor as error:
            if tasks.remaining() == remaining:
                raise RuntimeError(
                    "a worker process died before any run ended, perhaps for lack of memory; "
                    f"{len(tasks.done)} of {len(tasks.jobs)} runs are done"
                ) from error


def _call(run, options):
    try:
        return run(**options)
    except Exception as error:
        failure = _portable(error)
    raise failure  # out here it has no context: Dask makes Python pickle an error's context too


def _portable(error):
    """The error, or its text where it does not survive the way to another process."""
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:
        return RuntimeError(f"{type(error).__name__}: {error}")
    return error


def _warn_of_failures(jobs, outcomes):
    failed = [i for i, outcome in enumerate(outcomes) if outcome.error is not None]
    if failed:
        warn(
            f"{len(failed)} of {len(jobs)} runs failed; the first had the options "
            f"{jobs[failed[0]]}: {outcomes[failed[0]].error}",
            RuntimeWarning,
            stacklevel=4,
        )
