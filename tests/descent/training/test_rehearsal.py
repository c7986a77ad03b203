"""What cannot work is refused before the first step, and what can work works."""

import numpy as np
import pytest

from descent.data import spirals
from descent.evaluation import accuracy, top_k_accuracy
from descent.layers import BatchNorm1d, Conv2d, Dropout, Layer, Linear, ReLU, Sequential
from descent.losses import cross_entropy, mse, nll, softmax
from descent.optimizers import SGD
from descent.regularization import mixup
from descent.training import History, initial_loss, overfit_one_batch, shuffled_labels, train


@pytest.fixture
def normalized():
    rng = np.random.default_rng(0)
    return Sequential(
        Linear(4, 6, rng=rng), BatchNorm1d(6), ReLU(), Dropout(0.3, rng=rng), Linear(6, 3, rng=rng)
    )


def everything(net, rng):
    return [
        net.state_dict(),
        [p.grad.copy() for p in net.parameters()],
        [layer.training for layer in net.modules()],
        [layer.rng.bit_generator.state for layer in net.modules() if isinstance(layer, Dropout)],
        rng.bit_generator.state,
    ]


@pytest.fixture
def run(normalized, data):
    """Train for an epoch; where that is refused, insist that nothing has been changed."""

    def run(**changes):
        rng = np.random.default_rng(1)
        arguments = {
            "net": normalized,
            "loss": cross_entropy,
            "data": data,
            "epochs": 1,
            "batch_size": 10,
            "rng": rng,
            "progress": False,
        } | changes
        net = arguments["net"]
        arguments.setdefault("optimizer", SGD(net.parameters(), lr=0.1))
        for p in net.parameters():
            p.grad.fill(7)
        net.train()
        before = everything(net, rng)
        try:
            return train(**arguments)
        except (ValueError, TypeError):
            np.testing.assert_equal(everything(net, rng), before)
            raise

    return run


def ignoring(labels, share=0.3):
    return np.where(np.random.default_rng(0).random(labels.shape) < share, -100, labels)


class TestWhatCannotWorkIsRefused:
    def test_a_last_batch_of_one_under_batch_normalization(self, run, data):
        part = data[0][:21], data[1][:21]
        message = (
            r"^data, tried with the rows \d+: .*; the last batch has only 1 of the samples: tr"
        )
        with pytest.raises(ValueError, match=message):
            run(data=part)
        assert run(data=part, drop_last=True).step == 2

    def test_shards_of_one_under_batch_normalization(self, run):
        with pytest.raises(ValueError, match=r"^data, tried with the rows .*, …?: "):
            run(accumulate=10, batch_size=12, drop_last=True)

    @pytest.mark.parametrize("name", ["data", "validation"])
    @pytest.mark.parametrize("place", [0, 33, 49])
    @pytest.mark.parametrize("label", [-1, 3, -99])
    def test_a_label_out_of_range_wherever_it_hides(self, run, data, name, place, label):
        labels = data[1].copy()
        labels[place] = label
        with pytest.raises(ValueError, match=f"^{name}, .*must lie in 0 … 2, got {label}"):
            run(**{name: (data[0], labels)})

    def test_labels_of_the_wrong_kind(self, run, data):
        with pytest.raises((TypeError, ValueError), match=r"^data, tried with the rows "):
            run(data=(data[0], data[1] + 0.5))

    def test_masks_of_another_size(self, run):
        rng = np.random.default_rng(0)
        net = Conv2d(1, 3, 3, rng=rng)
        with pytest.raises(ValueError, match=r"^data, tried"):
            run(net=net, data=(rng.normal(size=(20, 1, 5, 5)), rng.integers(3, size=(20, 5, 5))))

    def test_a_metric_that_cannot_be_computed(self, run, data):
        with pytest.raises(ValueError, match=r"^validation, tried .*k must be .*≤ 3, got 5"):
            run(validation=data, metrics={"top 5": top_k_accuracy})

    def test_an_augmentation_that_cannot(self, run, data):
        def mixed(x, y, rng):
            return mixup(x, y, classes=3, rng=rng)

        with pytest.raises(ValueError, match=r"^data, tried .*labels must lie in 0 … 2, got -100"):
            run(data=(data[0], ignoring(data[1])), augment=mixed)

    def test_a_softmax_under_a_loss_that_applies_one(self, run, data):
        net = Sequential(Linear(4, 3, rng=np.random.default_rng(0)), Softmax())
        with pytest.raises(ValueError, match=r"^data, tried .*outputs must be scores before"):
            run(net=net)

    @pytest.mark.parametrize("check", [initial_loss, overfit_one_batch, shuffled_labels])
    def test_a_softmax_in_the_sanity_checks(self, data, check):
        net = Sequential(Linear(4, 3, rng=np.random.default_rng(0)), Softmax())
        before = net.flat.data.copy()
        arguments = [net, cross_entropy, SGD(net.parameters(), lr=0.1), *data]
        if check is initial_loss:
            del arguments[2]
        options = {"rng": np.random.default_rng(0)} if check is shuffled_labels else {}
        with pytest.raises(ValueError, match="the network's outputs must be scores before"):
            check(*arguments, **options)
        assert np.array_equal(net.flat.data, before)


class Softmax(Layer):
    def forward(self, x):
        p = softmax(x)
        return self.keep(p, p.copy())

    def backward(self, gradient):
        (p,) = self.recall(gradient)
        return p * (gradient - (gradient * p).sum(axis=1, keepdims=True))


class TestWhatCanWorkWorks:
    def test_batch_normalization_without_running_statistics(self, run, data):
        rng = np.random.default_rng(0)
        norm = BatchNorm1d(6, track_running_stats=False)
        net = Sequential(Linear(4, 6, rng=rng), norm, Linear(6, 3, rng=rng))
        history = run(net=net, validation=data)
        assert history.epoch == 1

    def test_ignored_labels_in_either_part_or_both(self, run, data):
        x, y = data
        for training, validation in ((ignoring(y), y), (y, ignoring(y)), (ignoring(y),) * 2):
            history = run(data=(x, training), validation=(x, validation), epochs=3)
            assert history.epoch == 3

    def test_the_accuracy_is_that_of_the_labels_that_count(self, run, data, normalized):
        labels = ignoring(data[1])
        history = run(validation=(data[0], labels))
        normalized.eval()
        logits, counts = normalized(data[0]), labels != -100
        assert history.validation["accuracy"] == [accuracy(logits[counts], labels[counts])]

    def test_another_index_that_is_ignored(self, run, data):
        def loss(logits, labels):
            return cross_entropy(logits, labels, ignore_index=255)

        labels = np.where(data[1] == 0, 255, data[1]).astype(np.uint8)
        assert run(loss=loss, data=(data[0], labels)).step == 5

    @pytest.mark.parametrize("first", [0, 20])
    def test_an_ignored_label_that_might_be_alone_in_the_last_batch(self, run, first):
        rng = np.random.default_rng(0)
        net = Linear(4, 3, rng=rng)
        labels = rng.integers(3, size=21)
        labels[first] = -100
        run(net=net, data=(rng.normal(size=(21, 4)), labels), epochs=0)

    @pytest.mark.parametrize(
        ("ignored", "drop_last"), [(17, False), (18, True), (20, False), (20, True)]
    )
    def test_so_many_ignored_labels_that_a_batch_must_be_of_nothing(self, run, ignored, drop_last):
        rng = np.random.default_rng(0)
        net = Linear(4, 3, rng=rng)
        labels = rng.integers(1, 3, size=21)
        labels[:ignored] = [-100, 0] * (ignored // 2) + [-100] * (ignored % 2)

        def loss(logits, labels):
            return cross_entropy(logits, labels, weight=np.array([0.0, 1.0, 2.0]))

        batches = 4 if drop_last else 5
        message = (
            f"only {21 - ignored} of 21 samples count.* of the {batches} batches of an epoch, one "
            r"at least would have a mean over nothing\. Leave such samples out, or take larger"
        )
        arguments = {"net": net, "loss": loss, "batch_size": 5, "drop_last": drop_last}
        with pytest.raises(ValueError, match=f"^data, .*: {message}"):
            run(data=(rng.normal(size=(21, 4)), labels), **arguments)
        labels[: batches - (21 - ignored)] = 1  # one for each batch
        assert run(data=(rng.normal(size=(21, 4)), labels), **arguments, epochs=0).epoch == 0

    def test_a_batch_of_nothing_that_comes_by_chance_is_named(self, normalized, data):
        labels = data[1].copy()
        labels[: len(labels) // 2] = -100
        sgd = SGD(normalized.parameters(), lr=0.1)
        history = History()
        with pytest.raises(
            ValueError, match=r"stopped after \d+ steps, in epoch \d+, at a batch .*: target: every"
        ):
            train(
                normalized,
                cross_entropy,
                sgd,
                (data[0], labels),
                epochs=99,
                batch_size=3,
                rng=np.random.default_rng(0),
                history=history,
                progress=False,
            )
        assert history.step
        assert np.isfinite(history.loss).all()
        assert all(np.isfinite(p.data).all() for p in normalized.parameters())

    def test_a_loss_that_needs_two_samples(self, run, data):
        def loss(logits, labels):
            if len(labels) < 2:
                raise ValueError("one has no other")
            return cross_entropy(logits, labels)

        assert run(loss=loss).step == 5

    def test_few_samples_in_large_batches(self, run, data):
        assert run(data=(data[0][:7], data[1][:7]), batch_size=64).step == 1

    def test_one_sample(self, run, data):
        net = Linear(4, 3, rng=np.random.default_rng(0))
        part = data[0][:1], data[1][:1]
        assert run(net=net, data=part, validation=part).step == 1

    def test_more_classes_than_a_batch_has_samples(self, run):
        rng = np.random.default_rng(0)
        net = Linear(4, 40, rng=rng)
        x, y = rng.normal(size=(80, 4)), np.arange(80) % 40
        assert run(net=net, data=(x, y), validation=(x, y), batch_size=3).step == 27

    def test_counts_as_targets(self, run):
        rng = np.random.default_rng(0)
        net, calls = Linear(1, 1, rng=rng), []

        def loss(outputs, targets):
            calls.append(len(targets))
            return mse(outputs, targets[:, None].astype(float))

        x = rng.normal(size=(5000, 1))
        run(net=net, loss=loss, data=(x, np.arange(5000)), metrics={}, batch_size=500, epochs=0)
        assert sum(calls) <= 2500

    def test_masks_with_ignored_places(self, run):
        rng = np.random.default_rng(0)
        net = Conv2d(1, 3, 3, padding=1, rng=rng)
        x, y = rng.normal(size=(20, 1, 5, 4)), ignoring(rng.integers(3, size=(20, 5, 4)))
        assert run(net=net, data=(x, y), validation=(x, y)).step == 2

    def test_points_that_are_no_images(self, run):
        rng = np.random.default_rng(0)
        net = Sequential(Linear(2, 8, rng=rng), ReLU(), Linear(8, 3, rng=rng))
        x, y = spirals(30, classes=3, rng=rng)
        history = run(net=net, data=(x, y), validation=(x, y), epochs=2)
        assert history.epoch_loss[1] < history.epoch_loss[0]

    def test_probabilities_where_the_loss_takes_them(self, run, data):
        net = Sequential(Linear(4, 3, rng=np.random.default_rng(0)), Softmax())

        def likelihood(p, y):
            value, gradient = nll(np.log(p), y)
            return value, gradient / p

        targets = np.eye(3)[data[1]]
        assert run(net=net, loss=likelihood).step == 5
        assert run(net=net, loss=mse, data=(data[0], targets)).step == 5
        assert run(net=net, loss=mse, data=(data[0], 1000 * targets)).step == 5

    def test_a_network_that_prefers_no_class_at_first(self, run):
        net = Linear(4, 4, rng=np.random.default_rng(0))
        net.weight.data[...], net.bias.data[...] = 0, 0.25
        rng = np.random.default_rng(0)
        assert run(net=net, data=(rng.normal(size=(30, 4)), rng.integers(4, size=30))).step == 3

    def test_a_readers_layer_may_put_new_arrays_in_the_place_of_its_buffers(self, run):
        class Counter(Layer):
            buffer_names = ("rows",)

            def __init__(self):
                self.rows = np.zeros(1)

            def forward(self, x):
                if self.training:
                    self.rows = self.rows + len(x)
                return x

        net = Sequential(Counter(), Linear(4, 3, rng=np.random.default_rng(0)))
        run(net=net)
        assert net[0].rows == 50

    def test_the_rehearsal_leaves_no_trace(self, run, make_net, data):
        def with_dropout():
            rng = np.random.default_rng(4)
            layers = Linear(4, 6, rng=rng), BatchNorm1d(6), Dropout(0.5, rng=rng)
            return Sequential(*layers, Linear(6, 3, rng=rng))

        ours, plain = with_dropout(), with_dropout()
        run(net=ours, augment=lambda x, y, rng: (x + rng.normal(size=x.shape), y), batch_size=25)
        order = (rng := np.random.default_rng(1)).permutation(50)
        sgd = SGD(plain.parameters(), lr=0.1)
        for rows in (order[:25], order[25:]):
            plain.zero_grad()
            x = data[0][rows] + rng.normal(size=(25, 4))
            plain.backward(cross_entropy(plain(x), data[1][rows])[1])
            sgd.step()
        np.testing.assert_equal(ours.state_dict(), plain.state_dict())
