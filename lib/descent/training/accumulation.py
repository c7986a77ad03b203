"""The gradient of a batch, in pieces that need less memory."""

import numpy as np

from descent.checks import NotFiniteError, integer, number


def accumulate_gradients(net, loss, inputs, targets, *, shards=1, count=None):
    r"""Add a batch's gradient to the parameters' ``grad``, in shards that need less memory.

    .. math::
        L = \frac1M \sum_n w_n \ell(f(x_n), t_n), \qquad M = \sum_n w_n, \qquad
        \nabla L = \sum_s \sum_{n \in s}
            \frac{\partial L}{\partial f(x_n)} \frac{\partial f(x_n)}{\partial \theta}

    L and its gradient are those of the whole batch, also where the loss is a weighted mean and
    shards have unequal weights: class weights, or labels that are ignored in one shard and not
    in another. For M, and with it :math:`\partial L / \partial f(x_n)`, depends on the targets
    of the whole batch but on no other output; so the loss is asked about the whole batch each
    time, with an output of the shard in the place of those that are not there.

    Layers see the shard alone: with batch normalization the gradient is not the batch's.

    Parameters
    ----------
    net : Layer
    loss : callable
        Takes (outputs, targets), returns (value, gradient), reduced by the mean or the sum.
    inputs : float array, (N, …)
    targets : array, (N, …)
    shards : int ≥ 1
        As equal as can be; at most N are made.
    count : callable, optional
        Takes a shard's targets, returns :math:`m_s \ge 0`. Then the result is that of
        :math:`L = \sum_s m_s L_s / \sum_t m_t` with :math:`L_s` the loss of the shard alone. A
        loss that compares samples with each other, as contrastive ones do, needs it: ``len``
        gives every sample the same weight.

    Returns
    -------
    value : float
        L

    Raises
    ------
    ValueError
        Fewer than one shard, a loss that compares samples and no count, negative counts, a loss
        that is not finite.

    Examples
    --------
    >>> from descent.training import accumulate_gradients
    >>> net = Linear(3, 2, rng=np.random.default_rng(0))
    >>> x, y = np.arange(12.0).reshape(4, 3), np.array([0, -100, 1, 1])  # one is ignored
    >>> whole = accumulate_gradients(net, cross_entropy, x, y)
    >>> once = net.weight.grad.copy()
    >>> net.zero_grad()
    >>> parts = accumulate_gradients(net, cross_entropy, x, y, shards=3)
    >>> np.allclose(net.weight.grad, once), np.isclose(parts, whole)
    (True, np.True_)
    """
    shards = integer("shards", shards, at_least=1)
    shards = min(shards, len(inputs))
    if shards == 1:
        value, gradient = loss(net.forward(inputs), targets)
        net.backward(gradient, input_gradient=False)
    elif count is None:
        value = _as_one_batch(net, loss, inputs, targets, shards)
    else:
        value = _as_mean_of_shards(net, loss, inputs, targets, shards, count)
    return finite(float(value))


def finite(value):
    """Insist that a loss is finite."""
    if not np.isfinite(value):
        raise NotFiniteError(f"the loss is {value}")
    return value


def _as_one_batch(net, loss, inputs, targets, shards):
    outputs, gradients = [], []
    for rows in np.array_split(np.arange(len(inputs)), shards):
        outputs.append(net.forward(inputs[rows]))
        gradients.append(_gradient_within_batch(loss, outputs[-1], targets, rows))
        net.backward(gradients[-1], input_gradient=False)
    value, gradient = loss(np.concatenate(outputs), targets)
    error = gradient - np.concatenate(gradients)
    if np.linalg.norm(error) > 1e-3 * np.linalg.norm(gradient):
        raise ValueError(
            "loss depends on how the samples of a batch compare, so the batch cannot be divided "
            "into shards; accumulate_gradients(…, count=len) averages the shards' own losses"
        )
    return value


def _gradient_within_batch(loss, output, targets, rows):
    """The gradient of the whole batch's loss with respect to a shard's outputs."""
    any_row = np.nan_to_num(output[:1], neginf=0)  # lest it rule out the classes of others
    stand_in = np.repeat(any_row, len(targets), axis=0)
    stand_in[rows] = output
    return loss(stand_in, targets)[1][rows]


def _as_mean_of_shards(net, loss, inputs, targets, shards, count):
    parts = list(zip(np.array_split(inputs, shards), np.array_split(targets, shards), strict=True))
    counts = [float(number("count(targets)", count(t), at_least=0)) for _, t in parts]
    number("the sum of all count(targets)", sum(counts), above=0)
    total = 0.0
    for (x, t), m in zip(parts, counts, strict=True):
        if m > 0:
            share = m / sum(counts)
            value, gradient = loss(net.forward(x), t)
            net.backward(share * gradient, input_gradient=False)
            total += share * float(value)
    return total
