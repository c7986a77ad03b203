"""The experiment of chapter 20: what a run does, how a rate is chosen, and that nothing is lost."""

import json

import numpy as np
import pytest

from bookkit.comparison import (
    LOSSES,
    METHODS,
    TARGETS,
    TASKS,
    Run,
    conduct,
    one_run,
    program,
    rate,
    read_runs,
    runs,
    write_runs,
)
from bookkit.comparison.costs import step_costs
from descent.data import digits
from descent.evaluation import accuracy, evaluate, predict
from descent.networks import MLP
from descent.optimizers import AdamW, Muon

POINTS = runs.POINTS


def record(lr, seed, final, arrival=10.0, right=280, part="tuning"):
    """A made-up run whose validation loss ends at `final`."""
    names = dict(zip(Run._fields[:6], (part, "clean", "hinge", "Adam", lr, seed), strict=True))
    ends = [0.1, 950, 0.2, 530]
    result = [None, arrival, None, *[right] * POINTS, *[9.0] * (POINTS - 1), final, *ends]
    return names | {"result": result}


@pytest.fixture
def two_epochs(monkeypatch):
    """Tasks that are small: two epochs of 96 images for a small network."""
    train, validation, test = digits(validation_size=300, rng=np.random.default_rng(0))
    parts = train[:96], validation, test
    small = runs.Task(lambda: parts, lambda rng: MLP([64, 8, 10], rng=rng), 4)
    monkeypatch.setitem(TASKS, "clean", small)
    return parts


def test_candidates_are_seven_half_decades_with_the_default_among_them():
    for name, method in METHODS.items():
        candidates = [rate(name, method.first + k) for k in range(runs.RATES)]
        assert method.default in candidates
        np.testing.assert_allclose(np.diff(np.log10(candidates)), 0.5, atol=0.01)


def test_the_split_is_one_and_noise_is_in_training_and_validation_alone():
    whole, validation, test = TASKS["clean"].data()
    assert [len(part) for part in (whole, validation, test)] == [957, 300, 540]
    assert TASKS["clean"].data()[0] is whole
    clean = digits(validation_size=300, rng=np.random.default_rng(0), flat=True)
    corrupted, told, tested = TASKS["noise"].data()
    assert (corrupted.labels != clean[0].labels[:600]).sum() == 240
    assert (told.labels != clean[1].labels).sum() == 120
    assert np.array_equal(tested.labels, clean[2].labels)


def test_a_run_stores_what_it_saw(two_epochs):
    """Followed by hand: the same network, order and schedule, looked at in the same places."""
    train_part, validation, test = two_epochs
    result = one_run("clean", "cross-entropy", "momentum", 0.3, 5)
    found = Run.of(record(0.3, 5, 0.0) | {"result": result})
    start, order = np.random.default_rng(5).spawn(2)
    net = MLP([64, 8, 10], rng=start)
    optimizer = METHODS["momentum"].make(net.parameters(), 0.3)
    schedule = runs.PolynomialLR(optimizer, 12)
    seen = []

    def look(_history):
        seen.append(evaluate(net, LOSSES["cross-entropy"], validation.images, validation.labels))

    options = {"batch_size": 32, "rng": order, "schedule": schedule, "progress": False}
    runs.train(
        net, LOSSES["cross-entropy"], optimizer, train_part, epochs=4, after_step=look, **options
    )
    np.testing.assert_allclose(found.losses, [each["loss"] for each in seen], rtol=1e-6)
    np.testing.assert_allclose(found.right, [300 * each["accuracy"] for each in seen])
    assert found.test_right == 540 * accuracy(predict(net, test.images), test.labels)
    assert found.train_loss == pytest.approx(
        evaluate(net, LOSSES["cross-entropy"], train_part.images, train_part.labels)["loss"],
        rel=1e-6,
    )


def test_arrivals_are_the_first_looks_at_which_a_target_was_met(two_epochs, monkeypatch):
    counts = iter([100, 270, 284, 270, 285, 300, *[300] * 90])
    monkeypatch.setattr(runs, "measured", lambda net, loss, part: (1.0, next(counts)))
    monkeypatch.setattr(runs, "POINTS", 6)  # looks at steps 2, 4, 5, 6, 8, 10, 12
    result = one_run("clean", "cross-entropy", "SGD", 0.1, 0)
    assert result[: len(TARGETS)] == [4, 8, 10]


def test_a_target_that_is_never_met_is_nan_and_comes_back_as_infinity(two_epochs, tmp_path):
    result = one_run("clean", "cross-entropy", "SGD", 1e-6, 0)
    assert np.isnan(result[: len(TARGETS)]).all()
    path = tmp_path / "runs.jsonl"
    write_runs({"made": {}}, [record(1e-6, 0, 0.0) | {"result": result}], path)
    assert "NaN" not in path.read_text("utf-8")
    assert np.isinf(read_runs(path)[1][0].arrivals).all()


def test_a_run_depends_on_its_seed_and_on_nothing_else(two_epochs):
    again = [one_run("clean", "hinge", "Adam", 0.01, seed) for seed in (3, 4, 3)]
    np.testing.assert_array_equal(again[0], again[2])
    assert again[0] != again[1]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("loss", LOSSES)
def test_every_method_lowers_every_loss(two_epochs, method, loss):
    largest = rate(method, METHODS[method].first + 4)
    losses = Run.of(record(0, 0, 0) | {"result": one_run("clean", loss, method, largest, 0)}).losses
    assert losses[-1] < losses[0]


def test_muon_takes_the_matrices_but_the_last():
    net = TASKS["clean"].net(np.random.default_rng(0))
    muon, adamw = METHODS["Muon"].make(net.parameters(), 0.02).optimizers
    assert isinstance(muon, Muon)
    assert isinstance(adamw, AdamW)
    assert [p.data.shape for p in muon.parameters()] == [(8, 1, 3, 3), (16, 8, 3, 3)]
    assert adamw.param_groups[0]["lr"] == 0.002
    assert len(adamw.parameters()) == 4


def test_dropout_draws_from_the_runs_own_generator():
    a, b = (TASKS["noise, dropout"].net(np.random.default_rng(0)) for _ in range(2))
    x = np.ones((4, 64))
    np.testing.assert_array_equal(a(x), b(x))
    assert not np.array_equal(a(x), a.eval()(x))


def test_the_best_rate_is_that_of_the_smallest_mean_and_failures_count_as_the_worst():
    failed = {k: v for k, v in record(0.3, 1, 0).items() if k != "result"} | {"error": "nan"}
    records = [
        record(0.1, 0, 0.5), record(0.1, 1, 0.7), record(0.2, 0, 0.9), record(0.2, 1, 0.2),
        record(0.3, 0, 0.0), failed,
    ]  # fmt: skip
    assert program.best_rate(records, program.by_loss) == 0.2
    assert program.best_rate(records[::-1], program.by_loss) == 0.2


def test_arrival_is_chosen_by_the_median_and_of_equals_the_smaller_rate():
    records = [
        record(lr, seed, 0.3, arrival)
        for lr, arrivals in [
            (0.4, (5, None, None)), (0.2, (25, 25, 25)), (0.1, (20, 25, 900)), (0.05, (30, 30, 5)),
        ]
        for seed, arrival in enumerate(arrivals)
    ]  # fmt: skip
    assert program.best_rate(records, program.by_arrival) == 0.1


def test_errors_decide_where_they_are_asked_for():
    records = [record(0.1, 0, 0.1, right=280), record(0.2, 0, 0.5, right=281)]
    assert program.best_rate(records, program.by_errors) == 0.2
    assert program.best_rate(records, program.by_loss) == 0.1


@pytest.mark.parametrize(("best", "tried"), [(-2, 8), (0, 7), (4, 8), (5, 9), (9, 11), (-9, 11)])
def test_a_grid_is_widened_until_the_best_rate_is_inside(best, tried):
    def run(part, lrs, seeds):
        distance = [abs(np.log10(lr / rate("Adam", best))) for lr in lrs]
        return [record(lr, s, d) for lr, d in zip(lrs, distance, strict=True) for s in seeds]

    records = program._tuned(run, "Adam", range(2), (program.by_loss,))
    assert len({each["lr"] for each in records}) == tried


PLAN = (("clean", ("cross-entropy",), ("Adam", "SGD"), (program.by_loss, program.by_arrival)),)


def test_a_tiny_experiment_goes_on_where_it_stopped(two_epochs, tmp_path, monkeypatch):
    """It is interrupted in the middle of a grid; what had ended is not run again."""
    monkeypatch.setattr(program, "WIDEN_AT_MOST", 0)
    options = {"plan": PLAN, "tuning": range(2), "fresh": range(100, 103)}
    whole = conduct(tmp_path / "whole", **options)
    calls, done = [], one_run

    def stops(task, loss, method, lr, seed):
        if len(calls) == 17:
            raise KeyboardInterrupt
        calls.append((method, lr, seed))
        return done(task, loss, method, lr, seed)

    stops.__qualname__ = "one_run"
    monkeypatch.setattr(program, "one_run", stops)
    with pytest.raises(KeyboardInterrupt):
        conduct(tmp_path / "again", **options)

    def goes_on(task, loss, method, lr, seed):
        calls.append((method, lr, seed))
        return done(task, loss, method, lr, seed)

    goes_on.__qualname__ = "one_run"
    monkeypatch.setattr(program, "one_run", goes_on)
    resumed = conduct(tmp_path / "again", **options)
    assert len(calls) == len(set(calls)) == len(whole)
    write_runs({"made": {}}, whole, tmp_path / "a.jsonl")
    write_runs({"made": {}}, resumed, tmp_path / "b.jsonl")
    assert (tmp_path / "a.jsonl").read_bytes() == (tmp_path / "b.jsonl").read_bytes()


def test_what_diverges_is_recorded_and_counts_as_never(two_epochs, tmp_path, monkeypatch):
    monkeypatch.setattr(program, "WIDEN_AT_MOST", 0)
    monkeypatch.setitem(METHODS, "SGD", METHODS["SGD"]._replace(default=1e30))
    plan = (("clean", ("squared error",), ("SGD",), (program.by_loss,)),)
    records = conduct(tmp_path, plan, tuning=range(1), fresh=range(100, 101))
    assert all("diverged" in each["error"] for each in records)
    write_runs({"made": {}}, records, tmp_path / "runs.jsonl")
    _, found = read_runs(tmp_path / "runs.jsonl")
    assert np.isinf([run.losses[-1] for run in found]).all()
    assert np.isinf(found[0].arrivals).all()
    assert (found[0].right == 0).all()


def test_fresh_seeds_take_no_part_in_the_choice():
    assert not set(program.TUNING_SEEDS) & set(program.FRESH_SEEDS)


def test_a_file_of_something_else_is_refused(tmp_path):
    path = tmp_path / "other.jsonl"
    path.write_text(json.dumps({"format": "descent experiment 1"}), encoding="utf-8")
    with pytest.raises(ValueError, match="does not hold the comparison"):
        read_runs(path)


def test_costs_are_multiples_of_plain_sgd():
    costs = step_costs(rounds=3, steps=2)
    assert costs["SGD"] == 1
    assert set(costs) == set(METHODS)
    assert 1.4 < costs["SAM"] < 3


def test_the_stored_file_is_whole():
    """Each method has its candidates for every tuning seed, and fresh seeds at the chosen rate."""
    header, found = read_runs()
    assert {"date", "numpy", "python", "processor"} <= header["made"].keys()
    for task, losses, methods, rules in program.PLAN:
        for loss in losses:
            for method in methods:
                these = [r for r in found if (r.task, r.loss, r.method) == (task, loss, method)]
                tuning = [r for r in these if r.part == "tuning"]
                candidates = sorted({r.lr for r in tuning})
                assert len(candidates) >= runs.RATES
                assert len(tuning) == len(candidates) * len(program.TUNING_SEEDS)
                for rule in rules:
                    best = min(
                        candidates, key=lambda lr, t=tuning, f=rule: f([r for r in t if r.lr == lr])
                    )
                    assert best not in (candidates[0], candidates[-1])
                    fresh = [r.seed for r in these if r.part == "fresh" and r.lr == best]
                    assert fresh == list(program.FRESH_SEEDS)
