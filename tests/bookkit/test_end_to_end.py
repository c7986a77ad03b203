"""From files to a tested network: engines agree, an interrupted run goes on to the last bit."""

import gzip
import json

import numpy as np
import pytest

from bookkit import end_to_end
from bookkit.end_to_end import TASKS, main, parts, run

TIMES_LATER = 2


def idx(array):
    header = bytes([0, 0, 8, array.ndim]) + b"".join(n.to_bytes(4, "big") for n in array.shape)
    return header + array.astype(np.uint8).tobytes()


@pytest.fixture
def data_folder(tmp_path, monkeypatch):
    """A folder as DESCENT_DATA names it, with few images in the formats of both data sets."""
    rng = np.random.default_rng(0)
    (tmp_path / "mnist").mkdir()
    for part, count in (("train", 60), ("t10k", 20)):
        labels = np.arange(count) % 10
        images = rng.integers(80, size=(count, 28, 28))
        images[np.arange(count), 2 * labels + 3] += 150  # a bright row tells the class
        for name, array in (("images-idx3", images), ("labels-idx1", labels)):
            path = tmp_path / "mnist" / f"{part}-{name}-ubyte.gz"
            path.write_bytes(gzip.compress(idx(array)))
    (tmp_path / "cifar-10").mkdir()
    for name in [*(f"data_batch_{i}" for i in range(1, 6)), "test_batch"]:
        records = rng.integers(256, size=(8, 3073), dtype=np.uint8)
        records[:, 0] %= 10
        (tmp_path / "cifar-10" / f"{name}.bin").write_bytes(records.tobytes())
    monkeypatch.setenv("DESCENT_DATA", str(tmp_path))
    parts.cache_clear()
    yield tmp_path
    parts.cache_clear()


def test_parts_are_disjoint_and_cover_the_training_images(data_folder):
    training, validation, test = parts("mnist")
    assert [len(part) for part in (training, validation, test)] == [48, 12, 20]
    rows = {part.images[i].tobytes() for part in (training, validation) for i in range(len(part))}
    assert len(rows) == 60
    assert [len(part) for part in parts("cifar10")] == [32, 8, 8]


@pytest.mark.parametrize("data", TASKS)
def test_both_engines_give_the_same(data_folder, data):
    ours, theirs = (run(data, engine, "float32", 2, 1e-3, 0) for engine in ("numpy", "torch"))
    assert ours.shape == (3, 2)
    np.testing.assert_allclose(ours[:, 0], theirs[:, 0], rtol=1e-3)
    np.testing.assert_allclose(ours[:, 1], theirs[:, 1], atol=0.06)
    assert not np.array_equal(ours[0], ours[1])


def test_it_learns(data_folder):
    results = run("mnist", "numpy", "float32", 40, 3e-3, 0)
    assert results[-1, 1] > 0.8
    assert results[-1, 0] < 0.5 * results[0, 0]


def test_half_precision_is_another_run(data_folder):
    results = {p: run("digits", "torch", p, 1, 3e-3, 0) for p in ("float32", "bfloat16")}
    assert not np.array_equal(results["float32"], results["bfloat16"])
    np.testing.assert_allclose(results["bfloat16"], results["float32"], rtol=0.05)


def test_an_interrupted_run_goes_on_to_the_last_bit(data_folder, tmp_path, monkeypatch):
    options = ("digits", "numpy", "float32", 4, 3e-3, 0)
    whole = run(*options)
    saved = end_to_end.save

    def save_then_stop(path, **parts):
        saved(path, **parts)
        if parts["history"].epoch == TIMES_LATER:
            raise KeyboardInterrupt

    monkeypatch.setattr(end_to_end, "save", save_then_stop)
    with pytest.raises(KeyboardInterrupt):
        run(*options, checkpoints=tmp_path)
    monkeypatch.setattr(end_to_end, "save", saved)
    resumed = run(*options, checkpoints=tmp_path)
    assert np.array_equal(resumed, whole)
    assert np.array_equal(run(*options, checkpoints=tmp_path), whole)  # nothing is left to do


def test_the_program(data_folder, tmp_path, capsys):
    options = ["--epochs", "1", "--seeds", "2", "--checkpoints", str(tmp_path)]
    main(["mnist", str(tmp_path / "runs"), *options])
    header, *runs = map(json.loads, (tmp_path / "runs").read_text(encoding="utf-8").splitlines())
    assert header["run"] == "run"
    assert header["axes"] == {
        "data": ["mnist"],
        "engine": ["numpy"],
        "precision": ["float32"],
        "epochs": [1],
        "lr": [0.002],
        "seed": [0, 1],
    }
    loss, accuracy = np.mean([each["result"][-1] for each in runs], axis=0)
    expected = f"lr 0.002: test loss {loss:.4f}, accuracy {accuracy:.2%}, 2 seeds\n"
    assert capsys.readouterr().out == expected
    assert sorted(path.name for path in tmp_path.glob("*.npz")) == [
        *("mnist-1-0.002-0.npz", "mnist-1-0.002-1.npz")
    ]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--device", "cuda"], "--device and --precision need --engine torch"),
        (["--precision", "bfloat16"], "--device and --precision need --engine torch"),
        (["--engine", "torch", "--checkpoints", "x"], "--checkpoints needs --engine numpy"),
    ],
)
def test_options_that_exclude_each_other(tmp_path, capsys, options, message):
    with pytest.raises(SystemExit):
        main(["digits", str(tmp_path / "runs"), *options])
    assert message in capsys.readouterr().err
    assert not (tmp_path / "runs").exists()
