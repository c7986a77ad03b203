"""The file that holds the experiment: what the machine was, and one line for each run."""

import json
from pathlib import Path
from typing import NamedTuple

import numpy as np

from bookkit.comparison.runs import POINTS, TARGETS
from descent._files import replacing

STORE = Path(__file__).with_name("results.jsonl")
FORMAT = "descent comparison 1"


class Run(NamedTuple):
    """One run.

    Attributes
    ----------
    part : {"tuning", "fresh"}
        Whether the run served the choice of a rate, or reports with a seed of its own.
    task, loss, method : str
        As in `TASKS`, `LOSSES`, `METHODS`.
    lr : float
    seed : int
    arrivals : array, (targets,)
        The steps at which the targets were first reached; inf for never.
    right, losses : arrays, (points,)
        On the validation images, at 12 points of the way. A run that diverged has 0 and inf.
    train_loss, train_right, test_loss, test_right : float
        At the end; inf and 0 if the run diverged.
    error : str or None
        What ended it.
    """

    part: str
    task: str
    loss: str
    method: str
    lr: float
    seed: int
    arrivals: np.ndarray
    right: np.ndarray
    losses: np.ndarray
    train_loss: float
    train_right: float
    test_loss: float
    test_right: float
    error: str | None = None

    @classmethod
    def of(cls, record):
        """From a record: the names, and what `one_run` returned or the error that ended it."""
        names = [record[name] for name in NAMES]
        if "error" in record:
            never, nothing = np.full(len(TARGETS), np.inf), np.zeros(POINTS)
            wrong = np.full(POINTS, np.inf)
            return cls(*names, never, nothing, wrong, np.inf, 0, np.inf, 0, record["error"])
        result = np.array(record["result"], dtype=float)  # None becomes nan
        arrivals, right, losses, ends = np.split(result, np.cumsum([len(TARGETS), POINTS, POINTS]))
        return cls(*names, np.where(np.isnan(arrivals), np.inf, arrivals), right, losses, *ends)


NAMES = Run._fields[:6]


def read_runs(path=STORE):
    """The header of a file, a dict, and its runs, a list."""
    header, *records = map(json.loads, Path(path).read_text(encoding="utf-8").splitlines())
    if header.get("format") != FORMAT:
        raise ValueError(f"{path} does not hold the comparison: its first line is {header}")
    return header, [Run.of(record) for record in records]


def write_runs(header, records, path=STORE):
    """Write a header, and a line for each record."""
    lines = [{"format": FORMAT, **header}, *map(_as_json, records)]
    text = "".join(
        json.dumps(line, separators=(",", ":"), allow_nan=False) + "\n" for line in lines
    )
    with replacing(path) as file:
        file.write(text.encode())


def _as_json(record):
    """JSON knows no nan: what has not arrived is null."""
    if "error" in record:
        return record
    return record | {"result": [None if value != value else value for value in record["result"]]}
