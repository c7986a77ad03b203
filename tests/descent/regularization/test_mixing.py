import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from descent.losses import cross_entropy
from descent.regularization import cutmix, mixup

IMAGES = np.random.default_rng(0).random((6, 2, 7, 5))
LABELS = np.array([0, 1, 2, 0, 1, 2])
MIXERS = [mixup, cutmix]


class Fixed(np.random.Generator):
    """A generator whose draws are given."""

    def __init__(self, share, order, middles=()):
        super().__init__(np.random.PCG64(0))
        self.share, self.order, self.middles = share, order, list(middles)

    def beta(self, a, b):
        assert a == b
        return self.share

    def permutation(self, count):
        assert count == len(self.order)
        return np.array(self.order)

    def integers(self, high):
        middle, length = self.middles.pop(0)
        assert high == length
        return middle


def test_mixup_by_hand():
    images = np.array([[0.0, 10.0], [100.0, 50.0]])
    mixed, targets = mixup(images, [0, 2], classes=3, rng=Fixed(0.75, [1, 0]))
    assert mixed.tolist() == [[25.0, 20.0], [75.0, 40.0]]
    assert targets.tolist() == [[0.75, 0.0, 0.25], [0.25, 0.0, 0.75]]


@pytest.mark.parametrize(
    ("middles", "rows", "columns", "area"),
    [
        ([(4, 8), (3, 6)], slice(2, 6), slice(2, 5), 12),  # inside: sides 4 and 3
        ([(0, 8), (5, 6)], slice(0, 2), slice(4, 6), 4),  # cut off by a corner
    ],
)
def test_cutmix_by_hand(middles, rows, columns, area):
    images = np.stack([np.zeros((1, 8, 6)), np.ones((1, 8, 6))])
    mixed, targets = cutmix(images, [0, 1], classes=2, rng=Fixed(0.75, [1, 0], middles))
    box = np.zeros((8, 6))
    box[rows, columns] = 1
    assert np.array_equal(mixed[0, 0], box)
    assert np.array_equal(mixed[1, 0], 1 - box)
    share = 1 - area / 48
    assert np.allclose(targets, [[share, 1 - share], [1 - share, share]], rtol=1e-15)


@pytest.mark.parametrize("mixer", MIXERS)
def test_targets_feed_the_cross_entropy(mixer):
    _, targets = mixer(IMAGES, LABELS, classes=3, rng=np.random.default_rng(0))
    value, _ = cross_entropy(np.zeros((6, 3)), targets)
    assert np.isclose(value, np.log(3))


@settings(max_examples=40, derandomize=True, deadline=None)
@given(
    st.sampled_from(MIXERS),
    st.integers(1, 5),
    st.integers(1, 9),
    st.integers(1, 9),
    st.floats(0.1, 4),
    st.integers(0, 10**6),
)
def test_mass_is_conserved(mixer, count, height, width, alpha, seed):
    rng = np.random.default_rng(seed)
    images = rng.random((count, 2, height, width))
    labels = rng.integers(3, size=count)
    kept = images.copy()
    mixed, targets = mixer(images, labels, classes=3, alpha=alpha, rng=rng)
    assert np.array_equal(images, kept)
    assert mixed.shape == images.shape
    assert np.allclose(mixed.sum(axis=0), images.sum(axis=0))  # partners are a permutation
    assert np.allclose(targets.sum(axis=1), 1)
    assert np.allclose(targets.sum(axis=0), np.bincount(labels, minlength=3))
    assert (targets >= 0).all()


@pytest.mark.parametrize("mixer", MIXERS)
def test_the_image_carries_the_share_that_its_target_tells(mixer):
    images = np.arange(2.0).reshape(2, 1, 1, 1) * np.ones((2, 1, 16, 16))
    for seed in range(20):
        rng = np.random.default_rng(seed)
        mixed, targets = mixer(images, [0, 1], classes=2, rng=rng)
        assert np.allclose(mixed.mean(axis=(1, 2, 3)), targets[:, 1])


def test_alpha_decides_how_much_is_mixed():
    def purity(alpha):
        draws = (
            mixup(IMAGES, LABELS, classes=3, alpha=alpha, rng=np.random.default_rng(seed))
            for seed in range(200)
        )
        return np.mean([targets.max(axis=1).mean() for _, targets in draws])

    default = np.mean(
        [
            mixup(IMAGES, LABELS, classes=3, rng=np.random.default_rng(seed))[1].max(axis=1).mean()
            for seed in range(200)
        ]
    )
    assert purity(0.05) > 0.95 > purity(1.0) + 0.05 > purity(50.0) + 0.1
    assert default == purity(1.0)


@pytest.mark.parametrize("mixer", MIXERS)
def test_keeps_float32_and_obeys_its_generator(mixer):
    images = IMAGES.astype(np.float32)
    draws = [mixer(images, LABELS, classes=3, rng=np.random.default_rng(s)) for s in (1, 1, 2)]
    assert {array.dtype for draw in draws for array in draw} == {np.dtype(np.float32)}
    assert np.array_equal(draws[0][0], draws[1][0])
    assert not np.array_equal(draws[0][0], draws[2][0])
    explicit = mixer(images, LABELS, classes=3, alpha=1.0, rng=np.random.default_rng(1))
    assert np.array_equal(draws[0][0], explicit[0])


def test_mixup_takes_flat_images():
    mixed, _ = mixup(IMAGES.reshape(6, -1), LABELS, classes=3, rng=np.random.default_rng(0))
    assert mixed.shape == (6, 70)


@pytest.mark.parametrize("mixer", MIXERS)
@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (
            {"images": np.ones((6, 2, 7, 5), int)},
            TypeError,
            "(inputs|images) must be float32",
        ),
        ({"labels": LABELS[:5]}, ValueError, r"labels must have shape \(6,\)"),
        ({"labels": LABELS + 1}, ValueError, "labels must lie in 0 … 2, got 3"),
        ({"labels": LABELS * 1.0}, TypeError, "labels must be integer class indices"),
        ({"classes": 1}, ValueError, "classes must be finite and ≥ 2, got 1"),
        ({"alpha": 0.0}, ValueError, "alpha must be finite and > 0, got 0"),
        ({"rng": 0}, TypeError, r"rng must be a numpy\.random\.Generator"),
    ],
)
def test_bad_input(mixer, change, error, message):
    arguments = {"images": IMAGES, "labels": LABELS, "classes": 3}
    arguments |= {"rng": np.random.default_rng(0), **change}
    with pytest.raises(error, match=message):
        mixer(arguments.pop("images"), **arguments)


def test_cutmix_needs_images():
    with pytest.raises(ValueError, match=r"images must have shape \(N, C, H, W\), got \(6, 70\)"):
        cutmix(IMAGES.reshape(6, -1), LABELS, classes=3, rng=np.random.default_rng(0))
