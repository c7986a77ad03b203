import inspect
import os
import subprocess
import sys
from functools import partial

import numpy as np
import pytest
import torch
from tqdm import tqdm

from descent.checks import NotFiniteError
from descent.data import LabeledImages
from descent.evaluation import evaluate, predict
from descent.gradient_check import relative_error
from descent.layers import Linear
from descent.losses import cross_entropy
from descent.optimizers import (
    EMA,
    SAM,
    SGD,
    Adam,
    Lookahead,
    Muon,
    ScheduleFreeSGD,
    Together,
    clip_grad_norm_,
)
from descent.optimizers.schedules import (
    CosineAnnealingLR,
    ExponentialLR,
    LambdaLR,
    OneCycleLR,
    ReduceLROnPlateau,
    SequentialLR,
    StepLR,
)
from descent.regularization import EarlyStopping, mixup
from descent.training import History, loop, train

quiet = partial(train, progress=False)


def halved_square(output, target):
    """½ (output − target)², averaged; target has the output's shape."""
    error = output - target
    return 0.5 * np.square(error).mean(), error / error.size


def scale(value=1.0):
    """y = w x."""
    layer = Linear(1, 1, bias=False, rng=np.random.default_rng(0))
    layer.weight.data[...] = value
    return layer


ONE = np.ones((1, 1))


class Spy:
    """Counts calls, and keeps their arguments."""

    def __init__(self, result=None):
        self.calls = []
        self.result = result

    def __call__(self, *arguments):
        self.calls.append(arguments)
        return self.result

    def step(self, *arguments):
        self(*arguments)


class TestByHand:
    def test_two_steps(self, rng):
        # w = 1, x = 1, y = 3: the error is −2, then −1.6; each step adds .2 of it.
        net = scale(1.0)
        history = quiet(
            net,
            halved_square,
            SGD(net.parameters(), lr=0.2),
            (ONE, 3 * ONE),
            epochs=2,
            batch_size=1,
            rng=rng,
            validation=(ONE, 2 * ONE),
        )
        assert net.weight.data == pytest.approx(1 + 0.2 * 2 + 0.2 * 1.6)
        assert history.loss == pytest.approx([2.0, 0.5 * 1.6**2])
        assert history.epoch_loss == history.loss
        assert history.lr == [0.2, 0.2]
        assert history.validation["loss"] == pytest.approx([0.5 * 0.6**2, 0.5 * 0.28**2])
        assert len(history.seconds) == 2
        assert 0 < min(history.seconds) <= max(history.seconds) < 10

    def test_the_mean_of_an_epoch_counts_samples(self, rng):
        x = np.array([[1.0], [1.0], [1.0]])
        net = scale(0.0)
        history = quiet(
            net,
            halved_square,
            SGD(net.parameters(), lr=0.5),
            (x, 2 * x),
            epochs=1,
            batch_size=2,
            rng=rng,
        )
        assert history.loss == [2.0, 0.5]
        assert history.epoch_loss == [1.5]


def plain_loop(net, x, y, epochs, batch_size, rng, lr):
    for _ in range(epochs):
        order = rng.permutation(len(x))
        for start in range(0, len(x), batch_size):
            rows = order[start : start + batch_size]
            net.zero_grad()
            _, gradient = cross_entropy(net(x[rows]), y[rows])
            net.backward(gradient)
            net.flat.data -= lr * net.flat.grad


def test_equals_the_plain_loop(make_net, data):
    ours, plain = make_net(), make_net()
    sgd = SGD(ours.parameters(), lr=0.3)
    history = quiet(
        ours,
        cross_entropy,
        sgd,
        data,
        epochs=3,
        batch_size=8,
        rng=np.random.default_rng(5),
        validation=data,
    )
    plain_loop(plain, *data, 3, 8, np.random.default_rng(5), 0.3)
    assert np.array_equal(ours.flat.data, plain.flat.data)
    assert history.step == 3 * 7


def test_agrees_with_pytorch(net, data):
    theirs = torch.nn.Sequential(torch.nn.Linear(4, 6), torch.nn.ReLU(), torch.nn.Linear(6, 3))
    theirs.double().load_state_dict({n: torch.tensor(a) for n, a in net.state_dict().items()})
    optimizer = torch.optim.Adam(theirs.parameters(), lr=0.01)
    order, losses = np.random.default_rng(5), []
    for _ in range(3):
        for rows in np.array_split(order.permutation(50), range(16, 50, 16)):
            x, y = torch.tensor(data[0][rows]), torch.tensor(data[1][rows])
            optimizer.zero_grad()
            loss = torch.nn.functional.cross_entropy(theirs(x), y)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(theirs.parameters(), 0.5)
            optimizer.step()
            losses.append(loss.item())
    history = quiet(
        net,
        cross_entropy,
        Adam(net.parameters(), lr=0.01),
        data,
        epochs=3,
        batch_size=16,
        rng=np.random.default_rng(5),
        clip=lambda parameters: clip_grad_norm_(parameters, 0.5),
    )
    assert relative_error(history.loss, losses) < 1e-10
    for name, array in net.state_dict().items():
        assert relative_error(array, theirs.state_dict()[name].numpy()) < 1e-10


def test_a_batch_passes_in_as_many_shards_as_accumulate_says(run, net, monkeypatch):
    sizes = []
    backward = net.backward
    monkeypatch.setattr(
        net,
        "backward",
        lambda g, *more, **options: (sizes.append(len(g)), backward(g, *more, **options))[1],
    )
    run(epochs=1, accumulate=3)
    assert sizes[-9:] == [7, 7, 6, 7, 7, 6, 4, 3, 3]  # a rehearsal comes before


@pytest.fixture
def run(net, data, rng):
    """Train the small network, with changes."""

    def run(**changes):
        arguments = {
            "net": net,
            "loss": cross_entropy,
            "data": data,
            "epochs": 2,
            "batch_size": 20,
            "rng": rng,
            "progress": False,
        } | changes
        if "optimizer" not in arguments:
            arguments["optimizer"] = SGD(arguments["net"].parameters(), lr=0.1)
        return train(**arguments)

    return run


def test_keeps_float32(run, make_net, data):
    net = make_net(dtype=np.float32)
    history = run(net=net, data=(data[0].astype(np.float32), data[1]), validation=None)
    assert net.flat.data.dtype == net.flat.grad.dtype == np.float32
    assert {type(value) for value in history.loss + history.epoch_loss} == {float}


def test_takes_labeled_images_and_pairs(run, make_net, data):
    results = []
    for given in (data, list(data), LabeledImages(*data)):
        net = make_net()
        run(net=net, data=given, validation=given, rng=np.random.default_rng(3))
        results.append(net.flat.data)
    assert np.array_equal(results[0], results[1])
    assert np.array_equal(results[0], results[2])


def test_no_epochs_change_nothing(run, net):
    before = net.state_dict()
    assert run(epochs=0) == History()
    assert all(np.array_equal(before[name], array) for name, array in net.state_dict().items())


def test_the_gradient_of_the_inputs_is_not_computed(run, net):
    spy, backward = [], net[0].backward

    def watched(gradient, input_gradient=True):
        spy.append(input_gradient)
        return backward(gradient, input_gradient)

    net[0].backward = watched
    run()
    assert set(spy) == {False}


def test_trains_in_training_mode_and_validates_in_evaluation_mode(run, net, data):
    modes, forward = [], net[0].forward

    def watched(x):
        modes.append((net[0].training, len(x)))
        return forward(x)

    net[0].forward = watched
    net.eval()
    run(epochs=1, validation=(data[0][:7], data[1][:7]))
    # The rehearsal: a batch, a look at what the network returns, the last batch, the validation.
    assert modes[:4] == [(True, 20), (False, 20), (True, 10), (False, 7)]
    assert modes[4:] == [(True, 20), (True, 20), (True, 10), (False, 7)]
    assert net.training
    assert net[0].training


class TestValidation:
    def test_results_are_those_of_evaluate(self, run, net, data):
        part = data[0][:30], data[1][:30]
        history = run(validation=part)
        results = evaluate(net, cross_entropy, *part)
        assert list(history.validation) == ["loss", "accuracy"]
        assert {name: values[-1] for name, values in history.validation.items()} == results
        assert [len(values) for values in history.validation.values()] == [2, 2]

    def test_metrics(self, run, data):
        history = run(validation=data, metrics={"size": lambda logits, labels: len(logits)})
        assert history.validation["size"] == [50.0, 50.0]
        assert "accuracy" not in history.validation

    def test_changes_nothing_in_the_training(self, run, make_net, data):
        nets = make_net(), make_net()
        run(net=nets[0], rng=np.random.default_rng(3))
        run(net=nets[1], rng=np.random.default_rng(3), validation=data)
        assert np.array_equal(nets[0].flat.data, nets[1].flat.data)


class TestSchedule:
    def test_steps_after_every_step_of_the_optimizer(self, run, net):
        sgd = SGD(net.parameters(), lr=0.8)
        history = run(optimizer=sgd, schedule=StepLR(sgd, step_size=2, gamma=0.5))
        assert history.lr == [0.8, 0.8, 0.4, 0.4, 0.2, 0.2]
        assert sgd.param_groups[0]["lr"] == 0.1

    def test_is_called_without_arguments(self, run):
        spy = Spy()
        run(schedule=spy)
        assert spy.calls == [()] * 6

    def test_history_has_the_rate_of_the_first_group(self, run, net):
        groups = [
            {"params": net[2].parameters(), "lr": 0.3},
            {"params": net[0].parameters(), "lr": 0.1},
        ]
        assert run(optimizer=SGD(groups)).lr == [0.3] * 6


def test_clip_gets_the_parameters_when_the_gradients_are_there(run, net):
    seen = []

    def clip(parameters):
        seen.append(([p.data.shape for p in parameters], net.flat.grad.any()))
        for p in parameters:
            p.grad.fill(0)

    before = net.flat.data.copy()
    run(clip=clip)
    assert seen == [([(6, 4), (6,), (3, 6), (3,)], True)] * 6
    assert np.array_equal(net.flat.data, before)


class TestAugment:
    def test_gets_batches_and_the_generator(self, run, rng, data):
        seen = []

        def augment(images, labels, augment_rng):
            seen.append((images.shape, labels.shape, augment_rng is rng))
            images += 1000
            return images, labels

        kept = data[0].copy()
        run(augment=augment, epochs=1)
        assert [was_rng for *_, was_rng in seen[:2]] == [False, False]  # the rehearsal: a copy
        assert seen[2:] == [((20, 4), (20,), True), ((20, 4), (20,), True), ((10, 4), (10,), True)]
        assert np.array_equal(data[0], kept)

    def test_what_it_returns_is_learned(self, rng):
        net = scale(0.0)
        sgd = SGD(net.parameters(), lr=1.0)
        quiet(
            net,
            halved_square,
            sgd,
            (ONE, ONE),
            epochs=1,
            batch_size=1,
            rng=rng,
            augment=lambda x, y, rng: (2 * x, 3 * y),
        )
        assert net.weight.data == 6.0

    def test_mixup(self, run, data):
        def augment(images, labels, rng):
            return mixup(images, labels, classes=3, rng=rng)

        history = run(augment=augment, epochs=30, validation=data)
        assert history.validation["accuracy"][-1] > 0.7


class TestHooks:
    def test_are_called_after_each_step_and_each_epoch_with_the_history(self, run, data):
        seen = []

        def after_step(history):
            seen.append(("step", history.step, len(history.lr), history.epoch))

        def after_epoch(history):
            results = len(history.validation["loss"])
            seen.append(("epoch", history.step, len(history.seconds), history.epoch, results))

        history = run(
            validation=data, after_step=after_step, after_epoch=[after_epoch, after_epoch]
        )
        assert seen == [
            *[("step", 1, 1, 0), ("step", 2, 2, 0), ("step", 3, 3, 0)],
            *[("epoch", 3, 1, 1, 1)] * 2,
            *[("step", 4, 4, 1), ("step", 5, 5, 1), ("step", 6, 6, 1)],
            *[("epoch", 6, 2, 2, 2)] * 2,
        ]
        assert history.step == 6

    def test_what_is_called_after_a_step_sees_the_new_weights_and_the_rate_to_come(self, run, net):
        sgd, seen = SGD(net.parameters(), lr=0.8), []

        def look(history):
            seen.append((net.flat.data.copy(), sgd.param_groups[0]["lr"]))

        before = net.flat.data.copy()
        schedule = StepLR(sgd, step_size=1, gamma=0.5)
        run(optimizer=sgd, schedule=schedule, after_step=[look], epochs=1)
        assert [lr for _, lr in seen] == [0.4, 0.2, 0.1]
        assert not np.array_equal(seen[0][0], before)
        assert np.array_equal(seen[-1][0], net.flat.data)

    @pytest.mark.parametrize("answer", [True, np.True_])
    def test_true_ends_the_training_and_the_others_are_called_all_the_same(self, run, answer):
        first, second, third = Spy(False), Spy(answer), Spy()
        history = run(after_epoch=[first, second, third], epochs=5)
        assert history.epoch == 1
        assert len(first.calls) == len(second.calls) == len(third.calls) == 1

    @pytest.mark.parametrize("answer", [None, False, np.False_, 1, [0.5], "yes", np.ones(2)])
    def test_nothing_else_ends_it(self, run, answer):
        assert run(after_epoch=Spy(answer)).epoch == 2

    def test_after_a_step_nothing_ends_it(self, run):
        assert run(after_step=Spy(True)).step == 6

    def test_an_optimizer_that_averages_shows_the_average(self, run, net):
        optimizer, seen = ScheduleFreeSGD(net.parameters(), lr=0.5), []
        run(optimizer=optimizer, after_epoch=lambda history: seen.append(net.flat.data.copy()))
        assert np.array_equal(seen[-1], net.flat.data)

    def test_reduce_lr_on_plateau(self, run, net, data):
        sgd = SGD(net.parameters(), lr=0.5)
        plateau, values = ReduceLROnPlateau(sgd, patience=1, factor=0.5), iter([3, 2, 2, 2, 1])
        history = run(optimizer=sgd, epochs=5, after_epoch=lambda _: plateau.step(next(values)))
        assert history.lr[::3] == [0.5, 0.5, 0.5, 0.5, 0.25]

    def test_an_average_of_the_weights(self, run, net):
        ema, weights = EMA(net, decay=0.5), []

        def follow(history):
            ema.update_parameters()
            weights.append(net.flat.data.copy())

        run(after_step=follow, epochs=1)
        expected = 0.25 * weights[0] + 0.25 * weights[1] + 0.5 * weights[2]
        assert relative_error(ema.average, expected) < 1e-14


class TestEarlyStopping:
    def test_stops_and_the_best_weights_can_be_put_back(self, run, net, data):
        states, values = [], [5.0, 4.0, 4.5, 4.0, 1.0]
        stopping = EarlyStopping(patience=2)

        def watch(history):
            states.append(net.flat.data.copy())
            return stopping.step(values[len(states) - 1], net)

        history = run(epochs=5, after_epoch=watch)
        assert history.epoch == 4
        assert np.array_equal(net.flat.data, states[3])
        stopping.restore(net)
        assert stopping.best_step == 2
        assert np.array_equal(net.flat.data, states[1])

    def test_counts_epochs_as_the_history_does(self, run, net, data):
        stopping = EarlyStopping(patience=3)
        history = run(
            validation=data,
            epochs=9,
            after_epoch=lambda history: stopping.step(history.validation["loss"][-1], net),
        )
        assert stopping.best_step == history.best_epoch


class TestContinuing:
    def test_two_runs_are_one(self, run, make_net, data):
        whole, parts = make_net(), make_net()
        expected = run(net=whole, epochs=3, validation=data, rng=np.random.default_rng(3))
        sgd, rng = SGD(parts.parameters(), lr=0.1), np.random.default_rng(3)
        options = {"net": parts, "optimizer": sgd, "rng": rng, "validation": data}
        history = run(epochs=1, **options)
        same = run(epochs=2, history=history, **options)
        assert same is history
        assert np.array_equal(whole.flat.data, parts.flat.data)
        for name in ("loss", "lr", "epoch_loss", "validation"):
            assert getattr(history, name) == getattr(expected, name)
        assert len(history.seconds) == 3

    def test_validation_must_go_on_as_it_began(self, run, data):
        with pytest.raises(ValueError, match="2 epochs, 0 of them validated; continue without"):
            run(history=run(), validation=data)
        with pytest.raises(ValueError, match="2 epochs, 2 of them validated; continue with val"):
            run(history=run(validation=data))


class TestFrozenParts:
    """Fine-tuning: only the head learns, and what does not learn counts nowhere."""

    def test_clipping_looks_at_what_the_optimizer_moves(self, run, make_net):
        frozen, apart = make_net(), make_net()
        frozen[0].requires_grad_(False)
        for net, parameters in ((frozen, frozen.parameters()), (apart, apart[2].parameters())):
            run(
                net=net,
                optimizer=SGD(parameters, lr=0.5),
                clip=lambda parameters: clip_grad_norm_(parameters, 0.01),
                rng=np.random.default_rng(3),
                epochs=4,
            )
        assert np.array_equal(frozen.flat.data, apart.flat.data)
        assert np.array_equal(frozen[0].weight.data, make_net()[0].weight.data)
        moved = np.linalg.norm(frozen[2].weight.data - make_net()[2].weight.data)
        assert 0.02 < moved <= 12 * 0.5 * 0.01

    def test_clip_gets_what_the_optimizer_moves(self, run, net):
        seen = []
        run(
            optimizer=SGD(net[2].parameters(), lr=0.1),
            clip=lambda parameters: seen.append([id(p) for p in parameters]),
        )
        assert seen == [[id(p) for p in net[2].parameters()]] * 6


class TestOptimizers:
    def test_two_rules_for_one_network(self, run, make_net, data):
        net, shadow = make_net(), make_net()
        matrices, rest = [net[0].weight], [net[0].bias, net[2].weight, net[2].bias]
        both = Together(Muon(matrices, lr=0.1), Adam(rest, lr=0.01))
        history = run(net=net, optimizer=both, epochs=40, schedule=StepLR(both, 60, gamma=0.5))
        assert history.lr[0] == 0.1
        assert history.lr[-1] == 0.05
        assert history.epoch_loss[-1] < 0.3 * history.epoch_loss[0]
        for name, p in net.named_parameters().items():
            assert not np.array_equal(p.data, shadow.named_parameters()[name].data)

    @pytest.mark.parametrize(
        "around", [Lookahead, SAM, lambda sgd: SAM(Lookahead(sgd)), lambda sgd: Lookahead(SAM(sgd))]
    )
    def test_optimizers_around_others(self, run, net, around):
        optimizer = around(SGD(net.parameters(), lr=0.5))
        schedule = StepLR(optimizer, step_size=100, gamma=0.1)
        history = run(optimizer=optimizer, schedule=schedule, epochs=50)
        assert history.epoch_loss[-1] < 0.5 * history.epoch_loss[0]
        assert history.lr[-1] == pytest.approx(0.05)

    def test_sam_takes_two_gradients_of_the_same_batch(self, make_net, data):
        ours, plain = make_net(), make_net()
        x, y = data
        quiet(
            ours,
            cross_entropy,
            SAM(SGD(ours.parameters(), lr=0.1), rho=0.5),
            data,
            epochs=1,
            batch_size=50,
            rng=np.random.default_rng(0),
        )
        plain.backward(cross_entropy(plain(x), y)[1])
        start, ascent = plain.flat.data.copy(), plain.flat.grad.copy()
        plain.flat.data += 0.5 * ascent / np.linalg.norm(ascent)
        plain.zero_grad()
        plain.backward(cross_entropy(plain(x), y)[1])
        plain.flat.data[...] = start - 0.1 * plain.flat.grad
        assert relative_error(ours.flat.data, plain.flat.data) < 1e-13

    def test_sam_reports_the_loss_before_the_step(self, rng):
        net = scale(0.0)
        sam = SAM(SGD(net.parameters(), lr=0.1), rho=0.5)
        history = quiet(net, halved_square, sam, (ONE, 2 * ONE), epochs=1, batch_size=1, rng=rng)
        assert history.loss == [2.0]

    def test_schedule_free_is_measured_at_its_average(self, run, net, data):
        optimizer = ScheduleFreeSGD(net.parameters(), lr=0.5)
        measured = []

        def watch(logits, labels):
            measured.append(net.flat.data.copy())
            return 0.0

        run(optimizer=optimizer, validation=data, metrics={"watch": watch}, epochs=2)
        assert not optimizer.training
        x = np.concatenate([state["x"].ravel() for state in optimizer.state.values()])
        assert np.array_equal(measured[-1], x)
        assert np.array_equal(net.flat.data, x)

    def test_schedule_free_trains_on_where_it_stopped(self, run, make_net):
        nets, results = (make_net(), make_net()), []
        for net, epochs in zip(nets, [(3,), (1, 2)], strict=True):
            optimizer = ScheduleFreeSGD(net.parameters(), lr=0.5)
            generator = np.random.default_rng(3)
            for more in epochs:
                run(net=net, optimizer=optimizer, epochs=more, rng=generator)
            results.append(net.flat.data)
        assert np.array_equal(*results)


class TestDivergence:
    def test_a_rate_that_is_too_high(self, rng):
        # w grows by a factor of about 1e10 at each step, until its square overflows.
        net, history = scale(1.0), History()
        with pytest.raises(FloatingPointError) as caught:
            quiet(
                net,
                halved_square,
                SGD(net.parameters(), lr=1e10),
                (ONE, 0 * ONE),
                epochs=30,
                batch_size=1,
                rng=rng,
                history=history,
            )
        steps = history.step
        assert history.epoch == steps == 16
        assert str(caught.value) == (
            f"training diverged after {steps} steps, in epoch {steps + 1}: the loss is inf. The "
            "last learning rate was 1e+10, which is probably too high: try a tenth of it, or "
            "limit the gradients with clip."
        )
        assert isinstance(caught.value.__cause__, NotFiniteError)

    def test_in_the_losses_of_the_library_too(self, run, net):
        with pytest.raises(FloatingPointError, match=r"after \d+ steps, .* probably too high"):
            run(optimizer=SGD(net.parameters(), lr=1e200))

    def test_before_the_first_step_the_rate_is_innocent(self, run, net):
        net.flat.data[0] = np.nan
        message = (
            r"^training diverged after 0 steps, in epoch 1: logits must be finite, got nan at "
            r"index \(0, 0\)\. No step was taken yet: look at the initial weights, the labels "
            r"and the loss\.$"
        )
        with pytest.raises(FloatingPointError, match=message):
            run()

    def test_a_gradient_that_is_not_finite(self, run, net):
        before = net.flat.data.copy()

        def clip(parameters):
            parameters[0].grad.fill(np.inf)

        with pytest.raises(FloatingPointError, match=r"after 0 steps.*the gradient must be finite"):
            run(clip=clip)
        assert np.array_equal(net.flat.data, before)

    def test_in_the_validation(self, rng):
        net = scale(0.0)
        history = History()
        with pytest.raises(FloatingPointError, match="after 1 steps, in epoch 1: the loss is inf"):
            quiet(
                net,
                halved_square,
                SGD(net.parameters(), lr=1e200),
                (ONE, ONE),
                epochs=1,
                batch_size=1,
                rng=rng,
                validation=(ONE, ONE),
                history=history,
            )
        assert history.step == 1
        assert history.epoch == 0

    def test_other_errors_arrive_as_they_are(self, run):
        with pytest.raises(ZeroDivisionError):
            run(clip=lambda parameters: 1 / 0)


class TestBadInput:
    @pytest.mark.parametrize(
        ("change", "error", "message"),
        [
            ({"epochs": -1}, ValueError, "epochs must be finite and ≥ 0, got -1"),
            ({"epochs": 1.5}, TypeError, "epochs must be an integer, got 1.5"),
            ({"batch_size": 0}, ValueError, "batch_size must be finite and ≥ 1, got 0"),
            ({"batch_size": 1.5}, TypeError, "batch_size must be an integer, got 1.5"),
            ({"accumulate": 0}, ValueError, "accumulate must be finite and ≥ 1 and ≤ 20, got 0"),
            ({"accumulate": 21}, ValueError, "accumulate must be finite and ≥ 1 and ≤ 20, got 21"),
            ({"rng": 0}, TypeError, r"rng must be a numpy\.random\.Generator"),
            ({"batch_size": 51, "drop_last": True}, ValueError, "batch_size must .*≤ 50, got 51"),
            ({"after_epoch": [3]}, TypeError, "after_epoch must be callable with the history"),
            (
                {"after_epoch": lambda: None},
                TypeError,
                "after_epoch must be callable with the history, got <.*: too many positional",
            ),
            ({"after_step": EarlyStopping(1).step}, TypeError, "after_step must be.*'net'"),
            ({"clip": clip_grad_norm_}, TypeError, "clip must be callable with the list of param"),
        ],
    )
    def test_options(self, run, net, change, error, message):
        before = net.flat.data.copy()
        with pytest.raises(error, match=message):
            run(**change)
        assert np.array_equal(net.flat.data, before)

    def test_a_schedule_that_watches_a_result(self, run, net):
        sgd = SGD(net.parameters(), lr=0.1)
        before = net.flat.data.copy()
        with pytest.raises(TypeError) as caught:
            run(optimizer=sgd, schedule=ReduceLROnPlateau(sgd))
        assert str(caught.value).startswith(
            "schedule.step must be callable with no argument, got <"
        )
        assert str(caught.value).endswith(
            "; what watches a result, as ReduceLROnPlateau does, belongs to after_epoch, for "
            'example lambda history: plateau.step(history.validation["loss"][-1])'
        )
        assert np.array_equal(net.flat.data, before)

    def test_an_optimizer_of_another_network(self, run, make_net):
        with pytest.raises(ValueError, match="optimizer moves no parameter of net"):
            run(optimizer=SGD(make_net().parameters()))

    @pytest.mark.parametrize("name", ["data", "validation"])
    @pytest.mark.parametrize(
        ("change", "error", "message"),
        [
            (lambda x, y: (x[:0], y[:0]), ValueError, "inputs is empty"),
            (
                lambda x, y: (x, y[:-1]),
                ValueError,
                r"must have one target for each input, but inputs has shape \(50, 4\), targets has "
                r"shape \(49,\)",
            ),
            (lambda x, y: (x.astype(int), y), TypeError, "inputs must be float32 or float64"),
            (lambda x, y: (x * np.nan, y), ValueError, "inputs must be finite, got nan or inf"),
            (lambda x, y: (x, y * np.inf), ValueError, "targets must be finite, got nan or inf"),
            (lambda x, y: (x, y + 1), ValueError, r"target must lie in 0 … 2, got 3 at index \d"),
            (lambda x, y: x, TypeError, r"or a pair \(inputs, targets\), got ndarray"),
            (lambda x, y: (x, y, y), TypeError, r"or a pair \(inputs, targets\), got tuple"),
            (lambda x, y: (x[:, :3], y), ValueError, r"x must have shape \(N, 4\), got"),
        ],
    )
    def test_data(self, run, net, rng, data, name, change, error, message):
        state, before = rng.bit_generator.state, net.flat.data.copy()
        with np.errstate(invalid="ignore"):
            changed = change(*data)
        with pytest.raises(error, match=message) as caught:
            run(**{name: changed})
        assert str(caught.value).startswith(name)
        assert rng.bit_generator.state == state
        assert np.array_equal(net.flat.data, before)
        assert not net.flat.grad.any()

    def test_labels_of_a_single_output_are_no_classes(self, rng):
        net = scale(0.0)

        def loss(output, target):
            return halved_square(output, target[:, None].astype(float))

        sgd = SGD(net.parameters(), lr=1.0)
        quiet(net, loss, sgd, (ONE, np.array([7])), epochs=1, batch_size=1, rng=rng, metrics={})
        assert net.weight.data == 7.0


SCRIPT = """
import numpy as np
from descent.layers import Linear
from descent.losses import cross_entropy
from descent.optimizers import SGD
from descent.training import train

rng = np.random.default_rng(0)
net = Linear(2, 2, rng=rng)
sgd = SGD(net.parameters())
train(net, cross_entropy, sgd, (np.eye(2), np.array([0, 1])), epochs=3, batch_size=1, rng=rng)
"""


class TestProgress:
    @pytest.mark.parametrize("disabled", [True, False])
    def test_the_environment_decides(self, disabled):
        environment = {name: value for name, value in os.environ.items() if "TQDM" not in name}
        if disabled:
            environment["TQDM_DISABLE"] = "1"
        command = [sys.executable, "-c", SCRIPT]
        result = subprocess.run(command, env=environment, capture_output=True, encoding="utf-8")
        assert (result.returncode, result.stdout) == (0, "")
        if disabled:
            assert result.stderr == ""
        else:
            assert "6/6" in result.stderr
            assert "step/s, loss 0." in result.stderr

    @pytest.mark.parametrize(("progress", "options"), [(True, {}), (False, {"disable": True})])
    def test_the_argument_decides(self, run, monkeypatch, progress, options):
        given = []

        def spy(*, total, **options):
            given.append((total, options))
            return tqdm(total=total, disable=True)

        monkeypatch.setattr(loop, "tqdm", spy)
        run(progress=progress)
        ((total, came),) = given
        assert total == 6
        assert {name: value for name, value in came.items() if name == "disable"} == options

    def test_is_shown_unless_told_otherwise(self):
        assert inspect.signature(train).parameters["progress"].default is True


def test_it_learns(run, net, data):
    run(epochs=60, optimizer=Adam(net.parameters(), lr=0.01))
    assert (predict(net, data[0]).argmax(axis=1) == data[1]).mean() > 0.9


class TestScheduleThatCannotWork:
    """Found before the first step, not by a rate that stays or a run that is lost at its end."""

    def run(self, make, **options):
        net = scale()
        sgd = SGD(net.parameters(), lr=0.1, momentum=0.5)
        rng, data = np.random.default_rng(0), (np.ones((7, 1)), np.zeros((7, 1)))
        options = {"epochs": 2, "batch_size": 3, "rng": rng, **options}
        before = net.weight.data.copy()
        try:
            return quiet(net, halved_square, sgd, data, schedule=make(sgd), **options)
        except ValueError:
            assert net.weight.data == before
            raise

    @pytest.mark.parametrize("optimizer", [None, SGD([scale().weight])])
    def test_of_another_optimizer(self, optimizer):
        with pytest.raises(ValueError, match=r"^schedule changes no rate of optimizer"):
            self.run(lambda _: CosineAnnealingLR(optimizer, 6))

    def test_of_a_wrapper_or_a_part(self):
        assert self.run(lambda sgd: ExponentialLR(SAM(sgd), 0.5)).lr == [
            0.1 / 2**t for t in range(6)
        ]
        assert len(self.run(lambda sgd: ExponentialLR(Together(sgd), 0.5)).lr) == 6

    @pytest.mark.parametrize(("options", "steps"), [({}, 6), ({"drop_last": True}, 4)])
    def test_that_ends_too_soon(self, options, steps):
        def cycle(total):
            return lambda sgd: OneCycleLR(sgd, 1.0, total_steps=total, pct_start=0.5)

        assert len(self.run(cycle(steps), **options).lr) == steps
        with pytest.raises(ValueError, match=f"as far as the {steps} steps: step {steps} is bey"):
            self.run(cycle(steps - 1), **options)

    def test_that_ends_too_soon_as_the_last_part(self):
        def parts(sgd):
            last = OneCycleLR(sgd, 1.0, total_steps=3, pct_start=0.5)
            return SequentialLR(sgd, [StepLR(sgd, 2), last], [2])

        with pytest.raises(ValueError, match="as far as the 6 steps: step 4 is beyond"):
            self.run(parts)

    def test_where_training_may_stop_earlier_the_end_may_be_near(self):
        history = self.run(
            lambda sgd: OneCycleLR(sgd, 1.0, total_steps=3, pct_start=0.5),
            after_epoch=lambda history: True,
        )
        assert history.step == 3

    def test_a_table_of_rates_must_be_as_long_as_the_run(self):
        rates = [1.0, 0.5, 0.25]
        with pytest.raises(IndexError):
            self.run(lambda sgd: LambdaLR(sgd, lambda t: rates[t]))


def test_frozen_parameters_alone_are_no_reason_to_look_for_another_network(rng):
    net = scale().requires_grad_(False)
    with pytest.raises(ValueError, match=r"moves no parameter of net: .* or are all frozen"):
        quiet(
            net, halved_square, SGD(net.parameters()), (ONE, ONE), epochs=1, batch_size=1, rng=rng
        )


def test_whole_numbers_may_be_short_ones_of_numpy(rng):
    net = scale()
    x, y = np.ones((7, 1)), np.zeros((7, 1))
    options = {"epochs": np.int8(2), "batch_size": np.uint8(3), "accumulate": np.uint8(2)}
    history = quiet(net, halved_square, SGD(net.parameters()), (x, y), rng=rng, **options)
    assert history.step == 6


def test_targets_of_objects_are_refused(rng):
    net, y = scale(), np.array([[0], [1]], object)
    data, sgd = (np.ones((2, 1)), y), SGD(net.parameters())
    with pytest.raises(TypeError, match="data: targets must be numbers, got object"):
        quiet(net, halved_square, sgd, data, epochs=1, batch_size=1, rng=rng)
