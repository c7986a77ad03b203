"""Two processes with half of each batch are one process with the whole, unless a layer looks at it.

The one process is the library's own loop; the two are PyTorch's, over gloo, under torchrun.
"""

import subprocess
import sys

import numpy as np
import pytest

from bookkit.data_parallel import LEARNING_RATE, MOMENTUM, NORMS, STEPS, network, whole_batches
from descent.data import digits
from descent.losses import cross_entropy
from descent.optimizers import SGD


@pytest.fixture(scope="module")
def together(tmp_path_factory):
    """The program's results from two processes."""
    path = tmp_path_factory.mktemp("ddp") / "results.npz"
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node"]
    command += ["2", "--max-restarts", "2", "-m", "bookkit.data_parallel", str(path)]
    run = subprocess.run(command, capture_output=True, encoding="utf-8", timeout=300, check=False)
    assert run.returncode == 0, run.stderr
    with np.load(path) as archive:
        return dict(archive)


@pytest.fixture(scope="module")
def images():
    train, _, _ = digits(validation_size=300, rng=np.random.default_rng(0))
    return train


def alone(norm, data):
    net, losses = network(norm), []
    optimizer = SGD(net.parameters(), lr=LEARNING_RATE, momentum=MOMENTUM)
    for rows in whole_batches(len(data)):
        optimizer.zero_grad()
        value, gradient = cross_entropy(net(data.images[rows]), data.labels[rows])
        net.backward(gradient, input_gradient=False)
        optimizer.step()
        losses.append(value)
    return np.array(losses), net.state_dict()


def states(together, norm):
    before = f"{norm}/net/"
    return {k.removeprefix(before): a for k, a in together.items() if k.startswith(before)}


@pytest.mark.parametrize("norm", ["none", "group"])
def test_equal_to_one_process_with_the_whole_batch(together, images, norm):
    losses, state = alone(norm, images)
    assert losses[-1] < 0.5 * losses[0]
    np.testing.assert_allclose(together[f"{norm}/losses"], losses, atol=1e-12)
    theirs = states(together, norm)
    assert theirs.keys() == state.keys()
    for name, array in state.items():
        np.testing.assert_allclose(theirs[name], array, atol=1e-12, err_msg=name)


def test_batch_normalization_parts_at_the_first_step(together, images):
    losses, _ = alone("batch", images)
    gaps = np.abs(together["batch/losses"] - losses)
    assert len(gaps) == STEPS
    assert gaps[0] > 1e-4


def test_the_results_are_of_every_normalization(together):
    assert {name.split("/")[0] for name in together} == set(NORMS)


def test_synchronized_batch_normalization_needs_a_card(tmp_path):
    """Chapter 21 says so; when it is no longer true, the chapter must say something else."""
    code = (
        "import sys, torch, torch.distributed as dist\n"
        "dist.init_process_group('gloo', init_method=sys.argv[1], rank=0, world_size=1)\n"
        "try:\n"
        "    torch.nn.SyncBatchNorm(3)(torch.zeros(2, 3, 4, 4))\n"
        "except ValueError as error:\n"
        "    print(error)\n"
        "dist.destroy_process_group()\n"
    )
    address = (tmp_path / "store").as_uri()
    command = [sys.executable, "-c", code, address]
    run = subprocess.run(command, capture_output=True, encoding="utf-8", timeout=120, check=True)
    assert run.stdout.startswith("SyncBatchNorm expected input tensor to be on GPU")
