import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from descent.gradient_check import check_gradient, relative_error
from descent.losses import cross_entropy, log_softmax, nll, softmax

LOGITS = np.random.default_rng(0).normal(size=(5, 4)) * 3
LABELS = np.array([0, 3, 1, 1, 2])
SOFT = np.random.default_rng(1).dirichlet(np.ones(4), size=5)
WEIGHT = np.array([0.5, 2.0, 1.0, 0.0])
SOME_IGNORED = np.array([0, -100, 1, -100, 3])


@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
@pytest.mark.parametrize("label_smoothing", [0.0, 0.1, 1.0])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("target", [LABELS, SOFT, SOME_IGNORED])
def test_agrees_with_pytorch(agrees, target, weighted, label_smoothing, reduction):
    options = {"label_smoothing": label_smoothing, "reduction": reduction}
    weight = torch.tensor(WEIGHT) if weighted else None
    agrees(
        cross_entropy(LOGITS, target, weight=WEIGHT if weighted else None, **options),
        lambda z: F.cross_entropy(z, torch.tensor(target), weight=weight, **options),
        LOGITS,
    )


@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("target", [LABELS, SOME_IGNORED])
def test_nll_agrees_with_pytorch(agrees, target, weighted, reduction):
    log_p = log_softmax(LOGITS)
    weight = torch.tensor(WEIGHT) if weighted else None
    agrees(
        nll(log_p, target, weight=WEIGHT if weighted else None, reduction=reduction),
        lambda x: F.nll_loss(x, torch.tensor(target), weight=weight, reduction=reduction),
        log_p,
    )


@settings(max_examples=20, derandomize=True, deadline=None)
@given(
    samples=st.integers(1, 5),
    classes=st.integers(1, 6),
    seed=st.integers(0, 99),
    scale=st.sampled_from([1e-3, 1, 1e4]),
)
def test_nll_of_log_softmax_is_cross_entropy(samples, classes, seed, scale):
    rng = np.random.default_rng(seed)
    logits = rng.normal(size=(samples, classes)) * scale
    y = rng.integers(classes, size=samples)
    value, gradient = cross_entropy(logits, y)
    assert abs(value - nll(log_softmax(logits), y)[0]) <= 1e-12 * max(1, scale)
    assert np.allclose(gradient.sum(axis=1), 0, atol=1e-14)
    expected = (softmax(logits) - np.eye(classes)[y]) / samples
    assert np.allclose(gradient, expected, atol=1e-14)


def test_by_hand():
    z = np.log(np.array([[1.0, 3.0], [1.0, 1.0]]))
    value, gradient = cross_entropy(z, np.array([0, 1]), reduction="none")
    assert value == pytest.approx([math.log(4), math.log(2)])
    assert gradient.ravel() == pytest.approx([-0.75, 0.75, 0.5, -0.5])
    value, gradient = cross_entropy(z, np.array([[0.5, 0.5], [1.0, 0.0]]), reduction="none")
    assert value == pytest.approx([(math.log(4) + math.log(4 / 3)) / 2, math.log(2)])
    assert gradient.ravel() == pytest.approx([-0.25, 0.25, -0.5, 0.5])
    value, gradient = cross_entropy(z, np.array([0, 1]), weight=[1, 3])
    assert value == pytest.approx((math.log(4) + 3 * math.log(2)) / 4)
    assert gradient.ravel() == pytest.approx([-0.75 / 4, 0.75 / 4, 1.5 / 4, -1.5 / 4])


def test_takes_lists_and_narrow_labels():
    expected = cross_entropy(LOGITS, LABELS)[0]
    assert cross_entropy(LOGITS.tolist(), LABELS.tolist())[0] == expected
    assert cross_entropy(LOGITS, LABELS.astype(np.uint8), ignore_index=255)[0] == expected


def test_ignored_samples():
    value, gradient = cross_entropy(LOGITS, SOME_IGNORED)
    kept = [0, 2, 4]
    assert value == pytest.approx(cross_entropy(LOGITS[kept], SOME_IGNORED[kept])[0])
    assert not gradient[[1, 3]].any()
    assert cross_entropy(LOGITS, [0, 3, 1, 1, 3], ignore_index=3)[0] == pytest.approx(
        cross_entropy(LOGITS[[0, 2, 3]], [0, 1, 1])[0]
    )
    assert cross_entropy(LOGITS, np.full(5, -100), reduction="sum")[0] == 0
    assert nll(-np.ones((2, 3)), [-100, -100], reduction="sum")[0] == 0
    assert nll(-np.ones((2, 3)), [1, 2], ignore_index=1)[1].tolist() == [[0, 0, 0], [0, 0, -1]]


@pytest.mark.parametrize("label_smoothing", [0, 0.1])
def test_refuses_a_mean_over_nothing(label_smoothing):
    for target, weight in ((np.full(5, -100), None), (np.full(5, 3), WEIGHT)):
        with pytest.raises(ValueError, match=r"every sample is ignored or has weight 0; .* 0/0"):
            cross_entropy(LOGITS, target, weight=weight, label_smoothing=label_smoothing)
    with pytest.raises(
        ValueError, match=r"^target: every sample is ignored or has weight 0; .* 0/0"
    ):
        nll(-np.ones((1, 2)), [-100])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_extreme_logits(dtype):
    z = np.array([[1000, 0, -1000]], dtype)
    for y, loss, slopes in ((0, 0, [0, 0, 0]), (1, 1000, [1, -1, 0]), (2, 2000, [1, 0, -1])):
        value, gradient = cross_entropy(z, np.array([y]))
        assert value == loss
        assert gradient.tolist() == [slopes]


def test_a_masked_class():
    z = np.array([[-np.inf, 0.0, 0.0]])
    value, gradient = cross_entropy(z, np.array([1]))
    assert value == pytest.approx(math.log(2))
    assert gradient.tolist() == [[0, -0.5, 0.5]]
    with pytest.raises(ValueError, match=r"logits must be finite, got -inf at index \(0, 0\)"):
        cross_entropy(z, np.array([0]))


def test_floor_of_softmax_twice():
    p = np.eye(10)  # the best that a first softmax can do
    value, _ = cross_entropy(p, np.arange(10), refuse_probabilities=False)
    assert value == pytest.approx(1.4612, abs=5e-5)
    assert value == pytest.approx(math.log(math.e + 9) - 1, rel=1e-14)


def test_optimum_under_label_smoothing():
    z = np.zeros((1, 10))
    z[0, 3] = math.log(91)
    value, gradient = cross_entropy(z, np.array([3]), label_smoothing=0.1)
    assert value == pytest.approx(0.5003, abs=5e-5)
    assert np.abs(gradient).max() < 1e-15


def test_zero_logits():
    value, gradient = cross_entropy(np.zeros((3, 10)), np.array([0, 1, 2]), reduction="sum")
    assert value == pytest.approx(3 * math.log(10))
    assert gradient[0] == pytest.approx([-0.9] + [0.1] * 9)


def test_central_differences_with_everything():
    options = {"weight": WEIGHT, "label_smoothing": 0.3}
    z = LOGITS.copy()
    check_gradient(lambda z: cross_entropy(z, SOME_IGNORED, **options), z, tolerance=1e-7)
    check_gradient(lambda z: cross_entropy(z, SOFT, **options), z, tolerance=1e-7)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("classes", [2, 10, 1000])
def test_refuses_probabilities(dtype, classes):
    logits = np.random.default_rng(0).normal(size=(64, classes)).astype(dtype) * 3
    p, y = softmax(logits), np.zeros(64, int)
    message = (
        "logits must be scores before .* all 64 rows .* sum to 1.* refuse_probabilities=False if"
    )
    with pytest.raises(ValueError, match=message):
        cross_entropy(p, y)
    twice, _ = cross_entropy(p, y, refuse_probabilities=False)
    assert relative_error(twice, cross_entropy(p + dtype(1), y)[0]) < 1e-5
    half = np.eye(classes)[:2].mean(axis=0)
    for row, special in ((3, half), (0, half[::-1]), (0, np.eye(classes)[0])):  # with 0 and 1 in it
        p[row] = special
        with pytest.raises(ValueError, match=message):
            cross_entropy(p, y)
    # One row that is no distribution, and the batch may be logits.
    for row in (0, 5):
        q = p.copy()
        q[row, 0] += 0.01
        assert cross_entropy(q, y)[0] > 0
    q = p.copy()
    q[7, :2] = -0.5, q[7, :2].sum() + 0.5
    assert cross_entropy(q, y)[0] > 0


@pytest.mark.parametrize(
    "logits",
    [np.zeros((3, 3)), np.eye(3), np.ones((3, 1)), np.full((3, 3), 1 / 3) * (1 + 1e-10)],
)
def test_lets_logits_through(logits):
    assert cross_entropy(logits, np.zeros(3, int))[0] >= 0


@pytest.mark.parametrize(
    ("target", "message"),
    [
        (SOFT * 1.01, r"target must hold a distribution in each row .* got a sum of 1.01 .* row 0"),
        (SOFT * 0.99, r"target must hold a distribution in each row .* got a sum of 0.99 .* row 0"),
        (SOFT - [0.5, -0.5, 0, 0], r"a distribution .* a smallest entry of -0.\d+ in row 0"),
        (SOFT - np.eye(5)[3][:, None] * [0.9, -0.9, 0, 0], "a smallest entry of -0.* in row 3"),
        (SOFT * np.nan, "a distribution .* got a sum of nan"),
        (SOFT[:, :3], r"target has shape \(5, 3\), logits has shape \(5, 4\)"),
    ],
)
def test_refuses_what_is_no_distribution(target, message):
    with pytest.raises(ValueError, match=message):
        cross_entropy(LOGITS, target)


@pytest.mark.parametrize(
    ("target", "error", "message"),
    [
        (SOFT.astype(np.float32), TypeError, "target is float32, logits is float64"),
        (LABELS[:, None], TypeError, "target must be float32 or float64, got int64"),
        (np.array(2), TypeError, "target must be float32 or float64, got int64"),
    ],
)
def test_refuses_other_targets(target, error, message):
    with pytest.raises(error, match=message):
        cross_entropy(LOGITS, target)


def test_rounding_of_a_distribution_is_let_through():
    assert cross_entropy(LOGITS, SOFT * (1 + 5e-7))[0] > 0
    with pytest.raises(ValueError, match="a distribution"):
        cross_entropy(LOGITS, SOFT * (1 + 2e-6))
    narrow = np.random.default_rng(0).dirichlet(np.ones(1000), size=5).astype(np.float32)
    assert cross_entropy(np.zeros((5, 1000), np.float32), narrow * np.float32(1.001))[0] > 0


@pytest.mark.parametrize(
    ("bad", "message"), [(0.1, "hold log-probabilities, .* ≤ 0,"), (np.nan, "be finite,")]
)
def test_nll_refuses_logits(bad, message):
    log_p = log_softmax(LOGITS)
    log_p[2, 1] = bad
    message = rf"log_probability must {message} got {bad} at index \(2, 1\)"
    with pytest.raises(ValueError, match=message):
        nll(log_p, LABELS)


def test_nll_lets_rounding_through():
    log_p = log_softmax(LOGITS)
    log_p[0, 0] = 1e-6
    assert np.isfinite(nll(log_p, LABELS)[0])
    log_p[2, 1] = 2e-6
    with pytest.raises(ValueError, match=r"got 2e-06 at index \(2, 1\)"):
        nll(log_p, LABELS)


def test_nll_refuses_a_logarithm_of_zero_at_the_target():
    log_p = log_softmax(LOGITS)
    log_p[2, 1] = -np.inf
    with pytest.raises(ValueError, match="log_probability must be finite, got -inf"):
        nll(log_p, LABELS)
    assert np.isfinite(nll(log_p, np.zeros(5, int))[0])
