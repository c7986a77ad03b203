"""Evaluation: how good a network is, and how sure one can be of it."""

from descent.evaluation.calibration import (
    ReliabilityCurve,
    expected_calibration_error,
    null_calibration_errors,
    reliability_curve,
    temperature_scaling,
)
from descent.evaluation.conformal import conformal_quantile
from descent.evaluation.intervals import (
    Interval,
    McNemar,
    bootstrap_interval,
    mcnemar,
    paired_bootstrap,
    standard_error,
)
from descent.evaluation.metrics import accuracy, balanced_accuracy, top_k_accuracy
from descent.evaluation.predict import default_metrics, evaluate, evaluation_mode, predict

__all__ = [
    "Interval",
    "McNemar",
    "ReliabilityCurve",
    "accuracy",
    "balanced_accuracy",
    "bootstrap_interval",
    "conformal_quantile",
    "default_metrics",
    "evaluate",
    "evaluation_mode",
    "expected_calibration_error",
    "mcnemar",
    "null_calibration_errors",
    "paired_bootstrap",
    "predict",
    "reliability_curve",
    "standard_error",
    "temperature_scaling",
    "top_k_accuracy",
]
