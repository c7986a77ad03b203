"""The library's speed against PyTorch: one table of ratios, and a plot of them.

    python benchmarks/bench.py --seconds 2 --only conv

Both run in turn in one process, with one thread each. Below 1 the library is faster. Each row has
a process of its own: what a process did before changes how the C library hands out memory, and with
it PyTorch's time. A whole run is kept as a table and a plot in `results/`.
"""

import argparse
import multiprocessing
from functools import partial
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import torch
import torch.nn.functional as F
from timing import compare
from torch import nn
from twins import TORCH, lenet5, nielsens_mlp, same_start, torch_epoch

from descent.data import batches
from descent.layers import BatchNorm2d, Conv2d, MaxPool2d, Parameter, flatten
from descent.losses import cross_entropy
from descent.optimizers import SGD, Adam

RESULTS = Path(__file__).parent / "results"
LENET_1998 = [(6, 1, 5, 5), (6,), (16, 6, 5, 5), (16,), (120, 256), (120,), (84, 120), (84,)]
LENET_1998 += [(10, 84), (10,)]  # without padding: 44,426 parameters
TEN_MILLION = [(2500, 2000), (2500,), (2000, 2500), (2000,)]


def layer(ours, theirs, shape, dtype, *, input_gradient=True):
    """Forward and backward pass of a layer, ours and PyTorch's."""
    theirs = same_start(ours, theirs, dtype)
    x = np.random.default_rng(0).normal(size=shape).astype(dtype)
    torch_x = torch.tensor(x, requires_grad=input_gradient)
    delta = np.ones_like(ours(x))
    torch_delta = torch.tensor(delta)
    options = {} if input_gradient else {"input_gradient": False}

    def run_ours():
        ours(x)
        ours.backward(delta, **options)

    return run_ours, lambda: theirs(torch_x).backward(torch_delta)


def convolution(N, C, side, O, k, padding, dtype, **options):
    ours = Conv2d(C, O, k, padding=padding, rng=np.random.default_rng(0), dtype=dtype)
    return layer(ours, nn.Conv2d(C, O, k, padding=padding), (N, C, side, side), dtype, **options)


def max_pool(dtype):
    return layer(MaxPool2d(2), nn.MaxPool2d(2), (64, 8, 24, 24), dtype)


def batch_norm(dtype):
    return layer(BatchNorm2d(16, dtype=dtype), nn.BatchNorm2d(16), (64, 16, 14, 14), dtype)


def softmax_cross_entropy(N, K, dtype):
    rng = np.random.default_rng(0)
    logits, labels = rng.normal(size=(N, K)).astype(dtype), rng.integers(K, size=N)
    torch_logits, torch_labels = torch.tensor(logits, requires_grad=True), torch.tensor(labels)
    return (
        lambda: cross_entropy(logits, labels),
        lambda: F.cross_entropy(torch_logits, torch_labels).backward(),
    )


def adam(shapes, dtype):
    rng = np.random.default_rng(0)
    ours = [Parameter(rng.normal(size=s).astype(dtype), np.ones(s, dtype)) for s in shapes]
    theirs = [nn.Parameter(torch.tensor(p.data)) for p in ours]
    for p in theirs:
        p.grad = torch.ones_like(p)
    flatten(ours)
    return Adam(ours).step, torch.optim.Adam(theirs).step


def epoch(twins, shape, batch_size, dtype):
    rng = np.random.default_rng(0)
    images = rng.random(shape).astype(dtype)
    labels = rng.integers(10, size=len(images))
    ours, theirs = twins(rng, dtype)
    optimizer = SGD(ours.parameters(), lr=0.01)
    torch_optimizer = torch.optim.SGD(theirs.parameters(), lr=0.01)
    torch_data = torch.tensor(images), torch.tensor(labels)

    def run_ours():
        for x, y in batches(images, labels, batch_size, rng=rng):
            optimizer.zero_grad()
            _, gradient = cross_entropy(ours(x), y)
            ours.backward(gradient, input_gradient=False)
            optimizer.step()

    return run_ours, lambda: torch_epoch(theirs, torch_optimizer, *torch_data, batch_size, rng)


ROWS = [  # what, target, and a function from the dtype to both ways of doing it
    (
        "conv 64×1×28² → 8, k5, first layer",
        0.7,
        partial(convolution, 64, 1, 28, 8, 5, 0, input_gradient=False),
    ),
    ("conv 64×8×14² → 16, k3", 1.4, partial(convolution, 64, 8, 14, 16, 3, 1)),
    ("conv 64×32×16² → 64, k3", 1.9, partial(convolution, 64, 32, 16, 64, 3, 1)),
    ("conv 64×8×28² → 8, k5", 2.5, partial(convolution, 64, 8, 28, 8, 5, 2)),
    ("conv 64×16×28² → 16, k5", 2.5, partial(convolution, 64, 16, 28, 16, 5, 2)),
    ("max-pool 64×8×24², 2", 0.9, max_pool),
    ("batch norm 64×16×14²", 0.8, batch_norm),
    ("softmax cross-entropy 256×10", 0.5, partial(softmax_cross_entropy, 256, 10)),
    ("softmax cross-entropy 4096×1000", 1.1, partial(softmax_cross_entropy, 4096, 1000)),
    ("Adam, 44k parameters", 0.3, partial(adam, LENET_1998)),
    ("Adam, 10M parameters", 0.6, partial(adam, TEN_MILLION)),
    ("LeNet-5, epoch of 10k, batch 64", 0.95, partial(epoch, lenet5, (10_000, 1, 28, 28), 64)),
    ("784-30-10, epoch of 10k, batch 10", 0.3, partial(epoch, nielsens_mlp, (10_000, 784), 10)),
]


def measure(row, dtype, seconds):
    _, _, make = ROWS[row]
    return compare(*make(dtype), seconds=seconds)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=2.0, help="for each row and dtype")
    parser.add_argument("--only", default="", help="rows whose name holds this text")
    arguments = parser.parse_args()
    fresh = multiprocessing.get_context("spawn")
    results = []
    table = [f"{'ratio to PyTorch':36}{'target':>8}{'dtype':>9}{'ratio':>7}{'ms':>9}{'PyTorch':>9}"]
    print(table[0], flush=True)
    for row, (name, target, _) in enumerate(ROWS):
        if arguments.only not in name:
            continue
        for dtype in TORCH:
            with fresh.Pool(1) as process:
                result = process.apply(measure, (row, dtype, arguments.seconds))
            results.append((name, target, dtype, result.ratio))
            table.append(
                f"{name:36}{target:8}{dtype.__name__:>9}{result.ratio:7.2f}"
                f"{1e3 * result.ours:9.3f}{1e3 * result.theirs:9.3f}"
                f"{'' if result.ratio <= target else '  above the target'}"
            )
            print(table[-1], flush=True)
    if not arguments.only:
        (RESULTS / "bench.txt").write_text("\n".join(table) + "\n", encoding="utf-8")
        plot(results)


def plot(results):
    names = list(dict.fromkeys(name for name, *_ in results))
    figure, axes = plt.subplots(figsize=(7, 0.8 + 0.3 * len(names)), layout="constrained")
    for dtype, marker in zip(TORCH, "os", strict=True):
        points = [(ratio, names.index(n)) for n, _, d, ratio in results if d is dtype]
        axes.plot(*zip(*points, strict=True), marker, label=dtype.__name__)
    targets = [(target, names.index(n)) for n, target, *_ in results]
    axes.plot(*zip(*targets, strict=True), "|k", markersize=12, label="target")
    axes.axvline(1, color="gray", linewidth=0.8)
    axes.set(xscale="log", xlabel="time relative to PyTorch", yticks=range(len(names)))
    axes.set_yticklabels(names)
    ticks = [0.2, 0.5, 1, 2, 4]
    axes.set_xticks(ticks, map(str, ticks))
    axes.minorticks_off()
    axes.invert_yaxis()
    axes.legend()
    keep(figure, "bench.svg")


def keep(figure, name):
    """Save a plot so that the same plot gives the same file."""
    plt.rcParams["svg.hashsalt"] = "descent"
    figure.savefig(RESULTS / name, metadata={"Date": None})


if __name__ == "__main__":
    main()
