"""The stage of Part III: how many labels are wrong, who may see what, and a run that is watched."""

import numpy as np
import pytest

from bookkit.stage import noise_stage, run_on
from descent.evaluation import accuracy, predict
from descent.networks import MLP
from descent.optimizers import Adam


def test_forty_percent_of_the_labels_are_wrong_and_the_test_images_are_not():
    stage = noise_stage(3)
    assert (len(stage.train), len(stage.validation), len(stage.test)) == (600, 300, 540)
    assert (stage.train.labels != stage.truth).sum() == 240
    clean = noise_stage(3, wrong=0.0)
    assert np.array_equal(clean.train.images, stage.train.images)
    assert np.array_equal(clean.train.labels, stage.truth)
    assert (stage.validation.labels != clean.validation.labels).sum() == 120
    assert np.array_equal(stage.test.labels, clean.test.labels)


def test_no_image_is_in_two_parts():
    stage = noise_stage(0)
    parts = [{row.tobytes() for row in part.images} for part in stage if hasattr(part, "images")]
    assert all(not a & b for i, a in enumerate(parts) for b in parts[:i])


def test_seeds_differ_and_repeat():
    again, other = noise_stage(0), noise_stage(1)
    assert np.array_equal(again.train.labels, noise_stage(0).train.labels)
    assert not np.array_equal(again.train.images, other.train.images)


def test_images_for_a_convolution_are_the_same_ones():
    rows, planes = noise_stage(0), noise_stage(0, flat=False)
    assert planes.train.images.shape == (600, 1, 8, 8)
    assert np.array_equal(planes.train.images.reshape(600, 64), rows.train.images)


def test_more_images_than_there_are():
    with pytest.raises(ValueError, match="images must be at most 957, got 958"):
        noise_stage(0, images=958)


def test_a_run_is_watched():
    stage = noise_stage(0, images=200)
    rng = np.random.default_rng(0)
    net = MLP([64, 32, 10], rng=rng)
    seen = run_on(stage, net, Adam(net.parameters(), lr=0.003), rng=rng, epochs=4)
    assert seen.test_accuracy.shape == seen.validation_accuracy.shape == (4,)
    assert seen.test_accuracy[-1] == accuracy(predict(net, stage.test.images), stage.test.labels)
    assert seen.validation_accuracy[-1] < seen.test_accuracy[-1]  # its labels are wrong
    given = accuracy(predict(net, stage.train.images), stage.train.labels)
    true = accuracy(predict(net, stage.train.images), stage.truth)
    assert (seen.fits_given, seen.fits_true) == (given, true)
    assert given != true


def test_options_go_to_the_training():
    stage = noise_stage(0, images=100)
    rng = np.random.default_rng(0)
    net = MLP([64, 10], rng=rng)
    calls = []

    def augment(x, y, rng):
        calls.append(len(x))
        return x, y

    run_on(stage, net, Adam(net.parameters()), rng=rng, epochs=1, batch_size=50, augment=augment)
    assert calls[-2:] == [50, 50]
