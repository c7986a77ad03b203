"""Regularization: penalties, projections, early stopping, and noise on labels and images.

Dropout and stochastic depth are layers.
"""

from descent.regularization.augmentation import (
    cutout,
    gaussian_noise,
    random_crop,
    random_flip,
    random_rotate,
    random_scale,
    random_shift,
    rotate,
    scale,
    shift,
)
from descent.regularization.early_stopping import EarlyStopping
from descent.regularization.label_noise import corrupt_labels
from descent.regularization.mixing import cutmix, mixup
from descent.regularization.penalties import elastic_net, l1, l2
from descent.regularization.projections import decay_weights, max_norm, soft_threshold
from descent.regularization.ridge import ridge
from descent.regularization.spectral_filters import early_stopping_filter, ridge_filter

__all__ = [
    "EarlyStopping",
    "corrupt_labels",
    "cutmix",
    "cutout",
    "decay_weights",
    "early_stopping_filter",
    "elastic_net",
    "gaussian_noise",
    "l1",
    "l2",
    "max_norm",
    "mixup",
    "random_crop",
    "random_flip",
    "random_rotate",
    "random_scale",
    "random_shift",
    "ridge",
    "ridge_filter",
    "rotate",
    "scale",
    "shift",
    "soft_threshold",
]
