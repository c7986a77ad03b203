"""The stream of gradients: its paths are the library's SGD and Adam, and what it shows of them."""

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

from descent.layers import Parameter
from descent.optimizers import SGD, Adam


def walk(method, stream):
    """The library's weight before each step and after the last."""
    w = Parameter(np.zeros(1))
    optimizer, path = method([w], lr=1.0), [0.0]
    for g in stream:
        w.grad[...] = g
        optimizer.step()
        path.append(w.data[0])
    return np.array(path)


def in_the_page(page, settings):
    return page.evaluate(
        """async (settings) => {
            const { adam, descent, gradients } = await import("live/stream");
            return settings.map((setting) => {
                const stream = gradients(setting);
                return [stream, descent(stream), adam(stream)];
            });
        }""",
        settings,
    )


def test_the_paths_are_the_library_s(open_figure):
    settings = [{"power": power, "ratio": ratio} for power in (-1, 0.3, 1) for ratio in (0, 1, 10)]
    for stream, descended, adapted in in_the_page(open_figure("stream"), settings):
        close(descended, walk(SGD, stream), absolute=1e-10)
        close(adapted, walk(Adam, stream), absolute=1e-10)


def test_the_stream_has_the_mean_and_the_noise_that_it_says(open_figure):
    page = open_figure("stream")
    (clean, _, _), (noisy, _, _) = in_the_page(
        page, [{"power": 0.5, "ratio": 0}, {"power": 0.5, "ratio": 2}]
    )
    close(clean, -(10**0.5) * np.ones(100))
    draws = (np.array(noisy) / clean - 1) / 2
    assert abs(draws.mean()) < 0.2
    assert 0.85 < draws.std() < 1.15
    many = np.array(page.evaluate("async () => (await import('live/stream')).noise(40000)"), float)
    assert abs(many.mean()) < 0.02
    assert abs(many.std() - 1) < 0.02
    assert abs(np.corrcoef(many[1:], many[:-1])[0, 1]) < 0.02


def test_the_scale_moves_descent_alone(open_figure):
    one, other = in_the_page(
        open_figure("stream"), [{"power": -1, "ratio": 3}, {"power": 1, "ratio": 3}]
    )
    close(np.array(one[1]) * 100, other[1], absolute=1e-9)
    np.testing.assert_allclose(one[2], other[2], atol=1e-4)  # eps has the unit of the gradient


def shown(page, values):
    ((stream, _, _),) = in_the_page(page, [dict(zip(("power", "ratio"), values, strict=True))])
    return [walk(method, stream) for method in (SGD, Adam)], stream


def table_of(paths, values):
    power, ratio = values
    formulas = [10**power, 1 / np.sqrt(1 + ratio**2)]
    return [
        [fixed(path[-1] / 100, 2), fixed(formula, 2)]
        for path, formula in zip(paths, formulas, strict=True)
    ]


LABELS = ["Scale of the gradients", "Noise-to-signal ratio ρ"]


@pytest.mark.parametrize(("book", "keys"), [("small", KEYS), ("whole", KEYS[:3])])
def test_every_slider_by_keyboard(open_figure, book, keys):
    page = open_figure("stream", book)
    assert page.figure.locator("input").count() == len(LABELS)
    assert all(page.figure.get_by_label(label).count() == 1 for label in LABELS)
    for _ in sliders_follow_the_keys(page, keys):
        paths, _ = shown(page, slider_values(page))
        assert readouts(page) == table_of(paths, slider_values(page))
    paths, stream = shown(page, slider_values(page))
    steps, height = curve(page, 0, "green")
    np.testing.assert_allclose(steps * 100, np.arange(1, 101), atol=0.1)
    np.testing.assert_allclose(height * 40 - 20, np.clip(-np.array(stream), -20, 20), atol=0.3)
    for path, line in zip(paths, ("blue", "vermilion"), strict=True):
        _, height = curve(page, 1, line)
        np.testing.assert_allclose(height * 120 - 10, np.clip(path, -10, 110), atol=0.5)
    assert page.faults == []


PRESSES = {"Ten times the scale": [1, 1], "No noise": [1, 0], "Start again": [0, 1]}


def test_every_button_by_keyboard(open_figure):
    page = open_figure("stream")
    for i, (label, expected) in enumerate(PRESSES.items()):
        page.figure.get_by_role("button", name=label, exact=True).press(["Enter", "Space"][i % 2])
        assert slider_values(page) == expected
        paths, _ = shown(page, expected)
        assert readouts(page) == table_of(paths, expected)


def test_how_far_both_have_gone_is_spoken(open_figure, spoken):
    page = open_figure("stream")
    said = spoken(page)
    (descended, adapted), _ = shown(page, slider_values(page))
    assert f"descent has gone {descended[-1]:.0f} rates, Adam {adapted[-1]:.0f}." in said
