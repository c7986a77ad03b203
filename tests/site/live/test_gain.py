"""Gain and depth: the recursion of sizes is the library's layers', and what the figure shows."""

import numpy as np
import pytest
from livefigures import (
    KEYS,
    close,
    curve,
    fixed,
    readouts,
    slider_values,
    sliders_follow_the_keys,
)

from descent.layers import Linear, ReLU, Sequential, Sigmoid, Tanh

LAYERS = {"ReLU": ReLU, "tanh": Tanh, "sigmoid": Sigmoid}
GAINS = {"PyTorch's default": 3**-0.5, "Xavier": 1.0, "He": 2**0.5}
Z = (np.arange(40_000) + 0.5) * 4e-4 - 8
DENSITY = np.exp(-(Z**2) / 2) / np.sqrt(2 * np.pi) * 4e-4


def by_the_library(name, gain, depth):
    """Sizes of signal and gradient in a network of infinite width, by the library's layers."""
    layer, signal, factors = LAYERS[name](), [1.0], []
    for _ in range(depth):
        y = layer(gain * signal[-1] * Z)
        factors.append(gain * np.sqrt(DENSITY @ layer.backward(np.ones_like(Z)) ** 2))
        signal.append(np.sqrt(DENSITY @ y**2))
    return np.array(signal), np.append(np.cumprod(factors[::-1])[::-1], 1.0)


def from_the_figure(page, settings):
    return page.evaluate(
        """async (settings) => {
            const { through } = await import("live/gain");
            return settings.map(([name, gain, depth]) => through(name, gain, depth));
        }""",
        settings,
    )


def test_sizes_are_the_library(open_figure):
    settings = [
        [name, gain, depth]
        for name in LAYERS
        for gain, depth in [(0.5, 3), (3**-0.5, 60), (1.0, 1), (1.41, 50), (2.5, 20)]
    ]
    found = from_the_figure(open_figure("gain"), settings)
    for setting, sizes in zip(settings, found, strict=True):
        signal, gradient = by_the_library(*setting)
        close(np.log(sizes["signal"]), np.log(signal), absolute=1e-7)
        close(np.log(sizes["gradient"]), np.log(gradient), absolute=1e-7)


@pytest.mark.parametrize("name", LAYERS)
def test_a_real_network_agrees(open_figure, name):
    rng, width, depth, gain = np.random.default_rng(3), 400, 8, 1.3
    layers = []
    for _ in range(depth):
        linear = Linear(width, width, bias=False, rng=rng)
        linear.weight.data[...] = rng.normal(0, gain / np.sqrt(width), (width, width))
        layers += [linear, LAYERS[name]()]
    net = Sequential(*layers)
    x, back = rng.normal(size=(2, 20, width))
    out, returned = net(x), net.backward(back)
    (sizes,) = from_the_figure(open_figure("gain"), [[name, gain, depth]])
    rms = [np.sqrt((a**2).mean()) for a in (out, returned)]
    expected = [sizes["signal"][-1], sizes["gradient"][0]]
    np.testing.assert_allclose(np.log(rms), np.log(expected), atol=0.2)


def table(name, gain, depth):
    signal, gradient = by_the_library(name, gain, depth)
    return [
        [fixed(np.log10(signal[-1]), 1), fixed(np.log10(gradient[0]), 1)],
        [fixed(signal[-1] / signal[-2], 3), fixed(gradient[0] / gradient[1], 3)],
    ]


LABELS = ["Gain √n · σ", "Depth"]


@pytest.mark.parametrize(("book", "keys"), [("small", KEYS), ("whole", KEYS[:3])])
def test_every_slider_by_keyboard(open_figure, book, keys):
    page = open_figure("gain", book)
    assert page.figure.locator("input").count() == len(LABELS)
    assert all(page.figure.get_by_label(label, exact=True).count() == 1 for label in LABELS)
    for _ in sliders_follow_the_keys(page, keys):
        gain, depth = slider_values(page)
        assert readouts(page) == table("ReLU", gain, int(depth))
    assert page.faults == []


@pytest.mark.parametrize("name", LAYERS)
def test_the_curves_are_drawn_for_every_gain_by_name(open_figure, name):
    page = open_figure("gain")
    page.figure.get_by_role("button", name=name, exact=True).press("Enter")
    for words, gain in GAINS.items():
        page.figure.get_by_role("button", name=f"{words} gain", exact=True).press("Space")
        assert readouts(page) == table(name, gain, 50)
        for sizes, line in zip(by_the_library(name, gain, 50), ["blue", "vermilion"], strict=True):
            across, height = curve(page, 0, line)
            np.testing.assert_allclose(60 * across, np.arange(51), atol=0.1)
            expected = np.clip(np.log10(sizes), -22, 16)
            np.testing.assert_allclose(38 * height - 22, expected, atol=0.1)


def test_start_again(open_figure):
    page = open_figure("gain")
    page.figure.get_by_role("slider", name="Depth").press("End")
    page.figure.get_by_role("button", name="tanh", exact=True).press("Enter")
    page.figure.get_by_role("button", name="Start again").press("Enter")
    assert slider_values(page) == [1, 50]
    assert readouts(page) == table("ReLU", 1.0, 50)


def test_the_sizes_are_spoken(open_figure, spoken):
    assert "ReLU, 50 layers: the signal ends at 10 to the −7.3" in spoken(open_figure("gain"))
