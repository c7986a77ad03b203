import numpy as np
import pytest
import torch
from torch.optim import swa_utils

from descent.gradient_check import relative_error
from descent.layers import BatchNorm1d, Linear, ReLU, Sequential
from descent.optimizers import EMA, SWA, update_bn
from descent.optimizers.averaging import AveragedWeights


def network(dtype=np.float64, **options):
    rng = np.random.default_rng(0)
    return Sequential(
        Linear(3, 4, rng=rng, dtype=dtype),
        BatchNorm1d(4, dtype=dtype, **options),
        Sequential(ReLU(), Linear(4, 5, rng=rng, dtype=dtype), BatchNorm1d(5, dtype=dtype)),
    )


def torch_network(net):
    theirs = torch.nn.Sequential(
        torch.nn.Linear(3, 4),
        torch.nn.BatchNorm1d(4),
        torch.nn.Sequential(torch.nn.ReLU(), torch.nn.Linear(4, 5), torch.nn.BatchNorm1d(5)),
    ).double()
    theirs.load_state_dict({n: torch.tensor(a) for n, a in net.state_dict().items()})
    return theirs


def walk(net, average, steps=50):
    """Random weights, one after the other, all of which count."""
    rng = np.random.default_rng(1)
    path = []
    for _ in range(steps):
        net.flat.data[...] = rng.normal(size=net.flat.data.size)
        average.update_parameters()
        path.append(net.flat.data.copy())
    return np.array(path)


@pytest.mark.parametrize(
    ("make", "options"),
    [
        (lambda net: EMA(net), {"multi_avg_fn": swa_utils.get_ema_multi_avg_fn(0.999)}),
        (lambda net: EMA(net, 0.7), {"multi_avg_fn": swa_utils.get_ema_multi_avg_fn(0.7)}),
        (lambda net: EMA(net, 0.0), {"multi_avg_fn": swa_utils.get_ema_multi_avg_fn(0.0)}),
        (lambda net: SWA(net), {}),
    ],
)
def test_agrees_with_pytorch(make, options):
    net = network()
    average = make(net)
    theirs = torch_network(net)
    their_average = swa_utils.AveragedModel(theirs, **options)
    assert not average.average.any()
    for t, weights in enumerate(walk(network(), SWA(network()), 30)):
        net.flat.data[...] = weights
        average.update_parameters()
        torch.nn.utils.vector_to_parameters(torch.tensor(weights), theirs.parameters())
        their_average.update_parameters(theirs)
        expected = torch.nn.utils.parameters_to_vector(their_average.module.parameters())
        assert relative_error(average.average, expected.detach().numpy()) < 1e-10
        assert average.n_averaged == int(their_average.n_averaged) == t + 1
        assert np.array_equal(net.flat.data, weights)


def test_bias_correction_weighs_as_adam_does():
    net = network()
    ema = EMA(net, 0.8, bias_correction=True)
    path = walk(net, ema, 12)
    shares = 0.8 ** np.arange(11, -1, -1)
    assert relative_error(ema.average, shares @ path / shares.sum()) < 1e-14


def test_mean():
    net = network()
    swa = SWA(net)
    assert relative_error(swa.average, 0 * swa.average) == 0
    assert relative_error(walk(net, swa).mean(axis=0), swa.average) < 1e-14


def test_applied_puts_weights_and_buffers_back_even_after_an_error():
    net = network()
    x = np.random.default_rng(2).normal(size=(6, 3))
    average = EMA(net, 0.5)
    walk(net, average, 3)
    before = net.state_dict()
    with average.applied() as inside:
        assert inside is net
        assert np.array_equal(net.flat.data, average.average)
        update_bn([x], net)
        assert not np.array_equal(net[1].running_mean, before["1.running_mean"])

    def fail():
        net.flat.data[...] = 7
        raise KeyError("inside")

    with pytest.raises(KeyError, match="inside"), average.applied():
        fail()
    after = net.state_dict()
    assert all(np.array_equal(before[name], after[name]) for name in before)


def test_copy_to_another_network():
    net, other = network(), network()
    swa = SWA(net)
    walk(net, swa, 3)
    swa.copy_to(other)
    assert np.array_equal(other.flat.data, swa.average)
    assert not np.array_equal(net.flat.data, swa.average)
    other.flat.data[...] = 0
    assert swa.average.all()


@pytest.mark.parametrize("make", [SWA, lambda net: EMA(net, 0.9, bias_correction=True)])
def test_resumes_exactly(make):
    net = network()
    one = make(net)
    walk(net, one, 5)
    saved = one.state_dict()
    two = make(net)
    two.load_state_dict(saved)
    two.update_parameters()
    assert not np.array_equal(saved["average"], two.average)
    assert saved["n_averaged"] == 5
    assert two.n_averaged == 6
    one.update_parameters()
    assert np.array_equal(one.average, two.average)


def test_keeps_float32():
    net = network(np.float32)
    ema = EMA(net, np.float64(0.9), bias_correction=True)
    walk(net, ema, 3)
    assert ema.average.dtype == net.flat.data.dtype == np.float32


def test_update_bn_agrees_with_pytorch():
    rng = np.random.default_rng(3)
    net = network(momentum=0.25)
    batches = [rng.normal(size=(n, 3)) for n in (4, 7, 5)]
    net(batches[0])
    theirs = torch_network(net)
    net.eval()
    net[2].train()
    state = net.flat.data.copy()
    update_bn(batches, net)
    swa_utils.update_bn([torch.tensor(b) for b in batches], theirs)
    for name, buffer in theirs.named_buffers():
        assert relative_error(net.named_buffers()[name], buffer.numpy()) < 1e-10
    assert np.array_equal(net.flat.data, state)
    assert (net[1].momentum, net[2][2].momentum) == (0.25, 0.1)
    assert (net.training, net[1].training, net[2].training, net[2][0].training) == (
        False,
        False,
        True,
        True,
    )


@pytest.mark.parametrize("pack", [tuple, list])
def test_update_bn_takes_pairs(pack):
    net = Sequential(BatchNorm1d(1))
    update_bn([pack((np.array([[0.0], [2.0]]), np.zeros(2)))], net)
    assert net[0].running_mean.tolist() == [1.0]
    assert net[0].running_var.tolist() == [2.0]
    assert net[0].num_batches_tracked == 1


def test_update_bn_forgets_what_was_there():
    net = Sequential(BatchNorm1d(1))
    net[0].running_mean[...] = net[0].running_var[...] = np.nan
    net[0].num_batches_tracked[...] = 5
    update_bn([np.array([[0.0], [2.0]]), np.array([[2.0], [2.0]])], net)
    assert net[0].running_mean.tolist() == [1.5]
    assert net[0].running_var.tolist() == [1.0]
    assert net[0].num_batches_tracked == 2


def test_update_bn_restores_the_modes_after_an_error():
    net = network(momentum=0.3).eval()
    with pytest.raises(ValueError, match="x must have shape"):
        update_bn([np.zeros((4, 2))], net)
    assert not net.training
    assert not net[2][2].training
    assert net[1].momentum == 0.3


def test_update_bn_without_batches():
    with pytest.raises(ValueError, match=r"^batches is empty; expected at least one batch"):
        update_bn([], net := network())
    assert not net[1].running_mean.any()
    assert (net[1].running_var == 1).all()


def test_update_bn_leaves_a_network_without_statistics_alone():
    net = Sequential(
        Linear(1, 2, rng=np.random.default_rng(0)), BatchNorm1d(2, track_running_stats=False)
    ).eval()
    update_bn(None, net)
    assert not net.training


@pytest.mark.parametrize("decay", [-0.1, 1.0])
def test_bad_decay(decay):
    with pytest.raises(ValueError, match=f"decay must be .* ≥ 0 and < 1, got {decay}"):
        EMA(network(), decay)


def test_nothing_averaged_yet():
    net = network()
    before = net.flat.data.copy()
    for use in (lambda: SWA(net).copy_to(net), lambda: SWA(net).applied().__enter__()):
        with pytest.raises(ValueError, match=r"^nothing has been averaged yet"):
            use()
    assert np.array_equal(net.flat.data, before)


def test_other_shapes_are_refused():
    net = network()
    swa = SWA(net)
    walk(net, swa, 2)
    kept = swa.average.copy()
    with pytest.raises(ValueError, match=r"state\['average'\] must have shape \(59,\), got \(1,\)"):
        swa.load_state_dict({"average": np.zeros(1), "n_averaged": 1})
    with pytest.raises(ValueError, match=r"state\['n_averaged'\] must be .* ≥ 0"):
        swa.load_state_dict({"average": np.zeros(59), "n_averaged": -1})
    other = Sequential(Linear(1, 1, rng=np.random.default_rng(0)))
    with pytest.raises(ValueError, match="net must have 59 parameters, got 2"):
        swa.copy_to(other)
    assert np.array_equal(swa.average, kept)
    assert swa.n_averaged == 2


def test_a_rule_of_its_own():
    class Latest(AveragedWeights):
        def share(self, n):
            return 1.0

    net = network()
    latest = Latest(net)
    path = walk(net, latest, 3)
    assert np.allclose(latest.average, path[-1])
