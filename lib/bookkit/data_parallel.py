"""Several processes train one network, each on its own part of every batch.

    torchrun --standalone --nproc-per-node 2 -m bookkit.data_parallel RESULTS.npz

PyTorch's DistributedDataParallel averages the gradients, over gloo, which needs no graphics card.
The results are the loss of each step and the network at the end, for each kind of normalization.
"""

import argparse

import numpy as np
import torch
import torch.distributed as dist
from torch.nn.functional import cross_entropy
from torch.nn.parallel import DistributedDataParallel

from descent.bridge import from_torch, to_torch
from descent.data import digits
from descent.layers import BatchNorm2d, Conv2d, Flatten, GroupNorm, Linear, MaxPool2d, ReLU
from descent.layers import Sequential as Net

NORMS = {
    "none": lambda channels: Net(),
    "batch": BatchNorm2d,
    "group": lambda channels: GroupNorm(2, channels),
}
BATCH_SIZE, STEPS, LEARNING_RATE, MOMENTUM = 64, 40, 0.05, 0.9


def network(norm, seed=0):
    """The small CNN of chapter 0, with a normalization after each convolution."""
    rng, make_norm = np.random.default_rng(seed), NORMS[norm]
    return Net(
        Conv2d(1, 8, 3, padding=1, rng=rng),
        make_norm(8),
        ReLU(),
        Conv2d(8, 16, 3, padding=1, rng=rng),
        make_norm(16),
        ReLU(),
        MaxPool2d(2),
        Flatten(),
        Linear(256, 10, rng=rng),
    )


def whole_batches(count, seed=0, batch_size=BATCH_SIZE, steps=STEPS):
    """The rows of each step's whole batch: the same on every process, for the seed is."""
    rng = np.random.default_rng(seed)
    return [rng.choice(count, size=batch_size, replace=False) for _ in range(steps)]


def train_together(norm, images, labels):
    """Train in this process and its siblings; return the losses and the network."""
    rank, processes = dist.get_rank(), dist.get_world_size()
    model = DistributedDataParallel(to_torch(network(norm)))
    options = {"lr": LEARNING_RATE, "momentum": MOMENTUM}
    optimizer = torch.optim.SGD(model.parameters(), **options)
    losses = []
    for rows in whole_batches(len(images)):
        mine = rows[rank::processes]
        optimizer.zero_grad()
        loss = cross_entropy(model(images[mine]), labels[mine])
        loss.backward()  # the gradients of all processes are averaged in here
        optimizer.step()
        total = loss.detach().clone()
        dist.all_reduce(total)  # nobody averages the loss unasked
        losses.append(total.item() / processes)
    return np.array(losses), from_torch(model.module)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("results", help="file to write, .npz")
    parser.add_argument("--norms", nargs="+", choices=NORMS, default=list(NORMS))
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    dist.init_process_group("gloo")
    train, _, _ = digits(validation_size=300, rng=np.random.default_rng(0))
    tensors = torch.from_numpy(train.images), torch.from_numpy(train.labels)
    results = {}
    for norm in arguments.norms:
        losses, net = train_together(norm, *tensors)
        results[f"{norm}/losses"] = losses
        results |= {f"{norm}/net/{name}": array for name, array in net.state_dict().items()}
    if dist.get_rank() == 0:
        np.savez(arguments.results, **results)
    dist.barrier()  # nobody takes the group down while another still uses it
    dist.destroy_process_group()


if __name__ == "__main__":
    main()
