"""Label smoothing: losses, floors and best leads are the library's, and what is drawn of them."""

import itertools

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

from descent.losses import cross_entropy, entropy, softmax


def logits(lead, classes=10):
    return lead * np.eye(classes)[:1]


def library_loss(lead, epsilon, classes=10):
    z = logits(lead, classes)
    return cross_entropy(z, np.array([0]), label_smoothing=float(epsilon))[0]


def smoothed(epsilon, classes=10):
    return (1 - epsilon) * np.eye(classes)[0] + epsilon / classes


def library_best(epsilon, classes=10):
    q = smoothed(epsilon, classes)
    return np.log(q[0]) - np.log(q[1])


def test_smoothing_is_the_library(open_figure):
    grid = list(itertools.product((0, 0.7, 4.5, 12, 30), (0, 0.01, 0.1, 0.5), (2, 10, 1000)))
    found = open_figure("smoothing").evaluate(
        """async (grid) => {
            const m = await import("live/smoothing");
            return grid.map(([lead, epsilon, classes]) => [
                m.loss(lead, epsilon, classes), m.truth(lead, classes), m.floor(epsilon, classes),
                epsilon ? m.bestLead(epsilon, classes) : 0,
            ]);
        }""",
        grid,
    )
    for (lead, epsilon, classes), (loss, truth, floor, best) in zip(grid, found, strict=True):
        close(loss, library_loss(lead, epsilon, classes), absolute=1e-14)
        close(truth, softmax(logits(lead, classes))[0, 0])
        close(floor, entropy(smoothed(epsilon, classes)))
        if epsilon:
            close(best, library_best(epsilon, classes))
            _, slope = cross_entropy(
                logits(best, classes), np.array([0]), label_smoothing=float(epsilon)
            )
            np.testing.assert_allclose(slope, 0, atol=1e-14)


def expected_table(values):
    lead, epsilon = values
    floor = entropy(smoothed(epsilon))

    def cells(a, loss):
        p = softmax(logits(a))[0, 0] if np.isfinite(a) else 1.0
        return [fixed(p, 4), fixed(loss, 3), fixed(max(loss - floor, 0), 3)]

    best = library_best(epsilon) if epsilon else np.inf
    first = "∞" if epsilon == 0 else fixed(best, 2)
    return [
        [fixed(lead, 1), *cells(lead, library_loss(lead, epsilon))],
        [first, *cells(best, floor)],
    ]


def is_drawn(page, values):
    for line, epsilon in (("vermilion", 0.0), ("blue", values[1])):
        across, up = curve(page, 0, line)
        expected = [library_loss(12 * a, epsilon) for a in across]
        np.testing.assert_allclose(4 * up, expected, atol=0.02)


LABELS = ["Lead of the true logit", "Label smoothing ε"]


@pytest.mark.parametrize(("book", "keys"), [("small", KEYS), ("whole", KEYS[:3])])
def test_every_slider_by_keyboard(open_figure, book, keys):
    page = open_figure("smoothing", book)
    assert page.figure.locator("input").count() == len(LABELS)
    assert all(page.figure.get_by_label(label).count() == 1 for label in LABELS)
    for _ in sliders_follow_the_keys(page, keys):
        assert readouts(page) == expected_table(slider_values(page))
    is_drawn(page, slider_values(page))
    assert page.faults == []


PRESSES = {
    "Go to the best lead": ["4.5", "0.10"],
    "No smoothing": ["4.5", "0.00"],
    "Start again": ["9.0", "0.10"],
}


def test_every_button_by_keyboard(open_figure):
    page = open_figure("smoothing")
    values = page.figure.locator(".live-value")
    for i, (label, expected) in enumerate(PRESSES.items()):
        page.figure.get_by_role("button", name=label, exact=True).press(["Enter", "Space"][i % 2])
        assert values.all_inner_texts() == expected


def test_the_floor_is_written_in_words(open_figure):
    page = open_figure("smoothing")
    sentence = page.figure.locator(".live-sentence")
    assert "no loss lies below 0.500" in sentence.inner_text().replace("\u00a0", " ")
    assert "More confidence than 0.910 costs." in sentence.inner_text().replace("\u00a0", " ")
    page.figure.get_by_label("Lead of the true logit").press("Home")
    assert "Less confidence than 0.910 costs." in sentence.inner_text().replace("\u00a0", " ")
    page.figure.get_by_role("button", name="No smoothing").press("Enter")
    assert "there is no best one" in sentence.inner_text()
    page.figure.get_by_role("button", name="Go to the best lead").press("Enter")
    assert slider_values(page) == [12, 0]


def test_a_tap_in_the_plot_moves_the_lead(open_figure):
    page = open_figure("smoothing", has_touch=True, width=360)
    chart = page.figure.locator(".live-plots .live-plot").first
    chart.scroll_into_view_if_needed()
    box = chart.bounding_box()
    inner = box["width"] - MARGIN["left"] - MARGIN["right"]
    page.touchscreen.tap(box["x"] + MARGIN["left"] + inner / 4, box["y"] + 60)
    assert slider_values(page)[0] == pytest.approx(3, abs=0.1)


def test_the_verdict_is_spoken(open_figure, spoken):
    assert "confidence" in spoken(open_figure("smoothing"))
