"""The experiment of chapter 20: twelve optimizers and four losses, all tuned alike.

`make experiment` runs it (`python -m bookkit.comparison`) and stores one file, from which the
chapter computes everything that it says.
"""

from bookkit.comparison.program import conduct, machine
from bookkit.comparison.runs import LOSSES, METHODS, TARGETS, TASKS, one_run, rate
from bookkit.comparison.store import STORE, Run, read_runs, write_runs

__all__ = [
    "LOSSES",
    "METHODS",
    "STORE",
    "TARGETS",
    "TASKS",
    "Run",
    "conduct",
    "machine",
    "one_run",
    "rate",
    "read_runs",
    "write_runs",
]
