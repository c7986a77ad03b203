"""Adam, and AdamW."""

import math

import numpy as np

from descent.optimizers._adaptive import Adaptive, averages, decay
from descent.optimizers._optimizer import check_betas, nonnegative
from descent.optimizers._quotient import quotient


class Adam(Adaptive):
    r"""Steps of the size of the rate: momentum, divided by the gradient's root mean square.

    .. math::
        g &\leftarrow g + \lambda w \\
        m &\leftarrow \beta_1 m + (1 - \beta_1)\, g, \qquad \hat m = m / (1 - \beta_1^t) \\
        v &\leftarrow \beta_2 v + (1 - \beta_2)\, g^2, \qquad \hat v = v / (1 - \beta_2^t) \\
        w &\leftarrow w - \eta\, \hat m \,/\, (\sqrt{\hat v} + \varepsilon)

    Both averages start at zero; dividing by :math:`1 - \beta^t` makes up for it. AMSGrad puts
    the largest :math:`v` so far in its place. With decoupled weight decay, which makes it
    `AdamW`, the first line becomes :math:`w \leftarrow w - \eta \lambda w`.

    The code pulls :math:`c = \sqrt{1 - \beta_2^t}` out of the fraction, as the paper proposes at
    the end of its section 2:
    :math:`\hat m / (\sqrt{\hat v} + \varepsilon) = c\, \hat m / (\sqrt{v} + c\,\varepsilon)`.
    This is the same number; with a constant in place of :math:`c\,\varepsilon`, as there, it is
    not.

    Parameters
    ----------
    params : list of Parameter, or of dicts of options
    lr : float ≥ 0
        :math:`\eta`, about how far a weight moves in one step.
    betas : two floats in [0, 1)
        :math:`\beta_1, \beta_2`. The averages reach back about :math:`1/(1-\beta)` steps.
    eps : float ≥ 0
        :math:`\varepsilon`, added outside the root. At 0, a weight that never had a
        gradient stays; in PyTorch 0/0 makes it nan.
    weight_decay : float ≥ 0
        :math:`\lambda`
    amsgrad : bool
        Divide by the root of the largest :math:`v` so far, corrected by the present
        :math:`1 - \beta_2^t` as PyTorch does; Reddi et al. correct nothing.
    maximize : bool
        Go up instead of down.
    decoupled_weight_decay : bool
        Shrink the weights directly, and leave the gradient alone.
    bias_correction : bool
        False leaves out both divisions by :math:`1 - \beta^t`, to see what they are for: the first
        step then has length :math:`\eta (1-\beta_1)/\sqrt{1-\beta_2}`. PyTorch has no such switch.

    Raises
    ------
    ValueError
        A negative rate, eps or decay; betas outside [0, 1). From ``step()``, a gradient that is
        not finite, or whose square is not: PyTorch lets it stop a weight for good.

    References
    ----------
    Kingma and Ba (2015), "Adam: A Method for Stochastic Optimization", ICLR, algorithm 1;
    Reddi, Kale and Kumar (2018), "On the Convergence of Adam and Beyond", ICLR, for AMSGrad.

    Examples
    --------
    The first step has the length of the rate, whatever the gradient's scale:

    >>> w = Parameter(np.array([1.0, 1.0]))
    >>> optimizer = Adam([w], lr=0.1)
    >>> w.grad[...] = [1000.0, -0.001]
    >>> optimizer.step()
    >>> w.data.round(5)
    array([0.9, 1.1])
    """

    def __init__(
        self,
        params,
        lr=1e-3,
        betas=(0.9, 0.999),
        eps=1e-8,
        weight_decay=0.0,
        amsgrad=False,
        *,
        maximize=False,
        decoupled_weight_decay=False,
        bias_correction=True,
    ):
        super().__init__(
            params,
            lr=lr,
            betas=betas,
            eps=eps,
            weight_decay=weight_decay,
            amsgrad=amsgrad,
            maximize=maximize,
            decoupled_weight_decay=decoupled_weight_decay,
            bias_correction=bias_correction,
        )

    def check(self, *, lr, betas, eps, weight_decay, **switches):
        nonnegative(lr=lr, eps=eps, weight_decay=weight_decay)
        check_betas(betas)

    def update(
        self,
        w,
        g,
        state,
        *,
        lr,
        betas,
        eps,
        weight_decay,
        amsgrad,
        maximize,
        decoupled_weight_decay,
        bias_correction,
    ):
        t, m, v = averages(w, state)
        beta1, beta2 = betas
        g = decay(w, g, lr, weight_decay, decoupled_weight_decay, maximize)

        scratch = self.scratch(w)
        m *= beta1
        m += np.multiply(1 - beta1, g, out=scratch)
        v *= beta2
        v += np.multiply(1 - beta2, np.square(g, out=scratch), out=scratch)
        if amsgrad:
            largest = state.setdefault("largest_v", np.zeros_like(v))
            v = np.maximum(largest, v, out=largest)

        c1, c2 = (1 - beta1**t, math.sqrt(1 - beta2**t)) if bias_correction else (1, 1)
        root = np.sqrt(v, out=scratch)
        root += c2 * eps
        step = quotient(m, root)
        step *= lr * c2 / c1
        w -= step


class AdamW(Adam):
    r"""Adam with decoupled weight decay: the weights shrink at a rate that no gradient changes.

    .. math::
        w &\leftarrow w - \eta \lambda w \\
        w &\leftarrow w - \eta\, \hat m \,/\, (\sqrt{\hat v} + \varepsilon)

    with :math:`\hat m` and :math:`\hat v` as in `Adam`. Under L2 decay the term :math:`\lambda w`
    is divided by :math:`\sqrt{\hat v}` like the gradient that it was added to, so weights with
    large gradients hardly decay. The paper multiplies the decay by the schedule alone, without
    :math:`\eta`; this is PyTorch's form.

    Parameters
    ----------
    params : list of Parameter, or of dicts of options
    lr, betas, eps, amsgrad, maximize, bias_correction
        As in `Adam`.
    weight_decay : float ≥ 0
        :math:`\lambda`

    Raises
    ------
    ValueError
        As `Adam`.

    References
    ----------
    Loshchilov and Hutter (2019), "Decoupled Weight Decay Regularization", ICLR, algorithm 2.

    Examples
    --------
    >>> w = Parameter(np.array([1.0, -4.0]))
    >>> optimizer = AdamW([w], lr=0.1, weight_decay=0.5)
    >>> optimizer.step()
    >>> w.data
    array([ 0.95, -3.8 ])
    """

    def __init__(
        self,
        params,
        lr=1e-3,
        betas=(0.9, 0.999),
        eps=1e-8,
        weight_decay=1e-2,
        amsgrad=False,
        *,
        maximize=False,
        bias_correction=True,
    ):
        super().__init__(
            params,
            lr,
            betas=betas,
            eps=eps,
            weight_decay=weight_decay,
            amsgrad=amsgrad,
            maximize=maximize,
            decoupled_weight_decay=True,
            bias_correction=bias_correction,
        )
