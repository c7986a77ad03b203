"""The clinic of chapter 18: without an illness its loop is the library's; each illness is one."""

import numpy as np
import pytest

from bookkit.clinic import BATCH, ILLNESSES, RATE, admit, descend, one_batch
from descent.data import digits
from descent.losses import cross_entropy
from descent.networks import SmallCNN
from descent.optimizers import SGD
from descent.optimizers.schedules import LinearLR
from descent.training import train


@pytest.fixture(scope="module")
def hundred():
    return digits(rng=np.random.default_rng(0))[0][:100]


def losses(data, illness=None, epochs=3):
    rng, values = np.random.default_rng(1), []
    net = SmallCNN(rng=rng)
    descend(net, data, rng, illness=illness, epochs=epochs, after_step=values.append)
    return values


def test_the_healthy_loop_is_the_librarys(hundred):
    rng = np.random.default_rng(1)
    net = SmallCNN(rng=rng)
    sgd = SGD(net.parameters(), lr=RATE, momentum=0.9)
    schedule = LinearLR(sgd, start_factor=1, end_factor=0, total_iters=12)
    options = {"epochs": 3, "batch_size": BATCH, "rng": rng, "progress": False}
    history = train(net, cross_entropy, sgd, hundred, schedule=schedule, **options)
    assert losses(hundred) == history.loss


@pytest.mark.parametrize("illness", [name for name in ILLNESSES if name != "validation leaked"])
def test_every_illness_changes_the_run(hundred, illness):
    assert losses(hundred, illness) != losses(hundred)


def test_a_leak_trains_on_the_validation_images():
    sick, sound = admit("validation leaked", epochs=1), admit(epochs=1)
    assert (sick.shared, sound.shared) == (300, 0)
    assert len(sick.steps) == len(sick.training) == len(sick.validation) == 4
    assert len(sound.steps) == 3


def test_one_batch_is_learned_by_heart():
    assert one_batch(steps=60) < 0.05 < 1 < one_batch("rate too low", steps=60)
