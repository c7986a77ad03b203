"""How the cost of a convolution grows, against the floor that the machine sets.

    python benchmarks/scaling.py

Forward and backward pass take three products of matrices, and must at least read the images and
the incoming gradient and write the output and the outgoing one. The floor is the larger of both
times, at the rates that NumPy's matrix product and memory reach in the same run.
The plot is kept in `results/`.
"""

import argparse
from functools import partial

import matplotlib.pyplot as plt
import numpy as np
from bench import convolution, keep
from timing import compare, median_time
from twins import TORCH

BASE = {"batch": 32, "channels": 16, "kernel": 3, "side": 16}
SWEEPS = {
    "batch": [1, 4, 16, 64, 256],
    "channels": [1, 4, 16, 64],
    "kernel": [1, 3, 5, 7],
    "side": [8, 16, 32, 64],
}


def machine_rates(dtype):
    """Operations per second of a large matrix product, bytes per second of a large copy."""
    matrix = np.ones((1024, 1024), dtype)
    product = np.empty_like(matrix)
    operations = 2 * 1024**3 / median_time(partial(np.matmul, matrix, matrix, out=product))
    source, target = np.ones((2, 64 * 2**20 // matrix.itemsize), dtype)
    traffic = 2 * source.nbytes / median_time(partial(np.copyto, target, source))
    return operations, traffic


def floor(batch, channels, kernel, side, dtype, rates):
    operations = 3 * 2 * batch * channels**2 * kernel**2 * side**2
    traffic = 4 * batch * channels * side**2 * np.dtype(dtype).itemsize
    return max(operations / rates[0], traffic / rates[1])


def sweep(axis, dtype, rates, seconds):
    """Rows of value, our time, PyTorch's time, and the floor."""
    print(f"{axis:>9}{'ms':>10}{'PyTorch':>10}{'floor':>10}")
    rows = []
    for value in SWEEPS[axis]:
        case = BASE | {axis: value}
        N, C, k, side = case.values()
        result = compare(*convolution(N, C, side, C, k, k // 2, dtype), seconds=seconds)
        rows.append((value, result.ours, result.theirs, floor(**case, dtype=dtype, rates=rates)))
        print(f"{value:9}" + "".join(f"{1e3 * t:10.3f}" for t in rows[-1][1:]), flush=True)
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=1.0, help="for each point")
    parser.add_argument("--dtype", choices=["float32", "float64"], default="float32")
    arguments = parser.parse_args()
    dtype = next(d for d in TORCH if d.__name__ == arguments.dtype)
    rates = machine_rates(dtype)
    print(f"{rates[0] / 1e9:.0f} GFLOP/s in a matrix product, {rates[1] / 1e9:.1f} GB/s in a copy")
    figure, panels = plt.subplots(1, 4, figsize=(11, 3), sharey=True, layout="constrained")
    for axis, panel in zip(SWEEPS, panels, strict=True):
        value, *times = zip(*sweep(axis, dtype, rates, arguments.seconds), strict=True)
        for label, time, style in zip(
            ["descent", "PyTorch", "floor"], times, ["o-", "s--", "k:"], strict=True
        ):
            panel.loglog(value, np.multiply(time, 1e3), style, label=label)
        panel.set_xticks(value, map(str, value))
        panel.minorticks_off()
        panel.set_xlabel(axis)
    panels[0].set_ylabel(f"forward and backward, ms ({arguments.dtype})")
    panels[0].legend()
    keep(figure, f"scaling-{arguments.dtype}.svg")


if __name__ == "__main__":
    main()
