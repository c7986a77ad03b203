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


def test_takes_lists():
    expected = cross_entropy(LOGITS, LABELS)[0]
    assert cross_entropy(LOGITS.tolist(), LABELS.tolist())[0] == expected


MAPS = np.random.default_rng(3).normal(size=(2, 4, 3, 5)) * 3
MAP_LABELS = np.random.default_rng(4).integers(4, size=(2, 3, 5))
MAP_LABELS[0, 1, 2] = MAP_LABELS[1, :, 4] = -100
MAP_SHARES = np.random.default_rng(5).dirichlet(np.ones(4), size=(2, 3, 5)).transpose(0, 3, 1, 2)


@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
@pytest.mark.parametrize("label_smoothing", [0.0, 0.1])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("target", [MAP_LABELS, MAP_SHARES])
@pytest.mark.parametrize("axes", [1, 2])
def test_images_of_logits_agree_with_pytorch(
    agrees, target, weighted, label_smoothing, reduction, axes
):
    logits = MAPS if axes == 2 else MAPS[..., 1]
    target = np.ascontiguousarray(target if axes == 2 else target[..., 1])
    options = {"label_smoothing": label_smoothing, "reduction": reduction}
    weight = torch.tensor(WEIGHT) if weighted else None
    agrees(
        cross_entropy(logits, target, weight=WEIGHT if weighted else None, **options),
        lambda z: F.cross_entropy(z, torch.tensor(target), weight=weight, **options),
        logits,
    )


@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
def test_nll_of_images_agrees_with_pytorch(agrees, reduction):
    log_p = log_softmax(MAPS, dim=1)
    agrees(
        nll(log_p, MAP_LABELS, weight=WEIGHT, reduction=reduction),
        lambda x: F.nll_loss(
            x, torch.tensor(MAP_LABELS), weight=torch.tensor(WEIGHT), reduction=reduction
        ),
        log_p,
    )


@pytest.mark.parametrize("loss", [cross_entropy, nll])
def test_masks_of_another_shape(loss):
    log_p, masks = log_softmax(MAPS, dim=1), np.zeros((2, 3, 5), int)
    with pytest.raises(
        ValueError, match=r"shape \(2, 3, 5\), .* place, got \(2, 1, 3, 5\); .*e\(1\)"
    ):
        loss(log_p, masks[:, None])
    with pytest.raises(ValueError, match=r"shape \(2, 3, 5\), .*, got \(2, 5, 3\)$"):
        loss(log_p, masks.transpose(0, 2, 1))
    masks[1, 2, 0] = 4
    with pytest.raises(ValueError, match=r"lie in 0 … 3, got 4 at index \(1, 2, 0\)"):
        loss(log_p, masks)


class TestNothingTimesInfinity:
    """What has no weight costs nothing, whatever stands there."""

    Z = np.array([[0.0, -np.inf, 1.0], [1.0, 2.0, 3.0]])
    ALONE = cross_entropy(Z[1:], [1])

    @pytest.mark.parametrize("label_smoothing", [0.0, 0.1])
    @pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
    def test_ignored_rows(self, agrees, label_smoothing, reduction):
        options = {"label_smoothing": label_smoothing, "reduction": reduction}
        for ignored in (-100, 0, 1):  # a class beside the masked one, and the masked one
            target = np.array([ignored, 2])
            options["ignore_index"] = ignored
            agrees(
                cross_entropy(self.Z, target, **options),
                lambda z, t=target: F.cross_entropy(z, torch.tensor(t), **options),
                self.Z,
            )

    @pytest.mark.parametrize("label_smoothing", [0.0, 0.1])
    @pytest.mark.parametrize("bad", [-np.inf, np.inf, np.nan])
    def test_ignored_rows_may_hold_anything(self, label_smoothing, bad):
        """PyTorch's value is the same; its gradient is nan in such a row."""
        z = self.Z.copy()
        z[0] = bad
        options = {"label_smoothing": label_smoothing}
        value, gradient = cross_entropy(z, [-100, 1], **options)
        expected = F.cross_entropy(torch.tensor(z), torch.tensor([-100, 1]), **options)
        assert value == pytest.approx(float(expected), rel=1e-14)
        assert gradient[0].tolist() == [0, 0, 0]
        assert relative_error(gradient[1:], cross_entropy(self.Z[1:], [1], **options)[1]) < 1e-14

    def test_rows_of_weight_zero(self):
        for first in (self.Z[0], np.full(3, np.nan)):
            z = np.stack([first, self.Z[1]])
            value, gradient = cross_entropy(z, [1, 2], weight=[1, 0, 3])
            expected = cross_entropy(self.Z[1:], [2])
            assert value == pytest.approx(expected[0])
            assert gradient[0].tolist() == [0, 0, 0]
            assert gradient[1:] == pytest.approx(expected[1])

    def test_a_target_of_zero_on_a_masked_class(self):
        """PyTorch's gradient is the same; its value is 0 · ∞ = nan."""
        q = np.array([[0.25, 0.0, 0.75], [1.0, 0.0, 0.0]])
        value, gradient = cross_entropy(self.Z, q, reduction="sum")
        without = cross_entropy(self.Z[:, [0, 2]], q[:, [0, 2]], reduction="none")[0]
        with_it = cross_entropy(self.Z[1:], q[1:])[0]
        assert value == pytest.approx(without[0] + with_it, rel=1e-14)
        z = torch.tensor(self.Z, requires_grad=True)
        F.cross_entropy(z, torch.tensor(q), reduction="sum").backward()
        assert relative_error(gradient, z.grad.numpy()) < 1e-14

    def test_a_masked_class_of_weight_zero_under_smoothing(self):
        options = {"weight": [1, 0, 1], "label_smoothing": 0.3, "reduction": "sum"}
        value, gradient = cross_entropy(self.Z, [0, 2], **options)
        z = self.Z.copy()
        z[0, 1] = -1e4  # as good as masked, and finite
        expected = cross_entropy(z, [0, 2], **options)
        assert value == pytest.approx(expected[0], rel=1e-14)
        assert relative_error(gradient, expected[1]) < 1e-14

    @pytest.mark.parametrize("options", [{"label_smoothing": 0.1}, {}])
    def test_what_counts_is_refused(self, options):
        with pytest.raises(ValueError, match=r"logits must be finite, got -inf at index \(0, 1\)"):
            cross_entropy(self.Z, [0 if options else 1, 2], **options)
        z = np.array([[np.nan, 0.0, 0.0]])
        q = np.array([[1.0, 0.0, 0.0]])
        for target in ([0], [1], q):
            with (
                np.errstate(invalid="ignore"),
                pytest.raises(ValueError, match="logits must be finite, got nan"),
            ):
                cross_entropy(z, target, **options)
        with (
            np.errstate(invalid="ignore"),
            pytest.raises(ValueError, match="logits must be finite, got nan"),
        ):
            cross_entropy(z, q, weight=[0, 1, 1], reduction="sum")  # no gradient of nan

    def test_nll(self, agrees):
        log_p = log_softmax(self.Z)
        for target, ignored in (([-100, 1], -100), ([1, 2], 1)):
            agrees(
                nll(log_p, target, ignore_index=ignored),
                lambda x, t=target, i=ignored: F.nll_loss(x, torch.tensor(t), ignore_index=i),
                log_p,
            )
        value, gradient = nll(log_p, [1, 2], weight=[1, 0, 3])
        assert value == pytest.approx(-log_p[1, 2])
        assert gradient.tolist() == [[0, 0, 0], [0, 0, -1]]


@pytest.mark.parametrize("dtype", [np.int8, np.int32, np.uint8, np.uint16, np.uint32, np.uint64])
@pytest.mark.parametrize("options", [{}, {"label_smoothing": 0.1}, {"weight": WEIGHT}])
def test_labels_of_any_integer_type(dtype, options):
    """Of uint64 too, which NumPy neither takes for an index nor adds to other integers."""
    for loss in (cross_entropy, nll):
        if loss is nll and "label_smoothing" in options:
            continue
        z = LOGITS if loss is cross_entropy else log_softmax(LOGITS)
        for ignored in (-100, 3, 2**40):
            expected = loss(z, LABELS, ignore_index=ignored, **options)
            value, gradient = loss(z, LABELS.astype(dtype), ignore_index=ignored, **options)
            assert value == expected[0]
            assert np.array_equal(gradient, expected[1])
    if np.dtype(dtype).kind == "u":
        top = np.iinfo(dtype).max  # what -100 stands for in some data sets
        target = np.array([0, top, 1, top, 2], dtype)
        value, gradient = cross_entropy(LOGITS, target, ignore_index=int(top), **options)
        expected = cross_entropy(LOGITS, [0, -100, 1, -100, 2], **options)
        assert value == expected[0]
        assert np.array_equal(gradient, expected[1])


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
    value, _ = cross_entropy(p, np.arange(10))
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


def test_takes_any_numbers_for_logits():
    """Also constant ones of 1/K, and those of a softmax: a loss does not guess."""
    assert cross_entropy(np.full((3, 4), 0.25), np.zeros(3, int))[0] == pytest.approx(math.log(4))
    for target in (LABELS, SOFT):
        twice, _ = cross_entropy(SOFT, target)
        assert relative_error(twice, cross_entropy(SOFT + 1, target)[0]) < 1e-14


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
        (np.eye(4, dtype=int)[LABELS], TypeError, "target must be float32 or float64, got int64"),
        (
            LABELS[:, None],
            ValueError,
            r"target must have shape \(5,\), one class for each row, got \(5, 1\); "
            r"target.squeeze\(1\) has that shape$",
        ),
        (np.array(2), ValueError, r"target must have shape \(5,\), .*, got \(\)$"),
        (LABELS[:, None] * 1.0, ValueError, r"target has shape \(5, 1\), logits has .*\(5, 4\)"),
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
