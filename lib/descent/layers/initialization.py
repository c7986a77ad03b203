r"""Initial values for weights, chosen so that signals keep their size from layer to layer.

The number of inputs that each output sums, and of outputs that each input reaches, decide the
scale. For the weight of a fully connected layer, (out, in), or of a convolution,
(out, in / groups, kernel height, kernel width),

.. math::
    \text{fan}_\text{in} = \frac{\text{in}}{\text{groups}} \cdot k_h k_w,\qquad
    \text{fan}_\text{out} = \text{out} \cdot k_h k_w

(with groups, each input reaches only out / groups channels, but this is PyTorch's count).
"""

import math

import numpy as np

from descent.checks import generator, number, one_of
from descent.layers._parameter import Parameter
from descent.layers.analysis import evaluating, has_weights, trace

GAINS = {
    "linear": 1.0,
    "conv2d": 1.0,
    "sigmoid": 1.0,
    "tanh": 5 / 3,
    "relu": math.sqrt(2),
    "selu": 3 / 4,
}


def calculate_gain(nonlinearity, param=None):
    r"""The factor by which weights must grow to make up for a nonlinearity.

    =============  ==============================
    nonlinearity   gain
    =============  ==============================
    linear         1
    conv2d         1
    sigmoid        1
    tanh           5/3
    relu           :math:`\sqrt2`
    leaky_relu     :math:`\sqrt{2 / (1 + a^2)}`
    selu           3/4
    =============  ==============================

    ReLU halves the mean square of a symmetric signal, hence :math:`\sqrt2`. The values for tanh
    and SELU are PyTorch's empirical ones, and that for sigmoid makes up for nothing.

    Parameters
    ----------
    nonlinearity : str
        One of the names above.
    param : float, optional
        For "leaky_relu" the negative slope :math:`a`, 0.01 unless given; otherwise without effect.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        An unknown nonlinearity.

    Examples
    --------
    >>> round(calculate_gain("relu") ** 2, 6)
    2.0
    """
    one_of("nonlinearity", nonlinearity, (*GAINS, "leaky_relu"))
    if nonlinearity == "leaky_relu":
        a = 0.01 if param is None else number("param", param)
        return math.sqrt(2 / (1 + a**2))
    return GAINS[nonlinearity]


def xavier_uniform_(parameter, gain=1.0, *, rng):
    r"""Fill a weight uniformly, by the mean of the two fans, after Glorot and Bengio.

    .. math::
        W \sim U(-b, b),\qquad
        b = \text{gain} \cdot \sqrt{\frac{6}{\text{fan}_\text{in} + \text{fan}_\text{out}}}

    Parameters
    ----------
    parameter : Parameter, at least two axes
        Changed in place.
    gain : float
    rng : numpy.random.Generator

    Returns
    -------
    Parameter
        The one that came in.

    Raises
    ------
    ValueError
        A parameter with fewer than two axes.

    References
    ----------
    Glorot and Bengio (2010), "Understanding the difficulty of training deep feedforward neural
    networks", AISTATS.

    Examples
    --------
    >>> layer = Linear(4, 2, rng=np.random.default_rng(0))
    >>> w = xavier_uniform_(layer.weight, rng=np.random.default_rng(0))
    >>> bool(np.abs(w.data).max() <= 1)
    True
    """
    fan_in, fan_out = _fans(parameter)
    std = number("gain", gain) * math.sqrt(2 / (fan_in + fan_out))
    return _fill_uniform(parameter, std, rng)


def xavier_normal_(parameter, gain=1.0, *, rng):
    r"""Fill a weight with normal numbers, by the mean of the two fans.

    .. math::
        W \sim N(0, \sigma^2),\qquad
        \sigma = \text{gain} \cdot \sqrt{\frac{2}{\text{fan}_\text{in} + \text{fan}_\text{out}}}

    Parameters
    ----------
    parameter : Parameter, at least two axes
        Changed in place.
    gain : float
    rng : numpy.random.Generator

    Returns
    -------
    Parameter
        The one that came in.

    Raises
    ------
    ValueError
        A parameter with fewer than two axes.

    References
    ----------
    Glorot and Bengio (2010), as for `xavier_uniform_`.

    Examples
    --------
    >>> layer = Linear(400, 400, rng=np.random.default_rng(0))
    >>> w = xavier_normal_(layer.weight, rng=np.random.default_rng(0))
    >>> round(float(w.data.std()), 3)
    0.05
    """
    fan_in, fan_out = _fans(parameter)
    std = number("gain", gain) * math.sqrt(2 / (fan_in + fan_out))
    return _fill_normal(parameter, std, rng)


def kaiming_uniform_(parameter, a=0.0, mode="fan_in", nonlinearity="leaky_relu", *, rng):
    r"""Fill a weight uniformly, by one of the fans and the gain of the nonlinearity, after He.

    .. math::
        W \sim U(-b, b),\qquad b = \text{gain} \cdot \sqrt{\frac{3}{\text{fan}}}

    Parameters
    ----------
    parameter : Parameter, at least two axes
        Changed in place.
    a : float
        The negative slope of "leaky_relu"; with 0 that is ReLU.
    mode : {"fan_in", "fan_out"}
        Keep the size of the signal on the way forward, or of the gradient on the way back.
    nonlinearity : str
        As for `calculate_gain`.
    rng : numpy.random.Generator

    Returns
    -------
    Parameter
        The one that came in.

    Raises
    ------
    ValueError
        A parameter with fewer than two axes, an unknown mode or nonlinearity.

    References
    ----------
    He, Zhang, Ren and Sun (2015), "Delving Deep into Rectifiers: Surpassing Human-Level
    Performance on ImageNet Classification", ICCV.

    Examples
    --------
    >>> layer = Linear(6, 2, rng=np.random.default_rng(0))
    >>> w = kaiming_uniform_(layer.weight, rng=np.random.default_rng(0))
    >>> bool(np.abs(w.data).max() <= 1)
    True
    """
    return _fill_uniform(parameter, _kaiming_std(parameter, a, mode, nonlinearity), rng)


def kaiming_normal_(parameter, a=0.0, mode="fan_in", nonlinearity="leaky_relu", *, rng):
    r"""Fill a weight with normal numbers, by one of the fans and the gain, after He.

    .. math::
        W \sim N(0, \sigma^2),\qquad \sigma = \frac{\text{gain}}{\sqrt{\text{fan}}}

    Parameters
    ----------
    parameter : Parameter, at least two axes
        Changed in place.
    a, mode, nonlinearity
        As for `kaiming_uniform_`.
    rng : numpy.random.Generator

    Returns
    -------
    Parameter
        The one that came in.

    Raises
    ------
    ValueError
        A parameter with fewer than two axes, an unknown mode or nonlinearity.

    References
    ----------
    He et al. (2015), as for `kaiming_uniform_`.

    Examples
    --------
    >>> layer = Linear(200, 500, rng=np.random.default_rng(0))
    >>> w = kaiming_normal_(layer.weight, rng=np.random.default_rng(0))
    >>> round(float(w.data.std()), 3)
    0.1
    """
    return _fill_normal(parameter, _kaiming_std(parameter, a, mode, nonlinearity), rng)


def orthogonal_(parameter, gain=1.0, *, rng):
    r"""Fill a weight with a random matrix whose rows, or columns if fewer, are orthonormal.

    .. math:: W W^\top = \text{gain}^2\, I \quad\text{or}\quad W^\top W = \text{gain}^2\, I

    The matrix has one row for each output; the other axes form its columns. It is the Q of the
    QR decomposition of normal numbers, with the signs that make R's diagonal positive, so that
    every orthogonal matrix is equally likely.

    Parameters
    ----------
    parameter : Parameter, at least two axes
        Changed in place.
    gain : float
    rng : numpy.random.Generator

    Returns
    -------
    Parameter
        The one that came in.

    Raises
    ------
    ValueError
        A parameter with fewer than two axes.

    References
    ----------
    Saxe, McClelland and Ganguli (2014), "Exact solutions to the nonlinear dynamics of learning
    in deep linear neural networks", ICLR;
    Mezzadri (2007), "How to generate random matrices from the classical compact groups",
    Notices of the AMS 54, for the signs.

    Examples
    --------
    >>> layer = Linear(3, 2, rng=np.random.default_rng(0))
    >>> W = orthogonal_(layer.weight, rng=np.random.default_rng(0)).data
    >>> np.allclose(W @ W.T, np.eye(2))
    True
    """
    _fans(parameter)
    gain = number("gain", gain)
    rows, columns = len(parameter.data), parameter.data[0].size
    normal = generator("rng", rng).standard_normal((max(rows, columns), min(rows, columns)))
    q, r = np.linalg.qr(normal)
    q *= np.sign(np.diag(r))
    q = q if rows >= columns else q.T
    parameter.data[...] = gain * q.reshape(parameter.data.shape)
    return parameter


def lsuv_(net, x, *, rng, tolerance=0.1, max_iterations=10):
    r"""Layer-sequential unit-variance initialization of a whole network, on a batch of data.

    Every weight is filled by `orthogonal_`. Then, from the first layer to the last, each weight
    is divided by the standard deviation of its layer's output,

    .. math::
        W_l \leftarrow \frac{W_l}{\sqrt{\operatorname{Var}(y_l)}}\qquad
        \text{while } |\operatorname{Var}(y_l) - 1| \ge \text{tolerance},

    where the variance is over all entries of the output for the batch. Biases stay as they are.
    The network runs in evaluation mode meanwhile.

    Parameters
    ----------
    net : Layer
        Its `Linear` and `Conv2d` layers are changed in place.
    x : float array
        A batch of inputs.
    rng : numpy.random.Generator
    tolerance : float > 0
    max_iterations : int
        The most divisions for each layer.

    Raises
    ------
    ValueError
        A layer whose output has variance 0, nan or inf; then the network is as before.

    References
    ----------
    Mishkin and Matas (2016), "All you need is a good init", ICLR, algorithm 1.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> net = Sequential(Linear(8, 50, rng=rng), ReLU(), Linear(50, 50, rng=rng))
    >>> x = rng.normal(size=(100, 8))
    >>> lsuv_(net, x, rng=rng)
    >>> bool(abs(net(x).var() - 1) < 0.1)
    True
    """
    generator("rng", rng)
    tolerance = number("tolerance", tolerance, above=0)
    before = net.state_dict()
    with evaluating(net):
        steps = trace(net, x)
        weighted = [i for i, step in enumerate(steps) if has_weights(step.layer)]
        for i in weighted:
            orthogonal_(steps[i].layer.weight, rng=rng)
        for i in weighted:
            for _ in range(max_iterations):
                step = trace(net, x)[i]
                variance = float(step.output.var())
                if not 0 < variance < math.inf:
                    net.load_state_dict(before)
                    raise ValueError(
                        f"x gives an output of variance {variance} in layer {step.name!r}; "
                        "expected a finite variance > 0"
                    )
                if abs(variance - 1) < tolerance:
                    break
                step.layer.weight.data /= math.sqrt(variance)


def _fans(parameter):
    if not isinstance(parameter, Parameter):
        raise TypeError(f"parameter must be a Parameter, got {parameter!r}")
    shape = parameter.data.shape
    if len(shape) < 2:
        raise ValueError(
            f"parameter must have at least two axes, (out, in, …), got {shape}; "
            "fans are defined for weights, not for biases"
        )
    field = math.prod(shape[2:])
    return shape[1] * field, shape[0] * field


def _kaiming_std(parameter, a, mode, nonlinearity):
    one_of("mode", mode, ("fan_in", "fan_out"))
    fan = dict(zip(("fan_in", "fan_out"), _fans(parameter), strict=True))[mode]
    return calculate_gain(nonlinearity, number("a", a)) / math.sqrt(fan)


def _fill_uniform(parameter, std, rng):
    bound = math.sqrt(3) * std  # a uniform distribution in ±b has variance b²/3
    parameter.data[...] = generator("rng", rng).uniform(-bound, bound, parameter.data.shape)
    return parameter


def _fill_normal(parameter, std, rng):
    parameter.data[...] = generator("rng", rng).normal(0, std, parameter.data.shape)
    return parameter
