"""The neuron: its gradient descent is the library's, and what its controls and plots show."""

import numpy as np
import pytest
from livefigures import (
    KEYS,
    MARGIN,
    close,
    curve,
    digits,
    fixed,
    readouts,
    slider_values,
    sliders_follow_the_keys,
)

from descent.losses import bce_with_logits, mse, sigmoid

STEPS = 300  # on the axis at first


def on_the_axis(eta):
    """The steps that the axis shows at a rate: 45 / eta, or the next round number."""
    round_numbers = [lead * 10**power for power in range(1, 4) for lead in (1, 2, 3, 5)]
    return next(number for number in round_numbers if number * eta >= 45 * (1 - 1e-9))


def walk(w, b, eta, loss, steps=STEPS):
    """The neuron's gradient descent with the library's losses: w, b, a, value and slope."""
    run = []
    for _ in range(steps + 1):
        z, y = np.array([float(w + b)]), np.zeros(1)
        if loss == "quadratic":
            value, slope = mse(sigmoid(z), y)
            value, slope = value / 2, slope / 2 * sigmoid(z) * sigmoid(-z)
        else:
            value, slope = bce_with_logits(z, y)
        run.append((w, b, sigmoid(z)[0], value, slope[0]))
        w, b = w - eta * slope[0], b - eta * slope[0]
    return dict(zip(("w", "b", "a", "value", "slope"), np.array(run).T, strict=True))


def test_neuron_is_the_library(open_figure):
    settings = [
        {"w": w, "b": b, "eta": eta, "loss": loss, "steps": 40}
        for w, b in [(2, 2), (0.6, 0.9), (-4, 4), (4, 4), (-4, -4), (500, 500), (-500, -500)]
        for eta in (0.05, 0.15, 5)
        for loss in ("quadratic", "cross-entropy")
    ]
    runs = open_figure("neuron").evaluate(
        """async (settings) => {
            const { trajectory } = await import("live/neuron");
            return settings.map(trajectory);
        }""",
        settings,
    )
    for setting, run in zip(settings, runs, strict=True):
        library = walk(**setting)
        for quantity, values in run.items():
            close(values, library[quantity], absolute=1e-300)


def test_neuron_is_what_nielsen_saw(open_figure):
    quadratic, crossed = open_figure("neuron").evaluate(
        """async () => {
            const { trajectory, firstBelow } = await import("live/neuron");
            return ["quadratic", "cross-entropy"].map((loss) => {
                const { a } = trajectory({ w: 2, b: 2, eta: 0.15, loss });
                return [a[150], a[300], firstBelow(a)];
            });
        }"""
    )
    assert [round(x, 3) for x in quadratic] == [0.933, 0.203, 232]
    assert crossed[2] == 17


def neuron_table(values):
    t, w, b, eta = values
    t = int(t)
    steps = on_the_axis(eta)
    runs = [walk(w, b, eta, loss, steps) for loss in ("quadratic", "cross-entropy")]
    first = [next((i for i, a in enumerate(run["a"]) if a < 0.5), -1) for run in runs]
    words = {-1: f"not in {steps} steps", 0: "at the start"}
    return [
        [digits(run["slope"][0]) for run in runs],
        [fixed(run["a"][t], 3) for run in runs],
        [f"{fixed(run['w'][t], 2)}, {fixed(run['b'][t], 2)}" for run in runs],
        [words.get(i, f"step {i}") for i in first],
    ]


def neuron_is_drawn(page, values):
    _, w, b, eta = values
    for line, loss in [("blue", "quadratic"), ("vermilion", "cross-entropy")]:
        run = walk(w, b, eta, loss, on_the_axis(eta))
        for plot, quantity in enumerate(("a", "slope")):
            np.testing.assert_allclose(curve(page, plot, line)[1], run[quantity], atol=1e-3)


LABELS = ["Look at step t", "Weight w at the start", "Bias b at the start", "Rate η"]


@pytest.mark.parametrize(("book", "keys"), [("small", KEYS), ("whole", KEYS[:3])])
def test_every_slider_by_keyboard(open_figure, book, keys):
    page = open_figure("neuron", book)
    assert page.figure.locator("input").count() == len(LABELS)
    assert all(page.figure.get_by_label(label).count() == 1 for label in LABELS)
    for _ in sliders_follow_the_keys(page, keys):
        assert readouts(page) == neuron_table(slider_values(page))
    neuron_is_drawn(page, slider_values(page))
    assert page.faults == []


def test_every_button_by_keyboard(open_figure):
    page = open_figure("neuron")
    values = page.figure.locator(".live-value")
    page.figure.get_by_role("button", name="Start at w = 0.6, b = 0.9").press("Enter")
    assert values.all_inner_texts() == ["150 of 300 steps", "0.60", "0.90", "0.15"]
    page.figure.get_by_role("button", name="Start at w = b = 2").press("Space")
    assert values.all_inner_texts() == ["150 of 300 steps", "2.00", "2.00", "0.15"]


def test_a_tap_in_a_plot_moves_its_slider(open_figure):
    page = open_figure("neuron", has_touch=True, width=360)
    chart = page.figure.locator(".live-plots .live-plot").first
    chart.scroll_into_view_if_needed()
    box = chart.bounding_box()
    inner = box["width"] - MARGIN["left"] - MARGIN["right"]
    page.touchscreen.tap(box["x"] + MARGIN["left"] + inner / 4, box["y"] + 60)
    assert slider_values(page)[0] == pytest.approx(STEPS / 4, abs=0.02 * STEPS)


def test_nothing_moves_by_itself(open_figure):
    still = open_figure("neuron")
    assert not still.figure.locator("button").first.is_visible()
    page = open_figure("neuron", motion="no-preference")
    page.wait_for_timeout(100)
    assert slider_values(page)[0] == 150
    play = page.figure.get_by_role("button", name="Play")
    play.press("Enter")
    page.wait_for_function("document.querySelector('.live-figure input').value > 155")
    page.figure.get_by_role("button", name="Pause").press("Enter")
    stopped = slider_values(page)[0]
    page.wait_for_timeout(100)
    assert slider_values(page)[0] == stopped < STEPS
    assert play.is_visible()


def test_the_step_is_spoken(open_figure, spoken):
    assert "At step 151" in spoken(open_figure("neuron"))


def test_the_axis_fits_the_rate(open_figure):
    """Ten times the rate, a tenth of the steps: the same picture, with the waits in it."""
    page = open_figure("neuron")
    rate = page.figure.get_by_label("Rate η")

    def axis():
        texts = page.figure.locator(".live-plot").first.locator("text").all_text_contents()
        return [text for text in texts if text.isdigit()]

    for eta, ticks, waits in [
        ("0.05", ["0", "500", "1000"], ["50", "692"]),
        ("0.15", ["0", "100", "200", "300"], ["17", "232"]),
        ("1.5", ["0", "10", "20", "30"], ["2", "25"]),
        ("5", ["0", "5", "10"], ["1", "8"]),
    ]:
        rate.fill(eta)
        steps = int(ticks[-1])
        assert slider_values(page)[0] == steps / 2
        shown = page.figure.locator(".live-value").first.inner_text()
        assert shown == f"{steps // 2} of {steps} steps"
        runs = [walk(2, 2, float(eta), loss, steps) for loss in ("cross-entropy", "quadratic")]
        assert waits == [str(next(i for i, a in enumerate(run["a"]) if a < 0.5)) for run in runs]
        assert set(axis()) == {*ticks, *waits, "0", "1"}
    assert page.faults == []


def test_an_address_cannot_ask_for_endless_steps(open_figure):
    page = open_figure("neuron")
    for eta, shown in [("1e-12", "0.05"), ("0", "0.05"), ("-3", "0.05"), ("1e12", "5.00")]:
        page.evaluate(f"location.hash = '#fig-neuron&w=2&b=2&eta={eta}&step=7.4'")
        page.wait_for_timeout(50)
        assert page.figure.locator(".live-value").all_inner_texts()[-1] == shown
        assert slider_values(page)[0] == 7
    assert page.faults == []
