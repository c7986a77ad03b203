"""Chapter 17's experiment: six designs, three depths, four rates, three seeds.

The runs are stored beside this file, because they take minutes together; the chapter
repeats some of them. `python -m bookkit.depth` runs what the store lacks: delete it to run all.
"""

import shutil
import tempfile
from pathlib import Path

import numpy as np

from descent.data import digits
from descent.experiments import grid
from descent.layers import Conv2d
from descent.losses import cross_entropy
from descent.networks import ResNet
from descent.optimizers import Adam
from descent.training import train

HERE = Path(__file__).parent
DESIGNS = [
    "plain",
    "plain + BN",
    "plain from identity",
    "shortcuts",
    "shortcuts, scaled",
    "shortcuts + BN",
]
AXES = {"design": DESIGNS, "layers": [10, 20, 40], "lr": [0.001, 0.003, 0.01, 0.03]}
BELOW = ["plain", "plain from identity"]  # whose best rate is the grid's lowest
EDGE = {"design": BELOW, "layers": [40], "lr": [0.0003]}
GRIDS = {"depth": AXES, "depth_edge": EDGE}
SEEDS = [0, 1, 2]


def network(design, layers, rng):
    """A network for 8×8 images: one convolution of 4 channels, then pairs of 8 channels on 4×4.

    Parameters
    ----------
    design : str
        One of `DESIGNS`.
    layers : int, even, at least 4
        Those with weights, not counting the one projection of a shortcut.
    rng : numpy.random.Generator
    """
    blocks = layers // 2 - 1
    shortcuts = design.startswith("shortcuts")
    scale = 1 / np.sqrt(blocks) if design.endswith("scaled") else 1.0
    net = ResNet(
        stages=(0, blocks),
        width=4,
        norm=design.endswith("BN"),
        shortcuts=shortcuts,
        scale=scale,
        rng=rng,
    )
    if design == "plain from identity":
        _start_near_identity(net, 1 / np.sqrt(layers))
    return net


def _start_near_identity(net, scale):
    """Shrink the kernels of all convolutions from 8 channels to 8, and add the identity."""
    for layer in net.layers:
        if isinstance(layer, Conv2d) and layer.weight.data.shape[:2] == (8, 8):
            layer.weight.data *= scale
            layer.weight.data[range(8), range(8), 1, 1] += 1


def fit(design, layers, lr, seed):
    """Train on 512 digits for 160 steps; the network, and the history of the run."""
    rng = np.random.default_rng(seed)
    data = digits(rng=rng)[0][:512]
    net = network(design, layers, rng)
    adam = Adam(net.parameters(), lr=lr)
    options = {"epochs": 10, "batch_size": 32, "rng": rng, "progress": False}
    return net, train(net, cross_entropy, adam, data, **options)


def last_loss(design, layers, lr, seed):
    """The mean training loss of the last epoch."""
    return fit(design, layers, lr, seed)[1].epoch_loss[-1]


def stored(name="depth"):
    """The last losses of a grid of `GRIDS`, (designs, layers, rates, seeds)."""
    with tempfile.TemporaryDirectory() as folder:  # `grid` writes its store anew
        copy = shutil.copy(HERE / f"{name}.jsonl", folder)
        return grid(last_loss, GRIDS[name], SEEDS, store=copy)


if __name__ == "__main__":
    for name, axes in GRIDS.items():
        grid(last_loss, axes, SEEDS, store=HERE / f"{name}.jsonl")
