"""The penalty: its solutions are the library's, and what its controls and drawing show."""

import numpy as np
import pytest
from livefigures import KEYS, close, fixed, readouts, slider_values, sliders_follow_the_keys

from descent.regularization import ridge, soft_threshold


def minima(first, second, lam):
    """Both penalized minima of a round loss, by the library."""
    a = np.array([first, second])
    return soft_threshold(a, lam), ridge(np.eye(2), a, lam) if lam else a


def penalty_table(values):
    return [[fixed(float(u), 2) for u in solution] for solution in minima(*values)]


def test_penalty_is_the_library(open_figure):
    settings = [
        {"first": a, "second": b, "lambda": lam}
        for a, b in [(1.8, 0.5), (-2.9, 1.3), (0.0, -0.7), (0.4, -2.0)]
        for lam in (0, 0.35, 1, 3)
    ]
    found = open_figure("penalty").evaluate(
        """async (settings) => {
            const { solutions } = await import("live/penalty");
            return settings.map(solutions);
        }""",
        settings,
    )
    for setting, both in zip(settings, found, strict=True):
        l1, l2 = minima(*setting.values())
        close(both["l1"], l1)
        close(both["l2"], l2)


def test_what_sticks_is_said_in_words(open_figure):
    said = open_figure("penalty").evaluate(
        """async () => {
            const { stuck } = await import("live/penalty");
            return [[1, 0], [0, -1], [0, 0], [1, -1]].map(stuck);
        }"""
    )
    assert ["second weight" in said[0], "first weight" in said[1]] == [True, True]
    assert "Both" in said[2]
    assert "free" in said[3]


@pytest.mark.parametrize(("book", "keys"), [("small", KEYS), ("whole", KEYS[:3])])
def test_every_slider_by_keyboard(open_figure, book, keys):
    page = open_figure("penalty", book)
    assert page.figure.locator("input").count() == 3
    for _ in sliders_follow_the_keys(page, keys):
        assert readouts(page) == penalty_table(slider_values(page))
    assert page.faults == []


def test_buttons(open_figure):
    page = open_figure("penalty")
    press = {"Make it stick": [1.8, 0.4, 0.8], "Start again": [1.8, 0.5, 0.8]}
    page.figure.locator("input").nth(1).press("End")
    assert "free" in page.figure.locator(".live-sentence").inner_text()
    for label, expected in press.items():
        page.figure.get_by_role("button", name=label, exact=True).press("Enter")
        assert slider_values(page) == expected
        assert readouts(page) == penalty_table(expected)


def test_the_minimum_is_dragged(open_figure):
    page = open_figure("penalty")
    chart = page.figure.locator(".live-plot")
    chart.scroll_into_view_if_needed()
    box = chart.bounding_box()
    unit = (box["width"] - 46) / 6
    place = {"x": 34 + (3 - 1.5) * unit, "y": 22 + (2 + 1) * unit}  # (−1.5, −1)
    page.mouse.move(box["x"] + 60, box["y"] + 60)
    page.mouse.down()
    page.mouse.move(box["x"] + place["x"], box["y"] + place["y"])
    page.mouse.up()
    first, second, lam = slider_values(page)
    assert (first, second, lam) == pytest.approx((-1.5, -1, 0.8), abs=0.051)
    assert readouts(page) == penalty_table([first, second, lam])
