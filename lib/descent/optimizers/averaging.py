"""Averages of the weights along the way, and batch-norm statistics that fit them."""

from contextlib import contextmanager

import numpy as np

from descent.checks import entries, integer, number
from descent.layers import coalesce, without_backward


class AveragedWeights:
    r"""A weighted mean of the weights that a network had, kept beside it.

    .. math:: \bar w_n = \bar w_{n-1} + \rho_n\,(w_n - \bar w_{n-1}), \qquad \rho_1 = 1

    A subclass writes ``share(n)``, the share :math:`\rho_n` of the n-th weights. As in PyTorch's
    AveragedModel the first call of `update_parameters` copies the weights, and buffers such as
    running means are not averaged: see `update_bn`.

    Parameters
    ----------
    net : Layer

    Attributes
    ----------
    average : float array, (P,)
        :math:`\bar w_n`, in the order of ``net.parameters()``; zero before the first update.
    n_averaged : int
        :math:`n`
    """

    def __init__(self, net):
        self.net = net
        dtype = np.result_type(*(p.data.dtype for p in net.parameters()))
        self.average = np.zeros(sum(p.data.size for p in net.parameters()), dtype)
        self.n_averaged = 0

    def update_parameters(self):
        """Let the present weights of the network count; call it after the optimizer's step."""
        n = self.n_averaged + 1
        for weights, average in self._pairs(self.net):
            average += self.share(n) * (weights - average)
        self.n_averaged = n

    def _pairs(self, net):
        """Views of a network's weights, and of the average of each."""
        stop = 0
        for run in coalesce(net.parameters()):
            start, stop = stop, stop + run.data.size
            yield run.data, self.average[start:stop]

    def copy_to(self, net):
        """Overwrite the weights of a network, this one or another, with the average."""
        if self.n_averaged == 0:
            raise ValueError("nothing has been averaged yet; call update_parameters() first")
        size = sum(p.data.size for p in net.parameters())
        if size != self.average.size:
            raise ValueError(f"net must have {self.average.size} parameters, got {size}")
        for weights, average in self._pairs(net):
            weights[...] = average

    @contextmanager
    def applied(self):
        """Within a ``with`` block the network has the average weights.

        Afterwards its own parameters and buffers are back, whatever happened to them inside.
        """
        own = self.net.state_dict()
        self.copy_to(self.net)
        try:
            yield self.net
        finally:
            self.net.load_state_dict(own)

    def state_dict(self):
        """Copies of the average and of the number of weights in it."""
        return {"average": self.average.copy(), "n_averaged": self.n_averaged}

    def load_state_dict(self, state):
        """Put back what `state_dict` gave.

        Raises
        ------
        ValueError
            A state of something else, an average of another shape, a negative number. Then nothing
            has been changed.
        """
        entries("state", state, ("average", "n_averaged"))
        average = np.asarray(state["average"])
        if average.shape != self.average.shape:
            raise ValueError(
                f"state['average'] must have shape {self.average.shape}, got {average.shape}"
            )
        self.n_averaged = integer("state['n_averaged']", state["n_averaged"], at_least=0)
        self.average[...] = average


class EMA(AveragedWeights):
    r"""Exponential moving average of the weights.

    .. math:: \bar w_n = \beta\, \bar w_{n-1} + (1 - \beta)\, w_n, \qquad \bar w_1 = w_1

    The start counts for long: after n updates :math:`w_1` still has the share
    :math:`\beta^{n-1}`. With bias correction all weights count as Adam's gradients do,
    :math:`w_i` in proportion to :math:`\beta^{n-i}`, which comes to

    .. math:: \bar w_n = \bar w_{n-1} + \frac{1 - \beta}{1 - \beta^n}\,(w_n - \bar w_{n-1}).

    Parameters
    ----------
    net : Layer
    decay : float in [0, 1)
        :math:`\beta`. About the last :math:`1/(1 - \beta)` weights count.
    bias_correction : bool
        PyTorch (``get_ema_multi_avg_fn``) has none.

    Attributes
    ----------
    average, n_averaged
        As in `AveragedWeights`.

    Raises
    ------
    ValueError
        A decay outside [0, 1).

    References
    ----------
    Polyak and Juditsky (1992), "Acceleration of stochastic approximation by averaging", SIAM
    Journal on Control and Optimization 30, for averaging; Kingma and Ba (2015), "Adam: A Method
    for Stochastic Optimization", ICLR, for the correction.

    Examples
    --------
    >>> net = Sequential(Linear(1, 1, bias=False, rng=np.random.default_rng(0)))
    >>> ema = EMA(net, decay=0.5)
    >>> for w in [0.0, 8.0, 8.0]:
    ...     net.flat.data[...] = w
    ...     ema.update_parameters()
    >>> ema.average
    array([6.])
    >>> with ema.applied():
    ...     print(net(np.ones((1, 1))))
    [[6.]]
    >>> net(np.ones((1, 1)))
    array([[8.]])
    """

    def __init__(self, net, decay=0.999, *, bias_correction=False):
        self.decay = number("decay", decay, at_least=0, below=1)
        self.bias_correction = bias_correction
        super().__init__(net)

    def share(self, n):
        """The share of the n-th weights in the average of the first n."""
        if self.bias_correction:
            return (1 - self.decay) / (1 - self.decay**n)
        return 1 - self.decay if n > 1 else 1


class SWA(AveragedWeights):
    r"""Stochastic weight averaging: the plain mean of the weights.

    .. math:: \bar w_n = \bar w_{n-1} + \tfrac1n\,(w_n - \bar w_{n-1})

    Meant for the weights at the ends of the last epochs, under a constant or cyclic rate.

    Parameters
    ----------
    net : Layer

    Attributes
    ----------
    average, n_averaged
        As in `AveragedWeights`.

    References
    ----------
    Izmailov et al. (2018), "Averaging Weights Leads to Wider Optima and Better Generalization",
    UAI.

    Examples
    --------
    >>> net = Sequential(Linear(1, 1, bias=False, rng=np.random.default_rng(0)))
    >>> swa = SWA(net)
    >>> for w in [1.0, 2.0, 6.0]:
    ...     net.flat.data[...] = w
    ...     swa.update_parameters()
    >>> swa.average
    array([3.])
    """

    def share(self, n):
        """The share of the n-th weights in the mean of the first n."""
        return 1 / n


def update_bn(batches, net):
    r"""Compute the running statistics of batch normalization anew, for the present weights.

    Averaged weights give other activations than those that the running means have followed.
    One pass over the data replaces them by the mean over the batches,

    .. math:: \mu = \frac1B \sum_{b=1}^B \mu_b, \qquad \sigma^2 = \frac1B \sum_{b=1}^B \sigma_b^2

    with the unbiased variance of each batch.

    Parameters
    ----------
    batches : iterable
        Inputs, or tuples that begin with an input, such as (x, y). At least one.
    net : Layer
        Run forward in training mode. Weights are not changed; modes and momenta are put back.
        A network without running statistics is left alone.

    Raises
    ------
    ValueError
        No batches. The statistics have been reset by then.

    Examples
    --------
    >>> from descent.layers import BatchNorm1d
    >>> net = Sequential(BatchNorm1d(1))
    >>> update_bn([np.array([[0.0], [2.0]]), np.array([[4.0], [6.0]])], net)
    >>> net[0].running_mean, net[0].running_var
    (array([3.]), array([2.]))
    """
    layers = list(net.modules())
    normalizing = [layer for layer in layers if "running_mean" in layer.buffer_names]
    if not normalizing:
        return
    modes = [layer.training for layer in layers]
    momenta = [layer.momentum for layer in normalizing]
    for layer in normalizing:
        layer.running_mean[...] = 0
        layer.running_var[...] = 1
        layer.num_batches_tracked[...] = 0
        layer.momentum = None  # then the running statistics are plain means over the batches
    net.train()
    try:
        with without_backward(net):
            for batch in batches:
                net.forward(batch[0] if isinstance(batch, list | tuple) else batch)
    finally:
        for layer, mode in zip(layers, modes, strict=True):
            layer.training = mode
        for layer, momentum in zip(normalizing, momenta, strict=True):
            layer.momentum = momentum
    if normalizing[0].num_batches_tracked == 0:
        raise ValueError("batches is empty; expected at least one batch")
