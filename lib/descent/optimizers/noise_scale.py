"""The gradient noise scale: from which batch size on larger batches no longer pay."""

from dataclasses import dataclass

import numpy as np

from descent.checks import finite_result, float_array, integer


@dataclass(frozen=True)
class NoiseScale:
    """The noise of gradients, compared with the gradient itself.

    Attributes
    ----------
    noise : float
        The trace of the covariance of a single sample's gradient.
    squared_length : float
        The squared length of the true gradient, without the noise that the mean of the batches
        still has. An estimate without bias, which noise may bring below 0.
    batch_size : float or None
        The noise scale, their quotient: a number of samples. None if `squared_length` is not
        positive: then the batches are too few to tell the gradient from its noise.
    """

    noise: float
    squared_length: float
    batch_size: float | None


def gradient_noise_scale(gradients, *, batch_size=1):
    r"""How many samples a batch needs until its gradient is more signal than noise.

    With :math:`g_1, \dots, g_n` the mean gradients of n batches of b samples each,
    :math:`\bar g` their mean, G the true gradient and Σ the covariance of one sample's gradient,

    .. math::
        \widehat{\operatorname{tr} \Sigma} = \frac{b}{n - 1} \sum_i \lVert g_i - \bar g \rVert^2,
        \qquad
        \widehat{\lVert G \rVert^2} = \lVert \bar g \rVert^2
        - \frac{\widehat{\operatorname{tr} \Sigma}}{n b},
        \qquad
        B = \frac{\widehat{\operatorname{tr} \Sigma}}{\widehat{\lVert G \rVert^2}}

    At a batch of B samples the squared length of the noise equals that of the gradient. Well
    below B, twice the batch allows nearly twice the rate; well above, hardly more. The scale
    belongs to one point of the weights, and grows while training brings the gradient down. It is
    the simple scale of the paper, which leaves the curvature out.

    Parameters
    ----------
    gradients : iterable of float arrays, all of one shape
        Two at least, at the same weights, of independent batches. They are looked at one by one,
        so a generator may give ``net.flat.grad`` after each batch.
    batch_size : int ≥ 1
        :math:`b`. The losses are means over it.

    Returns
    -------
    result : NoiseScale

    Raises
    ------
    ValueError
        Fewer than two gradients, shapes that differ, entries that are not finite.

    References
    ----------
    McCandlish, Kaplan, Amodei et al. (2018), "An Empirical Model of Large-Batch Training",
    arXiv:1812.06162, equation 2.9 and appendix A.1.

    Examples
    --------
    Gradients (3, 0) and (1, 0) of single samples: the variance is 2, the squared mean 4, of
    which the noise of a mean of two accounts for 1.

    >>> gradient_noise_scale([np.array([3.0, 0.0]), np.array([1.0, 0.0])])
    NoiseScale(noise=2.0, squared_length=3.0, batch_size=0.6666666666666666)
    """
    batch_size = integer("batch_size", batch_size, at_least=1)
    n, mean, scatter = 0, 0.0, 0.0
    for n, g in enumerate(_vectors(gradients), start=1):
        away = g - mean
        mean = mean + away / n
        scatter += float(away @ (g - mean))  # grows to the sum of the squared distances
    if n < 2:
        raise ValueError(f"gradients must be two or more, got {n}")
    noise = batch_size * scatter / (n - 1)
    squared_length = float(mean @ mean) - noise / (n * batch_size)
    scale = noise / squared_length if squared_length > 0 else None
    return NoiseScale(noise, squared_length, scale)


def _vectors(gradients):
    """The gradients as vectors in float64, each after a look at its shape and entries."""
    shape = None
    for i, gradient in enumerate(gradients):
        g = float_array(f"gradients[{i}]", gradient)
        shape = g.shape if shape is None else shape
        if g.shape != shape:
            raise ValueError(f"gradients must have one shape, got {shape} and {g.shape}")
        finite_result(g, **{f"gradients[{i}]": g})
        yield g.astype(np.float64).ravel()
