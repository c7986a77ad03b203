import numpy as np
import pytest
import torch

from descent.losses import dice, giou, soft_iou

P = np.random.default_rng(0).uniform(size=(3, 2, 4))
MASK = (np.random.default_rng(1).uniform(size=(3, 2, 4)) < 0.5).astype(float)
rng = np.random.default_rng(2)
CORNERS = rng.uniform(0, 5, size=(40, 2))
BOXES = np.hstack([CORNERS, CORNERS + rng.uniform(0.1, 4, size=(40, 2))])
TARGETS = np.roll(BOXES, 1, axis=0)


def dice_in_torch(p, t, smooth):
    p, t = p.flatten(1), t.flatten(1)
    return 1 - (2 * (p * t).sum(1) + smooth) / (p.sum(1) + t.sum(1) + smooth)


def iou_in_torch(p, t, smooth):
    p, t = p.flatten(1), t.flatten(1)
    either = 1 - (1 - p) * (1 - t)
    return 1 - ((p * t).sum(1) + smooth) / (either.sum(1) + smooth)


@pytest.mark.parametrize("smooth", [0, 1, 2.5])
@pytest.mark.parametrize(("loss", "theirs"), [(dice, dice_in_torch), (soft_iou, iou_in_torch)])
@pytest.mark.parametrize("shape", [(3, 8), (3, 2, 4), (1, 6, 4)])
@pytest.mark.parametrize("target", [MASK, P[::-1]])
def test_masks_agree_with_autograd(agrees, loss, theirs, smooth, shape, target):
    prediction, target = P.reshape(shape), target.reshape(shape)
    agrees(
        loss(prediction, target, smooth=smooth, reduction="none"),
        lambda p: theirs(p, torch.tensor(target.copy()), smooth),
        prediction,
    )


def test_masks_by_hand():
    p, t = np.array([[1.0, 1.0, 0.0, 0.0]]), np.array([[1.0, 0.0, 1.0, 0.0]])
    value, gradient = dice(p, t, smooth=0)
    assert value == 0.5
    assert gradient.tolist() == [[-0.375, 0.125, -0.375, 0.125]]
    assert dice(p, t)[0] == pytest.approx(1 - 3 / 5)
    value, gradient = soft_iou(p, t, smooth=0)
    assert value == pytest.approx(2 / 3)
    assert gradient == pytest.approx(np.array([[-3, 1, -3, 1]]) / 9)
    assert soft_iou(p, t)[0] == pytest.approx(1 - 2 / 4)


@pytest.mark.parametrize("loss", [dice, soft_iou])
def test_equal_and_empty_masks_cost_nothing(loss):
    assert loss(MASK, MASK, smooth=0)[0] == 0
    assert loss(MASK, MASK)[0] == 0
    assert loss(np.zeros((2, 3)), np.zeros((2, 3)))[0] == 0
    assert loss(MASK, 1 - MASK, smooth=0)[0] == 1


@pytest.mark.parametrize("loss", [dice, soft_iou])
def test_refuses_empty_masks_without_smoothing(loss):
    t = np.array([[1.0, 0.0], [0.0, 0.0]])
    with pytest.raises(ValueError, match=r"smooth must be > 0 .* as is sample 1; .* 0/0"):
        loss(t, t, smooth=0)


@pytest.mark.parametrize("loss", [dice, soft_iou])
@pytest.mark.parametrize("name", ["prediction", "target"])
@pytest.mark.parametrize("bad", [-0.5, 1.5])
def test_refuses_logits(loss, name, bad):
    arrays = {"prediction": P.copy(), "target": MASK.copy()}
    arrays[name][1, 0, 2] = bad
    with pytest.raises(ValueError, match=rf"{name} must lie in \[0, 1\], got {bad} at .*1, 0, 2"):
        loss(**arrays)


@pytest.mark.parametrize("loss", [dice, soft_iou])
def test_refuses_masks_without_a_batch(loss):
    with pytest.raises(ValueError, match=r"prediction must have shape \(N, …\), got \(3,\)"):
        loss(np.ones(3), np.ones(3))


def giou_in_torch(b, t):
    """Transcribed from algorithm 1 of the paper."""
    x1, y1, x2, y2 = b.unbind(1)
    u1, v1, u2, v2 = t.unbind(1)
    width = torch.minimum(x2, u2) - torch.maximum(x1, u1)
    height = torch.minimum(y2, v2) - torch.maximum(y1, v1)
    both = (width > 0) & (height > 0)
    intersection = torch.where(both, width * height, torch.zeros_like(width))
    union = (x2 - x1) * (y2 - y1) + (u2 - u1) * (v2 - v1) - intersection
    hull = (torch.maximum(x2, u2) - torch.minimum(x1, u1)) * (
        torch.maximum(y2, v2) - torch.minimum(y1, v1)
    )
    return 1 - (intersection / union - (hull - union) / hull)


@pytest.mark.parametrize("target", [TARGETS, BOXES, BOXES + np.array([1, 0, 1, 0])])
def test_boxes_agree_with_autograd(agrees, target):
    agrees(
        giou(BOXES, target, reduction="none"),
        lambda b: giou_in_torch(b, torch.tensor(target)),
        BOXES,
        floor=1e-3,  # for equal boxes the gradient is 0 up to rounding
    )


def test_boxes_by_hand():
    box = np.array([[0.0, 0.0, 2.0, 2.0]])
    assert giou(box, box)[0] == 0
    assert giou(box, box + 1)[0] == pytest.approx(1 - 1 / 7 + 2 / 9)
    # Side by side, touching: the hull holds nothing else.
    assert giou(box, box + np.array([2, 0, 2, 0]))[0] == pytest.approx(1)
    # Far apart the loss goes to 2, and still pulls the box towards the target.
    value, gradient = giou(box, box + 1000)
    assert 1.9999 < value < 2
    assert np.all(gradient[0, 2:] < 0)


@pytest.mark.parametrize("name", ["boxes", "target"])
def test_refuses_boxes(name):
    arrays = {"boxes": BOXES.copy(), "target": TARGETS.copy()}
    arrays[name][3] = [2.0, 0.0, 1.0, 1.0]
    with pytest.raises(ValueError, match=rf"{name} must be corners .* \[2. 0. 1. 1.\] in row 3"):
        giou(**arrays)
    with pytest.raises(ValueError, match=r"boxes must have shape \(N, 4\), got \(40, 3\)"):
        giou(BOXES[:, :3], TARGETS[:, :3])
    with pytest.raises(ValueError, match=r"boxes must have shape \(N, 4\), got \(4,\)"):
        giou(BOXES[0], TARGETS[0])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("side", [0.0, 1e-30, 1e-12, 1e-4, 1.0, 1e12, 3e19])
@pytest.mark.parametrize("at", [0.0, 0.25])
def test_equal_boxes_cost_nothing(dtype, side, at):
    """Points, lines, tiny and huge boxes: the loss has no unit."""
    width, height = np.array([[1, 2], [0, 1], [1, 0], [0, 0]], dtype).T * dtype(side)
    at = np.full_like(width, at)
    boxes = np.stack([at, at, at + width, at + height], axis=1)
    value, gradient = giou(boxes, boxes.copy(), reduction="none")
    assert value.tolist() == [0, 0, 0, 0]
    assert np.all(np.isfinite(gradient))
    assert not gradient[3].any()
    assert value.dtype == gradient.dtype == dtype


@pytest.mark.parametrize("unit", [1e-200, 1e-7, 1e100, np.logspace(-200, 100, 40)[:, None]])
def test_the_loss_has_no_unit(unit):
    value, gradient = giou(BOXES, TARGETS, reduction="none")
    scaled, slopes = giou(BOXES * unit, TARGETS * unit, reduction="none")
    assert scaled == pytest.approx(value, rel=1e-12)
    assert slopes * unit == pytest.approx(gradient, rel=1e-11, abs=1e-12)


def test_boxes_without_area():
    box = np.array([[0.0, 0.0, 2.0, 2.0]] * 5)
    point, line = [1.0, 1.0, 1.0, 1.0], [0.0, 1.0, 4.0, 1.0]
    degenerate = np.array([point, line, [5.0, 5.0, 5.0, 5.0], [1.0, 0.0, 1.0, 2.0], point])
    value, gradient = giou(degenerate, box, reduction="none")
    # Nothing of the hull is covered but by the target: 1 + (C − U) / C.
    assert value == pytest.approx([1, 1 + 4 / 8, 1 + 21 / 25, 1, 1])
    assert np.all(gradient[2] >= 0)  # towards the target
    assert gradient[2].any()
    # Points and lines against each other: no common area, unless they lie on one line.
    pairs = [
        ([0, 0, 0, 0], [1, 1, 1, 1], 2),
        ([0, 0, 0, 0], [1, 0, 1, 0], 2),
        ([0, 0, 2, 0], [0, 0, 0, 2], 2),
        ([0, 0, 2, 0], [1, 0, 3, 0], 2 - 1 / 3 - 1),  # as thin boxes: 1 of 3, and no gap
        ([0, 0, 1, 0], [2, 0, 3, 0], 2 - 0 - 2 / 3),  # a gap of 1 in 3
    ]
    for ours, theirs, expected in pairs:
        ours, theirs = np.array([ours], float), np.array([theirs], float)
        assert giou(ours, theirs)[0] == pytest.approx(expected)
        assert np.all(np.isfinite(giou(ours, theirs)[1]))
        thin = np.array([[0, 0, 0, 1e-9]])
        if expected != 2:
            assert giou(ours, theirs)[1][0, [1, 3]].tolist() == [0, 0]
            assert giou(ours, theirs)[1][0, [0, 2]].any()
            assert giou(ours + thin, theirs + thin)[0] == pytest.approx(expected)
