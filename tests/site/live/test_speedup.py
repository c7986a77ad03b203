"""Workers that share a step: the figure's times are the book's, and what its controls show."""

import numpy as np
import pytest
from livefigures import KEYS, close, fixed, readouts, slider_values, sliders_follow_the_keys

from bookkit.speedup import step_seconds

WORKERS = np.arange(1, 65)
SETTINGS = [
    {"compute": compute, "nbytes": nbytes, "serial": serial}
    for compute in (0.01, 0.2, 1.0)
    for nbytes in (1e5, 2.5e7, 1e9)
    for serial in (0, 0.02, 0.2)
]


def test_times_are_the_formulas(open_figure):
    found = open_figure("speedup").evaluate(
        """async ([settings, workers]) => {
            const { stepSeconds, speedup, best } = await import("live/speedup");
            return settings.map((setting) => [
                workers.map((k) => stepSeconds(k, setting)),
                workers.map((k) => speedup(k, setting)),
                best(setting),
            ]);
        }""",
        [SETTINGS, WORKERS.tolist()],
    )
    for setting, (seconds, faster, best) in zip(SETTINGS, found, strict=True):
        expected = step_seconds(WORKERS, **setting)
        close(seconds, expected)
        close(faster, expected[0] / expected)
        assert best == WORKERS[expected.argmin()]


def table(values):
    workers, size, compute, serial = values
    setting = {"nbytes": 1e5 * 10 ** (size / 6), "compute": compute / 1000, "serial": serial / 100}
    seconds = step_seconds(WORKERS, **setting)
    silent = step_seconds(WORKERS, **(setting | {"nbytes": 0.0, "latency": 0.0}))
    now = int(workers) - 1
    share = 1 - silent[now] / seconds[now]
    return [
        [fixed(seconds[0] / seconds[now], 2)],
        [f"{fixed(100 * share, 0)}%"],
        [str(seconds.argmin() + 1)],
    ]


@pytest.mark.parametrize(("book", "keys"), [("small", KEYS), ("whole", KEYS[:3])])
def test_every_slider_by_keyboard(open_figure, book, keys):
    page = open_figure("speedup", book)
    assert page.figure.locator("input").count() == 4
    for _ in sliders_follow_the_keys(page, keys):
        assert readouts(page) == table(slider_values(page))
    assert page.faults == []


def test_the_curve_is_cut_where_the_plot_ends(open_figure):
    page = open_figure("speedup")
    for i in (1, 3):  # hardly any gradient, no serial share: more than 32 times faster
        page.figure.locator("input").nth(i).press("Home")
    page.figure.locator("input").nth(2).press("End")
    assert float(table([64, *slider_values(page)[1:]])[0][0]) > 32
    chart = page.figure.locator(".live-plot")
    height = float(chart.get_attribute("height"))
    drawn = chart.locator(".live-line.blue").get_attribute("d").lstrip("M").split("L")
    points = np.array([p.split(",") for p in drawn], dtype=float)
    faster = 32 * (height - 32 - points[:, 1]) / (height - 54)
    values = {"compute": 1.0, "nbytes": 1e5, "serial": 0.0}
    expected = step_seconds(1, **values) / step_seconds(WORKERS, **values)
    expected = expected[expected <= 32]
    assert 2 < len(expected) < 64
    np.testing.assert_allclose(faster, expected, atol=0.02)


def test_buttons(open_figure):
    page = open_figure("speedup")
    page.figure.get_by_role("button", name="As many as is best", exact=True).press("Enter")
    workers, *others = slider_values(page)
    assert str(workers) == table([workers, *others])[2][0]
    assert others == [3, 200, 2]
    page.figure.get_by_role("button", name="Start again", exact=True).press("Space")
    assert slider_values(page) == [8, 3, 200, 2]


def test_the_workers_are_dragged_in_the_plot(open_figure):
    page = open_figure("speedup")
    box = page.figure.locator(".live-plot").bounding_box()
    across = 34 + (box["width"] - 46) * (40 - 1) / 63
    page.mouse.move(box["x"] + across, box["y"] + 100)
    page.mouse.down()
    page.mouse.up()
    assert slider_values(page)[0] == 40


def test_the_step_is_spoken(open_figure, spoken):
    assert "workers: " in spoken(open_figure("speedup"))
