"""Networks that have learned from changed images, and the module that the live figure reads.

Chapter 14 compares them; its live figure computes with two of them, rounded. Write its module
again by ``python -m bookkit.moved > book/live/moved-nets.js``.
"""

import numpy as np

from bookkit.stage import noise_stage
from descent.evaluation import predict
from descent.losses import cross_entropy
from descent.networks import SmallCNN
from descent.optimizers import Adam
from descent.regularization import random_shift
from descent.training import train

UNITS = 100  # of a weight, and 16 of a pixel


def taught(seed, change=None, *, wrong=0.0, epochs=20, net=None):
    """Train a small convolutional network on the stage's images, and return it with the stage.

    Parameters
    ----------
    seed : int
    change : callable, optional
        Takes (images, rng) and returns what the network sees instead; labels stay.
    wrong : float in [0, 1]
        The share of wrong labels.
    epochs : int
    net : callable, optional
        Makes another network from a generator.

    Returns
    -------
    net : Layer
    stage : bookkit.stage.Stage
    """
    stage = noise_stage(seed, wrong=wrong, flat=False)
    made = (net or (lambda rng: SmallCNN(rng=rng)))(np.random.default_rng(1000 + seed))
    train(
        made,
        cross_entropy,
        Adam(made.parameters(), lr=3e-3),
        stage.train,
        epochs=epochs,
        batch_size=32,
        rng=np.random.default_rng(2000 + seed),
        augment=change and (lambda images, labels, rng: (change(images, rng), labels)),
        progress=False,
    )
    return made, stage


def by_a_pixel(images, rng):
    """Move each image by up to one pixel, in both directions."""
    return random_shift(images, 1, rng=rng)


def whole_units(net):
    """All parameters of a network, rounded, in hundredths."""
    return np.rint(UNITS * net.flat.data).astype(int)


def examples(test, nets):
    """Of each class the first test image that all these networks read right, in sixteenths."""
    answers = [predict(net, test.images).argmax(axis=1) for net in nets]
    right = np.all([said == test.labels for said in answers], axis=0)
    first = [int(np.flatnonzero(right & (test.labels == digit))[0]) for digit in range(10)]
    return np.rint(16 * test.images[first]).astype(int)


def module():
    """The text of the JavaScript module."""
    (plain, stage), (shifted, _) = taught(0), taught(0, by_a_pixel)
    rows = {
        "WITHOUT": whole_units(plain),
        "WITH_SHIFTS": whole_units(shifted),
        "DIGITS": examples(stage.test, (plain, shifted)).ravel(),
    }
    numbers = {name: ",".join(map(str, row)) for name, row in rows.items()}
    lines = "\n".join(f"export const {name} = [{row}];" for name, row in numbers.items())
    return (
        f"/** Two small networks, in hundredths, and ten digits: by bookkit.moved. */\n\n{lines}\n"
    )


if __name__ == "__main__":
    print(module(), end="")
