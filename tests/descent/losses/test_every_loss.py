"""What holds for every loss: slopes, dtypes, reductions, refusals."""

import functools
import inspect

import numpy as np
import pytest

from descent import losses
from descent.gradient_check import check_gradient, relative_error


def draw(*shape):
    return np.random.default_rng(sum(shape)).normal(size=shape) * 2


SIGNS = np.array([1, -1, -1, 1, -1])
LABELS = np.array([0, 3, 1, 1, 2])
SHARES = np.random.default_rng(0).dirichlet(np.ones(4), size=5)
MASKS = np.random.default_rng(1).uniform(0.1, 0.9, size=(2, 3, 4))
VARIANCES = np.random.default_rng(2).uniform(0.5, 3, size=(3, 4))
COUNTS = np.random.default_rng(3).poisson(2, size=(3, 4)).astype(float)
BOXES = np.array([[0.0, 0.0, 2.0, 2.0], [1.0, 1.0, 2.0, 5.0], [0.0, 0.0, 1.0, 1.0]])
TARGET_BOXES = np.array([[1.0, 0.5, 3.0, 3.0], [0.5, 2.0, 4.0, 3.0], [2.0, 3.0, 4.0, 4.0]])

# Name: the loss, its floating arguments, its other arguments, what "mean" divides the sum by,
# and how many of its first arguments have a gradient, or which.
CASES = {
    "mse": (losses.mse, [draw(3, 4), draw(4, 3).T], {}, 12, 1),
    "mae": (losses.mae, [draw(3, 4), draw(4, 3).T], {}, 12, 1),
    "huber": (losses.huber, [draw(3, 4), draw(4, 3).T], {"delta": 1.5}, 12, 1),
    "smooth_l1": (losses.smooth_l1, [draw(3, 4), draw(4, 3).T], {"beta": 2.5}, 12, 1),
    "smooth_l1 at 0": (losses.smooth_l1, [draw(3, 4), draw(4, 3).T], {"beta": 0}, 12, 1),
    "gaussian_nll": (losses.gaussian_nll, [draw(3, 4), draw(4, 3).T, VARIANCES], {}, 12, (0, 2)),
    "gaussian_nll of rows": (
        losses.gaussian_nll,
        [draw(3, 4), draw(4, 3).T, VARIANCES[:, 0]],
        {"full": True},
        12,
        (0, 2),
    ),
    "poisson_nll": (losses.poisson_nll, [draw(3, 4), COUNTS], {}, 12, 1),
    "poisson_nll of rates": (
        losses.poisson_nll,
        [VARIANCES, COUNTS],
        {"log_input": False, "full": True, "eps": 0.1},
        12,
        1,
    ),
    "bce": (losses.bce_with_logits, [draw(5, 4), SHARES], {}, 20, 1),
    "bce weighted": (
        losses.bce_with_logits,
        [draw(5, 4), SHARES],
        {"weight": np.array([1.0, 2.0, 3.0, 4.0]), "pos_weight": 3},
        20,
        1,
    ),
    "cross_entropy": (losses.cross_entropy, [draw(5, 4)], {"target": LABELS}, 5, 1),
    "cross_entropy smoothed": (
        losses.cross_entropy,
        [draw(5, 4)],
        {"target": LABELS, "label_smoothing": 0.2},
        5,
        1,
    ),
    "cross_entropy of shares": (
        losses.cross_entropy,
        [draw(5, 4), SHARES],
        {"label_smoothing": 0.2, "weight": [1, 2, 3, 4]},
        5,
        1,
    ),
    "nll": (
        losses.nll,
        [np.log(SHARES)],
        {"target": LABELS, "weight": [1, 2, 3, 4]},
        1 + 4 + 2 + 2 + 3,
        1,
    ),
    "kl_div": (losses.kl_div, [np.log(SHARES), SHARES[::-1]], {}, 20, 1),
    "kl_div of logarithms": (
        losses.kl_div,
        [np.log(SHARES), np.log(SHARES[::-1])],
        {"log_target": True},
        20,
        1,
    ),
    "hinge": (losses.hinge, [draw(5)], {"target": SIGNS}, 5, 1),
    "squared_hinge": (losses.squared_hinge, [draw(5)], {"target": SIGNS}, 5, 1),
    "perceptron": (losses.perceptron, [draw(5)], {"target": SIGNS}, 5, 1),
    "hinge_embedding": (losses.hinge_embedding, [draw(5)], {"target": SIGNS}, 5, 1),
    "multi_margin": (losses.multi_margin, [draw(5, 4)], {"target": LABELS}, 5, 1),
    "multi_margin squared": (
        losses.multi_margin,
        [draw(5, 4)],
        {"target": LABELS, "p": 2, "weight": [1, 2, 3, 4]},
        5,
        1,
    ),
    "weston_watkins": (losses.weston_watkins, [draw(5, 4)], {"target": LABELS}, 5, 1),
    "crammer_singer": (losses.crammer_singer, [draw(5, 4)], {"target": LABELS}, 5, 1),
    "focal": (losses.focal, [draw(5)], {"target": SIGNS > 0}, 5, 1),
    "focal without alpha": (losses.focal, [draw(5)], {"target": SIGNS > 0, "alpha": None}, 5, 1),
    "softmax_focal": (
        losses.softmax_focal,
        [draw(5, 4)],
        {"target": LABELS, "gamma": 0.5, "weight": [1, 2, 3, 4]},
        5,
        1,
    ),
    "dice": (losses.dice, [MASKS, MASKS[::-1] ** 2], {}, 2, 1),
    "soft_iou": (losses.soft_iou, [MASKS, MASKS[::-1] ** 2], {}, 2, 1),
    "giou": (losses.giou, [BOXES, TARGET_BOXES], {}, 3, 1),
    "contrastive": (losses.contrastive, [draw(5, 3), draw(3, 5).T], {"target": SIGNS}, 5, 2),
    "contrastive apart": (
        losses.contrastive,
        [draw(5, 3), draw(3, 5).T],
        {"target": SIGNS, "margin": 9},
        5,
        2,
    ),
    "triplet": (losses.triplet, [draw(5, 3), draw(3, 5).T, draw(5, 3) ** 2], {}, 5, 3),
    "triplet with swap": (
        losses.triplet,
        [draw(5, 3), draw(3, 5).T, draw(5, 3) ** 2],
        {"margin": 6, "p": 3, "swap": True},
        5,
        3,
    ),
    "info_nce": (losses.info_nce, [draw(5, 3), draw(3, 5).T], {"temperature": 0.5}, 5, 2),
    "info_nce symmetric": (losses.info_nce, [draw(5, 3), draw(3, 5).T], {"symmetric": True}, 5, 2),
    "cosine_embedding": (
        losses.cosine_embedding,
        [draw(5, 3), draw(3, 5).T],
        {"target": SIGNS, "margin": -0.5},
        5,
        2,
    ),
}
every_loss = pytest.mark.parametrize(
    ("loss", "arrays", "others", "count", "slopes"), CASES.values(), ids=CASES
)


def listed(gradients):
    return gradients if isinstance(gradients, tuple) else (gradients,)


def with_slopes(slopes):
    return range(slopes) if isinstance(slopes, int) else slopes


def test_every_loss_is_here():
    helpers = {"sigmoid", "softplus", "logit", "logsumexp", "softmax", "log_softmax", "entropy"}
    assert {loss.__name__ for loss, *_ in CASES.values()} == set(losses.__all__) - helpers


@every_loss
@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_central_differences(loss, arrays, others, count, slopes, reduction):
    arrays = [array.copy() for array in arrays]
    for k, i in enumerate(with_slopes(slopes)):

        def in_one(_, k=k):
            value, gradients = loss(*arrays, **others, reduction=reduction)
            return value, listed(gradients)[k]

        assert check_gradient(in_one, arrays[i], tolerance=1e-7) < 1e-7


@every_loss
def test_reductions(loss, arrays, others, count, slopes):
    each, gradients = loss(*arrays, **others, reduction="none")
    total, gradients_of_sum = loss(*arrays, **others, reduction="sum")
    mean, gradients_of_mean = loss(*arrays, **others)
    assert np.all(each >= 0) or loss in (
        losses.kl_div,
        losses.hinge_embedding,
        losses.gaussian_nll,
        losses.poisson_nll,
    )
    assert np.ptp(each) > 0
    assert relative_error(each.sum(), total) < 1e-14
    assert relative_error(total / count, mean) < 1e-14
    for none, sum_, mean_ in zip(
        *map(listed, (gradients, gradients_of_sum, gradients_of_mean)), strict=True
    ):
        assert relative_error(none, sum_) < 1e-14
        assert relative_error(sum_ / count, mean_) < 1e-14


@every_loss
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_keeps_the_dtype(loss, arrays, others, count, slopes, reduction):
    value, gradients = loss(*arrays, **others, reduction=reduction)
    narrow = [array.astype(np.float32) for array in arrays]
    narrow_value, narrow_gradients = loss(*narrow, **others, reduction=reduction)
    assert value.dtype == np.float64
    assert narrow_value.dtype == np.float32
    assert relative_error(value, narrow_value) < 1e-5
    differentiated = [arrays[i] for i in with_slopes(slopes)]
    for array, wide, short in zip(
        differentiated, listed(gradients), listed(narrow_gradients), strict=True
    ):
        assert wide.dtype == np.float64
        assert short.dtype == np.float32
        assert wide.shape == short.shape == array.shape
        assert relative_error(wide, short) < 1e-5


@every_loss
def test_options_as_numpy_scalars_keep_the_dtype(loss, arrays, others, count, slopes):
    """A float64 scalar, unlike a number of Python's, makes float64 of float32 arrays."""
    narrow = [array.astype(np.float32) for array in arrays]
    defaults = {
        name: p.default
        for name, p in inspect.signature(loss).parameters.items()
        if isinstance(p.default, (int, float))
    }
    expected = loss(*narrow, **others)
    for convert in (np.asarray, lambda value: np.asarray(value)[()]):  # 0-d arrays, scalars
        options = {name: convert(value) for name, value in (defaults | others).items()}
        options |= {name: others[name] for name in others if others[name] is None}
        value, gradients = loss(*narrow, **options)
        assert value.dtype == np.float32
        assert value == expected[0]
        for gradient in listed(gradients):
            assert gradient.dtype == np.float32


@every_loss
def test_the_order_in_memory_changes_nothing(loss, arrays, others, count, slopes):
    transposed = [np.asfortranarray(array) for array in arrays]
    value, gradients = loss(*arrays, **others)
    another_value, another_gradients = loss(*transposed, **others)
    assert relative_error(value, another_value) < 1e-14
    for gradient, another in zip(listed(gradients), listed(another_gradients), strict=True):
        assert relative_error(gradient, another) < 1e-14


@every_loss
def test_changes_no_argument(loss, arrays, others, count, slopes):
    for array in arrays:
        array.flags.writeable = False
    try:
        first, second = loss(*arrays, **others), loss(*arrays, **others)
    finally:
        for array in arrays:
            array.flags.writeable = True
    assert first[0] == second[0]


@every_loss
def test_refuses_an_unknown_reduction(loss, arrays, others, count, slopes):
    with pytest.raises(ValueError, match="reduction must be one of 'none', 'mean', 'sum'"):
        loss(*arrays, **others, reduction="average")


@every_loss
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_refuses_what_is_not_finite(loss, arrays, others, count, slopes, bad):
    if bad == np.inf and loss is losses.hinge_embedding:
        pytest.skip("an infinite distance of a pair that does not belong together costs 0")
    for i, name in enumerate(list(inspect.signature(loss).parameters)[: len(arrays)]):
        broken = [array.copy() for array in arrays]
        broken[i].flat[1] = bad
        message = rf"^{name} must (be finite, got {bad} at|hold a distribution|be corners)"
        with np.errstate(invalid="ignore"), pytest.raises(ValueError, match=message):
            loss(*broken, **others)


@every_loss
def test_refuses_other_kinds_of_arrays(loss, arrays, others, count, slopes):
    names = list(inspect.signature(loss).parameters)
    for i, array in enumerate(arrays):
        if i == 1 and loss is losses.cross_entropy:
            continue  # an integer target is read as classes
        others_of_arrays = [*arrays[:i], array.astype(int), *arrays[i + 1 :]]
        message = f"^{names[i]} must be float32 or float64, got int64"
        with pytest.raises(TypeError, match=message):
            loss(*others_of_arrays, **others)
    with pytest.raises(ValueError, match=r"is empty, shape \(0,"):
        loss(*(array[:0] for array in arrays), **others)


two_arrays = pytest.mark.parametrize(
    ("loss", "arrays", "others", "count", "slopes"),
    [case for case in CASES.values() if len(case[1]) > 1],
    ids=[name for name, case in CASES.items() if len(case[1]) > 1],
)


@two_arrays
def test_refuses_shapes_and_dtypes_that_differ(loss, arrays, others, count, slopes):
    for i in range(1, len(arrays)):
        wrong = list(arrays)
        wrong[i] = arrays[i][:-1]
        message = "var must be a number or have shape" if i == 2 else "expected equal shapes"
        message = message if loss is losses.gaussian_nll else "expected equal shapes"
        with pytest.raises(ValueError, match=message):
            loss(*wrong, **others)
        wrong[i] = arrays[i].astype(np.float32)
        with pytest.raises(TypeError, match="expected one dtype"):
            loss(*wrong, **others)


takes_classes = pytest.mark.parametrize(
    "loss",
    [
        losses.cross_entropy,
        losses.nll,
        losses.multi_margin,
        losses.weston_watkins,
        losses.crammer_singer,
        losses.softmax_focal,
    ],
)


@takes_classes
@pytest.mark.parametrize(
    ("target", "error", "message"),
    [
        (LABELS + 1, ValueError, r"target must lie in 0 … 3, got 4 at index 1"),
        (LABELS - 1, ValueError, r"target must lie in 0 … 3, got -1 at index 0"),
        (LABELS[:4], ValueError, r"target must have shape \(5,\), .*, got \(4,\)"),
        (LABELS[:, None], ValueError, r"shape \(5,\), .*, got \(5, 1\); target.squeeze\(1\) has"),
        (LABELS * 1.0, TypeError, "target must be integer class indices, got float64"),
    ],
)
def test_refuses_wrong_classes(loss, target, error, message):
    with pytest.raises(error, match=message):
        loss(np.log(SHARES), target)


@takes_classes
@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.uint16, np.int32, np.uint64])
def test_labels_of_any_integer_type(loss, dtype):
    for scores in (np.log(SHARES), np.log(SHARES).astype(np.float32)):
        expected = loss(scores, LABELS)
        value, gradient = loss(scores, LABELS.astype(dtype))
        assert value == expected[0]
        assert value.dtype == gradient.dtype == scores.dtype
        assert np.array_equal(gradient, expected[1])


@takes_classes
def test_refuses_scores_without_classes(loss):
    name = {"cross_entropy": "logits", "softmax_focal": "logits", "nll": "log_probability"}
    name = name.get(loss.__name__, "scores")
    with pytest.raises(ValueError, match=rf"{name} must have shape \(N, K\).*, got \(5,\)"):
        loss(-np.ones(5), LABELS)


@pytest.mark.parametrize(
    "loss", [losses.cross_entropy, losses.nll, losses.multi_margin, losses.softmax_focal]
)
@pytest.mark.parametrize(
    ("weight", "message"),
    [
        ([1, 2, 3], r"weight must have shape \(4,\), one per class, got \(3,\)"),
        ([1, 2, 3, -1], "weight must be finite and ≥ 0, got"),
        ([1, 2, 3, np.inf], "weight must be finite and ≥ 0, got"),
    ],
)
def test_refuses_wrong_class_weights(loss, weight, message):
    with pytest.raises(ValueError, match=message):
        loss(np.log(SHARES), LABELS, weight=weight)


takes_signs = pytest.mark.parametrize(
    "loss",
    [
        losses.hinge,
        losses.squared_hinge,
        losses.perceptron,
        losses.hinge_embedding,
        functools.partial(losses.contrastive, draw(5, 3)),
        functools.partial(losses.cosine_embedding, draw(5, 3)),
    ],
)


@takes_signs
@pytest.mark.parametrize(
    ("target", "message"),
    [
        (SIGNS > 0, r"labels -1 and 1 only, got False at index \(1,\); 2 \* target - 1 makes them"),
        ([1, 0, 0, 1, 0], r"target must hold the labels -1 and 1 only, got 0 at index \(1,\)"),
        (SIGNS * 2, r"labels -1 and 1 only, got 2 at index \(0,\)"),
        (SIGNS * np.nan, r"labels -1 and 1 only, got nan at index \(0,\)"),
        (SIGNS[:, None], r"target must have shape \(5,\), got \(5, 1\)"),
    ],
)
def test_refuses_wrong_signs(loss, target, message):
    scores = draw(5, 3) + 1 if isinstance(loss, functools.partial) else draw(5)
    with pytest.raises(ValueError, match=message):
        loss(scores, target)


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("huber", {"delta": 0}, "delta must be finite and > 0, got 0"),
        ("smooth_l1", {"beta": -1}, "beta must be finite and ≥ 0, got -1"),
        ("gaussian_nll", {"eps": 0}, "eps must be finite and > 0, got 0"),
        ("poisson_nll", {"eps": 0}, "eps must be finite and > 0, got 0"),
        ("cross_entropy", {"label_smoothing": -0.1}, "label_smoothing must be .* ≥ 0 and ≤ 1"),
        ("cross_entropy", {"label_smoothing": 1.1}, "label_smoothing must be .* ≥ 0 and ≤ 1"),
        ("hinge", {"margin": -1}, "margin must be finite and ≥ 0, got -1"),
        ("squared_hinge", {"margin": -1}, "margin must be finite and ≥ 0, got -1"),
        ("hinge_embedding", {"margin": np.inf}, "margin must be finite, got inf"),
        ("multi_margin", {"margin": np.nan}, "margin must be finite, got nan"),
        ("weston_watkins", {"margin": np.nan}, "margin must be finite, got nan"),
        ("crammer_singer", {"margin": np.nan}, "margin must be finite, got nan"),
        ("multi_margin", {"p": 3}, "p must be one of 1, 2, got 3"),
        ("focal", {"gamma": -1}, "gamma must be finite and ≥ 0, got -1"),
        ("focal", {"alpha": -0.1}, "alpha must be finite and ≥ 0 and ≤ 1, got -0.1"),
        ("focal", {"alpha": 1.1}, "alpha must be finite and ≥ 0 and ≤ 1, got 1.1"),
        ("softmax_focal", {"gamma": -1}, "gamma must be finite and ≥ 0, got -1"),
        ("dice", {"smooth": -1}, "smooth must be finite and ≥ 0, got -1"),
        ("soft_iou", {"smooth": -1}, "smooth must be finite and ≥ 0, got -1"),
        ("contrastive", {"margin": 0}, "margin must be finite and > 0, got 0"),
        ("triplet", {"margin": 0}, "margin must be finite and > 0, got 0"),
        ("triplet", {"p": 0.5}, "p must be finite and ≥ 1, got 0.5"),
        ("triplet", {"eps": -1}, "eps must be finite and ≥ 0, got -1"),
        ("info_nce", {"temperature": 0}, "temperature must be finite and > 0, got 0"),
        ("cosine_embedding", {"margin": 1.5}, "margin must be finite and ≥ -1 and ≤ 1, got 1.5"),
        ("cosine_embedding", {"margin": -2}, "margin must be finite and ≥ -1 and ≤ 1, got -2"),
    ],
)
def test_refuses_options_out_of_range(name, options, message):
    loss, arrays, others, *_ = CASES[name]
    with pytest.raises(ValueError, match=message):
        loss(*arrays, **(others | options))


@pytest.mark.parametrize(
    ("name", "option", "default"),
    [
        ("huber", "delta", 1.0),
        ("smooth_l1", "beta", 1.0),
        ("gaussian_nll", "full", False),
        ("poisson_nll of rates", "log_input", True),
        ("poisson_nll of rates", "full", False),
        ("cross_entropy", "label_smoothing", 0.0),
        ("hinge", "margin", 1.0),
        ("squared_hinge", "margin", 1.0),
        ("hinge_embedding", "margin", 1.0),
        ("multi_margin", "margin", 1.0),
        ("multi_margin", "p", 1),
        ("weston_watkins", "margin", 1.0),
        ("crammer_singer", "margin", 1.0),
        ("focal", "alpha", 0.25),
        ("focal", "gamma", 2.0),
        ("softmax_focal", "gamma", 2.0),
        ("dice", "smooth", 1.0),
        ("soft_iou", "smooth", 1.0),
        ("contrastive", "margin", 1.0),
        ("triplet", "margin", 1.0),
        ("triplet", "p", 2.0),
        ("triplet", "eps", 1e-6),
        ("info_nce", "temperature", 0.1),
        ("info_nce", "symmetric", False),
        ("cosine_embedding", "margin", 0.0),
    ],
)
def test_defaults(name, option, default):
    loss, arrays, others, *_ = CASES[name]
    others = {key: value for key, value in others.items() if key in ("target",)}
    assert loss(*arrays, **others)[0] == loss(*arrays, **others, **{option: default})[0]
    another = 2 if (name, option) == ("multi_margin", "p") else default + 0.1
    another = not default if isinstance(default, bool) else another
    assert loss(*arrays, **others)[0] != loss(*arrays, **others, **{option: another})[0]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    "loss", [losses.bce_with_logits, losses.focal, losses.cross_entropy, losses.softmax_focal]
)
def test_large_logits_are_no_trouble(loss, dtype):
    z = np.array([[1e4, -1e4], [-1e6, 1e6]], dtype)
    takes_labels = loss in (losses.cross_entropy, losses.softmax_focal)
    for column in (0, 1):
        target = np.full(2, column) if takes_labels else np.eye(2, dtype=dtype)[[column] * 2]
        value, gradient = loss(z, target, reduction="none")
        assert np.isfinite(value).all()
        right, wrong = (0, 1) if column == 0 else (1, 0)
        assert np.all(value[right] == 0)
        assert np.all(gradient[right] == 0)
        assert np.all(value[wrong] > 1000)
        assert np.all(np.abs(gradient[wrong]) > 0.2)
