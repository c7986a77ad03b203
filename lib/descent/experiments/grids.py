"""The same run for every seed, or for every combination of options."""

from itertools import product

import numpy as np

from descent.checks import integer
from descent.experiments._running import run_all
from descent.experiments._store import Store


def seeds(run, seeds, *, workers=1, on_error="raise", store=None):
    """Repeat a run for each seed.

    Parameters
    ----------
    run : callable
        Called as ``run(seed=seed)``; returns a number, or an array of a fixed shape.
    seeds : int or iterable of int
        A number n stands for the seeds 0 … n − 1.
    workers : int or concurrent.futures.Executor
        How many processes run at once. With more than one, `run` must be a function of a module,
        and each process should use one BLAS thread: set OMP_NUM_THREADS=1 before Python starts.
        An executor, such as Dask's ``client.get_executor()``, may reach other machines.
    on_error, store
        As in `grid`.

    Returns
    -------
    results : array, (number of seeds, …)
        In the order of the seeds, whatever the number of workers.

    Raises
    ------
    ValueError
        No seeds, a seed given twice, fewer than one worker.
    TypeError
        Seeds that are not integers.

    Examples
    --------
    >>> from descent.experiments import seeds
    >>> def run(seed):
    ...     return np.random.default_rng(seed).integers(100)
    >>> seeds(run, 3)
    array([85, 47, 83])
    """
    return grid(run, {}, seeds, workers=workers, on_error=on_error, store=store)


def grid(run, axes, seeds, *, workers=1, on_error="raise", store=None):
    """Run every combination of the values on the axes, each for every seed.

    Parameters
    ----------
    run : callable
        Called as ``run(name=value, …, seed=seed)``; returns a number, or an array of a fixed
        shape.
    axes : dict from str to sequence
        The values of each option.
    seeds : int or iterable of int
        A number n stands for the seeds 0 … n − 1.
    workers : int or concurrent.futures.Executor
        As in `seeds`. A worker process that dies is replaced, and its run begins anew.
    on_error : {"raise", "record"}
        What happens when a run raises an error, as training that diverges does: "raise" passes
        it on; "record" goes on, puts nan into the results, and warns at the end.
    store : path, optional
        A file, written at one stroke each time that a run ends, so that an interrupted
        experiment goes on where it stopped: call it again with the same file. Each line is one
        run in JSON: its options, and its result or its error. A recorded error stands, unless
        ``on_error="raise"``: then that run is tried again. The options on the axes must be
        numbers or texts: give an optimizer by its name. Delete the file when `run` changes.

    Returns
    -------
    results : array, (length of each axis …, number of seeds, …)

    Raises
    ------
    ValueError, TypeError
        As `seeds`; for an axis that is empty, or is named "seed"; for runs that return different
        shapes; for a file of another experiment, or what it cannot hold.
    RuntimeError
        Worker processes that die again and again.

    Examples
    --------
    >>> from descent.experiments import grid
    >>> def run(lr, momentum, seed):
    ...     return lr / (1 - momentum) + seed
    >>> grid(run, {"lr": [1.0, 2.0, 3.0], "momentum": [0.0, 0.5]}, seeds=4).shape
    (3, 2, 4)
    """
    axes = {name: list(values) for name, values in axes.items()}
    if "seed" in axes or not all(axes.values()):
        raise ValueError(f"axes must have values, and none may be named seed, got {axes}")
    axes["seed"] = _as_list(seeds)
    jobs = [dict(zip(axes, values, strict=True)) for values in product(*axes.values())]
    if store is not None:
        store = Store(store, {"run": name_of(run), "axes": axes}, jobs)
    outcomes = run_all(run, jobs, workers=workers, on_error=on_error, store=store)
    results = _as_array(jobs, outcomes)
    return results.reshape(*map(len, axes.values()), *results.shape[1:])


def name_of(run):
    """The name of a function, or of the type of what can be called."""
    return getattr(run, "__qualname__", type(run).__qualname__)


def _as_array(jobs, outcomes):
    """The results along the first axis, and nan where a run failed."""
    shapes = {
        np.shape(outcome.result): job
        for job, outcome in zip(jobs, outcomes, strict=True)
        if outcome.error is None
    }
    if len(shapes) > 1:
        came = ", ".join(f"{shape} with {job}" for shape, job in shapes.items())
        raise ValueError(f"run must return results of one shape, got {came}")
    missing = np.full(next(iter(shapes), ()), np.nan)
    return np.array([o.result if o.error is None else missing for o in outcomes])


def _as_list(seeds):
    if isinstance(seeds, (int, np.integer)):
        return list(range(integer("seeds", seeds, at_least=1)))
    seeds = [integer("seeds", seed, at_least=0) for seed in seeds]
    if not seeds or len(set(seeds)) < len(seeds):
        raise ValueError(f"seeds must be different, at least one, got {seeds}")
    return seeds
