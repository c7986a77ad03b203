import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from descent.experiments import Trial, choice, grid, log_uniform, random_search, seeds, uniform


def product_of(a, b, seed):
    return 100 * a + 10 * b + seed


def noise(lr, rng):
    return lr + rng.random()


def process(seed):
    return os.getpid()


class TestSamplers:
    def test_uniform(self):
        drawn = [uniform(2.0, 4.0)(rng) for rng in map(np.random.default_rng, range(2000))]
        assert min(drawn) >= 2
        assert max(drawn) <= 4
        assert np.mean(drawn) == pytest.approx(3, abs=0.05)
        assert np.std(drawn) == pytest.approx(2 / np.sqrt(12), rel=0.05)

    def test_log_uniform(self):
        rng = np.random.default_rng(0)
        draw = log_uniform(1e-4, 1e-1)
        logs = np.log10([draw(rng) for _ in range(2000)])
        assert logs.min() >= -4
        assert logs.max() <= -1
        assert logs.mean() == pytest.approx(-2.5, abs=0.05)
        assert logs.std() == pytest.approx(3 / np.sqrt(12), rel=0.05)

    def test_choice(self):
        rng = np.random.default_rng(0)
        draw = choice(iter(["a", "b", "c"]))
        drawn = [draw(rng) for _ in range(300)]
        assert sorted(set(drawn)) == ["a", "b", "c"]
        assert min(map(drawn.count, "abc")) > 70

    @pytest.mark.parametrize("sampler", [uniform(0.0, 1.0), log_uniform(0.1, 1.0)])
    def test_numbers_are_python_floats(self, sampler):
        assert type(sampler(np.random.default_rng(0))) is float

    @pytest.mark.parametrize(
        ("sampler", "arguments", "message"),
        [
            (uniform, (1.0, 1.0), "high must be finite and > 1.0, got 1.0"),
            (uniform, (np.nan, 1.0), "low must be finite, got nan"),
            (log_uniform, (0.0, 1.0), "low must be finite and > 0, got 0.0"),
            (log_uniform, (2.0, 1.0), "high must be finite and > 2.0, got 1.0"),
            (choice, ([],), "^options is empty; expected at least one$"),
        ],
    )
    def test_bad_input(self, sampler, arguments, message):
        with pytest.raises(ValueError, match=message):
            sampler(*arguments)


SPACE = {"lr": log_uniform(1e-3, 1.0)}


class TestRandomSearch:
    def test_calls_the_run_with_the_options_and_a_generator_of_its_own(self):
        seen = []

        def run(a, b, rng):
            seen.append((a, b, rng.random()))
            return len(seen)

        space = {"a": uniform(0.0, 1.0), "b": choice([7])}
        trials = random_search(space, run, 5, np.random.default_rng(0))
        assert [trial.result for trial in trials] == [1, 2, 3, 4, 5]
        assert [trial.options for trial in trials] == [{"a": a, "b": 7} for a, _, _ in seen]
        assert len({a for a, _, _ in seen}) == len({r for _, _, r in seen}) == 5
        assert isinstance(trials[0], Trial)

    def test_all_options_are_drawn_first(self):
        rng = np.random.default_rng(0)
        trials = random_search(SPACE, lambda lr, rng: rng.random(), 3, np.random.default_rng(0))
        assert [trial.options["lr"] for trial in trials] == [SPACE["lr"](rng) for _ in range(3)]
        expected = [child.random() for child in np.random.default_rng(0).spawn(3)]
        assert [trial.result for trial in trials] == expected

    def test_more_workers_give_the_same(self):
        alone = random_search(SPACE, noise, 6, np.random.default_rng(0))
        together = random_search(SPACE, noise, 6, np.random.default_rng(0), workers=2)
        assert alone == together

    @pytest.mark.parametrize(
        ("change", "error", "message"),
        [
            ({"space": {}}, ValueError, r"space must name options, .* got \[\]"),
            ({"space": {"rng": choice([1])}}, ValueError, r"none of them rng, got \['rng'\]"),
            ({"space": {"lr": [1, 2]}}, TypeError, "space must be a dict of samplers"),
            ({"space": [choice([1])]}, TypeError, "space must be a dict of samplers"),
            ({"trials": 0}, ValueError, "trials must be finite and ≥ 1, got 0"),
            ({"rng": 0}, TypeError, r"rng must be a numpy\.random\.Generator"),
            ({"workers": 0}, ValueError, "workers must be finite and ≥ 1, got 0"),
        ],
    )
    def test_bad_input(self, change, error, message):
        arguments = {"space": SPACE, "run": noise, "trials": 1, "rng": np.random.default_rng(0)}
        with pytest.raises(error, match=message):
            random_search(**(arguments | change))


class TestGrid:
    def test_one_axis_for_each_option_and_one_for_the_seeds(self):
        results = grid(product_of, {"a": [1, 2], "b": (3, 4, 5)}, [0, 7])
        assert results.shape == (2, 3, 2)
        for i, a in enumerate([1, 2]):
            for j, b in enumerate([3, 4, 5]):
                assert results[i, j].tolist() == [100 * a + 10 * b, 100 * a + 10 * b + 7]

    def test_results_may_be_arrays(self):
        results = grid(lambda a, seed: np.array([a, seed, 0]), {"a": [5, 6]}, 4)
        assert results.shape == (2, 4, 3)
        assert results[1, 2].tolist() == [6, 2, 0]

    @pytest.mark.parametrize("workers", [2, ThreadPoolExecutor(2)])
    def test_more_workers_give_the_same(self, workers):
        arguments = product_of, {"a": [1, 2], "b": [3, 4]}, 3
        assert np.array_equal(grid(*arguments, workers=workers), grid(*arguments))

    @pytest.mark.parametrize("axes", [{"a": []}, {"seed": [1]}])
    def test_bad_axes(self, axes):
        with pytest.raises(ValueError, match="axes must have values, and none may be named seed"):
            grid(product_of, axes, 3)


class TestSeeds:
    def test_in_the_order_of_the_seeds(self):
        assert seeds(lambda seed: 10 * seed, [3, 1, 2]).tolist() == [30, 10, 20]
        assert seeds(lambda seed: 10 * seed, range(2, 4)).tolist() == [20, 30]

    @pytest.mark.parametrize("number", [3, np.int64(3)])
    def test_a_number_stands_for_the_first_seeds(self, number):
        assert seeds(lambda seed: seed, number).tolist() == [0, 1, 2]

    def test_results_may_be_arrays(self):
        assert seeds(lambda seed: np.full(2, seed), 3).tolist() == [[0, 0], [1, 1], [2, 2]]

    def test_one_worker_is_this_process(self):
        assert set(seeds(process, 3)) == {os.getpid()}

    def test_more_workers_are_others(self):
        assert os.getpid() not in set(seeds(process, 3, workers=2))

    def test_an_error_arrives(self):
        with pytest.raises(TypeError, match="unexpected keyword argument 'seed'"):
            seeds(noise, 2, workers=2)

    @pytest.mark.parametrize(
        ("given", "error", "message"),
        [
            (0, ValueError, "seeds must be finite and ≥ 1, got 0"),
            ([], ValueError, r"seeds must be different, at least one, got \[\]"),
            ([1, 1], ValueError, r"seeds must be different, at least one, got \[1, 1\]"),
            ([-1], ValueError, "seeds must be finite and ≥ 0, got -1"),
            ([0.5], TypeError, "seeds must be an integer, got 0.5"),
        ],
    )
    def test_bad_seeds(self, given, error, message):
        with pytest.raises(error, match=message):
            seeds(process, given)

    def test_bad_workers(self):
        with pytest.raises(ValueError, match="workers must be finite and ≥ 1, got 0"):
            seeds(process, 2, workers=0)
