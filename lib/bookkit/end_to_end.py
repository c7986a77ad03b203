"""From the files of a data set to a tested network, for several rates and seeds.

    python -m bookkit.end_to_end mnist RUNS.jsonl --workers 2
    python -m bookkit.end_to_end mnist RUNS.jsonl --scheduler tcp://10.0.0.1:8786
    python -m bookkit.end_to_end cifar10 RUNS.jsonl --engine torch --device cuda --precision float16

MNIST and CIFAR-10 are looked for in the folder that DESCENT_DATA names, and downloaded otherwise.
A run that has ended is kept in RUNS.jsonl. With --checkpoints, one that was interrupted goes on
after its last epoch.
"""

import argparse
from collections.abc import Callable
from functools import cache, partial, update_wrapper
from pathlib import Path
from typing import NamedTuple

import numpy as np

from bookkit.workers import add_arguments, workers
from descent.data import batches, cifar10, digits, mnist
from descent.evaluation import evaluate
from descent.experiments import grid
from descent.losses import cross_entropy
from descent.networks import LeNet5, ResNet, SmallCNN
from descent.optimizers import Adam
from descent.optimizers.schedules import CosineAnnealingLR
from descent.training import History, load, save, train

VALIDATION_SIZE = 5000
STORED = Path(__file__).with_name("mnist.jsonl")  # what chapter 21 draws


class Task(NamedTuple):
    """A data set and its network."""

    read: Callable
    net: Callable
    batch_size: int
    lr: float


def _cut(read):
    """Training, validation and test images; the validation images are the last of the shuffled."""
    train, test = read(dtype=np.float32)
    order = np.random.default_rng(0).permutation(len(train))
    size = min(VALIDATION_SIZE, len(train) // 5)
    return train[order[:-size]], train[order[-size:]], test


def _small_digits():
    return digits(validation_size=300, rng=np.random.default_rng(0), dtype=np.float32)


TASKS = {
    "digits": Task(_small_digits, SmallCNN, 32, 3e-3),
    "mnist": Task(partial(_cut, mnist), LeNet5, 64, 2e-3),
    "cifar10": Task(partial(_cut, cifar10), partial(ResNet, in_channels=3), 64, 3e-3),
}


@cache
def parts(data):
    """Training, validation and test images of a task, read once by each process."""
    return TASKS[data].read()


def run(data, engine, precision, epochs, lr, seed, *, device="cpu", checkpoints=None):
    """Train once with Adam, whose rate falls along a cosine.

    Returns
    -------
    results : float array, (epochs + 1, 2)
        Loss and accuracy on the validation images after each epoch; in the last row, of the
        network at the end on the test images.
    """
    rng = np.random.default_rng(seed)
    net = TASKS[data].net(rng=rng, dtype=np.float32)
    if engine == "torch":
        return _in_torch(data, net, rng, precision, epochs, lr, device)
    name = f"{data}-{epochs}-{lr:g}-{seed}.npz"
    return _in_numpy(data, net, rng, epochs, lr, checkpoints and Path(checkpoints, name))


def _in_numpy(data, net, rng, epochs, lr, path):
    training, validation, test = parts(data)
    optimizer = Adam(net.parameters(), lr=lr)
    schedule = CosineAnnealingLR(optimizer, epochs * _steps(data))
    state = {"net": net, "optimizer": optimizer, "schedule": schedule, "rng": rng}
    history = load(path, **state) if path and path.exists() else History()
    train(
        net,
        cross_entropy,
        optimizer,
        training,
        epochs=epochs - history.epoch,
        batch_size=TASKS[data].batch_size,
        rng=rng,
        schedule=schedule,
        validation=validation,
        history=history,
        after_epoch=[lambda history: save(path, **state, history=history)] if path else (),
        progress=False,
    )
    tested = evaluate(net, cross_entropy, test.images, test.labels)
    rows = zip(history.validation["loss"], history.validation["accuracy"], strict=True)
    return np.array([*rows, (tested["loss"], tested["accuracy"])])


def _in_torch(data, net, rng, precision, epochs, lr, device):
    import torch

    from bookkit.torch_loop import PRECISIONS, loss_and_accuracy, train_steps
    from descent.bridge import to_torch

    (images, labels), *others = [(part.images, part.labels) for part in parts(data)]
    validation, test = (tuple(map(torch.from_numpy, pair)) for pair in others)
    model = to_torch(net).to(device)
    optimizer = torch.optim.Adam(model.parameters(), lr=lr)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs * _steps(data))
    optimizer.register_step_post_hook(lambda *_: schedule.step())
    options = {"device": device, "dtype": PRECISIONS[precision]}
    results = []
    for _ in range(epochs):
        shuffled = batches(images, labels, TASKS[data].batch_size, rng=rng)
        train_steps(model, optimizer, (map(torch.from_numpy, pair) for pair in shuffled), **options)
        results.append(loss_and_accuracy(model, *validation, device=device))
    results.append(loss_and_accuracy(model, *test, device=device))
    return np.array(results)


def _steps(data):
    return -(-len(parts(data)[0]) // TASKS[data].batch_size)


def main(arguments=None):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", choices=TASKS)
    parser.add_argument("runs", type=Path, help="file that keeps the runs")
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--lr", type=float, nargs="+", help="one rate or several")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--engine", choices=["numpy", "torch"], default="numpy")
    parser.add_argument("--device", default="cpu", help="of PyTorch, such as cuda")
    parser.add_argument("--precision", choices=["float32", "bfloat16", "float16"])
    parser.add_argument("--checkpoints", type=Path, help="folder; with NumPy alone")
    add_arguments(parser)
    given = parser.parse_args(arguments)
    if given.engine == "numpy" and (given.device != "cpu" or given.precision):
        parser.error("--device and --precision need --engine torch")
    if given.engine == "torch" and given.checkpoints:
        parser.error("--checkpoints needs --engine numpy")
    axes = {
        "data": [given.data],
        "engine": [given.engine],
        "precision": [given.precision or "float32"],
        "epochs": [given.epochs],
        "lr": given.lr or [TASKS[given.data].lr],
    }
    one = update_wrapper(partial(run, device=given.device, checkpoints=given.checkpoints), run)
    with workers(given.workers, given.scheduler) as where:
        results = grid(one, axes, given.seeds, workers=where, store=given.runs)
    for lr, tested in zip(axes["lr"], results[0, 0, 0, 0, :, :, -1], strict=True):
        loss, accuracy = tested.mean(axis=0)
        print(f"lr {lr:g}: test loss {loss:.4f}, accuracy {accuracy:.2%}, {len(tested)} seeds")


if __name__ == "__main__":
    from bookkit.end_to_end import main  # workers find `run` in a module, not in __main__

    main()
