"""Focal loss: its values and slopes are the library's, and what its controls and plots show."""

import itertools

import numpy as np
import pytest
from livefigures import (
    KEYS,
    MARGIN,
    close,
    curve,
    digits,
    readouts,
    slider_values,
    sliders_follow_the_keys,
)

from descent.losses import focal, sigmoid


def test_focal_is_the_library(open_figure):
    near = np.array([1e-12, 1e-6, 0.01, 0.1])
    odds = np.log(near) - np.log1p(-near)
    z = np.concatenate([[-1000, -745, -40, 0, 40, 745, 1000], odds, -odds])
    powers = [0, 0.5, 1, 2, 5]
    found = open_figure("focal").evaluate(
        """async ([z, powers]) => {
            const m = await import("live/focal");
            return powers.map((gamma) => z.map((one) => {
                const { weight } = m.focal(one, gamma);
                return [m.focalLoss(one, gamma), m.focalGradient(one, gamma), weight];
            }));
        }""",
        [z.tolist(), powers],
    )
    for gamma, values in zip(powers, np.array(found, float), strict=True):
        value, gradient = focal(z, np.ones_like(z), alpha=None, gamma=gamma, reduction="none")
        close(values[:, 0], value, absolute=1e-300)
        close(values[:, 1], gradient, absolute=1e-300)
        close(values[:, 2], sigmoid(-z) ** gamma, absolute=1e-300)


def rare_share(z, prior, gamma):
    """The rare class's share of the sum of slopes, with the library's gradients."""
    z = np.array([-z, z], dtype=float)
    _, slopes = focal(z, np.ones(2), alpha=None, gamma=gamma, reduction="none")
    rare, common = slopes * [prior, 1 - prior]
    return rare / (rare + common)


def test_share_of_the_rare_class(open_figure):
    grid = list(itertools.product((-4.6, 0, 2, 6.9), (0.001, 0.01, 0.5), (0, 2, 5)))
    found = open_figure("focal").evaluate(
        "async (grid) => { const m = await import('live/focal');"
        "return grid.map((setting) => m.rareShare(...setting)); }",
        grid,
    )
    close(found, [rare_share(*setting) for setting in grid])
    prior = 0.01
    assert rare_share(np.log(99.0), prior, 0) == pytest.approx(0.5)  # the bias at the prior
    assert rare_share(0.0, prior, 5) == pytest.approx(prior)


def focal_table(values):
    gamma, _, z = values

    def slope(z, gamma):
        return -focal(np.array([z]), np.ones(1), alpha=None, gamma=gamma)[1][0]

    return [
        [digits(x) for x in (sigmoid(np.array(u)), sigmoid(np.array(-u)) ** gamma)]
        + [digits(slope(u, power)) for power in (gamma, 0)]
        for u in (z, -z)
    ]


def focal_is_drawn(page, values):
    for line, gamma in [("blue", values[0]), ("vermilion", 0.0)]:
        for plot, top in enumerate((7, 1.4)):
            p, height = curve(page, plot, line)
            inside = (p > 0.1) & (p < 0.95)
            z = np.log(p[inside]) - np.log1p(-p[inside])
            drawn = focal(z, np.ones_like(z), alpha=None, gamma=gamma, reduction="none")[plot]
            np.testing.assert_allclose(height[inside] * top, np.abs(drawn), atol=0.03)


LABELS = ["Focus γ", "Prior of the rare class", "Answer p, “common”"]


@pytest.mark.parametrize(("book", "keys"), [("small", KEYS), ("whole", KEYS[:3])])
def test_every_slider_by_keyboard(open_figure, book, keys):
    page = open_figure("focal", book)
    assert page.figure.locator("input").count() == len(LABELS)
    assert all(page.figure.get_by_label(label).count() == 1 for label in LABELS)
    for _ in sliders_follow_the_keys(page, keys):
        assert readouts(page) == focal_table(slider_values(page))
    focal_is_drawn(page, slider_values(page))
    assert page.faults == []


PRESSES = {
    "Answer 0.5": ["2.0", "1%", "0.5000"],
    "Answer with the prior": ["2.0", "1%", "0.9900"],
    "Cross-entropy: γ = 0": ["0.0", "1%", "0.9900"],
}


def test_every_button_by_keyboard(open_figure):
    page = open_figure("focal")
    values = page.figure.locator(".live-value")
    for i, (label, expected) in enumerate(PRESSES.items()):
        page.figure.get_by_role("button", name=label, exact=True).press(["Enter", "Space"][i % 2])
        assert values.all_inner_texts() == expected


def test_the_shares_are_written_in_words(open_figure):
    page = open_figure("focal")
    page.figure.get_by_role("button", name="Answer with the prior").press("Enter")
    share = rare_share(np.log(99.0), 0.01, 2)
    assert share == pytest.approx(0.9997, abs=1e-4)
    sentence = page.figure.locator(".live-sentence").inner_text()
    assert "holds 99.972% of the total slope" in sentence
    assert "50% with cross-entropy" in sentence
    widths = page.figure.locator(".live-part").evaluate_all(
        "(all) => all.map((e) => e.getAttribute('width') / e.previousSibling.getAttribute('width'))"
    )
    assert widths == pytest.approx([share, 0.5])


def test_a_tap_in_a_plot_moves_its_slider(open_figure):
    page = open_figure("focal", has_touch=True, width=360)
    chart = page.figure.locator(".live-plots .live-plot").first
    chart.scroll_into_view_if_needed()
    box = chart.bounding_box()
    inner = box["width"] - MARGIN["left"] - MARGIN["right"]
    page.touchscreen.tap(box["x"] + MARGIN["left"] + inner / 4, box["y"] + 60)
    assert slider_values(page)[2] == pytest.approx(np.log(0.25 / 0.75), abs=0.05)


def test_the_share_is_spoken(open_figure, spoken):
    assert "%" in spoken(open_figure("focal"))
