"""The bowl: its paths are the library's descent, and what its controls and plots show."""

import numpy as np
import pytest
from livefigures import KEYS, close, curve, digits, readouts, slider_values, sliders_follow_the_keys

from descent.optimizers import gradient_descent


def walk(eta, kappa, steps=60):
    """The library's descent from (1, 1) on the bowl with the curvatures 1 and 1/κ."""
    curvatures = np.array([1, 1 / kappa])
    return gradient_descent(lambda d: curvatures * d, np.ones(2), eta, steps)


def arrival(factor):
    """The first power of the factor whose size is a thousandth or less, or None, by counting."""
    if abs(factor) >= 1:
        return None
    return int((np.abs(factor) ** np.arange(70_001) <= 1e-3 * (1 + 1e-9)).argmax())


def test_bowl_is_the_library(open_figure):
    settings = [
        {"eta": eta, "kappa": kappa} for eta in (0.01, 0.5, 1, 1.9, 2.2) for kappa in (1, 7, 100)
    ]
    runs = open_figure("bowl").evaluate(
        """async (settings) => {
            const { trajectory } = await import("live/bowl");
            return settings.map(trajectory);
        }""",
        settings,
    )
    for setting, run in zip(settings, runs, strict=True):
        close(run, walk(**setting), absolute=1e-12)


def test_the_best_rate_makes_both_directions_equally_slow(open_figure):
    kappas = [1, 2, 30, 100]
    found = open_figure("bowl").evaluate(
        """async (kappas) => {
            const { bestRate, factors } = await import("live/bowl");
            return kappas.map((kappa) => factors(bestRate(kappa), kappa));
        }""",
        kappas,
    )
    expected = [(kappa - 1) / (kappa + 1) for kappa in kappas]
    close(found, [[-factor, factor] for factor in expected])


def test_steps_to_a_thousandth(open_figure):
    sizes = [0, 1e-4, 0.03, -0.5, 0.9, -0.999, 0.9999, 1, -1, -1.05]
    found = open_figure("bowl").evaluate(
        """async (sizes) => {
            const { stepsFor } = await import("live/bowl");
            return sizes.map((size) => stepsFor(size)).map((n) => (n === Infinity ? null : n));
        }""",
        sizes,
    )
    assert found == [arrival(size) for size in sizes]


def bowl_table(values):
    eta, kappa = values
    factors = [1 - eta, 1 - eta / kappa]
    return [[digits(f) for f in factors], [str(arrival(f) or "never") for f in factors]]


def bowl_is_drawn(page, values):
    run = np.abs(walk(*values))
    for direction, line in enumerate(("blue", "vermilion")):
        steps, height = curve(page, 1, line)
        np.testing.assert_allclose(steps * 60, np.arange(61), atol=0.1)
        with np.errstate(divide="ignore"):
            powers = np.clip(np.log10(run[:, direction]), -6, 1)
        np.testing.assert_allclose(height * 7 - 6, powers, atol=0.03)


LABELS = ["Rate η", "Condition number κ"]


@pytest.mark.parametrize(("book", "keys"), [("small", KEYS), ("whole", KEYS[:3])])
def test_every_slider_by_keyboard(open_figure, book, keys):
    page = open_figure("bowl", book)
    assert page.figure.locator("input").count() == len(LABELS)
    assert all(page.figure.get_by_label(label).count() == 1 for label in LABELS)
    for _ in sliders_follow_the_keys(page, keys):
        assert readouts(page) == bowl_table(slider_values(page))
    bowl_is_drawn(page, slider_values(page))
    assert page.faults == []


PRESSES = {
    "Take the best rate": [1.94, 30],
    "Cross the limit": [2.05, 30],
    "Start again": [1.9, 30],
}


def test_every_button_by_keyboard(open_figure):
    page = open_figure("bowl")
    for i, (label, expected) in enumerate(PRESSES.items()):
        page.figure.get_by_role("button", name=label, exact=True).press(["Enter", "Space"][i % 2])
        assert slider_values(page) == expected
        assert readouts(page) == bowl_table(expected)


def test_which_direction_keeps_us_waiting_is_spoken(open_figure, spoken):
    assert "wait for the flat direction" in spoken(open_figure("bowl"))
