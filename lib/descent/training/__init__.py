"""Training: the loop, its record, checkpoints, and the checks to run before and meanwhile."""

from descent.training.accumulation import accumulate_gradients
from descent.training.checkpoint import load, save
from descent.training.history import History
from descent.training.loop import train
from descent.training.sanity import (
    InitialLoss,
    gradient_norms,
    initial_loss,
    label_entropy,
    overfit_one_batch,
    shuffled_labels,
    update_ratios,
)

__all__ = [
    "History",
    "InitialLoss",
    "accumulate_gradients",
    "gradient_norms",
    "initial_loss",
    "label_entropy",
    "load",
    "overfit_one_batch",
    "save",
    "shuffled_labels",
    "train",
    "update_ratios",
]
