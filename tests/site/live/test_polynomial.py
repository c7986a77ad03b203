"""The polynomials: their rounds are Newton-Schulz', and what the controls and plots show."""

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

from descent.optimizers import newton_schulz

NAMES = ["cubic", "quintic", "Jordan's"]
COEFFICIENTS = [(1.5, -0.5, 0.0), (15 / 8, -10 / 8, 3 / 8), (3.4445, -4.7750, 2.0315)]


def by_the_library(coefficients, s, rounds):
    """The singular value s among others, by Newton-Schulz, whose matrix has Frobenius norm 1."""
    other = np.sqrt(1 - s**2)
    matrix = newton_schulz(np.diag([s, other]), steps=rounds, coefficients=coefficients)
    return matrix[0, 0]


def test_rounds_are_the_library(open_figure):
    settings = [
        [name, s, rounds]
        for name in NAMES
        for s in (1e-3, 0.02, 0.5, 0.9)
        for rounds in (0, 1, 5, 9)
    ]
    found = open_figure("polynomial").evaluate(
        """async (settings) => {
            const { POLYNOMIALS, orbit } = await import("live/polynomial");
            return settings.map(([name, s, n]) => orbit(POLYNOMIALS[name], s, n).at(-1));
        }""",
        settings,
    )
    table = dict(zip(NAMES, COEFFICIENTS, strict=True))
    close(found, [by_the_library(table[name], s, n) for name, s, n in settings], absolute=1e-12)


def rounds_needed(coefficients, s):
    a, b, c = coefficients
    n = 0
    while abs(s - 1) > 0.3:
        s, n = a * s + b * s**3 + c * s**5, n + 1
    return n


def test_rounds_from_three_thousandths(open_figure):
    found = open_figure("polynomial").evaluate(
        """async () => {
            const { POLYNOMIALS, arrival } = await import("live/polynomial");
            return Object.values(POLYNOMIALS).map((p) => arrival(p, 0.003));
        }"""
    )
    assert found == [14, 9, 5]


def polynomial_table(values):
    rounds, power = int(values[0]), values[1]
    s = 10.0**power

    def after(coefficients):
        x = s
        for _ in range(rounds):
            x = sum(k * x**e for k, e in zip(coefficients, (1, 3, 5), strict=True))
        return x

    return [
        [digits(coefficients[0]) for coefficients in COEFFICIENTS],
        [fixed(after(coefficients), 3) for coefficients in COEFFICIENTS],
        [str(rounds_needed(coefficients, s)) for coefficients in COEFFICIENTS],
    ]


LABELS = ["Rounds", "The number s"]


@pytest.mark.parametrize(("book", "keys"), [("small", KEYS), ("whole", KEYS[:3])])
def test_every_slider_by_keyboard(open_figure, book, keys):
    page = open_figure("polynomial", book)
    assert page.figure.locator("input").count() == len(LABELS)
    assert all(page.figure.get_by_label(label, exact=True).count() == 1 for label in LABELS)
    for _ in sliders_follow_the_keys(page, keys):
        assert readouts(page) == polynomial_table(slider_values(page))
    assert page.faults == []


def test_the_chosen_polynomial_is_drawn(open_figure):
    page = open_figure("polynomial")
    for i, (name, (a, b, c)) in enumerate(zip(NAMES, COEFFICIENTS, strict=True)):
        button = page.figure.get_by_role("button", name=f"Take {name}", exact=True)
        button.press(["Enter", "Space"][i % 2])
        across, height = curve(page, 0, "blue")
        s = 10 ** (3.5 * (across - 1))
        for _ in range(5):
            s = a * s + b * s**3 + c * s**5
        np.testing.assert_allclose(height * 1.4, s, atol=0.05)


def test_start_again(open_figure):
    page = open_figure("polynomial")
    page.figure.get_by_role("slider", name="Rounds").press("End")
    page.figure.get_by_role("button", name="Start again").press("Enter")
    assert slider_values(page) == [5, -2.5]


def test_the_number_is_spoken(open_figure, spoken):
    assert "After 6 rounds of the Jordan's polynomial" in spoken(open_figure("polynomial"))
