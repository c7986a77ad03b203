import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from descent.gradient_check import relative_error
from descent.losses import contrastive, cosine_embedding, info_nce, triplet

A, B, C = np.random.default_rng(0).normal(size=(3, 6, 3))
SIGNS = np.array([1, -1, 1, -1, -1, 1])
REDUCTIONS = pytest.mark.parametrize("reduction", ["none", "mean", "sum"])


def reduced(loss, reduction):
    return {"none": loss, "mean": loss.mean(), "sum": loss.sum()}[reduction]


@REDUCTIONS
@pytest.mark.parametrize("margin", [1, 2.5])
def test_contrastive_agrees_with_the_paper(agrees, margin, reduction):
    def theirs(a, b):  # equation 4, with the paper's Y
        y = torch.tensor((1 - SIGNS) / 2)
        d = (a - b).norm(dim=1)
        return reduced((1 - y) * d**2 / 2 + y * (margin - d).clamp(min=0) ** 2 / 2, reduction)

    agrees(contrastive(A, B, SIGNS, margin=margin, reduction=reduction), theirs, A, B)


def test_contrastive_by_hand():
    a, b = np.array([[0.3, 0.4], [0.3, 0.4], [3.0, 4.0]]), np.zeros((3, 2))
    value, (d_a, d_b) = contrastive(a, b, np.array([1, -1, -1]), reduction="none")
    assert value == pytest.approx([0.125, 0.125, 0])
    assert d_a.ravel() == pytest.approx([0.3, 0.4, -0.3, -0.4, 0, 0])
    assert np.array_equal(d_b, -d_a)


def test_contrastive_of_equal_embeddings():
    value, (d_a, d_b) = contrastive(A[:2], A[:2], np.array([1, -1]), reduction="none")
    assert value.tolist() == [0, 0.5]
    assert not d_a.any()
    assert not d_b.any()


@REDUCTIONS
@pytest.mark.parametrize("swap", [False, True])
@pytest.mark.parametrize("p", [1, 1.5, 2, 3])
@pytest.mark.parametrize(("margin", "eps"), [(1.0, 1e-6), (0.2, 0.1), (5.0, 1e-3)])
def test_triplet_agrees_with_pytorch(agrees, margin, eps, p, swap, reduction):
    options = {"margin": margin, "p": p, "eps": eps, "swap": swap, "reduction": reduction}
    agrees(triplet(A, B, C, **options), lambda *x: F.triplet_margin_loss(*x, **options), A, B, C)


@pytest.mark.parametrize("swap", [False, True])
def test_triplet_at_its_kinks(agrees, swap):
    # Row by row: d(a, p) + margin = d(a, n); all equal; negative midway, so that swap ties.
    a = np.array([[0.0, 0.0], [1.0, 1.0], [0.0, 0.0]])
    p = np.array([[1.0, 0.0], [1.0, 1.0], [2.0, 0.0]])
    n = np.array([[2.0, 0.0], [1.0, 1.0], [1.0, 2.0]])
    options = {"swap": swap, "eps": 0.0, "reduction": "none"}
    agrees(triplet(a, p, n, **options), lambda *x: F.triplet_margin_loss(*x, **options), a, p, n)


def test_triplet_by_hand():
    a, p, n = np.array([[0.0, 0.0]]), np.array([[0.0, 2.0]]), np.array([[1.5, 2.0]])
    value, (d_a, d_p, d_n) = triplet(a, p, n, eps=0)
    assert value == 0.5
    assert d_a == pytest.approx(np.array([[0.6, -0.2]]))
    assert d_p == pytest.approx(np.array([[0.0, 1.0]]))
    assert d_n == pytest.approx(np.array([[-0.6, -0.8]]))
    assert triplet(a, p, n, eps=0, swap=True)[0] == 1.5
    value, gradients = triplet(a, p, np.array([[4.0, 0.0]]))
    assert value == 0
    assert not np.any(gradients)


@REDUCTIONS
@pytest.mark.parametrize("symmetric", [False, True])
@pytest.mark.parametrize("temperature", [0.07, 1.0])
def test_info_nce_agrees_with_autograd(agrees, temperature, symmetric, reduction):
    def theirs(q, k):
        s = F.normalize(q, dim=1) @ F.normalize(k, dim=1).T / temperature
        one = -torch.diagonal(F.log_softmax(s, dim=1))
        other = -torch.diagonal(F.log_softmax(s, dim=0))
        return reduced((one + other) / 2 if symmetric else one, reduction)

    options = {"temperature": temperature, "symmetric": symmetric, "reduction": reduction}
    agrees(info_nce(A, B, **options), theirs, A, B, tolerance=1e-9)


@pytest.mark.parametrize("symmetric", [False, True])
def test_info_nce_by_hand(symmetric):
    equal = np.full((5, 3), 2.0)
    value, gradients = info_nce(equal, equal, symmetric=symmetric)
    assert value == pytest.approx(math.log(5), rel=1e-14)
    assert np.abs(gradients).max() < 1e-14
    # Orthogonal pairs at temperature 1: the similarities are the identity.
    value, _ = info_nce(np.eye(3), 5 * np.eye(3), temperature=1, symmetric=symmetric)
    assert value == pytest.approx(math.log(math.e + 2) - 1)
    # Here the similarities are [[4, 3], [3, 4]] / 7: they pass for logits all the same.
    # (In float32, where their sums are 1 within rounding.)
    keys, queries = np.array([[0.8, 0.6], [0.6, 0.8]], np.float32), np.eye(2, dtype=np.float32)
    value, _ = info_nce(queries, keys, temperature=1.4, symmetric=symmetric)
    assert value == pytest.approx(math.log1p(math.exp(-1 / 7)))


def test_info_nce_does_not_see_lengths():
    assert relative_error(info_nce(A, B)[0], info_nce(3 * A, B / 2)[0]) < 1e-11


def test_info_nce_needs_a_choice():
    with pytest.raises(ValueError, match=r"^queries and keys must have at least 2 rows"):
        info_nce(A[:1], B[:1])


@REDUCTIONS
@pytest.mark.parametrize("margin", [0.0, 0.5, -0.5, 1.0, -1.0])
def test_cosine_embedding_agrees_with_pytorch(agrees, margin, reduction):
    options = {"margin": margin, "reduction": reduction}
    agrees(
        cosine_embedding(A, B, SIGNS, **options),
        lambda a, b: F.cosine_embedding_loss(a, b, torch.tensor(SIGNS), **options),
        A,
        B,
    )


@pytest.mark.parametrize("sign", [1, -1])
def test_cosine_embedding_at_zero_and_at_its_kink(agrees, sign):
    a, b = np.array([[0.0, 0.0], [1.0, 0.0]]), np.array([[1.0, 2.0], [0.0, 3.0]])
    agrees(
        cosine_embedding(a, b, np.array([sign, sign])),
        lambda a, b: F.cosine_embedding_loss(a, b, torch.tensor([sign, sign])),
        a,
        b,
        tolerance=1e-8,  # PyTorch's 1e-12 is a float32
    )


def test_cosine_embedding_by_hand():
    a, b = np.array([[1.0, 0.0]] * 3), np.array([[3.0, 4.0], [3.0, 4.0], [-3.0, 4.0]])
    value, (d_a, d_b) = cosine_embedding(a, b, np.array([1, -1, -1]), reduction="none")
    assert value == pytest.approx([0.4, 0.6, 0])
    assert d_a.ravel() == pytest.approx([0, -0.8, 0, 0.8, 0, 0], abs=1e-9)
    assert d_b.ravel() == pytest.approx([-0.128, 0.096, 0.128, -0.096, 0, 0], abs=1e-9)


@pytest.mark.parametrize(
    ("loss", "name"),
    [
        (lambda x: contrastive(x, x, 1), "input1"),
        (lambda x: triplet(x, x, x), "anchor"),
        (lambda x: info_nce(x, x), "queries"),
        (lambda x: cosine_embedding(x, x, 1), "input1"),
    ],
)
def test_refuses_a_single_vector(loss, name):
    with pytest.raises(ValueError, match=rf"{name} must have shape \(N, D\), got \(3,\)"):
        loss(np.ones(3))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_squares_that_overflow(dtype):
    """What counts is the length, which is finite."""
    scale = 3e19 if dtype == np.float32 else 1e180
    a, b, c = ((x * scale).astype(dtype) for x in (A, B, C))
    for loss, options in (
        (cosine_embedding, {"target": SIGNS, "margin": -1.0}),
        (info_nce, {}),
        (info_nce, {"symmetric": True}),
    ):
        value, gradients = loss(a, b, **options)
        expected, slopes = loss(A, B, **options)
        assert value.dtype == dtype
        assert relative_error(value, expected) < 1e-5
        for gradient, slope in zip(gradients, slopes, strict=True):
            assert relative_error(gradient.astype(float) * scale, slope) < 1e-4
    for p in (1, 2, 3):
        options = {"p": p, "eps": 0.0}
        value, gradients = triplet(a, b, c, margin=scale, **options)
        expected, slopes = triplet(A, B, C, margin=1.0, **options)
        assert relative_error(value / dtype(scale), expected) < 1e-5
        for gradient, slope in zip(gradients, slopes, strict=True):
            assert relative_error(gradient, slope) < 1e-5
    apart, _ = contrastive(a, b, -np.ones(6))
    assert apart == 0
    with (
        np.errstate(over="ignore"),
        pytest.raises(ValueError, match=r"the loss overflowed: it is .*inf"),
    ):
        contrastive(a, b, np.ones(6))  # half the square of a distance


def test_each_row_has_a_length_of_its_own():
    """A huge embedding in the batch does not make a small one vanish."""
    scale = np.array([1e30, 1, 1e-3, 1e15, 1e35, 1e-2], np.float32)[:, None]
    a, b = (A * scale).astype(np.float32), B.astype(np.float32)
    together, _ = cosine_embedding(a, b, SIGNS, margin=-1.0, reduction="none")
    for i in range(6):
        alone, _ = cosine_embedding(a[[i]], b[[i]], SIGNS[[i]], margin=-1.0)
        assert together[i] == alone
        assert together[i] == pytest.approx(
            cosine_embedding(A[[i]], B[[i]], SIGNS[[i]], margin=-1.0)[0], rel=1e-5
        )
