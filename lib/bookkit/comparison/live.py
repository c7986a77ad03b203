"""The data of the live figure of chapter 20, as an ES module."""

import json
from pathlib import Path

import numpy as np

from bookkit.comparison.runs import METHODS, RATES, rate

MODULE = Path(__file__).parents[3] / "book" / "live" / "two-methods-data.js"
HEAD = (
    "/** Written by `make experiment`: thousandths of log10 of the validation loss, by seed. */\n"
)


def live_data(runs):
    """For each method its seven candidates and the curves of the tuning seeds at each.

    Returns
    -------
    data : dict
        By method: "default", "first" (half-decades from the default to the first candidate),
        "rates", and "curves", a list by rate of lists by seed of 12 integers; null if the run
        diverged.
    """
    clean = [r for r in runs if (r.part, r.task, r.loss) == ("tuning", "clean", "cross-entropy")]
    data = {}
    for name, method in METHODS.items():
        rates = [rate(name, method.first + k) for k in range(RATES)]
        curves = [[_curve(r) for r in clean if (r.method, r.lr) == (name, lr)] for lr in rates]
        data[name] = {
            "default": method.default,
            "first": method.first,
            "rates": rates,
            "curves": curves,
        }
    return data


def write_live(runs, path=MODULE):
    """Write the module."""
    text = json.dumps(live_data(runs), separators=(",", ":"))
    Path(path).write_text(f"{HEAD}export const DATA = {text};\n", encoding="utf-8")


def _curve(run):
    if not np.isfinite(run.losses).all():
        return None
    return np.rint(1000 * np.log10(run.losses)).astype(int).tolist()
