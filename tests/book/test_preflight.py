"""What is said before anything is installed, on a machine that cannot build the book."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

PATH = Path("requirements/preflight.py")
SPEC = importlib.util.spec_from_file_location("preflight", PATH)
preflight = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(preflight)


@pytest.mark.parametrize("version", [(2, 7, 18), (3, 10, 13), (3, 15, 0)])
def test_a_python_that_will_not_do(version):
    problem = preflight.python_problem(version)
    assert problem.startswith("Descent needs Python 3.11 to 3.14, and this is Python")
    assert f"{version[0]}.{version[1]};" in problem


@pytest.mark.parametrize("version", [(3, 11, 0), (3, 14, 2)])
def test_a_python_that_will_do(version):
    assert preflight.python_problem(version) is None


def test_a_disk_that_is_full(tmp_path):
    problem = preflight.disk_problem(str(tmp_path / "not" / "there" / "yet"), free=10**9)
    assert problem.startswith(
        f"The environment needs 3 GB of disk space, and {tmp_path} has 1.0 GB"
    )
    assert preflight.disk_problem(str(tmp_path), free=3 * 10**9) is None


def test_one_sentence_and_a_failure_not_a_traceback():
    run = subprocess.run(
        [sys.executable, PATH, "--torch"], capture_output=True, encoding="utf-8", check=False
    )
    assert run.returncode == 1
    assert run.stderr.startswith("PyTorch's CPU build could not be installed")
    assert len(run.stderr.splitlines()) == 1
