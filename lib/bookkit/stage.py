"""The stage of Part III: digits of which 40% carry a wrong label, and a run that is watched.

Chapters 12 to 14 let stopping, decay, dropout, mixing and shifts act on the same illness.
"""

from typing import NamedTuple

import numpy as np

from descent.data import LabeledImages, digits
from descent.evaluation import accuracy, predict
from descent.losses import cross_entropy
from descent.regularization import corrupt_labels
from descent.training import train


class Stage(NamedTuple):
    """The data of one seed.

    Attributes
    ----------
    train : LabeledImages
        600 images, 40% of whose labels are wrong.
    truth : int array, (600,)
        Their true labels, which no method may see.
    validation : LabeledImages
        300 more with the same share of wrong labels: what one would have for tuning.
    test : LabeledImages
        540 images with true labels, for what is reported and for nothing else.
    """

    train: LabeledImages
    truth: np.ndarray
    validation: LabeledImages
    test: LabeledImages


class Watched(NamedTuple):
    """What was seen of a run.

    Attributes
    ----------
    test_accuracy, validation_accuracy : float arrays, (epochs,)
        After each epoch.
    fits_given, fits_true : float
        The share of training images for which the network at the end says the label that it was
        given, and the one that is true.
    """

    test_accuracy: np.ndarray
    validation_accuracy: np.ndarray
    fits_given: float
    fits_true: float


def noise_stage(seed, *, images=600, wrong=0.4, flat=True):
    """The stage for a seed: one split of the digits, one draw of wrong labels.

    Parameters
    ----------
    seed : int
    images : int
        For training; at most 957.
    wrong : float in [0, 1]
        The share of wrong labels among training and validation images; 0 gives clean digits.
    flat : bool
        Images as rows of 64 pixels, for an MLP.
    """
    rng = np.random.default_rng(seed)
    whole, validation, test = digits(validation_size=300, rng=rng, flat=flat)
    chosen = whole[:images]
    if len(chosen) < images:
        raise ValueError(f"images must be at most {len(whole)}, got {images}")
    given, told = (
        corrupt_labels(part.labels, wrong, classes=10, rng=rng) for part in (chosen, validation)
    )
    return Stage(
        LabeledImages(chosen.images, given),
        chosen.labels,
        LabeledImages(validation.images, told),
        test,
    )


def run_on(stage, net, optimizer, *, rng, epochs=40, batch_size=32, loss=cross_entropy, **options):
    """Train on a stage and watch: test and validation accuracy by epoch, which labels are fitted.

    Parameters
    ----------
    stage : Stage
    net : Layer
    optimizer : Optimizer
    rng : numpy.random.Generator
        Shuffles the batches, and serves an `augment`.
    epochs, batch_size : int
    loss : callable
    **options
        For `descent.training.train`, such as ``augment`` or ``schedule``.
    """
    seen = {"test": [], "validation": []}

    def watch(_history):
        for name, part in (("test", stage.test), ("validation", stage.validation)):
            seen[name].append(accuracy(predict(net, part.images), part.labels))

    train(
        net,
        loss,
        optimizer,
        stage.train,
        epochs=epochs,
        batch_size=batch_size,
        rng=rng,
        after_epoch=watch,
        progress=False,
        **options,
    )
    said = predict(net, stage.train.images).argmax(axis=1)
    return Watched(
        np.array(seen["test"]),
        np.array(seen["validation"]),
        float((said == stage.train.labels).mean()),
        float((said == stage.truth).mean()),
    )
