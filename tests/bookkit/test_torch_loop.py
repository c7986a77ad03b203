"""The loop in PyTorch: what it computes is ours in full precision, and close to it in half."""

import numpy as np
import pytest
import torch

from bookkit.torch_loop import PRECISIONS, loss_and_accuracy, train_steps
from descent.bridge import from_torch, to_torch
from descent.evaluation import evaluate
from descent.layers import BatchNorm1d
from descent.losses import cross_entropy
from descent.networks import MLP
from descent.optimizers import SGD, clip_grad_norm_

SIZES = [6, 8, 3]


@pytest.fixture
def batches():
    rng = np.random.default_rng(0)
    inputs = [2 * rng.normal(size=(7, 6)) for _ in range(40)]
    return [(x, x[:, :3].argmax(axis=1)) for x in inputs]


def tensors(batches, dtype=torch.float64):
    return [(torch.tensor(x, dtype=dtype), torch.tensor(y)) for x, y in batches]


def net_of(norm=BatchNorm1d):
    return MLP(SIZES, norm=norm, rng=np.random.default_rng(1))


@pytest.mark.parametrize("max_norm", [None, 0.3])
def test_equal_to_our_loop(batches, max_norm):
    net = net_of()
    model = to_torch(net).eval()  # it must be put into training mode
    optimizer = SGD(net.parameters(), lr=0.1, momentum=0.9)
    theirs = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    losses = train_steps(model, theirs, iter(tensors(batches)), max_norm=max_norm)
    expected = []
    for x, y in batches:
        optimizer.zero_grad()
        value, gradient = cross_entropy(net(x), y)
        net.backward(gradient)
        if max_norm is not None:
            clip_grad_norm_(net.parameters(), max_norm)
        optimizer.step()
        expected.append(value)
    np.testing.assert_allclose(losses, expected, rtol=1e-5)
    for name, array in from_torch(model).state_dict().items():
        np.testing.assert_allclose(array, net.state_dict()[name], rtol=1e-4, err_msg=name)


@pytest.mark.parametrize("name", ["bfloat16", "float16"])
@pytest.mark.parametrize("max_norm", [None, 0.3])
def test_half_precision_is_close_and_the_weights_stay_whole(batches, name, max_norm):
    """Clipping a gradient that is still scaled by 65536 would leave next to nothing of it."""
    models = [to_torch(net_of(None)).float() for _ in range(2)]
    for model, dtype in zip(models, (None, PRECISIONS[name]), strict=True):
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        pairs = tensors(batches, torch.float32)
        model.losses = train_steps(model, optimizer, pairs, dtype=dtype, max_norm=max_norm)
    full, half = (np.array(model.losses) for model in models)
    assert not np.array_equal(full, half)
    np.testing.assert_allclose(half, full, rtol=0.05)
    assert full[-5:].mean() < 0.9 * full[:5].mean()
    assert {p.dtype for p in models[1].parameters()} == {torch.float32}


def test_no_batches():
    model = to_torch(net_of())
    assert train_steps(model, torch.optim.SGD(model.parameters(), lr=1.0), []) == []


def test_loss_and_accuracy_are_those_of_evaluate(batches):
    net = net_of()
    x, y = (np.concatenate(parts) for parts in zip(*batches, strict=True))
    net(x)
    model = to_torch(net)
    loss, accuracy = loss_and_accuracy(model, *tensors([(x, y)])[0], batch_size=9)
    expected = evaluate(net, cross_entropy, x, y)
    assert loss == pytest.approx(expected["loss"], rel=1e-12)
    assert accuracy == expected["accuracy"]
    assert 0.1 < accuracy < 0.9
    assert not model.training


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no graphics card")
def test_on_a_graphics_card(batches):
    models = [to_torch(net_of(None)) for _ in range(2)]
    for model, device in zip(models, ("cpu", "cuda"), strict=True):
        model.to(device)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        model.losses = train_steps(model, optimizer, tensors(batches), device=device)
    np.testing.assert_allclose(models[1].losses, models[0].losses, rtol=1e-5)
