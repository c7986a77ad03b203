"""A recipe taken apart: each part does something, its runs are pairs, nothing else is changed."""

import json

import numpy as np
import pytest
import torch

from bookkit import recipe
from bookkit.end_to_end import parts
from bookkit.recipe import PIXELS, RECIPE, changed, main, run


@pytest.fixture
def pictures(tmp_path, monkeypatch):
    """Few random pictures in the format of CIFAR-10, in the folder that DESCENT_DATA names."""
    rng = np.random.default_rng(0)
    (tmp_path / "cifar-10").mkdir()
    for name in [*(f"data_batch_{i}" for i in range(1, 6)), "test_batch"]:
        records = rng.integers(256, size=(8, 3073), dtype=np.uint8)
        records[:, 0] %= 10
        (tmp_path / "cifar-10" / f"{name}.bin").write_bytes(records.tobytes())
    monkeypatch.setenv("DESCENT_DATA", str(tmp_path))
    monkeypatch.setattr(recipe, "BATCH_SIZE", 16)  # two steps in an epoch
    parts.cache_clear()
    yield parts("cifar10")
    parts.cache_clear()


def test_each_part_left_out_gives_another_run(pictures):
    results = [run(without, "float32", 1, 3e-3, 0)[0] for without in ("nothing", *RECIPE)]
    assert len(set(results)) == len(results)
    assert run("nothing", "float32", 1, 3e-3, 0)[0] == results[0]


def test_another_seed_gives_another_run(pictures):
    assert len({run("decay", "float32", 1, 3e-3, seed)[0] for seed in (0, 1)}) == 2


def of_a_batch(without):
    rng = np.random.default_rng(1)
    images, labels = rng.random((40, 3, 32, 32), dtype=np.float32) + 1, np.arange(40) % 10
    result, targets = changed(images, labels, without, np.random.default_rng(2).spawn(2))
    assert result.dtype == targets.dtype == torch.float32
    return images, labels, result.numpy(), targets.numpy()


def test_shifts_and_flips_without_each_other_draw_alike():
    images, _, both, _ = of_a_batch("nothing")
    shifts_alone, flips_alone = (of_a_batch(name)[2] for name in ("flips", "shifts"))
    columns = (shifts_alone == 0).all(axis=(1, 2)).sum(axis=1)
    assert columns.max() == PIXELS
    mirrored = (flips_alone == images[..., ::-1]).all(axis=(1, 2, 3))
    assert 8 < mirrored.sum() < 32
    assert np.array_equal(flips_alone[~mirrored], images[~mirrored])
    assert np.array_equal(both[mirrored], shifts_alone[mirrored][..., ::-1])
    assert np.array_equal(both[~mirrored], shifts_alone[~mirrored])


def test_targets():
    _, labels, _, smooth = of_a_batch("nothing")
    _, _, _, hard = of_a_batch("smoothed labels")
    assert np.array_equal(hard, np.eye(10)[labels])
    np.testing.assert_allclose(smooth, 0.9 * hard + 0.01, rtol=1e-6)


def test_the_rate_falls_to_zero_unless_left_out(pictures, monkeypatch):
    optimizers = []
    made = torch.optim.AdamW

    def remembered(*args, **options):
        optimizers.append(made(*args, **options))
        return optimizers[-1]

    monkeypatch.setattr(torch.optim, "AdamW", remembered)
    for without in ("nothing", "falling rate", "decay"):
        run(without, "float32", 1, 3e-3, 0)
    groups = [optimizer.param_groups[0] for optimizer in optimizers]
    np.testing.assert_allclose([group["lr"] for group in groups], [0, 3e-3, 0], atol=1e-12)
    assert [group["weight_decay"] for group in groups] == [0.05, 0.05, 0]


def test_the_program(pictures, tmp_path, capsys):
    main([str(tmp_path / "runs"), "--epochs", "1", "--seeds", "2"])
    header, *runs = map(json.loads, (tmp_path / "runs").read_text(encoding="utf-8").splitlines())
    assert header["axes"]["without"] == ["nothing", *RECIPE]
    assert len(runs) == 14
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 7
    accuracy = {(each["without"], each["seed"]): each["result"][1] for each in runs}
    whole = np.array([accuracy["nothing", seed] for seed in (0, 1)])
    for line, without in zip(lines, ("nothing", *RECIPE), strict=True):
        reached = np.array([accuracy[without, seed] for seed in (0, 1)])
        changes = " ".join(f"{change:+.2%}" for change in reached - whole)
        assert line.split() == (
            f"without {without} accuracy {reached.mean():.2%}, by seed {changes}".split()
        )
