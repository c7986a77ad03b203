"""What holds for every test and every notebook of the book."""

import importlib.util
import os

import pytest

# Progress bars write to stderr, which no stored notebook may hold; more than one BLAS thread
# in each worker only makes the workers wait for each other.
os.environ["TQDM_DISABLE"] = "1"
for library in ("OMP", "OPENBLAS", "MKL"):
    os.environ.setdefault(f"{library}_NUM_THREADS", "1")

# A reader's own backend would leave the notebooks without figures.
os.environ.pop("MPLBACKEND", None)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers():
    """One more than there are cores: tests that drive a browser or a process wait for it."""
    return (os.cpu_count() or 1) + 1


def pytest_configure():
    """Say in one sentence that PyTorch is missing, instead of once in each test."""
    if importlib.util.find_spec("torch") is None:
        pytest.exit(
            "PyTorch is missing: the tests compare the library with it. Install it with "
            "pip install --no-deps -r requirements/torch.txt",
            returncode=4,
        )
