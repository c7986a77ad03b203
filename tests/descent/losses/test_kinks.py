"""Which subgradient each loss takes where two sides meet, and what PyTorch takes there."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from descent import losses

Y = np.array([1.0, -1.0])
SIGNS = torch.tensor(Y)
ROW = np.array([0])
POINTS = {  # of kinks
    "mae": np.array([2.0, -1.0]),
    "hinge": Y,
    "perceptron": np.zeros(2),
    "hinge_embedding": np.array([1.0, 1.0]),
    "scores": np.array([[1.0, 0.0, -5.0]]),
    "tie": np.array([[0.5, 0.25, 0.25]]),
}


def slope(loss, x):
    return loss(x)[1].tolist()


def torch_slope(loss, x):
    x = torch.tensor(x, requires_grad=True)
    loss(x).sum().backward()
    return x.grad.tolist()


@pytest.mark.parametrize(
    ("point", "ours", "theirs", "our_slope", "their_slope"),
    [
        (
            "mae",
            lambda x: losses.mae(x, POINTS["mae"].copy(), reduction="sum"),
            lambda x: F.l1_loss(x, torch.tensor(POINTS["mae"]), reduction="sum"),
            [0, 0],
            [0, 0],
        ),
        (
            "hinge",
            lambda x: losses.hinge(x, Y, reduction="sum"),
            lambda x: torch.relu(1 - SIGNS * x),
            [0, 0],
            [0, 0],
        ),
        (
            "hinge",
            lambda x: losses.hinge(x, Y, reduction="sum"),
            lambda x: (1 - SIGNS * x).clamp(min=0),
            [0, 0],
            [-1, 1],
        ),
        (
            "perceptron",
            lambda x: losses.perceptron(x, Y, reduction="sum"),
            lambda x: torch.relu(-SIGNS * x),
            [-1, 1],
            [0, 0],
        ),
        (
            "perceptron",
            lambda x: losses.perceptron(x, Y, reduction="sum"),
            lambda x: (-SIGNS * x).clamp(min=0),
            [-1, 1],
            [-1, 1],
        ),
        (
            "hinge_embedding",
            lambda x: losses.hinge_embedding(x, Y, reduction="sum"),
            lambda x: F.hinge_embedding_loss(x, SIGNS, reduction="sum"),
            [1, -1],
            [1, -1],
        ),
        (
            "scores",
            lambda x: losses.multi_margin(x, ROW),
            lambda x: F.multi_margin_loss(x, torch.tensor(ROW)),
            [[0, 0, 0]],
            [[0, 0, 0]],
        ),
        (
            "scores",
            lambda x: losses.weston_watkins(x, ROW),
            lambda x: torch.relu(1 - x[:, :1] + x[:, 1:]),
            [[0, 0, 0]],
            [[0, 0, 0]],
        ),
        (
            "scores",
            lambda x: losses.crammer_singer(x, ROW),
            lambda x: torch.relu(1 - x[:, 0] + x[:, 1:].amax(1)),
            [[0, 0, 0]],
            [[0, 0, 0]],
        ),
        (
            "tie",
            lambda x: losses.crammer_singer(x, ROW),
            lambda x: torch.relu(1 - x[:, 0] + x[:, 1:].amax(1)),
            [[-1, 1, 0]],
            [[-1, 0.5, 0.5]],
        ),
    ],
)
def test_losses_of_scores(point, ours, theirs, our_slope, their_slope):
    assert slope(ours, POINTS[point]) == our_slope
    assert torch_slope(theirs, POINTS[point]) == their_slope


def slopes_in_torch(loss, *arrays):
    tensors = [torch.tensor(array, requires_grad=True) for array in arrays]
    value = loss(*tensors)
    value.backward()
    return float(value.detach()), [tensor.grad.numpy() for tensor in tensors]


@pytest.mark.parametrize("swap", [False, True])
def test_triplet_takes_the_positive_side_as_pytorch_does(swap):
    anchor, positive, negative = np.array([[[0.0, 0.0]], [[0.0, 4.0]], [[-3.0, -4.0]]])
    options = {"margin": 1, "eps": 0.0, "swap": swap}
    value, gradients = losses.triplet(anchor, positive, negative, **options)
    expected = slopes_in_torch(
        lambda *x: F.triplet_margin_loss(*x, **options), anchor, positive, negative
    )
    assert value == expected[0] == 0  # d(a, p) = 4, d(a, n) = 5
    assert gradients[1].tolist() == [[0, 1]]
    for ours, theirs in zip(gradients, expected[1], strict=True):
        assert ours == pytest.approx(theirs)


def test_triplet_shares_between_equal_distances_as_pytorch_does():
    anchor, positive, negative = np.array([[[0.0, 0.0]], [[2.0, 0.0]], [[1.0, 1.0]]])
    options = {"margin": 1, "eps": 0.0, "swap": True}
    _, gradients = losses.triplet(anchor, positive, negative, **options)
    _, expected = slopes_in_torch(
        lambda *x: F.triplet_margin_loss(*x, **options), anchor, positive, negative
    )
    for ours, theirs in zip(gradients, expected, strict=True):
        assert ours == pytest.approx(theirs)


def test_cosine_embedding_takes_the_positive_side_as_pytorch_does():
    a, b = np.array([[1.0, 0.0]]), np.array([[0.0, 2.0]])
    value, gradients = losses.cosine_embedding(a, b, [-1])
    expected = slopes_in_torch(lambda a, b: F.cosine_embedding_loss(a, b, torch.tensor([-1])), a, b)
    assert value == expected[0] == 0  # a cosine of 0, a margin of 0
    assert gradients[0][0] == pytest.approx([0, 1])
    assert gradients[1][0] == pytest.approx([0.5, 0])
    for ours, theirs in zip(gradients, expected[1], strict=True):
        assert ours == pytest.approx(theirs)


def test_equal_embeddings_have_no_direction():
    a = np.array([[1.0, 2.0]])
    _, (d_a, d_b) = losses.contrastive(a, a.copy(), [-1])
    assert d_a.tolist() == d_b.tolist() == [[0, 0]]
    _, gradients = losses.triplet(a, a.copy(), a.copy(), eps=0.0)
    assert not np.any(gradients)
