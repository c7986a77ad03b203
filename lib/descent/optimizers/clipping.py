"""Clipping gradients: by the length of their vector, or entry by entry."""

import math

import numpy as np

from descent.checks import number
from descent.layers import Parameter, coalesce
from descent.norms import vector_norm


def clip_grad_norm_(parameters, max_norm, norm_type=2.0, error_if_nonfinite=False):
    r"""Shorten all gradients together, if their norm is too large.

    .. math:: g \leftarrow g \cdot \min\!\left\{1,\ \frac{c}{\lVert g \rVert_p + 10^{-6}}\right\}

    :math:`g` holds the gradients of all parameters in one vector. Its direction stays: only the
    length changes. Frozen parameters do not count: no optimizer moves them, and their gradients
    are what is left of earlier passes. Finite gradients whose squares overflow are clipped too.

    Parameters
    ----------
    parameters : Parameter, or list of Parameter
        Their gradients are changed in place. To clip what an optimizer moves, pass
        ``optimizer.parameters()``.
    max_norm : float ≥ 0
        :math:`c`. Infinity clips nothing and only measures.
    norm_type : float > 0
        :math:`p`; infinity stands for the largest absolute entry.
    error_if_nonfinite : bool
        Whether to refuse a norm that is nan or infinite. If not, such a norm spoils the
        gradients: nan makes all of them nan, infinity makes the finite ones 0. As in PyTorch,
        where the refusal is a RuntimeError.

    Returns
    -------
    total_norm : float
        :math:`\lVert g \rVert_p` before clipping.

    Raises
    ------
    ValueError
        No parameters, a negative norm, a norm type that is not positive, or, with
        ``error_if_nonfinite``, a norm that is not finite.

    References
    ----------
    Pascanu, Mikolov and Bengio (2013), "On the difficulty of training recurrent neural
    networks", ICML.

    Examples
    --------
    >>> w = Parameter(np.zeros(2))
    >>> w.grad[...] = [3.0, 4.0]
    >>> clip_grad_norm_([w], max_norm=1.0)
    5.0
    >>> w.grad.round(4)
    array([0.6, 0.8])
    """
    gradients = _gradients(parameters)
    if max_norm != math.inf:
        max_norm = number("max_norm", max_norm, at_least=0)
    if norm_type != math.inf:
        norm_type = number("norm_type", norm_type, above=0)
    total_norm = vector_norm(gradients, norm_type)
    if error_if_nonfinite and not math.isfinite(total_norm):
        raise ValueError(f"parameters: the norm of their gradients is {total_norm}")
    shrink = max_norm / (total_norm + 1e-6)
    if not shrink >= 1:
        with np.errstate(invalid="ignore"):
            for g in gradients:
                g *= shrink
    return total_norm


def clip_grad_value_(parameters, clip_value):
    r"""Clip each entry of the gradients.

    .. math:: g_i \leftarrow \min\{\max\{g_i, -c\},\ c\}

    Unlike clipping by norm, this turns the gradient: large entries shrink, small ones stay.

    Parameters
    ----------
    parameters : Parameter, or list of Parameter
        Their gradients are changed in place, except those of frozen parameters.
    clip_value : float ≥ 0
        :math:`c`

    Raises
    ------
    ValueError
        No parameters, a negative value.

    Examples
    --------
    >>> w = Parameter(np.zeros(3))
    >>> w.grad[...] = [-5.0, 0.5, 2.0]
    >>> clip_grad_value_([w], clip_value=1.0)
    >>> w.grad
    array([-1. ,  0.5,  1. ])
    """
    clip_value = number("clip_value", clip_value, at_least=0)
    for g in _gradients(parameters):
        np.clip(g, -clip_value, clip_value, out=g)


def _gradients(parameters):
    parameters = [parameters] if isinstance(parameters, Parameter) else list(parameters)
    if not parameters:
        raise ValueError("parameters is empty; expected parameters such as net.parameters()")
    for p in parameters:
        if not isinstance(p, Parameter):
            raise TypeError(f"parameters must hold Parameter objects, got {p!r}")
    moving = dict.fromkeys(p for p in parameters if p.requires_grad)  # each once
    return [run.grad for run in coalesce(moving)]
