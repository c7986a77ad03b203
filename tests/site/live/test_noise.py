"""The noisy bowl: its clouds are the library's SGD, and what its controls and plots show."""

import numpy as np
import pytest
from livefigures import KEYS, close, curve, digits, readouts, slider_values, sliders_follow_the_keys

from descent.layers import Parameter
from descent.optimizers import SGD

DRAWN = """async () => (await import("live/noise")).normals(1400)"""


def walk(eta, batch, noise, count=1000):
    """The library's SGD from the minimum, with the figure's noise."""
    place = Parameter(np.zeros(2))
    optimizer = SGD([place], lr=eta)
    points = []
    for xi in noise:
        place.grad[...] = place.data + xi / np.sqrt(batch)
        optimizer.step()
        points.append(place.data.copy())
    return np.array(points[-count:])


def loss(points):
    return (np.asarray(points) ** 2).sum(axis=-1) / 2


def test_the_noise_is_standard_normal(open_figure):
    noise = np.array(open_figure("noise").evaluate(DRAWN))
    assert noise.shape == (1400, 2)
    assert abs(noise.mean()) < 4 / np.sqrt(noise.size)
    assert abs(noise.var() - 1) < 4 * np.sqrt(2 / noise.size)
    assert abs(np.corrcoef(noise.T)[0, 1]) < 4 / np.sqrt(1400)
    assert abs((noise[1:] * noise[:-1]).mean()) < 4 / np.sqrt(noise.size)


def test_clouds_are_the_librarys(open_figure):
    page = open_figure("noise")
    noise = np.array(page.evaluate(DRAWN))
    settings = [{"eta": eta, "batch": batch} for eta in (0.02, 0.4, 1, 1.5) for batch in (1, 64)]
    clouds, centers = page.evaluate(
        """async (settings) => {
            const { cloud, mean } = await import("live/noise");
            const clouds = settings.map(cloud);
            return [clouds, clouds.map(mean)];
        }""",
        settings,
    )
    for setting, points, center in zip(settings, clouds, centers, strict=True):
        expected = walk(**setting, noise=noise)
        close(points, expected, absolute=1e-12)
        close(center, expected.mean(axis=0), absolute=1e-12)


def test_floors(open_figure):
    found = open_figure("noise").evaluate(
        """async () => {
            const { floor, floorOfMean } = await import("live/noise");
            return [floor(0.1, 1), floor(0.1, 4), floor(1, 1), floorOfMean(1), floorOfMean(16)];
        }"""
    )
    close(found, [0.1 / 1.9, 0.1 / 7.6, 1, 0.001, 0.001 / 16])


def test_the_mean_stays_while_the_cloud_grows(open_figure):
    page = open_figure("noise")
    noise = np.array(page.evaluate(DRAWN))
    small, large = (walk(eta, 1, noise) for eta in (0.1, 1.5))
    assert loss(large).mean() > 40 * loss(small).mean()
    assert np.linalg.norm(large.mean(axis=0) - small.mean(axis=0)) < 0.02


def noise_table(values, noise):
    eta, power = values
    batch = 2**power
    points = walk(eta, batch, noise)
    here = [loss(points).mean(), loss(points.mean(axis=0))]
    expected = [eta / ((2 - eta) * batch), 1 / (1000 * batch)]
    return [[digits(value) for value in line] for line in (here, expected)]


def noise_is_drawn(page, values):
    power = values[1]
    rates, height = curve(page, 1, "blue")
    np.testing.assert_allclose(rates * 1.5, np.arange(0.02, 1.505, 0.01), atol=0.01)
    exact = np.log10(rates * 1.5 / ((2 - rates * 1.5) * 2**power))
    np.testing.assert_allclose(height * 6 - 5.5, np.clip(exact, -5.5, 0.5), atol=0.05)
    _, level = curve(page, 1, "vermilion")
    np.testing.assert_allclose(level * 6 - 5.5, -3 - power * np.log10(2), atol=0.03)


LABELS = ["Rate η", "Batch B, a power of 2"]


@pytest.mark.parametrize(("book", "keys"), [("small", KEYS), ("whole", KEYS[:3])])
def test_every_slider_by_keyboard(open_figure, book, keys):
    page = open_figure("noise", book)
    noise = np.array(page.evaluate(DRAWN))
    assert page.figure.locator("input").count() == len(LABELS)
    assert all(page.figure.get_by_label(label).count() == 1 for label in LABELS)
    for _ in sliders_follow_the_keys(page, keys):
        assert readouts(page) == noise_table(slider_values(page), noise)
    noise_is_drawn(page, slider_values(page))
    assert page.faults == []


PRESSES = {
    "A tenth of the rate": [0.04, 0],
    "Sixteen times the batch": [0.4, 4],
    "Start again": [0.4, 0],
}


def test_every_button_by_keyboard(open_figure):
    page = open_figure("noise")
    noise = np.array(page.evaluate(DRAWN))
    for i, (label, expected) in enumerate(PRESSES.items()):
        page.figure.get_by_role("button", name=label, exact=True).press(["Enter", "Space"][i % 2])
        assert slider_values(page) == expected
        assert readouts(page) == noise_table(expected, noise)


def test_that_the_rate_does_not_matter_to_the_mean_is_spoken(open_figure, spoken):
    assert "whatever the rate" in spoken(open_figure("noise"))
