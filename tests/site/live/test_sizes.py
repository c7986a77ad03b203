"""Depth, width and size: the counts and fields are the library's, and what is shown and drawn."""

import numpy as np
import pytest
from livefigures import KEYS, close, curve, fixed, readouts, slider_values, sliders_follow_the_keys

from descent.layers import (
    Conv2d,
    Flatten,
    GlobalAvgPool2d,
    Linear,
    MaxPool2d,
    Sequential,
    flops,
    parameter_count,
    receptive_field,
)
from descent.networks import VGG

FIRST = [2, 8, 32]
SETTINGS = [
    {"convolutions": n, "width": width, "side": side, "pooled": pooled}
    for n, width, side in ((1, 4, 8), (2, 8, 32), (3, 12, 24), (4, 4, 40))
    for pooled in (0, 1)
]


def network(convolutions, width, side, pooled):
    """The network that the figure speaks of, as a VGG of the library."""
    stages = [(width * 2**i,) * convolutions for i in range(3)]
    rng = np.random.default_rng(0)
    net = VGG(stages, hidden=(128,), image_size=side, rng=rng)
    if not pooled:
        return net
    body = net.layers[: next(i for i, a in enumerate(net.layers) if isinstance(a, Flatten))]
    return Sequential(*body, GlobalAvgPool2d(), Linear(4 * width, 10, rng=rng))


def seen(net):
    """The library's receptive field after each window."""
    ends = [i + 1 for i, a in enumerate(net.layers) if isinstance(a, (Conv2d, MaxPool2d))]
    return [1] + [receptive_field(Sequential(*net.layers[:end]))[0] for end in ends]


def totals(convolutions, width, side, pooled):
    net = network(convolutions, width, side, pooled)
    return [parameter_count(net), flops(net, (1, side, side)), seen(net)[-1]]


def test_counts_are_the_librarys(open_figure):
    found = open_figure("sizes").evaluate(
        """async (settings) => {
            const { counts, total } = await import("live/sizes");
            return settings.map((setting) => total(counts(setting)));
        }""",
        SETTINGS,
    )
    assert found == [totals(**setting)[:2] for setting in SETTINGS]


def test_fields_are_the_librarys(open_figure):
    found = open_figure("sizes").evaluate(
        """async () => {
            const { fields } = await import("live/sizes");
            return [1, 2, 3, 6].map(fields);
        }"""
    )
    assert found == [seen(network(n, 4, 8, 0)) for n in (1, 2, 3, 6)]


def test_each_part_by_hand(open_figure):
    """One convolution a stage, 4, 8 and 16 channels, 8×8 pixels, 16 numbers into the head."""
    found = open_figure("sizes").evaluate(
        """async () => {
            const { counts } = await import("live/sizes");
            return counts({ convolutions: 1, width: 4, side: 8, pooled: 0 });
        }"""
    )
    assert found == [
        [40, 36 * 64],
        [(36 + 1) * 8, 36 * 8 * 16],
        [(72 + 1) * 16, 72 * 16 * 4],
        [17 * 128 + 129 * 10, 16 * 128 + 128 * 10],
    ]


def table(values, pooled):
    now, start = totals(*values, pooled), totals(*FIRST, 0)
    numbers = [f"{now[0]:,}", f"{now[1]:,}", f"{now[2]} pixels"]
    return [numbers, [f"× {fixed(a / b, 2)}" for a, b in zip(now, start, strict=True)]]


def pooled_of(page):
    buttons = page.figure.get_by_role("button", name="Head:")
    pressed = [b.get_attribute("aria-pressed") == "true" for b in buttons.all()]
    assert sum(pressed) == 1
    return pressed.index(True)


def is_drawn(page):
    values, pooled = slider_values(page), pooled_of(page)
    parts = page.evaluate(
        """async ([convolutions, width, side, pooled]) => {
            const { counts } = await import("live/sizes");
            return counts({ convolutions, width, side, pooled });
        }""",
        [*values, pooled],
    )
    shares = np.array(parts) / np.sum(parts, axis=0)
    for column, line in enumerate(("blue", "vermilion")):
        across, up = curve(page, 0, line)
        close(across * 3, range(4), absolute=1e-2)
        np.testing.assert_allclose(up, shares[:, column], atol=2e-3)
    across, up = curve(page, 1, "blue")
    expected = seen(network(int(values[0]), 4, 8, 0))
    np.testing.assert_allclose(across * 21, range(len(expected)), atol=0.05)
    np.testing.assert_allclose(up * 100, expected, atol=0.1)


LABELS = ["Depth: convolutions", "Width: channels", "Image: pixels"]


@pytest.mark.parametrize(("book", "keys"), [("small", KEYS), ("whole", KEYS[:3])])
def test_every_slider_by_keyboard(open_figure, book, keys):
    page = open_figure("sizes", book)
    assert page.figure.locator("input").count() == len(LABELS)
    assert all(page.figure.get_by_label(label).count() == 1 for label in LABELS)
    for _ in sliders_follow_the_keys(page, keys):
        pass
    assert page.faults == []


@pytest.mark.parametrize("pooled", [0, 1])
def test_the_table_and_the_curves(open_figure, pooled):
    page = open_figure("sizes")
    assert readouts(page) == table(FIRST, 0)
    is_drawn(page)
    page.figure.get_by_role("button", name=["flatten", "global average"][pooled]).press("Enter")
    for slider, key in zip(
        page.figure.locator("input").all(), ["ArrowRight", "Home", "ArrowRight"], strict=True
    ):
        slider.press(key)
        assert readouts(page) == table([int(v) for v in slider_values(page)], pooled)
        is_drawn(page)
    page.figure.get_by_role("button", name="Start again").press("Space")
    assert pooled_of(page) == 0
    assert readouts(page) == table(FIRST, 0)


def test_the_counts_are_spoken(open_figure, spoken):
    assert "parameters" in spoken(open_figure("sizes"))
