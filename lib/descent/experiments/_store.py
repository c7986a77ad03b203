"""The file in which an experiment keeps the runs that have ended."""

import json
from pathlib import Path

import numpy as np

from descent._files import replacing
from descent.experiments._running import Outcome

FORMAT = "descent experiment 1"


class Store:
    """One line of JSON that says which experiment it is, then one for each run that has ended.

    The lines stand in the order of the runs, whatever the order in which they ended, so the
    finished file does not depend on the number of workers.

    Parameters
    ----------
    path : path
    experiment : dict
        What must be equal for the file to be of this experiment.
    options : list of dicts
        Of each run; no two are equal.
    """

    def __init__(self, path, experiment, options):
        self.path = Path(path)
        self.header = _as_json({"format": FORMAT, **experiment}, "the options")
        self.options = [_as_json(each, "the options") for each in options]
        for name in ("result", "error"):
            if any(name in each for each in self.options):
                raise ValueError(f"an option may not be named {name!r} if the runs are stored")
        self.indices = {json.dumps(each): i for i, each in enumerate(self.options)}
        if len(self.indices) < len(options):
            raise ValueError("the options of two runs are equal; to be stored, all must differ")
        self.outcomes = {}

    def begin(self):
        """Read what is there, and return a dict from a run's index to its outcome."""
        if self.path.exists():
            self.outcomes = self._read()
        self._write()
        return dict(self.outcomes)

    def add(self, index, outcome):
        """Keep an outcome; return it as it will be read: arrays and tuples become lists."""
        result = _as_json(outcome.result, f"the result of the run with {self.options[index]}")
        self.outcomes[index] = Outcome(result, outcome.error)
        self._write()
        return self.outcomes[index]

    def _read(self):
        try:
            lines = self.path.read_text("utf-8").rstrip("\n").split("\n")
            header, *records = map(json.loads, lines)
            if header["format"] != FORMAT:
                raise ValueError(f"its format is {header['format']!r}, expected {FORMAT!r}")
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(f"{self.path} does not hold an experiment: {error}") from error
        if json.dumps(header) != json.dumps(self.header):  # as text, where nan equals nan
            raise ValueError(
                f"{self.path} holds another experiment, {header}, expected {self.header}; "
                "choose another file"
            )
        outcomes = {}
        for record in records:
            outcome = Outcome(record.pop("result", None), record.pop("error", None))
            if (key := json.dumps(record)) not in self.indices:
                raise ValueError(f"{self.path} holds a run that is not of this experiment: {key}")
            outcomes[self.indices[key]] = outcome
        return outcomes

    def _write(self):
        lines = [self.header]
        for index, (result, error) in sorted(self.outcomes.items()):
            ending = {"result": result} if error is None else {"error": error}
            lines.append(self.options[index] | ending)
        with replacing(self.path) as file:
            file.write("".join(f"{_text(line)}\n" for line in lines).encode())


def _text(value):
    return json.dumps(value, ensure_ascii=False)


def _as_json(value, what):
    """The value as it comes back from a file."""

    def plain(part):
        if isinstance(part, (np.ndarray, np.generic)):
            return part.tolist()
        raise TypeError(
            f"{what} must be numbers, texts, arrays, or lists or dicts of them, to be stored; "
            f"got {part!r}"
        )

    return json.loads(json.dumps(value, default=plain))
