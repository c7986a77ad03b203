"""A recipe for CIFAR-10 taken apart: one network trained with all of it, and without each part.

    python -m bookkit.recipe RUNS.jsonl --epochs 30 --device cuda --precision bfloat16

The pictures are looked for in the folder that DESCENT_DATA names, and downloaded otherwise. A run
that has ended is kept in RUNS.jsonl.
"""

import argparse
from functools import partial, update_wrapper
from pathlib import Path

import numpy as np
import torch

from bookkit.end_to_end import parts
from bookkit.torch_loop import PRECISIONS, loss_and_accuracy, train_steps
from descent.bridge import to_torch
from descent.data import batches
from descent.experiments import grid
from descent.networks import ResNet
from descent.regularization import random_flip, random_shift

RECIPE = ("shifts", "flips", "smoothed labels", "decay", "falling rate", "batch normalization")
BATCH_SIZE, PIXELS, SMOOTHING, DECAY = 128, 4, 0.1, 0.05


def changed(images, labels, without, rngs):
    """A batch as the recipe gives it to the network: images and target probabilities.

    Shifts and flips have a generator each: without one, the other draws what it has always drawn.
    """
    shifted = random_shift(images, 0 if without == "shifts" else PIXELS, rng=rngs[0])
    flipped = random_flip(shifted, 0.0 if without == "flips" else 0.5, rng=rngs[1])
    share = 0.0 if without == "smoothed labels" else SMOOTHING
    targets = (1 - share) * np.eye(10)[labels] + share / 10
    return torch.from_numpy(flipped), torch.from_numpy(targets.astype(images.dtype))


def run(without, precision, epochs, lr, seed, *, device="cpu"):
    """Train once by AdamW without one part of the recipe, or without "nothing".

    Returns
    -------
    results : float array, (2,)
        Loss and accuracy of the network at the end, on the test images.
    """
    training, _, test = parts("cifar10")
    weights, order, *changes = np.random.default_rng(seed).spawn(4)
    norm = without != "batch normalization"
    model = to_torch(ResNet(in_channels=3, norm=norm, rng=weights, dtype=np.float32)).to(device)
    decay = 0.0 if without == "decay" else DECAY
    optimizer = torch.optim.AdamW(model.parameters(), lr=lr, weight_decay=decay)
    if without != "falling rate":
        steps = epochs * -(-len(training) // BATCH_SIZE)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
        optimizer.register_step_post_hook(lambda *_: schedule.step())
    options = {"device": device, "dtype": PRECISIONS[precision]}
    for _ in range(epochs):
        shuffled = batches(training.images, training.labels, BATCH_SIZE, rng=order)
        train_steps(
            model, optimizer, (changed(x, y, without, changes) for x, y in shuffled), **options
        )
    tested = torch.from_numpy(test.images), torch.from_numpy(test.labels)
    return np.array(loss_and_accuracy(model, *tested, device=device))


def main(arguments=None):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("runs", type=Path, help="file that keeps the runs")
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--lr", type=float, default=3e-3)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--device", default="cpu", help="of PyTorch, such as cuda")
    parser.add_argument("--precision", choices=PRECISIONS, default="float32")
    given = parser.parse_args(arguments)
    axes = {
        "without": ["nothing", *RECIPE],
        "precision": [given.precision],
        "epochs": [given.epochs],
        "lr": [given.lr],
    }
    one = update_wrapper(partial(run, device=given.device), run)
    accuracy = grid(one, axes, given.seeds, store=given.runs)[:, 0, 0, 0, :, 1]
    whole = accuracy[0]
    for without, reached in zip(axes["without"], accuracy, strict=True):
        changes = " ".join(f"{change:+.2%}" for change in reached - whole)
        print(f"without {without:20} accuracy {reached.mean():.2%}, by seed {changes}")


if __name__ == "__main__":
    from bookkit.recipe import main  # so that `run` has the name of its module in the store

    main()
