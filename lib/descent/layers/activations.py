"""Activation functions: layers that act on each entry alone.

Each keeps its slope at every entry, by which the backward pass multiplies.
"""

import math

import numpy as np
from scipy.special import erf

from descent.checks import float_array, number, one_of
from descent.layers._layer import Layer
from descent.losses.sigmoid import sigmoid, softplus


class Activation(Layer):
    r"""A function of each entry alone.

    .. math:: y = f(x),\qquad \frac{\partial L}{\partial x} = \delta\, f'(x)

    A subclass computes y and hands :math:`f'(x)` to `keep`.
    """

    def __repr__(self):
        return f"{type(self).__name__}()"

    def backward(self, gradient):
        (slope,) = self.recall(gradient)
        return gradient * slope


class ReLU(Activation):
    r"""Rectified linear unit.

    .. math:: y = \max(0, x),\qquad \frac{\partial L}{\partial x} = \delta\,[x > 0]

    Any shape. At 0 every slope between 0 and 1 is a subgradient; this uses 0, as PyTorch does.

    References
    ----------
    Nair and Hinton (2010), "Rectified Linear Units Improve Restricted Boltzmann Machines", ICML.

    Examples
    --------
    >>> relu = ReLU()
    >>> relu(np.array([-2.0, 0.0, 3.0]))
    array([0., 0., 3.])
    >>> relu.backward(np.ones(3))
    array([0., 0., 1.])
    """

    def forward(self, x):
        y = np.maximum(float_array("x", x), 0)
        return self.keep(y, y > 0) if self.keeps else y


class LeakyReLU(Activation):
    r"""Rectified linear unit that lets a little through on the negative side.

    .. math::
        y = \begin{cases} x & x > 0 \\ a x & x \le 0 \end{cases},\qquad
        \frac{\partial L}{\partial x} = \delta \cdot \begin{cases} 1 & x > 0 \\ a & x \le 0
        \end{cases}

    Any shape. At 0 the slope is :math:`a`, as in PyTorch.

    Parameters
    ----------
    negative_slope : float
        :math:`a`

    References
    ----------
    Maas, Hannun and Ng (2013), "Rectifier Nonlinearities Improve Neural Network Acoustic
    Models", ICML workshop.

    Examples
    --------
    >>> LeakyReLU(0.1)(np.array([-2.0, 0.0, 3.0]))
    array([-0.2,  0. ,  3. ])
    """

    def __init__(self, negative_slope=0.01):
        self.negative_slope = float(number("negative_slope", negative_slope))

    def __repr__(self):
        return f"LeakyReLU({self.negative_slope})"

    def forward(self, x):
        x = float_array("x", x)
        slope = np.where(x > 0, x.dtype.type(1), x.dtype.type(self.negative_slope))
        return self.keep(slope * x, slope)


class ELU(Activation):
    r"""Exponential linear unit.

    .. math::
        y = \begin{cases} x & x > 0 \\ \alpha\,(e^x - 1) & x \le 0 \end{cases},\qquad
        \frac{\partial L}{\partial x} = \delta \cdot \begin{cases} 1 & x > 0 \\
        \alpha\, e^x & x \le 0 \end{cases}

    Any shape.

    Parameters
    ----------
    alpha : float
        :math:`\alpha`; the output never falls below :math:`-\alpha`.

    References
    ----------
    Clevert, Unterthiner and Hochreiter (2016), "Fast and Accurate Deep Network Learning by
    Exponential Linear Units (ELUs)", ICLR.

    Examples
    --------
    >>> ELU()(np.array([-1e4, -np.log(2.0), 0.0, 3.0]))
    array([-1. , -0.5,  0. ,  3. ])
    """

    def __init__(self, alpha=1.0):
        self.alpha = float(number("alpha", alpha))

    def __repr__(self):
        return f"ELU({self.alpha})"

    def forward(self, x):
        x = float_array("x", x)
        below = np.minimum(x, 0)
        y = np.where(x > 0, x, self.alpha * np.expm1(below))
        if self.keeps:
            self.keep(y, np.where(x > 0, x.dtype.type(1), self.alpha * np.exp(below)))
        return y


class Sigmoid(Activation):
    r"""The logistic function as a layer.

    .. math::
        y = \sigma(x) = \frac{1}{1 + e^{-x}},\qquad
        \frac{\partial L}{\partial x} = \delta\, y\,(1 - y)

    Any shape. The slope is never larger than 1/4. As the last layer before binary cross-entropy
    it is not needed: the loss takes logits.

    Examples
    --------
    >>> layer = Sigmoid()
    >>> layer(np.array([0.0, np.log(3.0)]))
    array([0.5 , 0.75])
    >>> layer.backward(np.ones(2))
    array([0.25  , 0.1875])
    """

    def forward(self, x):
        y = sigmoid(float_array("x", x))
        return self.keep(y, y * (1 - y)) if self.keeps else y


class Tanh(Activation):
    r"""Hyperbolic tangent.

    .. math::
        y = \tanh x = 2\,\sigma(2x) - 1,\qquad
        \frac{\partial L}{\partial x} = \delta\,(1 - y^2)

    Any shape.

    Examples
    --------
    >>> layer = Tanh()
    >>> layer(np.array([0.0, np.log(3.0)]))
    array([0. , 0.8])
    >>> layer.backward(np.ones(2))
    array([1.  , 0.36])
    """

    def forward(self, x):
        y = np.tanh(float_array("x", x))
        return self.keep(y, 1 - y**2) if self.keeps else y


class SiLU(Activation):
    r"""Sigmoid linear unit, also called swish.

    .. math::
        y = x\, \sigma(x),\qquad
        \frac{\partial L}{\partial x} = \delta\, \sigma(x)\,\bigl(1 + x\,(1 - \sigma(x))\bigr)

    Any shape.

    References
    ----------
    Hendrycks and Gimpel (2016), "Gaussian Error Linear Units (GELUs)", arXiv:1606.08415;
    Ramachandran, Zoph and Le (2017), "Searching for Activation Functions", arXiv:1710.05941.

    Examples
    --------
    >>> SiLU()(np.array([-1e4, 0.0, 1e4]))
    array([   -0.,     0., 10000.])
    """

    def forward(self, x):
        x = float_array("x", x)
        sigma = sigmoid(x)
        y = x * sigma
        return self.keep(y, sigma * (1 + x * (1 - sigma))) if self.keeps else y


class GELU(Activation):
    r"""Gaussian error linear unit: the input, times the probability that a normal lies below it.

    .. math::
        y = x\, \Phi(x),\qquad \Phi(x) = \tfrac12 \bigl(1 + \operatorname{erf}(x/\sqrt2)\bigr),
        \qquad
        \frac{\partial L}{\partial x} = \delta\, \bigl(\Phi(x) + x\, \Phi'(x)\bigr),\qquad
        \Phi'(x) = \frac{e^{-x^2/2}}{\sqrt{2\pi}}

    With ``approximate="tanh"``

    .. math::
        \Phi(x) \approx \tfrac12 (1 + \tanh u),\qquad u = \sqrt{2/\pi}\,(x + 0.044715\, x^3),\qquad
        \Phi'(x) \approx \tfrac12 (1 - \tanh^2 u)\, \sqrt{2/\pi}\,(1 + 3 \cdot 0.044715\, x^2)

    Any shape.

    Parameters
    ----------
    approximate : {"none", "tanh"}

    References
    ----------
    Hendrycks and Gimpel (2016), "Gaussian Error Linear Units (GELUs)", arXiv:1606.08415.

    Examples
    --------
    >>> GELU()(np.array([-1.0, 0.0, 1.0])).round(4)
    array([-0.1587,  0.    ,  0.8413])
    """

    def __init__(self, approximate="none"):
        self.approximate = one_of("approximate", approximate, ("none", "tanh"))

    def __repr__(self):
        return f"GELU(approximate={self.approximate!r})"

    def forward(self, x):
        x = float_array("x", x)
        z = np.clip(x, -40, 40)  # beyond, Φ is 0 or 1, and powers of x could overflow
        if self.approximate == "tanh":
            t = np.tanh(math.sqrt(2 / math.pi) * (z + 0.044715 * z**3))
            cdf = 0.5 * (1 + t)
            inner = math.sqrt(2 / math.pi) * (1 + 3 * 0.044715 * z**2)
            density = 0.5 * (1 - t**2) * inner
        else:
            cdf = 0.5 * (1 + erf(z / math.sqrt(2)))
            density = np.exp(-(z**2) / 2) / math.sqrt(2 * math.pi)
        return self.keep(x * cdf, cdf + x * density)


class Softplus(Activation):
    r"""A smooth version of the rectified linear unit.

    .. math::
        y = \frac{1}{\beta} \log(1 + e^{\beta x}),\qquad
        \frac{\partial L}{\partial x} = \delta\, \sigma(\beta x)

    Any shape. Where :math:`\beta x` exceeds the threshold the layer is the identity, as in
    PyTorch; there the two differ by less than :math:`e^{-\text{threshold}}/\beta`.

    Parameters
    ----------
    beta : float > 0
        :math:`\beta`; the larger, the closer to ReLU.
    threshold : float

    References
    ----------
    Dugas, Bengio, Bélisle, Nadeau and Garcia (2001), "Incorporating Second-Order Functional
    Knowledge for Better Option Pricing", NIPS.

    Examples
    --------
    >>> Softplus()(np.array([-1e4, 0.0, 3.0])).round(4)
    array([0.    , 0.6931, 3.0486])
    """

    def __init__(self, beta=1.0, threshold=20.0):
        self.beta = float(number("beta", beta, above=0))
        self.threshold = float(number("threshold", threshold))

    def __repr__(self):
        return f"Softplus(beta={self.beta}, threshold={self.threshold})"

    def forward(self, x):
        x = float_array("x", x)
        z = self.beta * x
        y = np.where(z > self.threshold, x, softplus(z) / self.beta)
        if self.keeps:
            self.keep(y, np.where(z > self.threshold, x.dtype.type(1), sigmoid(z)))
        return y
