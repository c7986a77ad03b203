"""Muon: momentum with all its singular values made nearly equal."""

import math

import numpy as np

from descent.checks import integer, number, one_of
from descent.optimizers._optimizer import Optimizer, nonnegative
from descent.optimizers.newton_schulz import COEFFICIENTS, check_coefficients, newton_schulz


class Muon(Optimizer):
    r"""Momentum, orthogonalized: every direction that a layer's matrix can move in moves alike.

    .. math::
        m &\leftarrow \mu m + (1 - \mu)\, g \\
        u &= m \qquad\text{or, with Nesterov,}\qquad u = \mu m + (1 - \mu)\, g \\
        w &\leftarrow w - \eta \lambda w \\
        w &\leftarrow w - \eta\, \alpha\, \operatorname{NS}(u)

    with `newton_schulz` for NS. :math:`U V^\top` is the steepest descent direction when the
    length of a step is its spectral norm. The factor :math:`\alpha` adapts the rate to the shape
    (rows, columns).

    For the matrices of hidden layers. Convolution kernels (out, in, k, k) are taken as matrices
    (out, in·k·k), which PyTorch's Muon refuses. Biases and norms' parameters need another
    optimizer, such as AdamW; so, by custom, does the output layer.

    Parameters
    ----------
    params : list of Parameter, or of dicts of options
        Of two or more axes.
    lr : float ≥ 0
        :math:`\eta`
    weight_decay : float ≥ 0
        :math:`\lambda`, decoupled.
    momentum : float in [0, 1)
        :math:`\mu`
    nesterov : bool
    ns_coefficients, eps, ns_steps
        As `coefficients`, `eps` and `steps` of `newton_schulz`. With
        ``ns_coefficients=polar_express(5)`` every step has its own.
    adjust_lr_fn : {None, "original", "match_rms_adamw"}
        "original", and None: :math:`\alpha = \sqrt{\max(1, \text{rows}/\text{columns})}`.
        "match_rms_adamw": :math:`\alpha = 0.2 \sqrt{\max(\text{rows}, \text{columns})}`, which
        gives steps the size of AdamW's, so that its rate and decay can be used.

    Raises
    ------
    ValueError
        A parameter with fewer than two axes, a negative rate, decay or number of steps, a
        momentum outside [0, 1), an eps that is not positive, an unknown adjust_lr_fn.

    References
    ----------
    Jordan et al. (2024), "Muon: An optimizer for hidden layers in neural networks",
    kellerjordan.github.io/posts/muon; Liu et al. (2025), "Muon is Scalable for LLM Training",
    arXiv:2502.16982, for "match_rms_adamw".

    Examples
    --------
    Of a gradient of rank one, the scale is forgotten:

    >>> w = Parameter(np.zeros((2, 2)))
    >>> optimizer = Muon([w], lr=0.1)
    >>> w.grad[...] = [[500.0, 0.0], [0.0, 0.0]]
    >>> optimizer.step()
    >>> w.data.round(2) + 0.0
    array([[-0.07,  0.  ],
           [ 0.  ,  0.  ]])
    """

    entrywise = False

    def __init__(
        self,
        params,
        lr=1e-3,
        weight_decay=0.1,
        momentum=0.95,
        nesterov=True,
        ns_coefficients=COEFFICIENTS,
        eps=1e-7,
        ns_steps=5,
        adjust_lr_fn=None,
    ):
        super().__init__(
            params,
            lr=lr,
            weight_decay=weight_decay,
            momentum=momentum,
            nesterov=nesterov,
            ns_coefficients=ns_coefficients,
            eps=eps,
            ns_steps=ns_steps,
            adjust_lr_fn=adjust_lr_fn,
        )

    def check_parameters(self, parameters):
        for p in parameters:
            if p.data.ndim < 2:
                raise ValueError(
                    f"params must have two or more axes, got {p}; give biases to another "
                    "optimizer, such as AdamW; see Together"
                )

    def check(
        self, *, lr, weight_decay, momentum, nesterov, ns_coefficients, eps, ns_steps, adjust_lr_fn
    ):
        nonnegative(lr=lr, weight_decay=weight_decay)
        number("momentum", momentum, at_least=0, below=1)
        check_coefficients("ns_coefficients", ns_coefficients)
        number("eps", eps, above=0)
        integer("ns_steps", ns_steps, at_least=0)
        one_of("adjust_lr_fn", adjust_lr_fn, (None, "original", "match_rms_adamw"))

    def update(
        self,
        w,
        g,
        state,
        *,
        lr,
        weight_decay,
        momentum,
        nesterov,
        ns_coefficients,
        eps,
        ns_steps,
        adjust_lr_fn,
    ):
        m = state.setdefault("m", np.zeros_like(w))
        m *= momentum
        m += (1 - momentum) * g
        u = momentum * m + (1 - momentum) * g if nesterov else m
        matrix = u.reshape(len(u), -1)  # (out, in·k·k) for convolution kernels
        step = newton_schulz(matrix, steps=ns_steps, coefficients=ns_coefficients, eps=eps)
        w *= 1 - lr * weight_decay
        w -= lr * _adjustment(*matrix.shape, adjust_lr_fn) * step.reshape(w.shape)


def _adjustment(rows, columns, adjust_lr_fn):
    if adjust_lr_fn == "match_rms_adamw":
        return 0.2 * math.sqrt(max(rows, columns))
    return math.sqrt(max(1, rows / columns))
