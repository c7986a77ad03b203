"""Random search: the same run with options drawn at random."""

from collections.abc import Mapping
from copy import deepcopy
from typing import Any, NamedTuple

import numpy as np

from descent.checks import generator, integer, number
from descent.experiments._running import run_all
from descent.experiments._store import Store
from descent.experiments.grids import name_of


class Trial(NamedTuple):
    """One run of `random_search`.

    Attributes
    ----------
    options : dict
        What was drawn.
    result : object
        What the run returned; nan if it failed.
    error : str or None
        Why it failed.
    """

    options: dict
    result: Any
    error: str | None = None


def uniform(low, high):
    """A sampler for `random_search`: numbers between `low` and `high`, all equally likely.

    Examples
    --------
    >>> from descent.experiments import uniform
    >>> draw = uniform(0.0, 0.5)
    >>> 0 <= draw(np.random.default_rng(0)) <= 0.5
    True
    """
    low = number("low", low)
    high = number("high", high, above=low)
    return lambda rng: rng.uniform(low, high)


def log_uniform(low, high):
    r"""A sampler for `random_search`: numbers whose logarithm is uniform.

    .. math:: x = e^u, \qquad u \sim U(\log a, \log b)

    As many between .001 and .01 as between .01 and .1; right for rates and decays.

    Examples
    --------
    >>> from descent.experiments import log_uniform
    >>> rng = np.random.default_rng(0)
    >>> draw = log_uniform(1e-4, 1e0)
    >>> round(np.mean([draw(rng) < 0.01 for _ in range(1000)]), 1)
    np.float64(0.5)
    """
    low = number("low", low, above=0)
    high = number("high", high, above=low)
    return lambda rng: float(np.exp(rng.uniform(np.log(low), np.log(high))))


def choice(options):
    """A sampler for `random_search`: one of the options, all equally likely.

    Examples
    --------
    >>> from descent.experiments import choice
    >>> draw = choice([16, 32, 64])
    >>> draw(np.random.default_rng(0)) in {16, 32, 64}
    True
    """
    options = list(options)
    if not options:
        raise ValueError("options is empty; expected at least one")
    return lambda rng: options[rng.integers(len(options))]


def random_search(space, run, trials, rng, *, workers=1, on_error="raise", store=None):
    """Run with options drawn at random from a space.

    All options are drawn first, and each trial gets a generator of its own, so the results do
    not depend on the number of workers. Compare methods at the same number of trials, each
    with the space of its own options: more trials find better options by luck alone.

    Parameters
    ----------
    space : dict from str to callable
        For each option a sampler, such as ``log_uniform(1e-4, 1.0)``: it takes a generator and
        returns a value.
    run : callable
        Called as ``run(**options, rng=generator)``.
    trials : int ≥ 1
    rng : numpy.random.Generator
    workers : int or concurrent.futures.Executor
        As in `seeds`.
    on_error, store
        As in `grid`. With a store, results that are arrays or tuples come back as lists.

    Returns
    -------
    trials : list of Trial
        In the order drawn. The best of those that did not fail is
        ``min((t for t in trials if t.error is None), key=lambda trial: trial.result)``.

    Raises
    ------
    ValueError
        Fewer than one trial or worker, an empty space, an option named "rng"; and as `grid`.
    TypeError
        A space that is no dict of samplers, an `rng` that is no generator.
    RuntimeError
        As `grid`.

    References
    ----------
    Bergstra and Bengio (2012), "Random Search for Hyper-Parameter Optimization", JMLR 13.

    Examples
    --------
    >>> from descent.experiments import log_uniform, random_search
    >>> def run(lr, rng):
    ...     return abs(np.log10(lr) + 2)
    >>> trials = random_search({"lr": log_uniform(1e-4, 1.0)}, run, 20, np.random.default_rng(0))
    >>> best = min(trials, key=lambda trial: trial.result)
    >>> 0.005 < best.options["lr"] < 0.02
    True
    """
    if not isinstance(space, Mapping) or not all(callable(draw) for draw in space.values()):
        raise TypeError(
            f"space must be a dict of samplers such as log_uniform(1e-4, 1.0), got {space!r}"
        )
    if not space or "rng" in space:
        raise ValueError(f"space must name options, and none of them rng, got {list(space)}")
    trials = integer("trials", trials, at_least=1)
    generator("rng", rng)
    drawn = [{name: draw(rng) for name, draw in space.items()} for _ in range(trials)]
    children = rng.spawn(trials)
    jobs = [{**options, "rng": child} for options, child in zip(drawn, children, strict=True)]
    if store is not None:
        first_number = int(deepcopy(children[0]).integers(2**32))  # tells generators apart
        numbered = [{"trial": i, **options} for i, options in enumerate(drawn)]
        store = Store(store, {"run": name_of(run), "first_number": first_number}, numbered)
    outcomes = run_all(run, jobs, workers=workers, on_error=on_error, store=store)
    return [
        Trial(options, np.nan if outcome.error else outcome.result, outcome.error)
        for options, outcome in zip(drawn, outcomes, strict=True)
    ]
