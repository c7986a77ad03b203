import inspect
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from descent.evaluation import evaluate, evaluation_mode, predict
from descent.layers import BatchNorm1d, Dropout, Layer, Linear, ReLU, Sequential
from descent.losses import cross_entropy


class Recorder(Layer):
    """Passes its input on; remembers how many rows came, and in which mode."""

    def __init__(self):
        self.calls = []

    def forward(self, x):
        self.calls.append((len(x), self.training))
        return x


def test_predict_goes_batch_by_batch_in_evaluation_mode():
    recorder = Recorder()
    x = np.random.default_rng(0).normal(size=(7, 2))
    assert np.array_equal(predict(Sequential(recorder), x, 3), x)
    assert recorder.calls == [(3, False), (2, False), (2, False)]


def test_no_batch_is_a_single_sample_that_batch_statistics_could_not_take():
    net = BatchNorm1d(2, track_running_stats=False)
    x = np.random.default_rng(0).normal(size=(257, 2))
    assert predict(net, x).shape == (257, 2)


def test_predict_does_not_depend_on_the_batch_size():
    rng = np.random.default_rng(0)
    net = Sequential(Linear(4, 5, rng=rng), ReLU(), Linear(5, 3, rng=rng))
    x = rng.normal(size=(10, 4))
    for size in (1, 4, 10, 11):
        assert np.allclose(predict(net, x, size), net(x), rtol=1e-14)


@pytest.mark.parametrize("function", [predict, evaluate])
def test_default_batch_size(function):
    assert inspect.signature(function).parameters["batch_size"].default == 256


def make_net(rng):
    return Sequential(
        Linear(4, 5, rng=rng), BatchNorm1d(5), ReLU(), Dropout(0.5, rng=rng), Linear(5, 3, rng=rng)
    )


@pytest.mark.parametrize("between", [predict, lambda net, x: evaluate(net, loss_of_none, x, x)])
def test_a_backward_pass_that_was_to_come_is_not_disturbed(between):
    rng = np.random.default_rng(0)
    x, other, gradient = (rng.normal(size=(6, n)) for n in (4, 4, 3))
    results = []
    for disturbed in (False, True):
        net = make_net(np.random.default_rng(1))
        net(x)
        if disturbed:
            between(net, 3 * other)
            between(net, other[:2])
        results.append((net.backward(gradient), net.flat.grad))
    assert np.array_equal(results[0][0], results[1][0])
    assert np.array_equal(results[0][1], results[1][1])


def test_threads_may_share_a_network_in_evaluation_mode():
    rng = np.random.default_rng(0)
    net = make_net(rng)
    inputs = [rng.normal(size=(40, 4)) * 10**i for i in range(4)]
    for x in inputs:
        net(x)  # running statistics
    net.eval()
    expected = [net(x) for x in inputs]
    with ThreadPoolExecutor(4) as threads:
        futures = [threads.submit(predict, net, inputs[i % 4], 1 + i % 7) for i in range(200)]
        for i, future in enumerate(futures):
            np.testing.assert_allclose(future.result(), expected[i % 4], rtol=1e-12, atol=1e-12)


def loss_of_none(outputs, targets):
    return 0.0, None


def test_each_layer_is_back_in_its_own_mode():
    net = Sequential(Sequential(Recorder(), Recorder()), Recorder())
    net[0][1].eval()
    predict(net, np.ones((1, 1)))
    modes = [net.training, net[0].training, net[0][0].training, net[0][1].training]
    assert modes == [True, True, True, False]


def test_also_after_an_error():
    net = Sequential(Recorder(), Linear(3, 1, rng=np.random.default_rng(0)))
    with pytest.raises(ValueError, match="x must have shape"):
        predict(net, np.ones((2, 2)))
    assert net.training
    assert net[0].training


def test_evaluation_mode_gives_the_network():
    net = Recorder()
    with evaluation_mode(net) as inside:
        assert inside is net
        assert not net.training
    assert net.training


def test_predict_keeps_float32():
    net = Linear(3, 2, rng=np.random.default_rng(0), dtype=np.float32)
    assert predict(net, np.ones((5, 3), np.float32), 2).dtype == np.float32


@pytest.mark.parametrize(
    ("inputs", "batch_size", "error", "message"),
    [
        (np.ones((2, 3), int), 1, TypeError, "inputs must be float32 or float64, got int64"),
        (np.ones((0, 3)), 1, ValueError, "inputs is empty"),
        (np.ones((2, 3)), 0, ValueError, "batch_size must be finite and ≥ 1, got 0"),
        (np.ones((2, 3)), 1.5, TypeError, "batch_size must be an integer"),
    ],
)
def test_bad_input(inputs, batch_size, error, message):
    with pytest.raises(error, match=message):
        predict(Recorder(), inputs, batch_size)


LOGITS = np.array([[2.0, 0.0], [0.0, 1.0], [3.0, 0.0]])
LABELS = np.array([0, 1, 1])


def test_evaluate_takes_all_samples_at_once():
    weight = np.array([1.0, 5.0])
    results = evaluate(
        Recorder(),
        lambda z, y: cross_entropy(z, y, weight=weight),
        LOGITS,
        LABELS,
        batch_size=2,
    )
    assert list(results) == ["loss", "accuracy"]
    assert results["loss"] == float(cross_entropy(LOGITS, LABELS, weight=weight)[0])
    assert results["accuracy"] == pytest.approx(2 / 3)
    assert [type(value) for value in results.values()] == [float, float]


def test_evaluate_passes_the_batch_size_on():
    recorder = Recorder()
    evaluate(recorder, cross_entropy, LOGITS, LABELS, batch_size=2)
    assert recorder.calls == [(2, False), (1, False)]


@pytest.mark.parametrize("labels", [LOGITS, np.array([0.5, 1.0, 2.0]), np.array([[0], [1], [1]])])
def test_no_accuracy_of_what_is_no_class(labels):
    assert evaluate(Recorder(), lambda z, y: (7.0, None), LOGITS, labels) == {"loss": 7.0}


def test_evaluate_with_metrics_of_ones_own():
    metrics = {"largest": lambda z, y: z.max(), "labels": lambda z, y: y.sum()}
    results = evaluate(Recorder(), lambda z, y: (7, None), LOGITS, LABELS, metrics=metrics)
    assert results == {"loss": 7.0, "largest": 3.0, "labels": 2.0}
    assert evaluate(Recorder(), lambda z, y: (7, None), LOGITS, LABELS, metrics={}) == {"loss": 7.0}


def test_evaluate_refuses_lengths_that_differ():
    message = "expected one target for each input, got 3 inputs, 2 targets"
    with pytest.raises(ValueError, match=message):
        evaluate(Recorder(), cross_entropy, LOGITS, LABELS[:2])


def test_a_metric_may_not_be_called_loss():
    with pytest.raises(
        ValueError, match=r'^metrics must not use the name "loss", which is the loss.s own$'
    ):
        evaluate(Recorder(), cross_entropy, LOGITS, LABELS, metrics={"loss": lambda z, y: 0})
