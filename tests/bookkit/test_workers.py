"""The same grid here, in Dask's processes, and through a scheduler that others have started."""

import argparse
import json
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import Executor
from pathlib import Path

import dask
import numpy as np
import pytest
from distributed import Client, LocalCluster

from bookkit.comparison import program
from bookkit.end_to_end import main, run
from bookkit.workers import add_arguments, workers
from descent.experiments import grid

pytestmark = [  # of Dask, about machines without a network or with a slow disk
    pytest.mark.filterwarnings("ignore:Couldn't detect a suitable IP address"),
    pytest.mark.filterwarnings("ignore:Creating scratch directories"),
]

GRID = {"data": ["digits"], "engine": ["numpy"], "precision": ["float32"], "epochs": [1]}
GRID["lr"] = [1e-3, 1e-2]
ANY_PORT = ":0"  # of the page that nobody asks for: programs beside this one may hold 8787


def started(folder, kind, *options):
    """A process of Dask that tells nobody but its log."""
    log = open(folder / f"{kind}-{time.monotonic_ns()}.log", "w", encoding="utf-8")  # noqa: SIM115
    command = [sys.executable, "-m", f"distributed.cli.dask_{kind}", *options]
    with log:
        return subprocess.Popen(command, stdout=log, stderr=log, cwd=folder)


def stop(process):
    process.terminate()
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@pytest.fixture
def scheduler(tmp_path):
    """The address of a scheduler that runs as a process of its own."""
    file = tmp_path / "scheduler.json"
    options = ("--host", "127.0.0.1", "--port", "0", "--dashboard-address", ANY_PORT)
    process = started(tmp_path, "scheduler", *options, "--scheduler-file", str(file))
    try:
        deadline = time.monotonic() + 60
        while not file.exists() or not file.read_text(encoding="utf-8"):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        yield json.loads(file.read_text(encoding="utf-8"))["address"]
    finally:
        stop(process)


@pytest.fixture
def start_worker(tmp_path, scheduler):
    """Start a worker of one thread, by name; all are stopped at the end."""
    processes = []

    def start(name, nanny="--nanny"):
        options = (scheduler, "--nthreads", "1", nanny, "--no-dashboard", "--name", name)
        processes.append(started(tmp_path, "worker", *options))
        return processes[-1]

    yield start
    for process in processes:
        stop(process)


def pids_of(folder):
    """The processes that have begun a run."""
    return {path.name.split("-")[1] for path in Path(folder).glob("[0-9]-*")}


def wait_for(address, count):
    with Client(address) as client:
        client.wait_for_workers(count, timeout=60)


def test_a_local_cluster_gives_what_one_process_gives(tmp_path):
    grid(run, GRID, 2, store=tmp_path / "alone")
    cluster = LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=ANY_PORT)
    with cluster, workers(scheduler=cluster) as where:
        grid(run, GRID, 2, workers=where, store=tmp_path / "together")
    assert (tmp_path / "alone").read_bytes() == (tmp_path / "together").read_bytes()


def test_the_same_command_with_an_address(tmp_path, scheduler, start_worker, capsys):
    start_worker("a")
    start_worker("b")
    options = ["--epochs", "1", "--seeds", "2", "--lr", "0.001", "0.01"]
    said = []
    for name, where in [
        ("here", []),
        ("processes", ["--workers", "2"]),
        ("machines", ["--scheduler", scheduler]),
    ]:
        main(["digits", str(tmp_path / name), *options, *where])
        said.append(capsys.readouterr().out)
    files = [(tmp_path / name).read_bytes() for name in ("here", "processes", "machines")]
    assert files[0] == files[1] == files[2]
    assert said[0] == said[1] == said[2]
    assert said[0].startswith("lr 0.001: test loss ")


def test_the_experiment_of_chapter_20_goes_to_the_scheduler(tmp_path, monkeypatch):
    """Its workers are those of the address; without one they are processes, as many as cores."""
    came = []
    monkeypatch.setattr(program, "conduct", lambda folder, *, workers: came.append(workers) or [])
    for name in ("write_runs", "write_live", "step_costs"):
        monkeypatch.setattr(program, name, lambda *_: None)
    program.main([])
    program.main(["--workers", "3"])
    with LocalCluster(n_workers=1, processes=False, dashboard_address=ANY_PORT) as cluster:
        program.main(["--scheduler", cluster.scheduler_address])
    assert came[:2] == [os.cpu_count(), 3]
    assert isinstance(came[2], Executor)


def test_a_run_that_kills_its_worker_is_given_to_another(tmp_path, scheduler, start_worker):
    """As when memory runs out. A nanny that lost its worker before it was ready gives up too."""
    mark = str(tmp_path / "mark")

    def dies_once(a, seed):
        if (a, seed) == (2, 1) and not os.path.exists(mark):
            Path(mark).touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return a + seed / 10

    start_worker("a")
    start_worker("b")
    with workers(scheduler=scheduler) as where:
        results = grid(dies_once, {"a": [1, 2, 3]}, 2, workers=where, store=tmp_path / "runs")
    assert os.path.exists(mark)
    np.testing.assert_array_equal(results, [[1.0, 1.1], [2.0, 2.1], [3.0, 3.1]])


def test_a_machine_that_is_gone_loses_nothing(tmp_path, scheduler, start_worker):
    """Its runs, those that ended there among them, are in the results, and the file is whole."""
    folder = str(tmp_path)

    def slow(seed):
        Path(folder, f"{seed}-{os.getpid()}").touch()
        time.sleep(0.3)
        return seed / 3

    doomed = start_worker("doomed", "--no-nanny")
    start_worker("other", "--no-nanny")
    wait_for(scheduler, 2)

    def kill_when_both_have_worked():
        deadline = time.monotonic() + 60
        while len(pids_of(folder)) < 2 and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(0.1)
        doomed.kill()

    killer = threading.Thread(target=kill_when_both_have_worked)
    killer.start()
    with workers(scheduler=scheduler) as where:
        results = grid(slow, {}, 10, workers=where, store=tmp_path / "runs.jsonl")
    killer.join()
    assert doomed.wait(10) == -signal.SIGKILL
    assert results.tolist() == [seed / 3 for seed in range(10)]
    assert len((tmp_path / "runs.jsonl").read_text(encoding="utf-8").splitlines()) == 1 + 10
    assert len(list(tmp_path.glob("[0-9]-*"))) > 10  # a run was begun twice


def test_a_killed_program_goes_on_elsewhere(tmp_path, scheduler, start_worker):
    """The program dies, not a worker; what it had kept is not run again."""
    start_worker("a")
    path = tmp_path / "runs"
    command = [sys.executable, "-m", "bookkit.end_to_end", "digits", str(path), "--epochs", "1"]
    command += ["--seeds", "8", "--scheduler", scheduler]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while not path.exists() or len(path.read_text(encoding="utf-8").splitlines()) < 3:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.kill()
    process.wait()
    kept = path.read_text(encoding="utf-8").splitlines()
    assert 3 <= len(kept) < 9
    main(["digits", str(path), "--epochs", "1", "--seeds", "8"])
    assert path.read_text(encoding="utf-8").splitlines()[: len(kept)] == kept
    main(["digits", str(tmp_path / "fresh"), "--epochs", "1", "--seeds", "8"])
    assert path.read_bytes() == (tmp_path / "fresh").read_bytes()


def test_nobody_answers():
    with (
        dask.config.set({"distributed.comm.timeouts.connect": "300ms"}),
        pytest.raises(OSError, match=r"127\.0\.0\.1:1"),
        workers(scheduler="tcp://127.0.0.1:1"),
    ):
        pass


def test_without_dask(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with (
        pytest.raises(ModuleNotFoundError, match=r"Dask is missing: pip install .*\[scale\]"),
        workers(scheduler="tcp://127.0.0.1:1"),
    ):
        pass
    with workers(3) as where:
        assert where == 3


def test_arguments():
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    assert parser.parse_args([]) == argparse.Namespace(workers=1, scheduler=None)
    other = argparse.ArgumentParser()
    add_arguments(other, count=7)
    assert other.parse_args([]).workers == 7
    given = parser.parse_args(["--scheduler", "tcp://h:1"])
    assert given.scheduler == "tcp://h:1"
    with pytest.raises(SystemExit):
        parser.parse_args(["--scheduler", "tcp://h:1", "--workers", "2"])


def test_only_one_module_imports_dask():
    texts = {p: p.read_text(encoding="utf-8") for p in Path("lib").rglob("*.py")}
    importing = {
        path.name
        for path, text in texts.items()
        if "import distributed" in text or "from distributed" in text or "import dask" in text
    }
    assert importing == {"workers.py"}
