"""What the tests of live figures share: numbers as the figures print them, and what they drew."""

import numpy as np

HOST = '<div class="live-figure" data-live="{name}" data-replaces="fig-{name}"></div>'
MARGIN = {"left": 34, "right": 12, "top": 22, "bottom": 32}  # as in figure.js
KEYS = ["Home", "ArrowRight", "PageUp", "ArrowUp", "End", "ArrowLeft", "PageDown", "ArrowDown"]


def close(ours, library, absolute=1e-15):
    """Insist on equality up to the rounding of a float64."""
    np.testing.assert_allclose(np.array(ours, float), library, rtol=1e-12, atol=absolute)


def fixed(value, decimals):
    """A number with fixed decimals and a real minus, as figure.js prints it."""
    text = f"{value:.{decimals}f}"
    return text.lstrip("-") if float(text) == 0 else text.replace("-", "−")


def digits(value):
    """A number in three digits, as figure.js prints it."""
    if value == 0 or abs(value) >= 1e-3:
        return f"{float(f'{value:.3g}'):.12g}".replace("-", "−")
    mantissa, exponent = f"{value:.1e}".split("e-")
    power = str(int(exponent)).translate(str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹"))
    return f"{mantissa} × 10⁻{power}".replace("-", "−")


def readouts(page):
    """The texts of the table, row by row."""
    return page.figure.locator(".live-readouts tbody").evaluate(
        "(e) => [...e.rows].map((row) => [...row.querySelectorAll('td')].map((c) => c.textContent))"
    )


def slider_values(page):
    """The values of all sliders, in order."""
    return page.figure.locator("input").evaluate_all("(all) => all.map((e) => Number(e.value))")


def look(page):
    """All that is drawn and written in the figure."""
    return page.figure.locator(".live-figure").evaluate(
        "(e) => [...e.querySelectorAll('svg, table, .live-value')].map((x) => x.outerHTML).join()"
    )


def curve(page, plot, line):
    """A curve's points, in shares of the plot's width and height."""
    chart = page.figure.locator(".live-plots .live-plot").nth(plot)
    width, height = (float(chart.get_attribute(side)) for side in ("width", "height"))
    drawn = chart.locator(f".live-line.{line}").get_attribute("d")
    points = np.array([p.split(",") for p in drawn.lstrip("M").split("L")], dtype=float)
    across = (points[:, 0] - MARGIN["left"]) / (width - MARGIN["left"] - MARGIN["right"])
    up = (height - MARGIN["bottom"] - points[:, 1]) / (height - MARGIN["top"] - MARGIN["bottom"])
    return across, up


def middle(locator):
    """The middle of an element on the screen."""
    box = locator.bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def sliders_follow_the_keys(page, keys=KEYS):
    """Yield after each key press on each slider; the slider must move as its range says.

    Every press must change what is drawn, and the values must be put into different words.
    """
    sliders = page.figure.locator("input").all()
    for slider in sliders:  # a slider shows its value rounded until it is moved
        slider.press("End")
        slider.press("PageDown")
    for slider in sliders:
        low, high, step = (float(slider.get_attribute(name)) for name in ("min", "max", "step"))
        seen, texts = look(page), set()
        for key in keys:
            before = float(slider.input_value())
            slider.press(key)
            after = float(slider.input_value())
            up, down = min(before + step, high), max(before - step, low)
            moved = {"Home": low, "End": high, "ArrowRight": up, "ArrowUp": up}
            moved |= {"ArrowLeft": down, "ArrowDown": down}
            assert abs(after - moved.get(key, after)) < step / 100, (key, before, after)
            assert after != before
            assert look(page) != seen, f"{key} changes nothing that is drawn"
            seen = look(page)
            texts.add(slider.get_attribute("aria-valuetext"))
            yield
        assert len(texts) >= min(5, len(keys) - 1)
        slider.press("ArrowRight")
