"""A masked array would lose its mask: each function refuses it under the argument's own name."""

import numpy as np
import pytest

from descent import data, evaluation, training
from descent.layers import Linear
from descent.losses import cross_entropy
from descent.optimizers import SGD


def new():
    return np.random.default_rng(0)


def network():
    net = Linear(2, 2, rng=new())
    return net, cross_entropy, SGD(net.parameters(), lr=0.1)


X, Y = np.ones((4, 2)), np.array([0, 1, 0, 1])
RIGHT = np.array([True, False, True, True])
LOGITS = np.array([[1.0, 0.0], [0.0, 1.0], [0.5, 0.0], [0.0, 2.0]])
SOME_WRONG = np.array([0, 1, 1, 1])

CALLS = [  # the argument that is masked, its value, the call
    ("values", LOGITS[:, 0], lambda v: evaluation.bootstrap_interval(v, rng=new())),
    ("correct_a", RIGHT, lambda v: evaluation.paired_bootstrap(v, RIGHT, rng=new())),
    ("correct_b", RIGHT, lambda v: evaluation.paired_bootstrap(RIGHT, v, rng=new())),
    ("correct_a", RIGHT, lambda v: evaluation.mcnemar(v, RIGHT)),
    ("correct_b", RIGHT, lambda v: evaluation.mcnemar(RIGHT, v)),
    ("logits", LOGITS, lambda v: evaluation.top_k_accuracy(v, Y, k=1)),
    ("scores", LOGITS[:, 0], lambda v: evaluation.conformal_quantile(v, alpha=0.5)),
    ("inputs", X, lambda v: evaluation.evaluate(*network()[:2], v, Y)),
    ("targets", Y, lambda v: evaluation.evaluate(*network()[:2], X, v)),
    ("inputs", X, lambda v: evaluation.predict(network()[0], v)),
    ("logits", LOGITS, lambda v: evaluation.temperature_scaling(v, SOME_WRONG)),
    ("labels", Y, training.label_entropy),
    ("targets", Y, lambda v: training.overfit_one_batch(*network(), X, v, steps=1)),
    ("labels", Y, lambda v: training.shuffled_labels(*network(), X, v, rng=new(), steps=1)),
    ("inputs", X, lambda v: data.batches(v, Y, 2)),
    ("targets", Y, lambda v: data.batches(X, v, 2)),
    ("x", X[0], data.rosenbrock),
    ("x", X[0], data.rosenbrock_hessian),
    ("x", X[0], data.himmelblau),
    ("x", X[0], data.beale),
    ("x", X[0], data.double_well),
    ("x", X[0], lambda v: data.quadratic(v, np.eye(2))),
    ("hessian", np.eye(2), lambda v: data.quadratic(X[0], v)),
    ("values", X[0], lambda v: data.contaminate(v, rng=new())),
]


@pytest.mark.parametrize(("name", "value", "call"), CALLS)
def test_the_masked_argument_is_named(name, value, call):
    call(value)
    with pytest.raises(TypeError, match=f"^{name} must be an array without a mask"):
        call(np.ma.masked_array(value, mask=False))
