"""Running a network without training it."""

import math
from contextlib import contextmanager

import numpy as np

from descent.checks import float_array, integer, plain_array
from descent.evaluation.metrics import accuracy
from descent.layers import without_backward


def predict(net, inputs, batch_size=256):
    """The outputs of a network in evaluation mode, batch by batch.

    Every layer is back in its own mode afterwards, and a backward pass that was to come still
    can. Several threads may predict with a network that is in evaluation mode already.

    Parameters
    ----------
    net : Layer
    inputs : float array, (N, …)
        Such as images.
    batch_size : int
        The most samples at a time; the batches are as equal as can be. It changes memory and
        speed, and nothing else.

    Returns
    -------
    outputs : float array, (N, …)
        For a classifier its logits, (N, K).

    Raises
    ------
    ValueError
        No inputs, a batch size below 1.
    TypeError
        Inputs that are not floats.

    Examples
    --------
    >>> from descent.evaluation import predict
    >>> net = Linear(3, 2, rng=np.random.default_rng(0))
    >>> predict(net, np.zeros((5, 3))).shape
    (5, 2)
    """
    inputs = float_array("inputs", inputs)
    batch_size = integer("batch_size", batch_size, at_least=1)
    parts = np.array_split(inputs, math.ceil(len(inputs) / batch_size))
    with evaluation_mode(net), without_backward(net):
        return np.concatenate([net.forward(part) for part in parts])


def evaluate(net, loss, inputs, targets, *, metrics=None, batch_size=256):
    """The loss and the metrics of a network in evaluation mode, over all samples at once.

    Parameters
    ----------
    net : Layer
    loss : callable
        Takes (outputs, targets), returns (value, gradient).
    inputs : float array, (N, …)
    targets : array, (N, …)
        Such as class labels.
    metrics : dict from str to callable, optional
        Each takes (outputs, targets), returns a number. Unless told otherwise ``{"accuracy":
        accuracy}`` for class indices, none for other targets.
    batch_size : int

    Returns
    -------
    results : dict from str to float
        "loss", then each metric.

    Raises
    ------
    ValueError
        Numbers of inputs and targets that differ, a metric called "loss", and as `predict`.

    Examples
    --------
    >>> from descent.evaluation import evaluate
    >>> net = Linear(2, 2, rng=np.random.default_rng(0))
    >>> net.load_state_dict({"weight": np.eye(2), "bias": np.zeros(2)})
    >>> results = evaluate(net, cross_entropy, np.eye(2), np.array([0, 1]))
    >>> {name: round(value, 4) for name, value in results.items()}
    {'loss': 0.3133, 'accuracy': 1.0}
    """
    targets = plain_array("targets", targets)
    if len(inputs) != len(targets):
        raise ValueError(
            f"expected one target for each input, got {len(inputs)} inputs, {len(targets)} targets"
        )
    metrics = default_metrics(targets) if metrics is None else metrics
    if "loss" in metrics:
        raise ValueError('metrics must not use the name "loss", which is the loss\'s own')
    outputs = predict(net, inputs, batch_size)
    results = {"loss": float(loss(outputs, targets)[0])}
    return results | {name: float(metric(outputs, targets)) for name, metric in metrics.items()}


def default_metrics(targets):
    """What `evaluate` measures beside the loss: the accuracy, if the targets are class indices."""
    classes = np.issubdtype(targets.dtype, np.integer) and targets.ndim == 1
    return {"accuracy": accuracy} if classes else {}


@contextmanager
def evaluation_mode(net):
    """Put a network into evaluation mode, and each layer back into its own mode at the end."""
    modes = [(layer, layer.training) for layer in net.modules()]
    net.eval()
    try:
        yield net
    finally:
        for layer, mode in modes:
            layer.training = mode
