import inspect
from functools import partial

import numpy as np
import pytest

from descent.checks import NotFiniteError
from descent.gradient_check import relative_error
from descent.layers import BatchNorm1d, Conv2d, Layer, Linear, Sequential
from descent.losses import cross_entropy, mse, multi_margin
from descent.optimizers import SGD
from descent.training import accumulate_gradients, train


def compared_with_the_batch(outputs, targets):
    """The spread of the outputs around their mean: no sample counts alone."""
    centered = outputs - outputs.mean(axis=0)
    return 0.5 * np.square(centered).mean(), centered / centered.size


def dice_of_batch(outputs, targets):
    """Minus a ratio of sums over the batch."""
    total = np.square(outputs).sum() + 1
    chosen = outputs[np.arange(len(targets)), targets]
    gradient = 2 * outputs * chosen.sum() / total**2
    gradient[np.arange(len(targets)), targets] -= 1 / total
    return -chosen.sum() / total, gradient


def kinds_of_loss():
    weight = np.array([1.0, 10.0, 0.1])
    soft = np.random.default_rng(5).dirichlet(np.ones(3), size=50)
    counted = np.random.default_rng(5).integers(3, size=50)
    ignored = counted.copy()
    ignored[np.random.default_rng(6).random(50) < 0.6] = -100
    ignored[:20] = -100  # with three or more shards, the first is ignored altogether
    other = np.where(ignored == -100, 255, ignored)
    return {
        "plain": (cross_entropy, counted),
        "ignored": (cross_entropy, ignored),
        "another index": (partial(cross_entropy, ignore_index=255), other),
        "weights": (partial(cross_entropy, weight=weight), counted),
        "weights in a lambda": (lambda z, y: cross_entropy(z, y, weight=weight), ignored),
        "a class of weight 0": (partial(cross_entropy, weight=[0.0, 1.0, 3.0]), np.sort(counted)),
        "smoothed": (partial(cross_entropy, label_smoothing=0.2, weight=weight), ignored),
        "distributions": (partial(cross_entropy, weight=weight), soft),
        "a sum": (partial(cross_entropy, reduction="sum"), ignored),
        "squares": (mse, soft),
        "hinge": (multi_margin, counted),
        "small": (lambda z, y: tuple(1e-9 * part for part in cross_entropy(z, y)), ignored),
    }


KINDS = kinds_of_loss()


class TestAccumulation:
    @pytest.mark.parametrize("shards", [2, 3, 7, 50])
    @pytest.mark.parametrize("kind", KINDS)
    def test_whatever_the_mean_counts_it_is_the_whole_batch(self, net, data, kind, shards):
        loss, targets = KINDS[kind]
        net.flat.data *= 3
        whole = accumulate_gradients(net, loss, data[0], targets)
        expected = net.flat.grad.copy()
        net.zero_grad()
        value = accumulate_gradients(net, loss, data[0], targets, shards=shards)
        assert relative_error(net.flat.grad, expected) < 1e-12
        assert value == pytest.approx(whole, rel=1e-13)

    def test_in_float32(self, make_net, data):
        net, x = make_net(dtype=np.float32), data[0].astype(np.float32)
        accumulate_gradients(net, *KINDS["weights"][:1], x, data[1])
        expected = net.flat.grad.copy()
        net.zero_grad()
        accumulate_gradients(net, *KINDS["weights"][:1], x, data[1], shards=7)
        assert net.flat.grad.dtype == np.float32
        assert relative_error(net.flat.grad, expected) < 1e-5

    def test_of_masks(self, data):
        rng = np.random.default_rng(0)
        net = Conv2d(1, 3, 3, padding=1, rng=rng)
        x, y = rng.normal(size=(6, 1, 4, 5)), rng.integers(3, size=(6, 4, 5))
        y[:2] = -100
        y[3, :2] = -100
        whole = accumulate_gradients(net, cross_entropy, x, y)
        expected = net.weight.grad.copy()
        net.zero_grad()
        assert accumulate_gradients(net, cross_entropy, x, y, shards=4) == pytest.approx(whole)
        assert relative_error(net.weight.grad, expected) < 1e-12

    @pytest.mark.parametrize("reduction", ["mean", "sum"])
    def test_a_masked_class_of_one_sample_is_no_matter_for_the_others(self, data, reduction):
        class Mask(Layer):
            """Class 0 is impossible where the first feature is negative."""

            def forward(self, x):
                z = x[:, :3].copy()
                z[x[:, 0] < 0, 0] = -np.inf
                return z

            def backward(self, gradient, input_gradient=True):
                gradients.append(gradient)

        x, y, gradients = data[0], data[1], []
        order = np.argsort(x[:, 0])
        loss = partial(cross_entropy, reduction=reduction)
        accumulate_gradients(Mask(), loss, x[order], y[order])
        accumulate_gradients(Mask(), loss, x[order], y[order], shards=3)
        assert relative_error(np.concatenate(gradients[1:]), gradients[0]) < 1e-14

    def test_where_there_is_nothing_to_learn_the_gradient_is_zero(self, net, data):
        def satisfied(scores, targets):
            return multi_margin(np.eye(3)[targets] * 5 + 0 * scores, targets)

        assert accumulate_gradients(net, satisfied, *data, shards=4) == 0
        assert not net.flat.grad.any()

    @pytest.mark.parametrize("shards", [2, 5, 50])
    @pytest.mark.parametrize("loss", [compared_with_the_batch, dice_of_batch])
    def test_a_loss_that_compares_samples_needs_a_count(self, net, data, loss, shards):
        with pytest.raises(
            ValueError,
            match=r"^loss depends on how the samples of a batch compare.*shards' own losses$",
        ):
            accumulate_gradients(net, loss, *data, shards=shards)

    def test_with_a_count_it_is_the_mean_of_the_shards(self, net, data):
        x, y = data[0][:7], data[1][:7]
        counts = {4: 3.0, 3: 1.0}
        value = accumulate_gradients(
            net, compared_with_the_batch, x, y, shards=2, count=lambda t: counts[len(t)]
        )
        accumulated = net.flat.grad.copy()
        net.zero_grad()
        first = accumulate_gradients(net, compared_with_the_batch, x[:4], y[:4])
        expected = 0.75 * net.flat.grad
        net.zero_grad()
        second = accumulate_gradients(net, compared_with_the_batch, x[4:], y[4:])
        expected += 0.25 * net.flat.grad
        assert relative_error(accumulated, expected) < 1e-13
        assert value == pytest.approx(0.75 * first + 0.25 * second)

    def test_a_count_of_zero_leaves_a_shard_out(self, net, data):
        x, y = data[0], np.where(np.arange(50) < 10, -100, data[1])
        whole = accumulate_gradients(net, cross_entropy, x, y)
        expected = net.flat.grad.copy()
        net.zero_grad()
        count = partial(np.sum, dtype=float)
        value = accumulate_gradients(
            net, cross_entropy, x, y, shards=5, count=lambda labels: count(labels != -100)
        )
        assert value == pytest.approx(whole, rel=1e-13)
        assert relative_error(net.flat.grad, expected) < 1e-13

    def test_where_nothing_counts_at_all_the_loss_says_so(self, net, data):
        with pytest.raises(ValueError, match="every sample is ignored"):
            accumulate_gradients(net, cross_entropy, data[0], np.full(50, -100), shards=3)

    @pytest.mark.parametrize("shards", [2, 3, 7])
    def test_the_mean_of_shard_gradients_is_that_of_the_batch(self, net, data, shards):
        whole = accumulate_gradients(net, cross_entropy, *data)
        expected = net.flat.grad.copy()
        net.zero_grad()
        value = accumulate_gradients(net, cross_entropy, *data, shards=shards)
        assert relative_error(net.flat.grad, expected) < 1e-14
        assert value == pytest.approx(whole, rel=1e-14)

    def test_batch_normalization_sees_the_shard_alone(self, data):
        rng = np.random.default_rng(0)
        net = Sequential(Linear(4, 6, rng=rng), BatchNorm1d(6), Linear(6, 3, rng=rng))
        accumulate_gradients(net, cross_entropy, *data)
        expected = net.flat.grad.copy()
        net.zero_grad()
        accumulate_gradients(net, cross_entropy, *data, shards=10)
        assert relative_error(net.flat.grad, expected) > 0.05

    def test_is_the_loss_and_its_gradient_without_shards(self, net, data):
        value = accumulate_gradients(net, cross_entropy, *data)
        gradient = net.flat.grad.copy()
        expected, delta = cross_entropy(net(data[0]), data[1])
        net.zero_grad()
        net.backward(delta)
        assert value == float(expected)
        assert np.array_equal(gradient, net.flat.grad)

    def test_adds_to_the_gradient(self, net, data):
        net.flat.grad.fill(100)
        accumulate_gradients(net, cross_entropy, *data)
        assert 90 < net.flat.grad.min() < net.flat.grad.max() < 110

    def test_shards_are_as_equal_as_can_be_and_never_empty(self):
        sizes, asked, net = [], set(), Linear(1, 1, rng=np.random.default_rng(0))
        backward = net.backward

        def watched(gradient, input_gradient="yes"):
            sizes.append(len(gradient))
            asked.add(input_gradient)
            return backward(gradient, input_gradient)

        net.backward = watched
        x = np.ones((5, 1))
        for options in ({}, {"count": len}):
            accumulate_gradients(net, mse, x, 2 * x, shards=3, **options)
            accumulate_gradients(net, mse, x[:2], 2 * x[:2], shards=3, **options)
        assert sizes == [2, 2, 1, 1, 1] * 2
        assert asked == {False}

    def test_defaults(self):
        parameters = inspect.signature(accumulate_gradients).parameters
        assert parameters["shards"].default == 1
        assert parameters["count"].default is None
        assert inspect.signature(train).parameters["accumulate"].default == 1

    @pytest.mark.parametrize("accumulate", [2, 4])
    def test_in_training_the_result_is_the_same(self, make_net, data, accumulate):
        x, y = data
        y = np.where(np.arange(50) % 4 == 0, -100, y)
        weight = np.array([1.0, 10.0, 0.1])
        nets, histories = (make_net(), make_net()), []
        for net, shards in zip(nets, [1, accumulate], strict=True):
            history = train(
                net,
                lambda logits, labels: cross_entropy(logits, labels, weight=weight),
                SGD(net.parameters(), lr=0.1),
                (x, y),
                epochs=2,
                batch_size=20,
                rng=np.random.default_rng(3),
                accumulate=shards,
                progress=False,
            )
            histories.append(history)
        assert relative_error(nets[0].flat.data, nets[1].flat.data) < 1e-13
        assert relative_error(histories[0].loss, histories[1].loss) < 1e-13

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"shards": 0}, "shards must be finite and ≥ 1, got 0"),
            (
                {"count": lambda labels: -1, "shards": 2},
                r"count\(targets\) must be finite and ≥ 0, got -1",
            ),
            (
                {"count": lambda labels: 0, "shards": 2},
                r"the sum of all count\(targets\) must be finite and > 0, got 0",
            ),
        ],
    )
    def test_bad_input(self, net, data, options, message):
        with pytest.raises(ValueError, match=message):
            accumulate_gradients(net, cross_entropy, *data, **options)

    def test_a_loss_that_is_not_finite(self, net, data):
        with pytest.raises(NotFiniteError, match="the loss is nan"):
            accumulate_gradients(net, lambda z, y: (np.nan, z), *data)
