"""Schedules: how the learning rate changes with the step, each written as a closed form."""

from descent.optimizers.schedules._scheduler import LRScheduler
from descent.optimizers.schedules.cosine import CosineAnnealingLR, CosineAnnealingWarmRestarts
from descent.optimizers.schedules.decay import (
    ConstantLR,
    ExponentialLR,
    LambdaLR,
    MultiStepLR,
    PolynomialLR,
    StepLR,
)
from descent.optimizers.schedules.one_cycle import OneCycleLR
from descent.optimizers.schedules.plateau import ReduceLROnPlateau
from descent.optimizers.schedules.sequential import SequentialLR
from descent.optimizers.schedules.warmup import LinearLR, WarmupStableDecay

__all__ = [
    "ConstantLR",
    "CosineAnnealingLR",
    "CosineAnnealingWarmRestarts",
    "ExponentialLR",
    "LRScheduler",
    "LambdaLR",
    "LinearLR",
    "MultiStepLR",
    "OneCycleLR",
    "PolynomialLR",
    "ReduceLROnPlateau",
    "SequentialLR",
    "StepLR",
    "WarmupStableDecay",
]
