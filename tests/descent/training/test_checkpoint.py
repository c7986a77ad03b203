import json
import os
import zipfile

import numpy as np
import pytest

from descent.layers import BatchNorm1d, Dropout, Linear, ReLU, Sequential
from descent.losses import cross_entropy
from descent.optimizers import (
    EMA,
    SAM,
    SGD,
    Adam,
    AdamW,
    Lookahead,
    Muon,
    RMSprop,
    ScheduleFreeAdamW,
)
from descent.optimizers.schedules import CosineAnnealingLR, ExponentialLR
from descent.regularization import EarlyStopping
from descent.training import History, load, save, train


class Run:
    """A training run with everything that has a state."""

    def __init__(self, make_optimizer, seed):
        layer_rng, dropout_rng = np.random.default_rng(seed).spawn(2)
        self.net = Sequential(
            Linear(4, 6, rng=layer_rng),
            BatchNorm1d(6),
            ReLU(),
            Sequential(Dropout(0.2, rng=dropout_rng)),
            Linear(6, 3, rng=layer_rng),
        )
        self.optimizer = make_optimizer(self.net.parameters())
        self.schedule = CosineAnnealingLR(self.optimizer, T_max=30)
        self.ema = EMA(self.net, decay=0.8)
        self.early_stopping = EarlyStopping(patience=50)
        self.rng = np.random.default_rng(seed)
        self.history = History()

    @property
    def parts(self):
        names = ("net", "optimizer", "schedule", "ema", "early_stopping", "rng")
        return {name: getattr(self, name) for name in names}

    def train(self, data, epochs, *, checkpoint=None, **options):
        def after_epoch(history):
            stop = self.early_stopping.step(history.validation["loss"][-1], self.net)
            if checkpoint is not None:
                save(checkpoint, **self.parts, history=history)
            return stop

        self.history = train(
            self.net,
            cross_entropy,
            self.optimizer,
            data,
            schedule=self.schedule,
            rng=self.rng,
            validation=data,
            augment=lambda x, y, rng: (x + 0.1 * rng.normal(size=x.shape), y),
            after_step=lambda history: self.ema.update_parameters(),
            after_epoch=after_epoch,
            epochs=epochs,
            batch_size=20,
            history=self.history,
            progress=False,
            **options,
        )


OPTIMIZERS = {
    "sgd": lambda p: SGD(p, lr=0.1, momentum=0.9, nesterov=True),
    "adam": lambda p: Adam(p, lr=0.01, betas=(0.8, 0.99)),
    "adamw": lambda p: AdamW(p, lr=0.01, amsgrad=True),
    "rmsprop": lambda p: RMSprop(p, lr=0.01),
    "muon": lambda p: Muon(p[:1], lr=0.01),
    "lookahead": lambda p: Lookahead(SGD(p, lr=0.1), k=2),
    "schedule-free": lambda p: ScheduleFreeAdamW(p, lr=0.01),
    "sam": lambda p: SAM(SGD(p, lr=0.1, momentum=0.9)),
    "groups": lambda p: SGD([{"params": p[:2], "lr": 0.1}, {"params": p[2:]}], lr=0.01),
}


@pytest.mark.parametrize("make_optimizer", OPTIMIZERS.values(), ids=OPTIMIZERS)
def test_to_stop_and_resume_changes_no_bit(make_optimizer, data, tmp_path):
    path = tmp_path / "run.npz"
    whole = Run(make_optimizer, seed=1)
    whole.train(data, 5)

    first = Run(make_optimizer, seed=1)
    first.train(data, 2, checkpoint=path)
    second = Run(make_optimizer, seed=2)
    second.history = load(path, **second.parts)
    second.train(data, 3)

    assert whole.history.epoch == 5
    for name, array in whole.net.state_dict().items():
        assert np.array_equal(array, second.net.state_dict()[name]), name
    for name in ("loss", "lr", "epoch_loss", "validation"):
        assert getattr(whole.history, name) == getattr(second.history, name)
    assert whole.rng.random() == second.rng.random()
    assert np.array_equal(whole.ema.average, second.ema.average)
    assert whole.ema.n_averaged == second.ema.n_averaged == 15


def test_a_resumed_run_stops_where_the_whole_one_stops(data, tmp_path):
    path = tmp_path / "run.npz"
    runs = [Run(OPTIMIZERS["sgd"], seed=seed) for seed in (1, 1, 2)]
    for run in runs:
        run.early_stopping = EarlyStopping(patience=2, min_delta=10.0)  # only the first improves
    runs[0].train(data, 9)
    runs[1].train(data, 2, checkpoint=path)
    runs[2].history = load(path, **runs[2].parts)
    runs[2].train(data, 7)
    assert runs[0].history.epoch == runs[2].history.epoch == 3
    assert np.array_equal(runs[0].net.flat.data, runs[2].net.flat.data)


def test_a_checkpoint_holds_what_the_network_holds_and_the_best_beside_it(data, tmp_path):
    path = tmp_path / "run.npz"
    run = Run(OPTIMIZERS["sgd"], seed=1)
    run.early_stopping = EarlyStopping(patience=2, min_delta=10.0)
    run.train(data, 9, checkpoint=path)
    last = run.net.flat.data.copy()
    run.early_stopping.restore(run.net)
    best = run.net.flat.data.copy()
    assert not np.array_equal(last, best)

    other = Run(OPTIMIZERS["sgd"], seed=2)
    load(path, **other.parts)
    assert np.array_equal(other.net.flat.data, last)
    other.early_stopping.restore(other.net)
    assert np.array_equal(other.net.flat.data, best)

    save(path, **run.parts)
    other = Run(OPTIMIZERS["sgd"], seed=3)
    load(path, **other.parts)
    assert np.array_equal(other.net.flat.data, best)


def test_a_new_patience_is_not_overwritten(data, tmp_path):
    path = tmp_path / "run.npz"
    first, second = (Run(OPTIMIZERS["sgd"], seed=seed) for seed in (1, 2))
    first.early_stopping = EarlyStopping(patience=2, min_delta=10.0)
    first.train(data, 9, checkpoint=path)
    second.early_stopping = EarlyStopping(patience=4, min_delta=0.0)
    second.history = load(path, **second.parts)
    assert repr(second.early_stopping) == "EarlyStopping(patience=4, min_delta=0.0, mode='min')"
    assert second.early_stopping.waited == 2
    second.early_stopping.min_delta = 10.0
    second.train(data, 9)
    assert second.history.epoch == 5


def test_every_epoch_is_saved(data, tmp_path):
    path = tmp_path / "run.npz"
    run = Run(OPTIMIZERS["sgd"], seed=1)
    run.train(data, 2, checkpoint=path, metrics={"saved": lambda *_: path.exists()})
    assert run.history.validation["saved"] == [0.0, 1.0]
    assert load(path, **run.parts) == run.history


class Half:
    """A state that can be saved, but not put back."""

    def state_dict(self):
        return {}


class TestParts:
    def test_any_names_and_any_number_of_each_kind(self, make_net, tmp_path):
        def parts(seed):
            net, teacher = make_net(seed), make_net(seed + 10)
            return {
                "student": net,
                "teacher": teacher,
                "slow": EMA(net, decay=0.9),
                "sgd": SGD(net.parameters(), lr=0.1 * seed),
                "shuffling": np.random.default_rng(seed),
                "noise": np.random.Generator(np.random.Philox(seed)),
                "record": History(loss=[0.5 * seed]),
                "nothing": None,
            }

        first, second = parts(1), parts(2)
        first["slow"].update_parameters()
        save(tmp_path / "run.npz", **first)
        assert load(tmp_path / "run.npz", **second) == History()
        for name in ("student", "teacher", "slow", "sgd"):
            equal(first[name].state_dict(), second[name].state_dict())
        for name in ("shuffling", "noise"):
            assert first[name].random() == second[name].random()
        assert second["record"] == History(loss=[0.5])

    def test_a_history_that_is_given_is_filled_and_returned(self, net, tmp_path):
        save(tmp_path / "run.npz", history=History(loss=[1.0, 2.0]))
        history = History()
        assert load(tmp_path / "run.npz", history=history) is history
        assert history == load(tmp_path / "run.npz") == History(loss=[1.0, 2.0])

    @pytest.mark.parametrize("part", [3, [1, 2], object(), {"a": 1}, Half()])
    def test_what_has_no_state_is_refused(self, net, tmp_path, part):
        message = r"thing must have state_dict\(\) and load_state_dict\(\), or be"
        with pytest.raises(TypeError, match=message):
            save(tmp_path / "run.npz", net=net, thing=part)
        save(tmp_path / "run.npz", net=net)
        with pytest.raises(TypeError, match=message):
            load(tmp_path / "run.npz", net=net, thing=part)

    def test_names_that_meet_do_not_overwrite_each_other(self, tmp_path):
        meeting = Stateful({"a/b": np.ones(2), "a": {"b": np.zeros(2)}})
        with pytest.raises(ValueError, match="thing/state/value/a/b is the name of two arrays"):
            save(tmp_path / "run.npz", thing=meeting)

    def test_dicts_by_other_things_than_text_are_refused(self, tmp_path):
        with pytest.raises(TypeError, match=r"value must be arrays.*dicts \(by text\).*\{1: 2\}"):
            save(tmp_path / "run.npz", thing=Stateful({1: 2}))


@pytest.fixture
def saved(data, tmp_path):
    """A run after an epoch, and its checkpoint."""
    run = Run(OPTIMIZERS["adam"], seed=1)
    run.train(data, 1, checkpoint=tmp_path / "run.npz")
    return run, tmp_path / "run.npz"


class TestFile:
    def test_numpy_can_read_it_without_pickle(self, saved):
        run, path = saved
        with np.load(path, allow_pickle=False) as archive:
            weight = archive["net/state/0.weight"]
            text = json.loads(archive["checkpoint"].tobytes())
        assert np.array_equal(weight, run.net[0].weight.data)
        assert text["format"] == "descent checkpoint 2"
        assert text["states"]["history"]["dict"]["kind"] == "History"

    def test_nothing_else_is_left(self, saved):
        assert [path.name for path in saved[1].parent.iterdir()] == ["run.npz"]

    def test_the_name_is_taken_as_it_is(self, net, tmp_path):
        save(str(tmp_path / "checkpoint"), net=net)
        assert [path.name for path in tmp_path.iterdir()] == ["checkpoint"]

    def test_parts_may_be_left_out(self, net, make_net, tmp_path):
        save(tmp_path / "net.npz", net=net)
        other = make_net(seed=9)
        assert load(tmp_path / "net.npz", net=other) == History()
        assert np.array_equal(net.flat.data, other.flat.data)

    def test_parts_may_be_ignored(self, saved):
        run, path = saved
        other = Run(OPTIMIZERS["sgd"], seed=5)
        state = other.rng.bit_generator.state
        assert load(path, net=other.net) == run.history
        assert np.array_equal(run.net.flat.data, other.net.flat.data)
        assert other.rng.bit_generator.state == state

    def test_float32_is_kept(self, make_net, tmp_path):
        net, other = make_net(dtype=np.float32), make_net(seed=9, dtype=np.float32)
        save(tmp_path / "net.npz", net=net)
        load(tmp_path / "net.npz", net=other)
        assert other.flat.data.dtype == np.float32
        assert np.array_equal(net.flat.data, other.flat.data)

    @pytest.mark.parametrize("kind", [np.random.MT19937, np.random.Philox, np.random.SFC64])
    def test_any_generator(self, net, tmp_path, kind):
        rng = np.random.Generator(kind(1))
        save(tmp_path / "run.npz", net=net, rng=rng)
        expected = rng.random(3)
        other = np.random.Generator(kind(2))
        load(tmp_path / "run.npz", net=net, rng=other)
        assert np.array_equal(other.random(3), expected)

    @pytest.mark.parametrize(
        "value",
        [
            None,
            True,
            3,
            0.1,
            float("inf"),
            "text",
            (0.9, 0.999),
            [1, (2, [3.5])],
            {"a": {"b": ()}},
            np.float32(0.1),
            np.arange(3, dtype=np.int8),
            [np.ones((2, 0)), np.array(1.5)],
            (np.ones(2), [np.zeros(1)]),
        ],
    )
    def test_the_state_of_a_schedule_may_hold_anything_plain(self, net, tmp_path, value):
        schedule, other = Stateful(value), Stateful(None)
        save(tmp_path / "run.npz", net=net, schedule=schedule)
        load(tmp_path / "run.npz", net=net, schedule=other)
        assert same(other.value, value)


class Stateful:
    def __init__(self, value):
        self.value = value

    def state_dict(self):
        return {"value": self.value}

    def load_state_dict(self, state):
        self.value = state["value"]


def same(a, b):
    if type(a) is not type(b):
        return False
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, np.ndarray):
        return a.dtype == b.dtype and np.array_equal(a, b)
    return a == b


class TestSavingFails:
    def test_what_has_no_place_in_a_checkpoint(self, net, tmp_path):
        with pytest.raises(TypeError, match=r"schedule/state/value must be arrays.*: <object"):
            save(tmp_path / "run.npz", net=net, schedule=Stateful(object()))
        assert list(tmp_path.iterdir()) == []

    def test_no_generator(self, net, tmp_path):
        with pytest.raises(TypeError, match=r"rng must .* or be a numpy\.random\.Generator"):
            save(tmp_path / "run.npz", net=net, rng=0)

    def test_the_old_file_stays_if_the_new_one_cannot_be_written(self, saved, monkeypatch):
        run, path = saved
        before = path.read_bytes()

        def fail(file, **arrays):
            file.write(b"half")
            raise OSError("disk full")

        monkeypatch.setattr(np, "savez", fail)
        with pytest.raises(OSError, match="disk full"):
            save(path, net=run.net)
        assert path.read_bytes() == before
        assert os.listdir(path.parent) == ["run.npz"]

    def test_the_file_is_complete_before_it_takes_its_place(self, saved, monkeypatch):
        run, path = saved
        replace, complete = os.replace, []

        def watched(source, target):
            complete.append((zipfile.ZipFile(source).testzip(), target == path))
            replace(source, target)

        monkeypatch.setattr(os, "replace", watched)
        save(path, net=run.net)
        assert complete == [(None, True)]

    def test_arrays_of_objects_are_not_pickled(self, net, tmp_path):
        with pytest.raises(ValueError, match="Object arrays cannot be saved"):
            save(tmp_path / "run.npz", net=net, schedule=Stateful(np.array([None])))
        assert list(tmp_path.iterdir()) == []


def everything(run):
    return {
        "net": run.net.state_dict(),
        "dropout": run.net[3][0].rng.bit_generator.state,
        "optimizer": run.optimizer.state_dict(),
        "schedule": run.schedule.state_dict(),
        "ema": run.ema.state_dict(),
        "early_stopping": run.early_stopping.state_dict(),
        "rng": run.rng.bit_generator.state,
    }


def equal(a, b):
    np.testing.assert_equal(a, b)


class TestLoadingFails:
    def test_no_file(self, net, tmp_path):
        with pytest.raises(FileNotFoundError):
            load(tmp_path / "run.npz", net=net)

    @pytest.mark.parametrize(
        "content",
        [b"", b"hello", b"PK\x03\x04", b"\x93NUMPY\x01\x00", b"\x80\x04N."],
        ids=["empty", "text", "zip", "npy", "pickle"],
    )
    def test_other_files(self, net, tmp_path, content):
        path = tmp_path / "run.npz"
        path.write_bytes(content)
        with pytest.raises(ValueError, match=r"run\.npz is damaged, or no checkpoint: "):
            load(path, net=net)

    @pytest.mark.parametrize(
        "arrays",
        [
            {"weight": np.ones(3)},
            {"checkpoint": np.ones(3)},
            {"checkpoint": np.frombuffer(b"{}", np.uint8)},
            {"checkpoint": np.frombuffer(b'{"format": "other 1"}', np.uint8)},
        ],
    )
    def test_other_archives(self, net, tmp_path, arrays):
        np.savez(tmp_path / "run.npz", **arrays)
        with pytest.raises(ValueError, match="is damaged, or no checkpoint"):
            load(tmp_path / "run.npz", net=net)

    def test_a_program_in_the_file_is_not_run(self, net, tmp_path):
        """A pickle may hold any program; a checkpoint from somewhere else must not bring one."""

        class Program:
            def __reduce__(self):
                return os.mkdir, (str(tmp_path / "it ran"),)

        save(tmp_path / "run.npz", net=net)
        with np.load(tmp_path / "run.npz") as archive:
            arrays = dict(archive)
        np.savez(tmp_path / "run.npz", more=np.array([Program()]), **arrays)
        with pytest.raises(ValueError, match="damaged, or no checkpoint: Object arrays"):
            load(tmp_path / "run.npz", net=net)
        assert os.listdir(tmp_path) == ["run.npz"]

    def test_a_single_array(self, net, tmp_path):
        np.save(tmp_path / "run.npy", np.ones(3))
        with pytest.raises(ValueError, match="is damaged, or no checkpoint"):
            load(tmp_path / "run.npy", net=net)

    def test_another_version(self, net, tmp_path):
        text = json.dumps({"format": "descent checkpoint 3", "states": {}}).encode()
        np.savez(tmp_path / "run.npz", checkpoint=np.frombuffer(text, np.uint8))
        message = "its format is 'descent checkpoint 3', expected 'descent checkpoint 2'"
        with pytest.raises(ValueError, match=message):
            load(tmp_path / "run.npz", net=net)

    def test_an_unknown_kind_of_content(self, net, tmp_path):
        text = json.dumps(
            {"format": "descent checkpoint 2", "states": {"net": {"set": []}}}
        ).encode()
        np.savez(tmp_path / "run.npz", checkpoint=np.frombuffer(text, np.uint8))
        with pytest.raises(ValueError, match="unknown kind 'set'"):
            load(tmp_path / "run.npz", net=net)

    @pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.999])
    def test_cut_short(self, saved, share):
        path = saved[1]
        content = path.read_bytes()
        path.write_bytes(content[: int(share * len(content))])
        other = Run(OPTIMIZERS["adam"], seed=2)
        before = everything(other)
        with pytest.raises(ValueError, match=r"run\.npz is damaged, or no checkpoint"):
            load(path, **other.parts)
        equal(everything(other), before)

    def test_a_changed_byte_is_found_or_harmless(self, saved):
        run, path = saved
        content, generator = path.read_bytes(), np.random.default_rng(0)
        other, found = Run(OPTIMIZERS["adam"], seed=2), 0
        for position in generator.choice(len(content), size=60, replace=False):
            damaged = bytearray(content)
            damaged[position] ^= 1 << generator.integers(8)
            path.write_bytes(damaged)
            before = everything(other)
            try:
                load(path, **other.parts)
            except ValueError:
                found += 1
                equal(everything(other), before)
            else:
                equal(everything(other), everything(run))
        assert found > 20

    @pytest.mark.parametrize(
        ("name", "part", "message"),
        [
            ("optimizer", SGD, "holds Adam as optimizer, expected SGD"),
            (
                "schedule",
                lambda p: ExponentialLR(SGD(p), gamma=0.9),
                "holds CosineAnnealingLR as schedule, expected ExponentialLR",
            ),
            (
                "rng",
                lambda p: np.random.Generator(np.random.MT19937(0)),
                "holds PCG64 as rng, expected MT19937",
            ),
            (
                "net",
                lambda p: Linear(4, 3, rng=np.random.default_rng(0)),
                "holds Sequential as net, expected Linear",
            ),
        ],
    )
    def test_other_kinds(self, saved, name, part, message):
        path = saved[1]
        other = Run(OPTIMIZERS["adam"], seed=2)
        before = everything(other)
        with pytest.raises(ValueError, match=rf"run\.npz {message}"):
            load(path, **(other.parts | {name: part(other.net.parameters())}))
        equal(everything(other), before)

    @pytest.mark.parametrize("name", ["optimizer", "schedule", "ema", "early_stopping", "rng"])
    def test_parts_that_were_not_saved(self, data, tmp_path, name):
        run = Run(OPTIMIZERS["adam"], seed=1)
        save(tmp_path / "run.npz", **(run.parts | {name: None}))
        with pytest.raises(ValueError, match=f"holds nothing as {name}, expected"):
            load(tmp_path / "run.npz", **run.parts)

    def test_another_shape(self, saved):
        other = Run(OPTIMIZERS["adam"], seed=2)
        net = Sequential(Linear(4, 7, rng=other.rng), *other.net[1:])
        before = net.state_dict()
        with pytest.raises(ValueError, match=r"does not fit: state\['0\.weight'\] must have shape"):
            load(saved[1], net=net)
        equal(net.state_dict(), before)

    def test_another_number_of_groups_is_found_and_all_is_put_back(self, saved):
        other = Run(lambda p: Adam([{"params": p[:2]}, {"params": p[2:]}]), seed=2)
        before = everything(other)
        with pytest.raises(ValueError, match=r"does not fit: saved has \(groups, states\)"):
            load(saved[1], **other.parts)
        equal(everything(other), before)

    def test_other_generators_in_the_layers(self, tmp_path):
        rng = np.random.default_rng(0)
        with_rng = Sequential(Linear(4, 3, rng=rng), Dropout(0.5, rng=rng))
        without = Sequential(Linear(4, 3, rng=rng), ReLU())
        save(tmp_path / "run.npz", net=with_rng)
        before = without.state_dict()
        message = r"does not fit: its layers have the generators \['1\.rng'\], expected \[\]"
        with pytest.raises(ValueError, match=message):
            load(tmp_path / "run.npz", net=without)
        equal(without.state_dict(), before)

    def test_any_error_puts_all_back(self, net, make_net, tmp_path):
        class Picky(Stateful):
            def load_state_dict(self, state):
                self.value = state["value"]
                if self.value == 1:
                    raise KeyError("another")

        Picky.__name__ = "Stateful"
        save(tmp_path / "run.npz", net=net, schedule=Stateful(1))
        other, picky = make_net(seed=9), Picky(7)
        before = other.state_dict()
        with pytest.raises(ValueError, match=r"run\.npz does not fit: 'another'"):
            load(tmp_path / "run.npz", net=other, schedule=picky)
        equal(other.state_dict(), before)
        assert picky.value == 7
