"""Checks that find a broken training run in seconds, before hours are spent on it."""

import math
from functools import partial
from typing import NamedTuple

import numpy as np

from descent.checks import generator, integer, plain_array
from descent.evaluation import evaluate
from descent.training._rehearsal import refuse_softmax
from descent.training.accumulation import accumulate_gradients


class InitialLoss(NamedTuple):
    """What `initial_loss` measured, and what to expect.

    Attributes
    ----------
    value : float
        The loss of the network as it is.
    chance : float
        ln K, the cross-entropy of a network that gives all K classes the same probability.
    """

    value: float
    chance: float


def initial_loss(net, loss, inputs, labels):
    r"""The loss before training, beside that of not knowing anything.

    .. math:: -\log \tfrac1K = \log K

    For balanced classes and cross-entropy the two are close, whatever the inputs. A value far
    above says that the first logits are too large, or that a softmax or a scaling of the
    inputs is missing or done twice; a value far below says that the network was trained
    already.

    Parameters
    ----------
    net : Layer
        A classifier; run in evaluation mode.
    loss : callable
        Takes (logits, labels), returns (value, gradient).
    inputs : float array, (N, …)
    labels : int array, (N,)

    Returns
    -------
    result : InitialLoss
        The pair (value, chance).

    Raises
    ------
    ValueError, TypeError
        As `descent.evaluation.evaluate`; and for a network that ends in a softmax under a loss
        that applies one itself.

    Examples
    --------
    >>> from descent.training import initial_loss
    >>> rng = np.random.default_rng(0)
    >>> net = Linear(64, 10, rng=rng)
    >>> value, chance = initial_loss(net, cross_entropy, rng.random((50, 64)), np.arange(50) % 10)
    >>> round(value, 2), round(chance, 2)
    (2.37, 2.3)
    """
    classes = {"classes": lambda logits, _: logits.shape[1]}
    results = evaluate(net, loss, inputs, labels, metrics=classes)
    refuse_softmax(net, loss, inputs, labels)
    return InitialLoss(results["loss"], float(np.log(results["classes"])))


def overfit_one_batch(net, loss, optimizer, inputs, targets, *, steps=100):
    """Train on one batch again and again: a network that learns at all learns it by heart.

    If the loss does not come close to 0, something is broken, and more data will not help.

    Parameters
    ----------
    net : Layer
        Put into training mode, and trained.
    loss : callable
        Takes (outputs, targets), returns (value, gradient), reduced by the mean.
    optimizer : Optimizer
        Left as ``optimizer.eval()`` leaves it.
    inputs : float array, (N, …)
        A few dozen.
    targets : array, (N, …)
    steps : int ≥ 1

    Returns
    -------
    losses : float64 array, (steps,)
        Before each step.

    Raises
    ------
    ValueError
        Fewer than one step, numbers of inputs and targets that differ, a loss that is not
        finite, a softmax at the end of the network under a loss that applies one itself.

    Examples
    --------
    >>> from descent.training import overfit_one_batch
    >>> rng = np.random.default_rng(0)
    >>> net = Linear(64, 10, rng=rng)
    >>> x, y = rng.random((20, 64)), rng.integers(10, size=20)
    >>> losses = overfit_one_batch(net, cross_entropy, SGD(net.parameters(), lr=0.5), x, y)
    >>> bool(losses[-1] < losses[0] / 10)
    True
    """
    targets = plain_array("targets", targets)
    _check(net, loss, inputs, targets, steps)
    return _losses(net, loss, optimizer, inputs, (targets for _ in range(steps)))


def shuffled_labels(net, loss, optimizer, inputs, labels, *, rng, steps=100):
    """Train on one batch whose labels are shuffled anew before every step.

    Then the inputs say nothing about the labels, and the cross-entropy cannot stay below the
    `label_entropy`. If it does, the labels reach the network on some way other than learning.

    Parameters
    ----------
    net, loss, optimizer, inputs, labels, steps
        As in `overfit_one_batch`.
    rng : numpy.random.Generator

    Returns
    -------
    losses : float64 array, (steps,)
        Before each step.

    Raises
    ------
    ValueError, TypeError
        As `overfit_one_batch`; and without a generator.

    Examples
    --------
    >>> from descent.training import label_entropy, shuffled_labels
    >>> rng = np.random.default_rng(0)
    >>> net = Linear(64, 10, rng=rng)
    >>> x, y = rng.random((20, 64)), rng.integers(10, size=20)
    >>> sgd = SGD(net.parameters(), lr=0.5)
    >>> losses = shuffled_labels(net, cross_entropy, sgd, x, y, rng=rng)
    >>> bool(losses[-10:].mean() > label_entropy(y))
    True
    """
    generator("rng", rng)
    labels = plain_array("labels", labels)
    _check(net, loss, inputs, labels, steps)
    return _losses(net, loss, optimizer, inputs, (rng.permutation(labels) for _ in range(steps)))


def label_entropy(labels, *, ignore_index=-100):
    r"""The entropy of the labels' frequencies: the best cross-entropy without looking.

    .. math:: H = \sum_c \pi_c \log \frac{1}{\pi_c}, \qquad \pi_c = \frac{\#\{n : y_n = c\}}{N}

    Parameters
    ----------
    labels : int array, (N,)
    ignore_index : int
        Samples of this label do not count, as in `cross_entropy`.

    Returns
    -------
    entropy : float
        In nats; ln K for K balanced classes.

    Raises
    ------
    ValueError
        No labels that count.
    TypeError
        Labels that are not integers.

    Examples
    --------
    >>> from descent.training import label_entropy
    >>> round(label_entropy([0, 0, 1, 1]), 4)
    0.6931
    """
    labels = plain_array("labels", labels)
    if labels.size and labels.dtype.kind not in "biu":
        raise TypeError(f"labels must be integer class indices, got {labels.dtype}")
    count = np.unique(labels[labels != ignore_index], return_counts=True)[1]
    if not count.size:
        raise ValueError(f"labels is empty; expected at least one that is not {ignore_index}")
    pi = count / count.sum()
    return float((pi * np.log(1 / pi)).sum())


def gradient_norms(net):
    r"""How large the gradient of each parameter is: does it reach the first layer?

    .. math:: \operatorname{rms}(g) = \sqrt{\tfrac1P \textstyle\sum_i g_i^2}

    To be looked at after a backward pass. The root mean square lets layers of different sizes be
    compared.

    Parameters
    ----------
    net : Layer

    Returns
    -------
    norms : dict from str to float
        By the parameters' names.

    Examples
    --------
    >>> from descent.training import gradient_norms
    >>> net = Linear(2, 1, rng=np.random.default_rng(0))
    >>> net.weight.grad[...] = [[1.0, 7.0]]
    >>> gradient_norms(net)
    {'weight': 5.0, 'bias': 0.0}
    """
    return {name: _rms(p.grad) for name, p in net.named_parameters().items()}


def update_ratios(net, before):
    r"""How far each parameter moved, relative to its size.

    .. math:: \frac{\lVert w - w_0 \rVert}{\lVert w_0 \rVert}

    About a thousandth in one step is usual; a hundred times more or less says that the rate is
    too high or too low for this layer. A parameter that was 0 gives inf, or 0 if it stayed.

    Parameters
    ----------
    net : Layer
    before : dict from str to array
        ``net.state_dict()`` of before the step.

    Returns
    -------
    ratios : dict from str to float
        By the parameters' names.

    Raises
    ------
    ValueError
        A parameter that `before` lacks.

    References
    ----------
    Karpathy, notes for CS231n, "Neural Networks Part 3: Learning and Evaluation".

    Examples
    --------
    >>> from descent.training import update_ratios
    >>> net = Linear(2, 1, bias=False, rng=np.random.default_rng(0))
    >>> net.weight.data[...] = [[3.0, 4.0]]
    >>> before = net.state_dict()
    >>> net.weight.data += [[0.0, 0.5]]
    >>> update_ratios(net, before)
    {'weight': 0.1}
    """
    parameters = net.named_parameters()
    if missing := parameters.keys() - before.keys():
        raise ValueError(f"before lacks {sorted(missing)}; expected net.state_dict()")
    return {name: _ratio(p.data - before[name], before[name]) for name, p in parameters.items()}


def _rms(x):
    return _length(x) / math.sqrt(x.size)


def _length(x):
    """The Euclidean norm, also where the squares overflow."""
    largest = float(np.abs(x).max())
    return largest * float(np.linalg.norm(x / largest)) if 0 < largest < math.inf else largest


def _ratio(change, reference):
    moved, size = _length(change), _length(reference)
    return moved / size if size else float("inf") if moved else 0.0


def _check(net, loss, inputs, targets, steps):
    integer("steps", steps, at_least=1)
    if len(inputs) != len(targets) or len(inputs) == 0:
        raise ValueError(
            "expected one target for each of at least one input, got "
            f"{len(inputs)} inputs, {len(targets)} targets"
        )
    refuse_softmax(net, loss, inputs, targets)


def _losses(net, loss, optimizer, inputs, all_targets):
    def loss_and_gradient(targets):
        optimizer.zero_grad()
        return accumulate_gradients(net, loss, inputs, targets)

    net.train()
    optimizer.train()
    losses = [optimizer.step(partial(loss_and_gradient, targets)) for targets in all_targets]
    optimizer.eval()
    return np.array(losses)
