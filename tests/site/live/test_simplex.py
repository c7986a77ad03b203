"""The simplex: cross-entropy of three classes is the library's, and what its controls show."""

import itertools

import numpy as np
import pytest
from livefigures import (
    KEYS,
    close,
    fixed,
    middle,
    readouts,
    slider_values,
    sliders_follow_the_keys,
)

from descent.losses import cross_entropy, softmax


def test_simplex_is_the_library(open_figure):
    rng = np.random.default_rng(0)
    logits = [np.zeros(3), np.array([1000.0, 0, -1000]), np.array([-1000.0, 1000, 1000])]
    logits += [scale * rng.normal(size=3) for scale in (1e-3, 1, 10, 300)]
    grid = list(itertools.product(logits, range(3), (0, 0.1, 0.5, 1), (0.3, 1, 5)))
    found = open_figure("simplex").evaluate(
        """async (grid) => {
            const m = await import("live/simplex");
            return grid.map(([z, truth, epsilon, T]) => {
                const q = m.smoothed(truth, epsilon);
                const value = m.crossEntropy(q, m.logSoftmax(z, T));
                return [value, m.softmax(z, T), m.gradient(z, q, T)];
            });
        }""",
        [[z.tolist(), *rest] for z, *rest in grid],
    )
    for (z, truth, epsilon, T), (value, p, gradient) in zip(grid, found, strict=True):
        scaled = z[None] / T
        expected, slope = cross_entropy(scaled, np.array([truth]), label_smoothing=epsilon)
        close(value, expected)
        close(p, softmax(scaled)[0])
        close(gradient, slope[0] / T)


def library_walk(z, truth, epsilon, T, steps):
    """Gradient descent on the logits at the rate 1, with the library's loss: p on the way."""
    way = [softmax(z / T)]
    for _ in range(steps):
        _, slope = cross_entropy(z[None] / T, np.array([truth]), label_smoothing=epsilon)
        z = np.clip(z - slope[0] / T, -10, 10)
        way.append(softmax(z / T))
    return np.array(way)


def test_the_way_is_that_of_the_probabilities(open_figure):
    """Not along q − p, which is where the logits go: steps on the logits, seen in p."""
    rng = np.random.default_rng(2)
    logits = [np.array([-1.0, 2, 0]), np.array([-6.0, 6, -6]), *rng.normal(size=(3, 3)) * 3]
    grid = list(itertools.product(logits, range(3), (0, 0.3), (0.5, 1, 2)))
    found = open_figure("simplex").evaluate(
        """async (grid) => {
            const { smoothed, walk } = await import("live/simplex");
            return grid.map(([z, truth, epsilon, T]) => walk(z, smoothed(truth, epsilon), T, 5));
        }""",
        [[z.tolist(), *rest] for z, *rest in grid],
    )
    for (z, truth, epsilon, T), way in zip(grid, found, strict=True):
        close(way, library_walk(z, truth, epsilon, T, steps=5))


def test_the_first_step_raises_a_wrong_class_as_announced(open_figure):
    page = open_figure("simplex")
    assert [row[1] for row in readouts(page)] == ["0.042", "0.844", "0.114"]
    assert [row[4] for row in readouts(page)] == ["0.191", "0.632", "0.177"]
    page.figure.get_by_role("button", name="One step downhill").press("Enter")
    assert [row[1] for row in readouts(page)] == ["0.191", "0.632", "0.177"]


def test_logits_of_probabilities_lead_back(open_figure):
    rng = np.random.default_rng(1)
    shares = [[1 - 2e-9, 1e-9, 1e-9], *rng.dirichlet(np.ones(3), size=5).tolist()]
    back = open_figure("simplex").evaluate(
        """async (shares) => {
            const { logitsOf, softmax } = await import("live/simplex");
            return shares.map((p) => [0.3, 1, 5].map((T) => softmax(logitsOf(p, T), T)));
        }""",
        shares,
    )
    for p, found in zip(shares, back, strict=True):
        close(found, np.tile(p, (3, 1)))


def simplex_table(values, truth=0):
    z, (T, epsilon) = np.array(values[:3]), values[3:]
    _, slope = cross_entropy(z[None] / T, np.array([truth]), label_smoothing=epsilon)
    q = (1 - epsilon) * np.eye(3)[truth] + epsilon / 3
    columns = softmax(z / T), q, slope[0] / T, library_walk(z, truth, epsilon, T, steps=1)[1]
    return [[fixed(z[k], 2), *(fixed(column[k], 3) for column in columns)] for k in range(3)]


def simplex_is_drawn(page, values):
    p = softmax(np.array(values[:3]) / values[3])
    triangle = page.figure.locator(".live-triangle")
    outline = triangle.locator(".live-axis").get_attribute("d").strip("MZ").split("L")
    corners = np.array([corner.split(",") for corner in outline], dtype=float)
    place = triangle.locator(".live-handle").get_attribute("transform")[len("translate(") : -1]
    np.testing.assert_allclose(np.array(place.split(","), dtype=float), p @ corners, atol=0.2)
    truth = int(page.figure.locator("[aria-pressed='true']").inner_text()[-1])
    way = library_walk(np.array(values[:3]), truth, values[4], values[3], steps=40)
    dots = triangle.locator(".live-dot").evaluate_all(
        "(all) => all.map((e) => [e.getAttribute('cx'), e.getAttribute('cy')].map(Number))"
    )
    np.testing.assert_allclose(dots, way[1:] @ corners, atol=0.2)


LABELS = [f"Logit of class {k}" for k in range(3)] + ["Temperature T", "Label smoothing ε"]


@pytest.mark.parametrize(("book", "keys"), [("small", KEYS), ("whole", KEYS[:3])])
def test_every_slider_by_keyboard(open_figure, book, keys):
    page = open_figure("simplex", book)
    assert page.figure.locator("input").count() == len(LABELS)
    assert all(page.figure.get_by_label(label).count() == 1 for label in LABELS)
    for _ in sliders_follow_the_keys(page, keys):
        assert readouts(page) == simplex_table(slider_values(page))
    simplex_is_drawn(page, slider_values(page))
    assert page.faults == []


PRESSES = {
    "One step downhill": ["−0.04", "1.16", "−0.11", "1.0", "0.00"],
    "Sure and wrong": ["−6.00", "6.00", "−6.00", "1.0", "0.00"],
    "Raise all logits by 1": ["−5.00", "7.00", "−5.00", "1.0", "0.00"],
    "Start again": ["−1.00", "2.00", "0.00", "1.0", "0.00"],
}


def test_every_button_by_keyboard(open_figure):
    page = open_figure("simplex")
    values = page.figure.locator(".live-value")
    for i, (label, expected) in enumerate(PRESSES.items()):
        page.figure.get_by_role("button", name=label, exact=True).press(["Enter", "Space"][i % 2])
        assert values.all_inner_texts() == expected


def test_the_truth_is_chosen_by_keyboard(open_figure):
    page = open_figure("simplex")
    for truth in (1, 2, 0):
        button = page.figure.get_by_role("button", name=f"class {truth}")
        button.press("Enter")
        pressed = page.figure.locator("[aria-pressed='true']").all_inner_texts()
        assert pressed == [f"class {truth}"]
        assert readouts(page) == simplex_table(slider_values(page), truth)


def test_the_loss_is_written_in_words(open_figure):
    page = open_figure("simplex")
    page.figure.get_by_label("Label smoothing ε").press("PageUp")
    z, epsilon = np.array([[-1.0, 2, 0]]), slider_values(page)[-1]
    total, _ = cross_entropy(z, np.array([0]), label_smoothing=epsilon)
    q = (1 - epsilon) * np.eye(3)[0] + epsilon / 3
    floor = -(q * np.log(q)).sum()
    words = page.figure.locator(".live-sentence").inner_text()
    for number in (total, floor, total - floor):
        assert fixed(number, 3) in words


def handle_state(page):
    handle = page.figure.get_by_role("slider", name="The distribution p")
    return [handle.get_attribute(name) for name in ("transform", "aria-valuetext", "aria-valuenow")]


def test_the_point_moves_by_keyboard(open_figure):
    page = open_figure("simplex")
    handle = page.figure.get_by_role("slider", name="The distribution p")
    before = handle_state(page)
    for key in ("ArrowLeft", "ArrowUp", "ArrowRight", "ArrowDown", "PageUp", "PageDown", "End"):
        handle.press(key)
        assert handle_state(page) != before
        before = handle_state(page)
    assert before[1] == "class 0 99.9%, class 1 0.0%, class 2 0.0%"
    handle.press("Home")
    third = "class 0 33.3%, class 1 33.3%, class 2 33.3%"
    assert handle_state(page)[1:] == [third, "33.3"]
    handle.press("ArrowUp")  # 0.02 sides of the triangle, whose height is √¾
    p = 1 / 3 + 0.02 / 0.75**0.5
    assert handle_state(page)[2] == f"{100 * p:.1f}"
    handle.press("Tab")
    assert page.evaluate("document.activeElement.type") == "range"


def test_the_point_is_dragged(open_figure):
    page = open_figure("simplex")
    x, y = middle(page.figure.locator(".live-handle .live-reach"))
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 60, y - 50, steps=3)
    page.mouse.up()
    assert middle(page.figure.locator(".live-reach")) == pytest.approx((x + 60, y - 50), abs=1)
    page.mouse.move(x, y)
    assert middle(page.figure.locator(".live-reach")) == pytest.approx((x + 60, y - 50), abs=1)


def test_the_distribution_is_spoken(open_figure, spoken):
    assert "class 0 4.6%" in spoken(open_figure("simplex"))
