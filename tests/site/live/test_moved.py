"""The moved digit: its networks are the chapter's, rounded, and its changes the library's."""

import re
from pathlib import Path

import numpy as np
import pytest
from livefigures import KEYS, close, fixed, readouts, slider_values, sliders_follow_the_keys

from bookkit.moved import by_a_pixel, examples, module, taught, whole_units
from descent.evaluation import predict
from descent.losses import softmax
from descent.networks import SmallCNN
from descent.regularization import rotate, shift

WRITTEN = (Path(__file__).resolve().parents[3] / "book/live/moved-nets.js").read_text("utf-8")
FIRST = [0, 0, 0, 0]  # right, down, degrees, digit


@pytest.fixture(scope="module")
def stored():
    """The numbers of the JavaScript module, by name."""
    rows = re.findall(r"export const (\w+) = \[([-\d,]+)\];", WRITTEN)
    return {name: np.array(row.split(","), dtype=int) for name, row in rows}


@pytest.fixture(scope="module")
def library(stored):
    """A function from a state to ten probabilities of both networks, with shifts and without."""
    digits = stored["DIGITS"].reshape(10, 1, 1, 8, 8) / 16
    nets = []
    for name in ("WITH_SHIFTS", "WITHOUT"):
        net = SmallCNN(rng=np.random.default_rng(0))
        net.flat.data[:] = stored[name] / 100
        nets.append(net)

    def probabilities(right, down, degrees, digit):
        image = shift(rotate(digits[digit], degrees), down, right)
        return [softmax(predict(net, image))[0] for net in nets]

    return probabilities


def moved_table(library, values):
    right, down, degrees, digit = map(int, values)
    found = library(right, down, degrees, digit)
    return [[str(p.argmax()), fixed(float(p[digit]), 2)] for p in found]


def test_the_networks_are_trained_anew(stored):
    """Rounding may fall to the other side on another machine, and nothing more."""
    (plain, stage), (shifted, _) = taught(0), taught(0, by_a_pixel)
    assert np.abs(whole_units(plain) - stored["WITHOUT"]).max() <= 1
    assert np.abs(whole_units(shifted) - stored["WITH_SHIFTS"]).max() <= 1
    np.testing.assert_array_equal(examples(stage.test, (plain, shifted)).ravel(), stored["DIGITS"])
    assert not np.array_equal(stored["WITHOUT"], stored["WITH_SHIFTS"])


def test_the_module_is_written_as_it_stands():
    number = re.compile(r"-?\d+")
    assert number.sub("0", WRITTEN) == number.sub("0", module())


def test_moved_is_the_library(open_figure, library):
    settings = [
        {"right": right, "down": down, "degrees": degrees, "digit": digit}
        for right, down, degrees in [(0, 0, 0), (2, -1, 0), (-4, 4, 90), (1, 0, -35), (0, 3, 50)]
        for digit in (2, 3, 9)
    ]
    found = open_figure("moved").evaluate(
        """async (settings) => {
            const { probabilities } = await import("live/moved");
            return settings.map(probabilities);
        }""",
        settings,
    )
    for setting, both in zip(settings, found, strict=True):
        close(both, library(**setting), absolute=1e-12)


@pytest.mark.parametrize(("book", "keys"), [("small", KEYS), ("whole", KEYS[:2])])
def test_every_slider_by_keyboard(open_figure, library, book, keys):
    page = open_figure("moved", book)
    assert page.figure.locator("input").count() == 4
    for _ in sliders_follow_the_keys(page, keys):
        assert readouts(page) == moved_table(library, slider_values(page))
    assert page.faults == []


def test_buttons_and_the_sentence(open_figure, library):
    page = open_figure("moved")
    for label, expected in {
        "One pixel to the right": [1, *FIRST[1:]],
        "Start again": FIRST,
    }.items():
        page.figure.get_by_role("button", name=label, exact=True).press("Enter")
        assert slider_values(page) == expected
        assert readouts(page) == moved_table(library, expected)
        sentence = page.figure.locator(".live-sentence").inner_text()
        right = [row[0] == "0" for row in readouts(page)]
        words = ["right" if verdict else "wrong" for verdict in right]
        assert re.findall(r"is (right|wrong)", sentence) == words


def test_the_digit_is_dragged(open_figure, library):
    page = open_figure("moved")
    picture = page.figure.locator(".live-plot").first
    picture.scroll_into_view_if_needed()
    box = picture.bounding_box()
    cell = box["width"] / 8
    page.mouse.move(box["x"] + 4 * cell, box["y"] + 4 * cell)
    page.mouse.down()
    page.mouse.move(box["x"] + 6.1 * cell, box["y"] + 2.9 * cell)
    page.mouse.up()
    assert slider_values(page) == [2, -1, 0, 0]
    assert readouts(page) == moved_table(library, [2, -1, 0, 0])
