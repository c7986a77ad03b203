"""Experiments: the same run over seeds, over a grid, or over settings drawn at random."""

from descent.experiments.grids import grid, seeds
from descent.experiments.search import Trial, choice, log_uniform, random_search, uniform

__all__ = [
    "Trial",
    "choice",
    "grid",
    "log_uniform",
    "random_search",
    "seeds",
    "uniform",
]
