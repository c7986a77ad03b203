"""Two methods and the rate: the data are the stored ones, and what its controls and plots show."""

import json
from itertools import pairwise

import numpy as np
import pytest
from livefigures import KEYS, curve, digits, readouts, slider_values, sliders_follow_the_keys

from bookkit.comparison import METHODS, read_runs
from bookkit.comparison.live import MODULE, live_data, write_live

RUNS = read_runs()[1]
DATA = live_data(RUNS)
NAMES = list(METHODS)
LABELS = ["Method A", "Rate of A", "Method B", "Rate of B"]


def finals(method, place):
    """The losses at the end of the stored tuning runs."""
    name = NAMES[int(method)]
    lr = DATA[name]["rates"][int(place)]
    key = ("tuning", "clean", "cross-entropy", name, lr)
    return np.array([r.losses[-1] for r in RUNS if r[:5] == key])


def shown(loss):
    return f"{loss:.2g}" if np.isfinite(loss) else "diverged"


def test_the_module_is_what_the_store_gives(tmp_path):
    write_live(RUNS, tmp_path / "data.js")
    assert MODULE.read_bytes() == (tmp_path / "data.js").read_bytes()


def test_the_data_are_the_stored_losses_in_thousandths_of_a_logarithm():
    head, text = MODULE.read_text("utf-8").split("export const DATA = ")
    assert "make experiment" in head
    data = json.loads(text.rstrip(";\n"))
    for m, name in enumerate(NAMES):
        for place in range(7):
            stored = finals(m, place)
            assert len(stored) == 5
            ends = [10 ** (c[-1] / 1000) if c else np.inf for c in data[name]["curves"][place]]
            np.testing.assert_allclose(ends, stored, rtol=0.0012)


def test_means_best_places_and_defaults(open_figure):
    found = open_figure("two-methods").evaluate(
        """async () => {
            const { METHODS, meanLoss, best, defaultPlace } = await import("live/two-methods");
            return METHODS.map((name, method) => [
                name, best(method), defaultPlace(method),
                [0, 1, 2, 3, 4, 5, 6].map((place) => String(meanLoss({ method, place })))]);
        }"""
    )
    assert [name for name, *_ in found] == NAMES
    for m, (name, best, default, means) in enumerate(found):
        expected = [finals(m, place).mean() for place in range(7)]
        np.testing.assert_allclose([float(mean) for mean in means], expected, rtol=0.002)
        assert expected[best] <= min(expected) * 1.002
        assert DATA[name]["rates"][int(default)] == METHODS[name].default


def shown_is(page, values):
    for cells, (method, place) in zip(
        readouts(page), zip(*[iter(values)] * 2, strict=True), strict=True
    ):
        losses = finals(method, place)
        rate = DATA[NAMES[int(method)]]["rates"][int(place)]
        assert cells[0] == digits(rate)
        for text, loss in zip(cells[1:], (losses.mean(), losses.min(), losses.max()), strict=True):
            assert text == shown(loss) or float(text) == pytest.approx(loss, rel=0.06)


def curves_are_drawn(page, values):
    for line, (method, _) in zip(
        ("blue", "vermilion"), zip(*[iter(values)] * 2, strict=True), strict=True
    ):
        across, up = curve(page, 0, line)
        first = DATA[NAMES[int(method)]]["first"]
        np.testing.assert_allclose(5 * across - 2, (first + np.arange(7)) / 2, atol=0.02)
        means = [finals(method, place).mean() for place in range(7)]
        np.testing.assert_allclose(2.5 * up - 1.5, np.clip(np.log10(means), -1.5, 1), atol=0.02)


@pytest.mark.parametrize(("book", "keys"), [("small", KEYS), ("whole", KEYS[:3])])
def test_every_slider_by_keyboard(open_figure, book, keys):
    page = open_figure("two-methods", book)
    assert page.figure.locator("input").count() == len(LABELS)
    assert all(page.figure.get_by_label(label, exact=True).count() == 1 for label in LABELS)
    for _ in sliders_follow_the_keys(page, keys):
        shown_is(page, slider_values(page))
    curves_are_drawn(page, slider_values(page))
    assert page.faults == []


def test_every_button_by_keyboard(open_figure):
    page = open_figure("two-methods")
    momentum, rmsprop = NAMES.index("momentum"), NAMES.index("RMSprop")
    start = [momentum, 0, rmsprop, 4]
    assert slider_values(page) == start
    best = [int(np.argmin([finals(m, p).mean() for p in range(7)])) for m in (momentum, rmsprop)]
    for label, expected in {
        "Each at its best rate": [momentum, best[0], rmsprop, best[1]],
        "Each at its default": start,
        "Start again": start,
    }.items():
        page.figure.get_by_role("button", name=label, exact=True).press("Enter")
        assert slider_values(page) == expected
        shown_is(page, expected)


def test_the_rate_is_dragged_in_the_plot(open_figure):
    page = open_figure("two-methods")
    box = page.figure.locator(".live-plots .live-plot").first.bounding_box()
    for power, place in ((0.0, 0), (1.0, 2), (2.6, 5)):
        page.mouse.move(box["x"] + 34 + (power + 2) / 5 * (box["width"] - 46), box["y"] + 100)
        page.mouse.down()
        page.mouse.up()
        assert slider_values(page)[1] == place


def test_who_is_ahead_is_spoken(open_figure, spoken):
    said = spoken(open_figure("two-methods"))
    assert "ends below" in said or "end alike" in said


def test_more_than_one_method_can_be_ahead():
    """The figure would teach nothing if one method won at every pair of rates."""
    a, b = NAMES.index("momentum"), NAMES.index("RMSprop")
    means = [[finals(m, place).mean() for place in range(7)] for m in (a, b)]
    assert min(means[0]) < max(means[1])
    assert min(means[1]) < max(means[0])
    assert all(x != y for x, y in pairwise(means[0]))
