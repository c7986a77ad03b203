"""Ridge and the peak: the figure's fits are the library's, and what its controls and plots show."""

import functools

import numpy as np
import pytest
from livefigures import KEYS, close, curve, fixed, readouts, slider_values, sliders_follow_the_keys

from descent.regularization import ridge, ridge_filter

GRID = np.linspace(0, 1, 201)
SETTINGS = [
    {"p": p, "noise": noise, "strength": strength}
    for p in (1, 7, 19, 20, 21, 60, 100)
    for noise in (0, 0.2)
    for strength in (0, 1e-6, 0.3)
]


def truth(x):
    return 1 - 4 * abs(x - 0.5)


@pytest.fixture
def figure_data(open_figure):
    """The points, the noise and the features of the figure: (20,), (20,), {p: (20, p), …}."""
    return open_figure("peak").evaluate(
        """async () => {
            const { X, NOISE, features } = await import("live/peak");
            return [X, NOISE, X.map((x) => features(x, 100))];
        }"""
    )


@functools.cache
def waves(p):
    k = np.arange(1, p + 1)
    turns = 0.6180339887 * k % 1
    frequency = np.clip(14 * np.tan(np.pi * (turns - 0.5)), -100, 100)
    return lambda x: (
        np.cos(np.outer(x, frequency) + 2 * np.pi * (0.7548776662 * k % 1)) / np.sqrt(p)
    )


def fitted(x, y, p, strength):
    phi = waves(p)(x)
    w = np.linalg.pinv(phi) @ y if strength == 0 else ridge(phi, y, strength)
    return waves(p)(GRID) @ w


def error(x, noise_of, p, noise, strength):
    answers = fitted(x, truth(x) + noise * noise_of, p, strength)
    return np.sqrt(((answers - truth(GRID)) ** 2).mean())


def test_fits_are_the_smallest_norm_and_the_ridge(open_figure, figure_data):
    x, noise_of, _ = map(np.array, figure_data)
    found = open_figure("peak").evaluate(
        """async (settings) => {
            const { answers, testError } = await import("live/peak");
            return settings.map((setting) => [answers(setting), testError(setting)]);
        }""",
        SETTINGS,
    )
    for setting, (answers, distance) in zip(SETTINGS, found, strict=True):
        p, noise, strength = setting.values()
        expected = fitted(x, truth(x) + noise * noise_of, p, strength)
        np.testing.assert_allclose(answers, expected, rtol=1e-5, atol=1e-5)
        np.testing.assert_allclose(distance, error(x, noise_of, p, noise, strength), rtol=1e-5)


def test_the_decomposition_is_numpys(open_figure, figure_data):
    phi = np.array(figure_data[2])
    shapes = {"tall": phi[:, :7], "square": phi[:, :20], "wide": phi}
    found = open_figure("peak").evaluate(
        """async (matrices) => {
            const { decompose } = await import("live/peak");
            return matrices.map(decompose);
        }""",
        [matrix.tolist() for matrix in shapes.values()],
    )
    for parts, matrix in zip(found, shapes.values(), strict=True):
        s = np.array([part["s"] for part in parts])
        u, v = (np.array([part[side] for part in parts]) for side in "uv")
        close((u.T * s) @ v, matrix, absolute=1e-13)
        close(u @ u.T, np.eye(len(s)), absolute=1e-11)
        close(v @ v.T, np.eye(len(s)), absolute=1e-11)
        close(sorted(s, reverse=True), np.linalg.svd(matrix, compute_uv=False), absolute=1e-13)


def test_features_are_waves(figure_data):
    x, _, phi = map(np.array, figure_data)
    close(phi, waves(100)(x), absolute=1e-12)


def test_effective_parameters_are_the_filters_sum(open_figure, figure_data):
    x = np.array(figure_data[0])
    settings = [{"p": p, "strength": strength} for p in (7, 20, 60) for strength in (0, 1e-3, 1)]
    found = open_figure("peak").evaluate(
        """async (settings) => {
            const { effective } = await import("live/peak");
            return settings.map(effective);
        }""",
        settings,
    )
    for value, setting in zip(found, settings, strict=True):
        s = np.linalg.svd(waves(setting["p"])(x), compute_uv=False)
        kept = ridge_filter(s, setting["strength"]).sum() if setting["strength"] else len(s)
        assert value == pytest.approx(kept, rel=1e-9)


@pytest.mark.parametrize("noise", [0, 0.05, 0.2, 0.5])
def test_the_peak_sits_at_twenty_and_the_ridge_removes_it(open_figure, noise):
    """Beyond the few features that cannot follow the truth at all."""
    plain, damped = open_figure("peak").evaluate(
        """async (noise) => {
            const { testError, strengthAt } = await import("live/peak");
            const errors = (strength) =>
                Array.from({ length: 93 }, (_, i) => testError({ p: i + 8, noise, strength }));
            return [errors(0), errors(strengthAt(22))];
        }""",
        noise,
    )
    assert int(np.argmax(plain)) + 8 == 20
    assert damped[12] < plain[12] / 3
    assert max(damped[7:]) < 1.5 * damped[0] + noise


def strength_at(place):
    return 0 if place == 0 else 10 ** (place / 3 - 9)


def table(data, values):
    x, noise_of = map(np.array, data[:2])
    p, noise, place = values
    p, strength = int(p), strength_at(place)
    s = np.linalg.svd(waves(p)(x), compute_uv=False)
    kept = (s**2 / (s**2 + strength)).sum()
    return [[error(x, noise_of, p, noise, strength)], [fixed(kept, 1)]]


def shown_is(page, data, values):
    (distance,), (kept,) = readouts(page)
    (expected,), (count,) = table(data, values)
    assert float(distance.replace("e+", "e")) == pytest.approx(expected, rel=0.06)
    assert kept == count


def curves_are_drawn(page, data, values):
    x, noise_of = map(np.array, data[:2])
    p, noise, place = values
    expected = fitted(x, truth(x) + noise * noise_of, int(p), strength_at(place))
    across, up = curve(page, 0, "blue")
    np.testing.assert_allclose(across, GRID, atol=0.002)
    np.testing.assert_allclose(6 * up - 3, np.clip(expected, -3, 3), atol=0.04)
    across, up = curve(page, 1, "blue")
    counts = np.rint(100 * across).astype(int)
    powers = [np.log10(error(x, noise_of, c, noise, strength_at(place))) for c in counts]
    np.testing.assert_allclose(3 * up - 1.5, np.clip(powers, -1.5, 1.5), atol=0.03)


LABELS = ["Number of features", "Noise", "Ridge λ"]


@pytest.mark.parametrize(("book", "keys"), [("small", KEYS), ("whole", KEYS[:3])])
def test_every_slider_by_keyboard(open_figure, figure_data, book, keys):
    page = open_figure("peak", book)
    assert page.figure.locator("input").count() == len(LABELS)
    assert all(page.figure.get_by_label(label, exact=True).count() == 1 for label in LABELS)
    for _ in sliders_follow_the_keys(page, keys):
        shown_is(page, figure_data, slider_values(page))
    curves_are_drawn(page, figure_data, slider_values(page))
    assert page.faults == []


PRESSES = {
    "Far beyond": [100, 0.2, 0],
    "Add a ridge": [100, 0.2, 22],
    "Start again": [20, 0.2, 0],
}


def test_every_button_by_keyboard(open_figure, figure_data):
    page = open_figure("peak")
    for i, (label, expected) in enumerate(PRESSES.items()):
        page.figure.get_by_role("button", name=label, exact=True).press(["Enter", "Space"][i % 2])
        assert slider_values(page) == expected
        shown_is(page, figure_data, expected)
        curves_are_drawn(page, figure_data, expected)


def test_the_number_of_features_is_dragged_in_the_plot(open_figure):
    page = open_figure("peak")
    chart = page.figure.locator(".live-plots .live-plot").nth(1)
    box = chart.bounding_box()
    across = 34 + 0.6 * (box["width"] - 46)
    page.mouse.move(box["x"] + across, box["y"] + 100)
    page.mouse.down()
    page.mouse.up()
    assert slider_values(page)[0] == 60


def test_the_error_is_spoken(open_figure, spoken):
    assert "21 features, no ridge: error 3.0" in spoken(open_figure("peak"))
