"""The temperature: losses, bins and the best T are the library's, and what is drawn of them."""

import numpy as np
import pytest
from livefigures import (
    KEYS,
    MARGIN,
    close,
    curve,
    fixed,
    readouts,
    slider_values,
    sliders_follow_the_keys,
)

from descent.evaluation import (
    accuracy,
    expected_calibration_error,
    reliability_curve,
    temperature_scaling,
)
from descent.losses import cross_entropy, softmax

TEMPERATURES = [0.3, 1.0, 1.37, 4.0]


@pytest.fixture
def logits(open_figure):
    """What the figure shows: logits whose label is class 0."""
    found = open_figure("temperature").evaluate(
        """async () => (await import("live/temperature")).LOGITS"""
    )
    return np.array(found, float)


def truth(logits):
    return np.zeros(len(logits), dtype=int)


def numbers(logits, T):
    """Loss, calibration error and accuracy, by the library."""
    z, y = logits / T, truth(logits)
    error = expected_calibration_error(softmax(z, dim=1), y, bins=10)
    return cross_entropy(z, y)[0], error, accuracy(z, y)


def test_the_logits_are_those_of_a_trained_network(logits):
    assert logits.shape == (300, 10)
    assert (logits.max(axis=1) == 0).all()
    assert 0.88 < accuracy(logits, truth(logits)) < 0.97
    assert temperature_scaling(logits, truth(logits)) == pytest.approx(1.49, abs=0.01)


def test_temperature_is_the_library(open_figure, logits):
    found, best = open_figure("temperature").evaluate(
        """async (all) => {
            const m = await import("live/temperature");
            const of = (T) => [m.loss(T), m.calibrationError(T), m.accuracy(T), m.reliability(T)];
            return [all.map(of), m.bestTemperature()];
        }""",
        TEMPERATURES,
    )
    close(best, temperature_scaling(logits, truth(logits)), absolute=1e-10)
    for T, (*values, bins) in zip(TEMPERATURES, found, strict=True):
        close(values, numbers(logits, T), absolute=1e-13)
        library = reliability_curve(softmax(logits / T, dim=1), truth(logits), bins=10)
        used = library.count > 0
        assert [b["count"] for b in bins] == library.count[used].tolist()
        close([b["sure"] for b in bins], library.confidence[used], absolute=1e-13)
        close([b["right"] for b in bins], library.accuracy[used], absolute=1e-13)


def test_the_verdict(open_figure):
    said = open_figure("temperature").evaluate(
        """async () => {
            const { verdict } = await import("live/temperature");
            return [0.02, 0.004, -0.004, -0.02].map(verdict);
        }"""
    )
    assert said == ["too sure", "as often as it says", "as often as it says", "not sure enough"]


def expected_table(logits, T):
    best = temperature_scaling(logits, truth(logits))
    return [[fixed(t, 2), *(fixed(v, 3) for v in numbers(logits, t))] for t in (T, best, 1.0)]


def is_drawn(page, logits, T):
    across, up = curve(page, 1, "blue")
    losses = [numbers(logits, 0.3 + 3.7 * a)[0] for a in across]
    np.testing.assert_allclose(0.2 + 0.5 * up, np.minimum(losses, 0.7), atol=0.006)
    library = reliability_curve(softmax(logits / T, dim=1), truth(logits), bins=10)
    gaps = page.figure.locator(".live-plots .live-plot").first.locator(".live-line.vermilion")
    assert gaps.count() == (library.count > 0).sum()


@pytest.mark.parametrize(("book", "keys"), [("small", KEYS), ("whole", KEYS[:3])])
def test_the_slider_by_keyboard(open_figure, logits, book, keys):
    page = open_figure("temperature", book)
    assert page.figure.locator("input").count() == 1
    for _ in sliders_follow_the_keys(page, keys):
        (T,) = slider_values(page)
        shown = readouts(page)
        assert shown == expected_table(logits, T)
        assert shown[0][3] == shown[2][3]
    is_drawn(page, logits, T)
    assert page.faults == []


def test_buttons(open_figure, logits):
    page = open_figure("temperature")
    for label, T in {"Go to the best T": 1.49, "Start again": 1.0}.items():
        page.figure.get_by_role("button", name=label, exact=True).press("Enter")
        assert slider_values(page) == [T]
        assert readouts(page) == expected_table(logits, T)


def test_the_temperature_is_dragged_in_the_plot(open_figure):
    page = open_figure("temperature")
    chart = page.figure.locator(".live-plots .live-plot").nth(1)
    chart.scroll_into_view_if_needed()
    box = chart.bounding_box()
    inner = box["width"] - MARGIN["left"] - MARGIN["right"]
    page.mouse.move(box["x"] + MARGIN["left"] + inner / 2, box["y"] + 60)
    page.mouse.down()
    page.mouse.up()
    assert slider_values(page)[0] == pytest.approx(2.15, abs=0.02)


def test_the_verdict_is_spoken(open_figure, spoken):
    assert "too sure" in spoken(open_figure("temperature"))
