import inspect

import numpy as np
import pytest

from descent.gradient_check import relative_error
from descent.layers import Layer, Linear, Sequential
from descent.losses import cross_entropy
from descent.optimizers import SAM, SGD, Adam, ScheduleFreeSGD
from descent.training import (
    gradient_norms,
    initial_loss,
    label_entropy,
    overfit_one_batch,
    shuffled_labels,
    update_ratios,
)


class TestInitialLoss:
    def test_without_any_preference_it_is_chance(self, net, data):
        for array in net.state_dict():
            net.named_parameters()[array].data.fill(0)
        value, chance = initial_loss(net, cross_entropy, *data)
        assert value == pytest.approx(np.log(3))
        assert chance == pytest.approx(np.log(3))

    def test_of_a_fresh_network_it_is_near_and_of_a_large_one_far(self, net, data):
        fresh = initial_loss(net, cross_entropy, *data)
        assert fresh.value == float(cross_entropy(net(data[0]), data[1])[0])
        assert abs(fresh.value / fresh.chance - 1) < 0.2
        net.flat.data *= 10
        assert initial_loss(net, cross_entropy, *data).value > 2 * fresh.chance

    def test_looks_in_evaluation_mode(self, data):
        class Mode(Layer):
            def forward(self, x):
                modes.append(self.training)
                return x

        modes = []
        initial_loss(Mode(), cross_entropy, *data)
        assert set(modes) == {False}


class TestOverfitOneBatch:
    def test_agrees_with_the_plain_loop(self, make_net, data):
        ours, plain = make_net(), make_net()
        ours.eval()
        losses = overfit_one_batch(
            ours, cross_entropy, SGD(ours.parameters(), lr=0.3), *data, steps=5
        )
        expected = []
        for _ in range(5):
            plain.zero_grad()
            value, gradient = cross_entropy(plain(data[0]), data[1])
            plain.backward(gradient)
            plain.flat.data -= 0.3 * plain.flat.grad
            expected.append(value)
        assert relative_error(losses, expected) < 1e-14
        assert relative_error(ours.flat.data, plain.flat.data) < 1e-14
        assert losses.dtype == np.float64
        assert ours.training
        assert ours[0].training

    @pytest.mark.parametrize(
        "make", [lambda p: SAM(SGD(p, lr=0.5)), lambda p: ScheduleFreeSGD(p, lr=2.0)]
    )
    def test_with_any_optimizer(self, net, data, make):
        optimizer = make(net.parameters())
        optimizer.eval()
        first = float(cross_entropy(net(data[0]), data[1])[0])
        losses = overfit_one_batch(net, cross_entropy, optimizer, *data, steps=100)
        assert losses[0] == first
        assert losses[-1] < 0.3 * losses[0]
        assert float(cross_entropy(net(data[0]), data[1])[0]) < 0.5 * losses[0]

    def test_the_network_is_left_with_the_weights_to_be_measured(self, net, data):
        optimizer = ScheduleFreeSGD(net.parameters(), lr=2.0)
        overfit_one_batch(net, cross_entropy, optimizer, *data, steps=3)
        assert not optimizer.training

    def test_a_batch_is_learned_by_heart(self, net, data):
        x, y = data[0][:8], data[1][:8][::-1]
        losses = overfit_one_batch(
            net, cross_entropy, Adam(net.parameters(), lr=0.05), x, y, steps=200
        )
        assert losses.shape == (200,)
        assert losses[-1] < 0.01


class TestShuffledLabels:
    def test_labels_are_shuffled_before_every_step(self, net, data, rng):
        seen = []

        def loss(logits, labels):
            seen.append(labels)
            return cross_entropy(logits, labels)

        losses = shuffled_labels(net, loss, SGD(net.parameters(), lr=0.1), *data, rng=rng, steps=3)
        expected = np.random.default_rng(0)
        assert [labels.tolist() for labels in seen] == [
            expected.permutation(data[1]).tolist() for _ in range(3)
        ]
        assert losses.shape == (3,)

    def test_nothing_can_be_learned(self, net, data, rng):
        net.eval()
        losses = shuffled_labels(
            net, cross_entropy, Adam(net.parameters(), lr=0.01), *data, rng=rng, steps=300
        )
        entropy = label_entropy(data[1])
        assert 0.9 * entropy < losses[-50:].mean() < 1.2 * entropy
        assert net.training

    def test_needs_a_generator(self, net, data):
        with pytest.raises(TypeError, match=r"rng must be a numpy\.random\.Generator"):
            shuffled_labels(net, cross_entropy, SGD(net.parameters()), *data, rng=0)


@pytest.mark.parametrize("options", [{}, {"rng": np.random.default_rng(0)}])
class TestOneBatch:
    def check(self, options):
        return shuffled_labels if options else overfit_one_batch

    def test_a_hundred_steps_by_default(self, options):
        assert inspect.signature(self.check(options)).parameters["steps"].default == 100

    def test_no_steps(self, net, data, options):
        sgd = SGD(net.parameters())
        with pytest.raises(ValueError, match="steps must be finite and ≥ 1, got 0"):
            self.check(options)(net, cross_entropy, sgd, *data, steps=0, **options)

    @pytest.mark.parametrize(("images", "labels"), [(50, 49), (0, 0), (49, 50)])
    def test_lengths(self, net, data, options, images, labels):
        message = f"at least one input, got {images} inputs, {labels} targets"
        x, y = data[0][:images], data[1][:labels]
        with pytest.raises(ValueError, match=message):
            self.check(options)(net, cross_entropy, SGD(net.parameters()), x, y, **options)

    def test_a_single_image_will_do(self, net, data, options):
        x, y = data[0][:1], data[1][:1]
        check = self.check(options)
        losses = check(net, cross_entropy, SGD(net.parameters(), lr=1.0), x, y, **options)
        assert losses[-1] < 0.1


@pytest.mark.parametrize("labels", [[0.5, 1.0], [np.nan, 1.0], ["a", "b"]])
def test_label_entropy_is_of_class_indices(labels):
    with pytest.raises(TypeError, match="labels must be integer class indices, got"):
        label_entropy(labels)


def test_label_entropy():
    assert label_entropy(np.arange(10)) == pytest.approx(np.log(10))
    assert label_entropy([1, 1, 1, 7]) == pytest.approx(0.75 * np.log(4 / 3) + 0.25 * np.log(4))
    assert label_entropy([3, 3]) == 0
    assert label_entropy([1, -100, 1, 7, -100, 1]) == label_entropy([1, 1, 1, 7])
    assert label_entropy([1, 1, 7, 7, 255], ignore_index=255) == pytest.approx(np.log(2))
    for nothing in ([], [-100, -100]):
        with pytest.raises(ValueError, match=r"labels is empty; expected .* not -100"):
            label_entropy(nothing)


def test_gradient_norms(net):
    net[0].weight.grad[...] = 0
    net[0].weight.grad[0, :3] = [2.0, -4.0, 2.0]
    net[2].bias.grad[...] = -3.0
    norms = gradient_norms(net)
    assert list(norms) == ["0.weight", "0.bias", "2.weight", "2.bias"]
    assert list(norms.values()) == pytest.approx([1.0, 0.0, 0.0, 3.0])
    assert {type(norm) for norm in norms.values()} == {float}


class TestUpdateRatios:
    def test_by_hand(self):
        net = Sequential(Linear(2, 1, rng=np.random.default_rng(0)))
        net[0].weight.data[...] = [[3.0, -4.0]]
        net[0].bias.data[...] = 0.0
        before = net.state_dict()
        assert update_ratios(net, before) == {"0.weight": 0.0, "0.bias": 0.0}
        net.flat.data[:] = [0.0, -8.0, 1.0]
        assert update_ratios(net, before) == {"0.weight": 1.0, "0.bias": float("inf")}

    def test_of_a_step_of_sgd(self, net, data):
        before = net.state_dict()
        overfit_one_batch(net, cross_entropy, SGD(net.parameters(), lr=0.01), *data, steps=1)
        norms = gradient_norms(net)
        for name, ratio in update_ratios(net, before).items():
            size = np.sqrt(np.square(before[name]).mean())
            assert ratio == pytest.approx(0.01 * norms[name] / size)

    def test_missing_names(self, net):
        before = net.state_dict()
        del before["2.bias"]
        with pytest.raises(ValueError, match=r"before lacks \['2\.bias'\]; expected net\.state"):
            update_ratios(net, before)


@pytest.mark.parametrize("size", [1e30, 1e-30])
def test_of_float32_numbers_whose_squares_are_none(size):
    net = Linear(2, 1, rng=np.random.default_rng(0), dtype=np.float32)
    net.weight.data[...], net.bias.data[...] = [[3 * size, 4 * size]], 0
    net.weight.grad[...], net.bias.grad[...] = [[1 * size, 7 * size]], 0
    before = net.state_dict()
    net.weight.data[...] = [[0, 8 * size]]
    assert gradient_norms(net) == {"weight": pytest.approx(5 * size), "bias": 0.0}
    assert update_ratios(net, before) == {"weight": pytest.approx(1.0), "bias": 0.0}


def test_a_gradient_that_is_not_finite_has_no_finite_norm(net):
    net[0].bias.grad[0], net[2].bias.grad[0] = np.inf, np.nan
    norms = gradient_norms(net)
    assert norms["0.bias"] == np.inf
    assert np.isnan(norms["2.bias"])
