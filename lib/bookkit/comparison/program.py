"""The program behind chapter 20: tune every method alike, then report with fresh seeds.

An interrupted experiment goes on where it stopped: what has ended is kept in a folder.
"""

import argparse
import json
import os
import platform
import warnings
from datetime import date
from functools import partial
from importlib.metadata import version
from pathlib import Path

import numpy as np

from bookkit.comparison.costs import step_costs
from bookkit.comparison.live import MODULE, write_live
from bookkit.comparison.runs import LOSSES, METHODS, RATES, TARGETS, one_run, rate
from bookkit.comparison.store import NAMES, STORE, Run, write_runs
from bookkit.workers import add_arguments, workers
from descent.experiments import grid

FOLDER = Path("_build/comparison")
TUNING_SEEDS = range(5)
FRESH_SEEDS = range(100, 110)
WIDEN_AT_MOST = 4
NOISE_METHODS = ("momentum", "Adam", "Muon")


def by_loss(runs):
    """The mean validation loss at the end."""
    return np.mean([run.losses[-1] for run in runs])


def by_errors(runs):
    """Minus the mean number of right validation images at the end."""
    return -np.mean([run.right[-1] for run in runs])


def by_arrival(runs):
    """The median step at which 95% of the validation images were first seen to be right."""
    return np.median([run.arrivals[TARGETS.index(0.95)] for run in runs])


# What is tuned: task, losses, methods, and the rules by which a rate is chosen.
PLAN = (
    ("clean", ("cross-entropy",), tuple(METHODS), (by_loss, by_errors, by_arrival)),
    ("clean", tuple(LOSSES), ("momentum", "Adam"), (by_errors,)),
    ("noise", ("cross-entropy",), NOISE_METHODS, (by_errors,)),
    ("noise, dropout", ("cross-entropy",), NOISE_METHODS, (by_errors,)),
)


def conduct(folder=FOLDER, plan=PLAN, *, workers=1, tuning=TUNING_SEEDS, fresh=FRESH_SEEDS):
    """Run the plan, and return a list of records for `write_runs`.

    Each method is tuned by itself: seven rates, and more beyond an edge at which the best one
    lies. The rate that a rule chooses is then run with seeds that had no part in the choice.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    records = {}
    for task, losses, methods, rules in plan:
        for loss in losses:
            for method in methods:
                run = partial(_grid, folder, task, loss, method, workers=workers)
                tuned = _tuned(run, method, tuning, rules)
                chosen = {best_rate(tuned, rule) for rule in rules}
                reported = [each for lr in sorted(chosen) for each in run("fresh", [lr], fresh)]
                for record in tuned + reported:
                    records[tuple(record[name] for name in NAMES)] = record
    return list(records.values())


def best_rate(records, rule):
    """The rate whose runs a rule puts first; the smaller of two equals.

    Parameters
    ----------
    records : list of dict
    rule : callable
        Takes the runs of one rate; less is better.
    """
    by_rate = {}
    for record in sorted(records, key=lambda record: record["lr"]):
        by_rate.setdefault(record["lr"], []).append(Run.of(record))
    return min(by_rate, key=lambda lr: rule(by_rate[lr]))


def _tuned(run, method, seeds, rules):
    """The records of all candidates, widened until no rule's best rate lies at an edge."""
    first = METHODS[method].first
    last = first + RATES - 1
    records = run("tuning", [rate(method, k) for k in range(first, last + 1)], seeds)
    for _ in range(WIDEN_AT_MOST):
        best = {best_rate(records, rule) for rule in rules}
        below, above = rate(method, first) in best, rate(method, last) in best
        for k in [first - 1] * below + [last + 1] * above:
            records = records + run("tuning", [rate(method, k)], seeds)
        first, last = first - below, last + above
        if not (below or above):
            break
    return records


def _grid(folder, task, loss, method, part, lrs, seeds, *, workers):
    """Run a grid, or what is missing of it, and return its records."""
    name = f"{task} {loss} {method} {part} {lrs[0]:g}.jsonl".replace(",", "").replace(" ", "-")
    axes = {"task": [task], "loss": [loss], "method": [method], "lr": lrs}
    with warnings.catch_warnings():  # of runs that diverge: they are recorded
        warnings.filterwarnings("ignore", message=r".* runs failed", category=RuntimeWarning)
        grid(one_run, axes, seeds, workers=workers, on_error="record", store=folder / name)
    lines = (folder / name).read_text(encoding="utf-8").splitlines()[1:]
    return [{"part": part, **json.loads(line)} for line in lines]


def machine():
    """The date, the versions and the processor."""
    return {
        "date": date.today().isoformat(),
        "python": platform.python_version(),
        **{name: version(name) for name in ("numpy", "scipy", "scikit-learn")},
        "processor": _processor(),
        "system": f"{platform.system()} {platform.machine()}",
    }


def _processor():
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        return next(line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor()


def main(arguments=None):
    """Run the experiment of chapter 20 and store its results."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    add_arguments(parser, count=os.cpu_count())
    parser.add_argument("--folder", type=Path, default=FOLDER, help="what has ended is kept here")
    parser.add_argument("--store", type=Path, default=STORE)
    parser.add_argument("--live", type=Path, default=MODULE, help="the live figure's data")
    options = parser.parse_args(arguments)
    with workers(options.workers, options.scheduler) as where:
        records = conduct(options.folder, workers=where)
    write_runs({"made": machine(), "costs": step_costs()}, records, options.store)
    write_live([Run.of(record) for record in records], options.live)
    print(f"{len(records)} runs are stored in {options.store}.")


if __name__ == "__main__":
    main()
