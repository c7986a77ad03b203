"""The phase portrait: eigenvalues are NumPy's, paths the library's, and what it shows."""

import itertools

import numpy as np
import pytest
from livefigures import (
    KEYS,
    close,
    curve,
    digits,
    fixed,
    readouts,
    slider_values,
    sliders_follow_the_keys,
)

from descent.optimizers import gradient_descent

GRID = list(itertools.product((0.02, 0.1, 0.64, 1.0, 1.9, 3.5, 4.2), (0, 0.01, 0.5, 0.9, 0.99)))


def matrix(product, mu):
    """What a step at the rate 1 does to position and velocity."""
    return np.array([[1 - product, -mu], [product, mu]])


def eigenvalues(product, mu):
    """The larger one first, or the upper one of a pair."""
    return sorted(
        np.linalg.eigvals(matrix(product, mu)), key=lambda z: (z.imag, z.real), reverse=True
    )


def walk(product, mu, steps=60):
    """Position and last step of the library's momentum on ½ · product · w², from 1 at rest."""
    w = gradient_descent(lambda w: product * w, np.ones(1), 1.0, steps, momentum=mu)[:, 0]
    return np.stack([w, np.diff(w, prepend=1.0)], axis=1)


def evaluated(open_figure, name):
    return open_figure("phase").evaluate(
        "async ([name, grid]) => { const m = await import('live/phase');"
        "return grid.map((setting) => m[name](...setting)); }",
        [name, GRID],
    )


def test_eigenvalues_are_those_of_the_matrix(open_figure):
    for setting, found in zip(GRID, evaluated(open_figure, "eigenvalues"), strict=True):
        expected = [[z.real, z.imag] for z in eigenvalues(*setting)]
        close(found, expected, absolute=1e-7 if setting[1] == 0.01 else 1e-12)


def test_the_factor_is_the_larger_size(open_figure):
    expected = [abs(np.linalg.eigvals(matrix(*setting))).max() for setting in GRID]
    close(evaluated(open_figure, "factor"), expected, absolute=1e-12)


def test_paths_are_the_library(open_figure):
    settings = [{"product": product, "mu": mu} for product, mu in GRID]
    runs = open_figure("phase").evaluate(
        "async (settings) => { const { trajectory } = await import('live/phase');"
        "return settings.map(trajectory); }",
        settings,
    )
    for setting, run in zip(GRID, runs, strict=True):
        expected = walk(*setting)
        np.testing.assert_allclose(
            np.array(run, float), expected, rtol=1e-9, atol=1e-9 * abs(expected).max()
        )


def regime(product, mu):
    """What the path does, by the eigenvalues."""
    both = np.array(eigenvalues(product, mu))
    if abs(both).max() >= 1:
        return "runs away"
    if abs(both.imag).max() > 0:
        return "rings"
    return "slides" if both.real.max() > 0 else "zigzags"


def test_regimes(open_figure):
    assert evaluated(open_figure, "regime") == [regime(*setting) for setting in GRID]


def test_at_the_critical_momentum_the_eigenvalues_meet(open_figure):
    products = [0.04, 0.25, 1.44, 2.25]
    found = open_figure("phase").evaluate(
        """async (products) => {
            const { critical, eigenvalues } = await import("live/phase");
            return products.map((product) => eigenvalues(product, critical(product)));
        }""",
        products,
    )
    for product, both in zip(products, found, strict=True):
        close(both, [[1 - np.sqrt(product), 0]] * 2, absolute=1e-7)


def phase_table(values):
    both = eigenvalues(*values)

    def complex_number(z):
        if z.imag == 0:
            return fixed(z.real, 3)
        return f"{fixed(z.real, 3)} {'−' if z.imag < 0 else '+'} {fixed(abs(z.imag), 3)} i"

    return [[complex_number(z) for z in both], [digits(abs(z)) for z in both]]


def phase_is_drawn(page, values):
    across, up = curve(page, 1, "green")
    run = walk(*values) / [1, np.sqrt(values[0])]
    drawn = (np.stack([across, up], axis=1) * 2 - 1) * [1.5, 2]
    np.testing.assert_allclose(drawn, np.clip(run, [-1.5, -2], [1.5, 2]), atol=0.02)


LABELS = ["Rate × curvature ηλ", "Momentum μ"]


@pytest.mark.parametrize(("book", "keys"), [("small", KEYS), ("whole", KEYS[:3])])
def test_every_slider_by_keyboard(open_figure, book, keys):
    page = open_figure("phase", book)
    assert page.figure.locator("input").count() == len(LABELS)
    assert all(page.figure.get_by_label(label).count() == 1 for label in LABELS)
    for _ in sliders_follow_the_keys(page, keys):
        assert readouts(page) == phase_table(slider_values(page))
    phase_is_drawn(page, slider_values(page))
    assert page.faults == []


PRESSES = {
    "Let them meet": [0.1, 0.47],
    "Without momentum": [0.1, 0],
    "Start again": [0.1, 0.9],
}


def test_every_button_by_keyboard(open_figure):
    page = open_figure("phase")
    for i, (label, expected) in enumerate(PRESSES.items()):
        page.figure.get_by_role("button", name=label, exact=True).press(["Enter", "Space"][i % 2])
        assert slider_values(page) == expected
        assert readouts(page) == phase_table(expected)
        phase_is_drawn(page, expected)


def test_what_the_path_does_is_spoken(open_figure, spoken):
    assert "It rings: a step leaves 0.949" in spoken(open_figure("phase"))
