"""Losses: each returns its value and its gradient with respect to the first argument.

The losses of several embeddings return a tuple of gradients, one for each embedding, and
`gaussian_nll` one for the mean and one for the variance. What a loss refuses, and how, is said once
in its module; an error names the argument, what came and what was expected.
"""

from descent.losses.binary import bce_with_logits
from descent.losses.classification import cross_entropy, nll
from descent.losses.divergence import entropy, kl_div
from descent.losses.embedding import contrastive, cosine_embedding, info_nce, triplet
from descent.losses.focal import focal, softmax_focal
from descent.losses.likelihood import gaussian_nll, poisson_nll
from descent.losses.margin import (
    crammer_singer,
    hinge,
    hinge_embedding,
    multi_margin,
    perceptron,
    squared_hinge,
    weston_watkins,
)
from descent.losses.overlap import dice, giou, soft_iou
from descent.losses.regression import huber, mae, mse, smooth_l1
from descent.losses.sigmoid import logit, sigmoid, softplus
from descent.losses.softmax import log_softmax, logsumexp, softmax

__all__ = [
    "bce_with_logits",
    "contrastive",
    "cosine_embedding",
    "crammer_singer",
    "cross_entropy",
    "dice",
    "entropy",
    "focal",
    "gaussian_nll",
    "giou",
    "hinge",
    "hinge_embedding",
    "huber",
    "info_nce",
    "kl_div",
    "log_softmax",
    "logit",
    "logsumexp",
    "mae",
    "mse",
    "multi_margin",
    "nll",
    "perceptron",
    "poisson_nll",
    "sigmoid",
    "smooth_l1",
    "soft_iou",
    "softmax",
    "softmax_focal",
    "softplus",
    "squared_hinge",
    "triplet",
    "weston_watkins",
]
