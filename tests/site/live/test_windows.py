"""Stride, padding, dilation: places and pixels are the library's, and what the figure draws."""

import itertools

import numpy as np
import pytest
from livefigures import KEYS, readouts, slider_values, sliders_follow_the_keys

from descent.layers import Conv2d, col2im, conv_output_size, im2col

NAMES = ["kernel", "stride", "padding", "dilation"]
LABELS = ["Kernel k", "Stride s", "Padding p", "Dilation d"]
SETTINGS = [
    dict(zip(NAMES, values, strict=True))
    for values in itertools.product((1, 2, 3, 5), (1, 2, 3, 5), (0, 1, 4), (1, 2, 5))
]


def library_outputs(setting, n=8):
    options = {name: setting[name] for name in NAMES[1:]}
    try:
        return conv_output_size(n, setting["kernel"], **options)
    except ValueError:
        return 0


def strip_options(setting):
    """For an image that is one pixel high."""
    return {
        "kernel_size": (1, setting["kernel"]),
        "stride": (1, setting["stride"]),
        "padding": (0, setting["padding"]),
        "dilation": (1, setting["dilation"]),
    }


def library_views(setting, n=8):
    if library_outputs(setting, n) == 0:
        return [0] * n
    options = strip_options(setting)
    ones = im2col(np.ones((1, 1, 1, n)), **options)
    return col2im(np.ones_like(ones), (1, n), **options)[0, 0, 0].astype(int).tolist()


def library_seen(setting, output, n=8):
    """The pixels in which the gradient of one output is not zero."""
    layer = Conv2d(1, 1, **strip_options(setting), bias=False, rng=np.random.default_rng(0))
    y = layer(np.ones((1, 1, 1, n)))
    delta = np.zeros_like(y)
    delta[..., output] = 1
    return np.flatnonzero(layer.backward(delta)).tolist()


@pytest.mark.parametrize("n", [8, 5])
def test_outputs_and_views_are_the_library(open_figure, n):
    found = open_figure("windows").evaluate(
        """async ([settings, n]) => {
            const m = await import("live/windows");
            return settings.map((setting) => [m.outputs(setting, n), m.views(setting, n)]);
        }""",
        [SETTINGS, n],
    )
    for setting, (count, views) in zip(SETTINGS, found, strict=True):
        assert count == library_outputs(setting, n)
        assert views == library_views(setting, n)


def test_what_an_output_sees_is_where_its_gradient_is(open_figure):
    cases = [(s, u) for s in SETTINGS for u in range(library_outputs(s))]
    found = open_figure("windows").evaluate(
        """async (cases) => {
            const m = await import("live/windows");
            return cases.map(([setting, output]) => m.seen(setting, output));
        }""",
        cases,
    )
    for (setting, output), places in zip(cases, found, strict=True):
        assert len(places) == setting["kernel"]
        assert [v for v in places if 0 <= v < 8] == library_seen(setting, output)


def setting_of(page):
    return dict(zip(NAMES, map(int, slider_values(page)), strict=True))


def numbers_below(page):
    """The numbers that stand under the pixels."""
    texts = page.figure.locator(".live-plot text").all_text_contents()
    return [int(text) for text in texts[:8]]


def shown_is_the_library(page):
    setting = setting_of(page)
    count, views = library_outputs(setting), library_views(setting)
    ((outputs, _, unseen),) = readouts(page)
    assert int(outputs) == count
    assert int(unseen) == views.count(0)
    assert numbers_below(page) == views
    lines = page.figure.locator(".live-plot .live-rule:not(.dotted)").count()
    assert lines == count * setting["kernel"]
    sentence = page.figure.locator(".live-sentence").inner_text()
    assert ("does not fit" in sentence) == (count == 0)
    if count:
        assert f"= {count} output" in sentence.replace("\u00a0", " ")


@pytest.mark.parametrize(("book", "keys"), [("small", KEYS), ("whole", KEYS[:3])])
def test_every_slider_by_keyboard(open_figure, book, keys):
    page = open_figure("windows", book)
    assert page.figure.locator("input").count() == len(LABELS)
    assert all(page.figure.get_by_label(label).count() == 1 for label in LABELS)
    for _ in sliders_follow_the_keys(page, keys):
        shown_is_the_library(page)
    assert page.faults == []


def test_the_button_goes_from_output_to_output_and_round(open_figure):
    page = open_figure("windows")
    button = page.figure.get_by_role("button", name="Next output", exact=True)
    seen = []
    for i in range(4):
        seen.append(readouts(page)[0][1])
        button.press(["Enter", "Space"][i % 2])
    expected = ["pixels 0, 1 and 2", "pixels 2, 3 and 4", "pixels 4, 5 and 6"]
    assert seen == [*expected, expected[0]]


def test_padding_is_named_and_the_start_comes_back(open_figure):
    page = open_figure("windows")
    assert readouts(page) == [["3", "pixels 0, 1 and 2", "1"]]
    page.figure.get_by_label("Padding p").press("ArrowRight")
    assert readouts(page) == [["4", "pixels 0 and 1, 1 of the padding", "0"]]
    page.figure.get_by_label("Kernel k").press("End")
    page.figure.get_by_label("Dilation d").press("End")
    assert readouts(page) == [["0", "–", "8"]]
    page.figure.get_by_role("button", name="Start again").press("Enter")
    assert readouts(page) == [["3", "pixels 0, 1 and 2", "1"]]
    assert setting_of(page) == {"kernel": 3, "stride": 2, "padding": 0, "dilation": 1}


def test_fewer_outputs_keep_the_chosen_one_in_range(open_figure):
    page = open_figure("windows")
    for _ in range(2):
        page.figure.get_by_role("button", name="Next output").press("Enter")
    page.figure.get_by_label("Stride s").press("End")
    assert readouts(page) == [["2", "pixels 5, 6 and 7", "2"]]
    assert page.faults == []


def test_the_formula_is_spoken(open_figure, spoken):
    assert "= 3 outputs. Every pixel is seen." in spoken(open_figure("windows")).replace(
        "\u00a0", " "
    )
