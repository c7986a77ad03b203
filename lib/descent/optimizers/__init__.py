"""Optimizers: rules that turn gradients into steps."""

from descent.optimizers._convergence import ConvergenceError
from descent.optimizers._optimizer import Optimizer
from descent.optimizers._walk import Minimum
from descent.optimizers.adadelta import Adadelta
from descent.optimizers.adagrad import Adagrad
from descent.optimizers.adam import Adam, AdamW
from descent.optimizers.averaging import EMA, SWA, update_bn
from descent.optimizers.clipping import clip_grad_norm_, clip_grad_value_
from descent.optimizers.curvature import hessian_vector_product, power_iteration, sharpness
from descent.optimizers.descend import gradient_descent
from descent.optimizers.lamb import LAMB
from descent.optimizers.lbfgs import lbfgs, two_loop
from descent.optimizers.line_search import wolfe_step
from descent.optimizers.lion import Lion
from descent.optimizers.lookahead import Lookahead
from descent.optimizers.lr_finder import RangeTest, lr_finder, lr_range_test
from descent.optimizers.muon import Muon
from descent.optimizers.nadam import NAdam
from descent.optimizers.newton import newton
from descent.optimizers.newton_schulz import newton_schulz, polar_express
from descent.optimizers.noise_scale import NoiseScale, gradient_noise_scale
from descent.optimizers.radam import RAdam
from descent.optimizers.rmsprop import RMSprop
from descent.optimizers.sam import SAM
from descent.optimizers.schedule_free import ScheduleFreeAdamW, ScheduleFreeSGD
from descent.optimizers.schedules import (
    ConstantLR,
    CosineAnnealingLR,
    CosineAnnealingWarmRestarts,
    ExponentialLR,
    LambdaLR,
    LinearLR,
    LRScheduler,
    MultiStepLR,
    OneCycleLR,
    PolynomialLR,
    ReduceLROnPlateau,
    SequentialLR,
    StepLR,
    WarmupStableDecay,
)
from descent.optimizers.sgd import SGD
from descent.optimizers.together import Together

__all__ = [
    "EMA",
    "LAMB",
    "SAM",
    "SGD",
    "SWA",
    "Adadelta",
    "Adagrad",
    "Adam",
    "AdamW",
    "ConstantLR",
    "ConvergenceError",
    "CosineAnnealingLR",
    "CosineAnnealingWarmRestarts",
    "ExponentialLR",
    "LRScheduler",
    "LambdaLR",
    "LinearLR",
    "Lion",
    "Lookahead",
    "Minimum",
    "MultiStepLR",
    "Muon",
    "NAdam",
    "NoiseScale",
    "OneCycleLR",
    "Optimizer",
    "PolynomialLR",
    "RAdam",
    "RMSprop",
    "RangeTest",
    "ReduceLROnPlateau",
    "ScheduleFreeAdamW",
    "ScheduleFreeSGD",
    "SequentialLR",
    "StepLR",
    "Together",
    "WarmupStableDecay",
    "clip_grad_norm_",
    "clip_grad_value_",
    "gradient_descent",
    "gradient_noise_scale",
    "hessian_vector_product",
    "lbfgs",
    "lr_finder",
    "lr_range_test",
    "newton",
    "newton_schulz",
    "polar_express",
    "power_iteration",
    "sharpness",
    "two_loop",
    "update_bn",
    "wolfe_step",
]
