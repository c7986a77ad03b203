"""The learning-rate range test: which rates train, and from which on training blows up."""

import math
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import pairwise, repeat

import numpy as np

from descent.checks import NotFiniteError, integer, number
from descent.optimizers._optimizer import Optimizer

CONFIRMATIONS = 3  # steps after the limit, in which growth must go on as on a parabola
RISES, AGREEMENT = 3, 1.25  # how many rises must agree on the onset, within which factor


@dataclass(frozen=True)
class RangeTest:
    """What a learning-rate range test saw.

    Attributes
    ----------
    rates : float array, (n,)
        The rates tried; the test may have stopped before the last one asked for.
    losses : float array, (n,)
        The loss before the step with each rate.
    smoothed : float array, (n,)
        Their exponential moving average.
    diverged : bool
        Whether the loss rose beyond the limit or was no longer finite.
    blow_up : float or None
        The rate from which a loss would grow, judged by the last three rises before the test
        stopped; see `lr_range_test`. None if the loss did not diverge, or not as it would on a
        parabola: then no such rate can be told.
    suggestion : float
        A tenth of the rate at which the smoothed loss was least: a rate to try, not more.
    """

    rates: np.ndarray
    losses: np.ndarray
    smoothed: np.ndarray
    diverged: bool
    blow_up: float | None
    suggestion: float


def lr_range_test(
    closure,
    optimizer,
    *,
    min_lr=1e-6,
    max_lr=10.0,
    steps=100,
    smoothing=0.9,
    divergence=4.0,
):
    r"""Train for a moment with exponentially growing rates, and watch the loss.

    .. math::
        \eta_k = \eta_{\min} \left(\frac{\eta_{\max}}{\eta_{\min}}\right)^{k/(n-1)}, \qquad
        \bar L_k = \frac{1 - \beta}{1 - \beta^{k+1}} \sum_{i \le k} \beta^{k-i} L_i

    The test stops three steps after :math:`\bar L_k > d\,\bar L_0`, or when the loss is no longer
    finite. By then the rate is several times beyond what training bears: the direction of
    largest curvature, which was learned first, must grow back from almost nothing before it
    shows. But the last rises tell where growth set in. Along curvature :math:`\lambda` a step
    multiplies the error by :math:`1 - \eta\lambda` and the loss by its square, so

    .. math::
        \frac{L_{k+1}}{L_k} = (\eta_k \lambda - 1)^2
        \quad\Longrightarrow\quad
        \frac{2}{\lambda} = \frac{2\,\eta_k}{1 + \sqrt{L_{k+1} / L_k}},

    which is the blow-up rate reported if the last three rises agree on it within a quarter. It
    is exact for gradient descent on a parabola that goes down to 0; momentum β makes it too
    small by a factor of up to 1 + β. **Most networks do not diverge like that.** One step too
    long kills their ReLUs, or throws the logits far out where the slope of the loss is constant;
    the loss then jumps, falls back or stands still. No rate can be read from such a curve, and
    the blow-up rate is None; the suggestion and the plot of the losses remain.

    Parameters
    ----------
    closure : callable
        Without arguments: adds the gradients of one batch to the parameters' ``grad``, which
        are zero when it is called, and returns the loss, a float. Optimizers such as `SAM` call
        it more than once in a step.
    optimizer : Optimizer
        All groups get the same rate. Its options and state, the weights and the gradients are
        put back, whatever happens. Generators that `closure` draws from are not.
    min_lr, max_lr : float > 0
        :math:`\eta_{\min} < \eta_{\max}`
    steps : int ≥ 2
        :math:`n`
    smoothing : float in [0, 1)
        :math:`\beta`
    divergence : float > 1
        :math:`d`

    Returns
    -------
    result : RangeTest

    Raises
    ------
    ValueError
        Options out of their ranges; a first loss that is not positive and finite.

    References
    ----------
    Smith (2017), "Cyclical Learning Rates for Training Neural Networks", WACV, section 3.3. The
    paper lets the rate grow linearly; exponential growth, the smoothing and the rules for
    stopping came with later software.

    Examples
    --------
    On a parabola of curvature 4 rates up to 2/4 are stable:

    >>> w = Parameter(np.array([1.0]))
    >>> def closure():
    ...     w.grad += 4 * w.data
    ...     return 2 * float(w.data[0]) ** 2
    >>> result = lr_range_test(closure, SGD([w], lr=0.1), min_lr=1e-4)
    >>> round(result.blow_up, 6), w.data
    (0.5, array([1.]))
    """
    options = (min_lr, max_lr, steps, smoothing, divergence)
    return _range_test(repeat(closure), optimizer, *options)


def lr_finder(
    net,
    loss,
    batches,
    optimizer,
    *,
    min_lr=1e-6,
    max_lr=10.0,
    steps=100,
    smoothing=0.9,
    divergence=4.0,
):
    """Run `lr_range_test` on a network, with one batch for each rate.

    Parameters
    ----------
    net : Layer
        In the mode it is in, training as a rule. Its buffers are put back as well.
    loss : callable
        From (output, target) to (value, gradient), such as `cross_entropy`.
    batches : iterable of (x, target)
        Run through again from the beginning when it comes to its end.
    optimizer : Optimizer
        Of the network's parameters.
    min_lr, max_lr, steps, smoothing, divergence
        As in `lr_range_test`.

    Returns
    -------
    result : RangeTest

    Raises
    ------
    ValueError
        As `lr_range_test`; and no batches, or a generator that ends too soon.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> net = Sequential(Linear(1, 1, bias=False, rng=rng))
    >>> x = np.array([[3.0], [4.0]])
    >>> def half_mse(y, target):
    ...     return 0.5 * ((y - target) ** 2).sum(), y - target
    >>> result = lr_finder(net, half_mse, [(x, 2 * x)], SGD(net.parameters()), min_lr=1e-4)
    >>> round(result.blow_up, 4)  # the curvature is 3² + 4²
    0.08
    """

    def gradient_of(x, target):
        value, gradient = loss(net.forward(x), target)
        net.backward(gradient, input_gradient=False)
        return value

    closures = (partial(gradient_of, x, target) for x, target in _again_and_again(batches))
    buffers = {name: buffer.copy() for name, buffer in net.named_buffers().items()}
    try:
        return _range_test(closures, optimizer, min_lr, max_lr, steps, smoothing, divergence)
    finally:
        for name, buffer in net.named_buffers().items():
            buffer[...] = buffers[name]


def _range_test(closures, optimizer, min_lr, max_lr, steps, smoothing, divergence):
    """The test, with a closure for each step."""
    if not isinstance(optimizer, Optimizer):
        raise TypeError(f"optimizer must be an Optimizer, got {optimizer!r}")
    min_lr = number("min_lr", min_lr, above=0)
    max_lr = number("max_lr", max_lr, above=min_lr)
    steps = integer("steps", steps, at_least=2)
    smoothing = number("smoothing", smoothing, at_least=0, below=1)
    divergence = number("divergence", divergence, above=1)

    rates = np.geomspace(min_lr, max_lr, steps)
    losses, smoothed, average, beyond = [], [], 0.0, 0
    with _put_back(optimizer), np.errstate(over="ignore", invalid="ignore"):
        for loss in _losses(closures, optimizer, rates):
            if not losses and not 0 < loss < np.inf:
                raise ValueError(f"closure must return a first loss > 0 and finite, got {loss}")
            finite = math.isfinite(loss)
            if finite:
                losses.append(loss)
                average = smoothing * average + (1 - smoothing) * loss
                smoothed.append(average / (1 - smoothing ** len(losses)))
            if beyond or not finite or smoothed[-1] > divergence * smoothed[0]:
                beyond += 1
            if not finite or beyond > CONFIRMATIONS:
                break
    rates = rates[: len(losses)]
    return RangeTest(
        rates=rates,
        losses=np.array(losses),
        smoothed=np.array(smoothed),
        diverged=beyond > 0,
        blow_up=_onset(rates, losses) if beyond else None,
        suggestion=float(rates[np.argmin(smoothed)]) / 10,
    )


def _losses(closures, optimizer, rates):
    """Yield the loss before the step with each rate, and inf instead of a step that overflows."""
    for lr, closure in zip(rates, closures, strict=False):
        seen = []

        def evaluate(closure=closure, seen=seen):
            optimizer.zero_grad()
            seen.append(float(closure()))
            return seen[-1]

        for group in optimizer.param_groups:
            group["lr"] = float(lr)
        try:
            optimizer.step(evaluate)
        except NotFiniteError:
            yield from [*seen[:1], np.inf]
        else:
            yield seen[0]


def _onset(rates, losses):
    """The rate from which the loss would grow, or None if its last rises do not agree on one."""
    pairs = list(pairwise(losses))[-RISES:]
    if len(pairs) < RISES or not all(after > before > 0 for before, after in pairs):
        return None
    onsets = [
        2 * float(lr) / (1 + math.sqrt(after / before))
        for lr, (before, after) in zip(rates[-RISES - 1 :], pairs, strict=False)
    ]
    return onsets[-1] if max(onsets) < AGREEMENT * min(onsets) else None


@contextmanager
def _put_back(optimizer):
    state = optimizer.state_dict()
    arrays = [(p, p.data.copy(), p.grad.copy()) for p in optimizer.state]
    try:
        yield
    finally:
        optimizer.load_state_dict(state)
        for p, data, grad in arrays:
            p.data[...] = data
            p.grad[...] = grad


def _again_and_again(batches):
    while True:
        batch = None
        for batch in batches:
            yield batch
        if batch is None:
            raise ValueError("batches came to its end; expected a list, or what can run again")
