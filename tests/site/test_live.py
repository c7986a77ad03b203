"""The live figures: their mathematics against the library's, and every control by keyboard.

They are tried on pages of a small book of their own, and on each chapter that has one.
"""

import importlib.util
import itertools
import shutil
from pathlib import Path

import nbformat
import numpy as np
import pytest
from docutils import nodes
from docutils.utils import new_document

from bookkit.manifest import chapters_of, read_manifest
from descent.losses import bce_with_logits, cross_entropy, focal, mse, sigmoid, softmax

pytestmark = pytest.mark.xdist_group("site")

ROOT = Path(__file__).resolve().parents[2]
NAMES = ("neuron", "simplex", "focal")
HOST = '<div class="live-figure" data-live="{name}" data-replaces="fig-{name}"></div>'
STATIC = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="300" height="100"><path d="M0 9H99"/></svg>'
)
STEPS = 300
MARGIN = {"left": 34, "right": 12, "top": 22, "bottom": 32}  # as in figure.js


# The pages.


def chapter_with(name, host):
    """A chapter with a static figure and the place of a live one."""
    figure = {"caption": "The static caption.", "name": f"fig-{name}"}
    code = nbformat.v4.new_code_cell("plt.show()", id="b", execution_count=1)
    code.metadata = {
        "tags": ["hide-input"],
        "mystnb": {"figure": figure, "image": {"alt": "A line."}},
    }
    data = {"image/svg+xml": STATIC, "text/plain": "<Figure>"}
    code.outputs = [nbformat.v4.new_output("display_data", data)]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    first = nbformat.v4.new_markdown_cell(f"# The {name}\n\nA sentence.", id="a")
    return nbformat.v4.new_notebook(
        cells=[first, code, nbformat.v4.new_markdown_cell(host, id="c")], metadata=kernel
    )


def write_book(root, hosts):
    """Write a book with the site's own settings and a chapter for each host."""
    ignored = shutil.ignore_patterns("__pycache__", "*.md")
    shutil.copytree(ROOT / "book", root / "book", ignore=ignored)
    (root / "book/index.md").write_text(
        "# A book\n\n## All\n\n<!-- chapters -->\n", encoding="utf-8"
    )
    entries = ['[[part]]\ntitle = "One"']
    for number, (name, host) in enumerate(hosts.items()):
        path = root / "chapters/one" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.with_suffix(".md").touch()
        nbformat.write(chapter_with(name, host), path.with_suffix(".ipynb"))
        facts = f'path = "one/{name}"\ntitle = "The {name}"\nsummary = "A sentence."\nminutes = 1'
        entries.append(f"[[part.chapter]]\nnumber = {number}\n{facts}")
    (root / "chapters/manifest.toml").write_text("\n\n".join(entries), encoding="utf-8")
    return root


@pytest.fixture(scope="module")
def small_site(tmp_path_factory, build):
    root = write_book(tmp_path_factory.mktemp("live"), {n: HOST.format(name=n) for n in NAMES})
    finished = build(root, root / "_build/site")
    assert finished.returncode == 0, finished.stderr
    return root / "_build/site"


def chapter_of(name):
    """The docname of the chapter with this live figure, or None."""
    for chapter in chapters_of(read_manifest(ROOT)):
        if f'data-live="{name}"' in (ROOT / f"{chapter.docname}.md").read_text(encoding="utf-8"):
            return chapter.docname
    return None


@pytest.fixture
def watch(browser):
    """A function that opens an address and notes faults and requests of its page."""
    contexts = []

    def start(address, *, width=1280, theme="light", motion="reduce", **settings):
        size = {"width": width, "height": 900}
        context = browser.new_context(
            viewport=size, color_scheme=theme, reduced_motion=motion, **settings
        )
        contexts.append(context)
        page = context.new_page()
        page.faults, page.addresses = [], []
        page.on("console", lambda m: m.type == "error" and page.faults.append(m.text))
        page.on("pageerror", lambda error: page.faults.append(str(error)))
        page.on("request", lambda request: page.addresses.append(request.url))
        page.goto(address)
        return page

    yield start
    for context in contexts:
        context.close()


@pytest.fixture
def open_figure(small_site, watch, request):
    """A function that opens the page of a live figure, in the small book or in its chapter."""

    def start(name, book="small", **settings):
        folder, docname = small_site, f"chapters/one/{name}"
        if book == "whole":
            docname = chapter_of(name)
            if docname is None:
                pytest.skip(f"no chapter has the live figure {name} yet")
            folder = request.getfixturevalue("site")
        page = watch(f"{folder.as_uri()}/{docname}.html", **settings)
        page.figure = page.locator(f"#fig-{name}")
        return page

    return start


BOTH = pytest.mark.parametrize("book", ["small", "whole"])
EACH = pytest.mark.parametrize("name", NAMES)


# The mathematics.


def close(ours, library, absolute=1e-15):
    """Insist on equality up to the rounding of a float64."""
    np.testing.assert_allclose(np.array(ours, float), library, rtol=1e-12, atol=absolute)


def walk(w, b, eta, loss, steps=STEPS):
    """The neuron's gradient descent with the library's losses: w, b, a, value and slope."""
    run = []
    for _ in range(steps + 1):
        z, y = np.array([float(w + b)]), np.zeros(1)
        if loss == "quadratic":
            value, slope = mse(sigmoid(z), y)
            value, slope = value / 2, slope / 2 * sigmoid(z) * sigmoid(-z)
        else:
            value, slope = bce_with_logits(z, y)
        run.append((w, b, sigmoid(z)[0], value, slope[0]))
        w, b = w - eta * slope[0], b - eta * slope[0]
    return dict(zip(("w", "b", "a", "value", "slope"), np.array(run).T, strict=True))


def test_neuron_is_the_library(open_figure):
    settings = [
        {"w": w, "b": b, "eta": eta, "loss": loss, "steps": 40}
        for w, b in [(2, 2), (0.6, 0.9), (-4, 4), (4, 4), (-4, -4), (500, 500), (-500, -500)]
        for eta in (0.05, 0.15, 5)
        for loss in ("quadratic", "cross-entropy")
    ]
    runs = open_figure("neuron").evaluate(
        """async (settings) => {
            const { trajectory } = await import("live/neuron");
            return settings.map(trajectory);
        }""",
        settings,
    )
    for setting, run in zip(settings, runs, strict=True):
        library = walk(**setting)
        for quantity, values in run.items():
            close(values, library[quantity], absolute=1e-300)


def test_neuron_is_what_nielsen_saw(open_figure):
    quadratic, crossed = open_figure("neuron").evaluate(
        """async () => {
            const { trajectory, firstBelow } = await import("live/neuron");
            return ["quadratic", "cross-entropy"].map((loss) => {
                const { a } = trajectory({ w: 2, b: 2, eta: 0.15, loss });
                return [a[150], a[300], firstBelow(a)];
            });
        }"""
    )
    assert [round(x, 3) for x in quadratic] == [0.933, 0.203, 232]
    assert crossed[2] == 17


def test_simplex_is_the_library(open_figure):
    rng = np.random.default_rng(0)
    logits = [np.zeros(3), np.array([1000.0, 0, -1000]), np.array([-1000.0, 1000, 1000])]
    logits += [scale * rng.normal(size=3) for scale in (1e-3, 1, 10, 300)]
    grid = list(itertools.product(logits, range(3), (0, 0.1, 0.5, 1), (0.3, 1, 5)))
    found = open_figure("simplex").evaluate(
        """async (grid) => {
            const m = await import("live/simplex");
            return grid.map(([z, truth, epsilon, T]) => {
                const q = m.smoothed(truth, epsilon);
                const value = m.crossEntropy(q, m.logSoftmax(z, T));
                return [value, m.softmax(z, T), m.gradient(z, q, T)];
            });
        }""",
        [[z.tolist(), *rest] for z, *rest in grid],
    )
    for (z, truth, epsilon, T), (value, p, gradient) in zip(grid, found, strict=True):
        scaled = z[None] / T
        expected, slope = cross_entropy(scaled, np.array([truth]), label_smoothing=epsilon)
        close(value, expected)
        close(p, softmax(scaled)[0])
        close(gradient, slope[0] / T)


def test_logits_of_probabilities_lead_back(open_figure):
    rng = np.random.default_rng(1)
    shares = [[1 - 2e-9, 1e-9, 1e-9], *rng.dirichlet(np.ones(3), size=5).tolist()]
    back = open_figure("simplex").evaluate(
        """async (shares) => {
            const { logitsOf, softmax } = await import("live/simplex");
            return shares.map((p) => [0.3, 1, 5].map((T) => softmax(logitsOf(p, T), T)));
        }""",
        shares,
    )
    for p, found in zip(shares, back, strict=True):
        close(found, np.tile(p, (3, 1)))


def test_focal_is_the_library(open_figure):
    near = np.array([1e-12, 1e-6, 0.01, 0.1])
    odds = np.log(near) - np.log1p(-near)
    z = np.concatenate([[-1000, -745, -40, 0, 40, 745, 1000], odds, -odds])
    powers = [0, 0.5, 1, 2, 5]
    found = open_figure("focal").evaluate(
        """async ([z, powers]) => {
            const m = await import("live/focal");
            return powers.map((gamma) => z.map((one) => {
                const { weight } = m.focal(one, gamma);
                return [m.focalLoss(one, gamma), m.focalGradient(one, gamma), weight];
            }));
        }""",
        [z.tolist(), powers],
    )
    for gamma, values in zip(powers, np.array(found, float), strict=True):
        value, gradient = focal(z, np.ones_like(z), alpha=None, gamma=gamma, reduction="none")
        close(values[:, 0], value, absolute=1e-300)
        close(values[:, 1], gradient, absolute=1e-300)
        close(values[:, 2], sigmoid(-z) ** gamma, absolute=1e-300)


def rare_share(z, prior, gamma):
    """The rare class's share of the sum of slopes, with the library's gradients."""
    z = np.array([-z, z], dtype=float)
    _, slopes = focal(z, np.ones(2), alpha=None, gamma=gamma, reduction="none")
    rare, common = slopes * [prior, 1 - prior]
    return rare / (rare + common)


def test_share_of_the_rare_class(open_figure):
    grid = list(itertools.product((-4.6, 0, 2, 6.9), (0.001, 0.01, 0.5), (0, 2, 5)))
    found = open_figure("focal").evaluate(
        "async (grid) => { const m = await import('live/focal');"
        "return grid.map((setting) => m.rareShare(...setting)); }",
        grid,
    )
    close(found, [rare_share(*setting) for setting in grid])
    prior = 0.01
    assert rare_share(np.log(99.0), prior, 0) == pytest.approx(0.5)  # the bias at the prior
    assert rare_share(0.0, prior, 5) == pytest.approx(prior)


# The controls.


def fixed(value, decimals):
    text = f"{value:.{decimals}f}"
    return text.lstrip("-") if float(text) == 0 else text.replace("-", "−")


def digits(value):
    if value == 0 or abs(value) >= 1e-3:
        return f"{float(f'{value:.3g}'):.12g}".replace("-", "−")
    mantissa, exponent = f"{value:.1e}".split("e-")
    power = str(int(exponent)).translate(str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹"))
    return f"{mantissa} × 10⁻{power}".replace("-", "−")


def neuron_table(values):
    t, w, b, eta = values
    t = int(t)
    runs = [walk(w, b, eta, loss) for loss in ("quadratic", "cross-entropy")]
    first = [next((i for i, a in enumerate(run["a"]) if a < 0.5), -1) for run in runs]
    words = {-1: "not in 300 steps", 0: "at the start"}
    return [
        [digits(run["slope"][0]) for run in runs],
        [fixed(run["a"][t], 3) for run in runs],
        [f"{fixed(run['w'][t], 2)}, {fixed(run['b'][t], 2)}" for run in runs],
        [words.get(i, f"step {i}") for i in first],
    ]


def simplex_table(values, truth=0):
    z, (T, epsilon) = np.array(values[:3]), values[3:]
    _, slope = cross_entropy(z[None] / T, np.array([truth]), label_smoothing=epsilon)
    q = (1 - epsilon) * np.eye(3)[truth] + epsilon / 3
    columns = softmax(z / T), q, slope[0] / T
    return [[fixed(z[k], 2), *(fixed(column[k], 3) for column in columns)] for k in range(3)]


def focal_table(values):
    gamma, _, z = values

    def slope(z, gamma):
        return -focal(np.array([z]), np.ones(1), alpha=None, gamma=gamma)[1][0]

    return [
        [digits(x) for x in (sigmoid(np.array(u)), sigmoid(np.array(-u)) ** gamma)]
        + [digits(slope(u, power)) for power in (gamma, 0)]
        for u in (z, -z)
    ]


TABLES = {"neuron": neuron_table, "simplex": simplex_table, "focal": focal_table}


def readouts(page):
    """The texts of the table, row by row."""
    return page.figure.locator(".live-readouts tbody").evaluate(
        "(e) => [...e.rows].map((row) => [...row.querySelectorAll('td')].map((c) => c.textContent))"
    )


def slider_values(page):
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


def neuron_is_drawn(page, values):
    _, w, b, eta = values
    for line, loss in [("blue", "quadratic"), ("vermilion", "cross-entropy")]:
        run = walk(w, b, eta, loss)
        for plot, quantity in enumerate(("a", "slope")):
            np.testing.assert_allclose(curve(page, plot, line)[1], run[quantity], atol=1e-3)


def simplex_is_drawn(page, values):
    p = softmax(np.array(values[:3]) / values[3])
    triangle = page.figure.locator(".live-triangle")
    outline = triangle.locator(".live-axis").get_attribute("d").strip("MZ").split("L")
    corners = np.array([corner.split(",") for corner in outline], dtype=float)
    place = triangle.locator(".live-handle").get_attribute("transform")[len("translate(") : -1]
    np.testing.assert_allclose(np.array(place.split(","), dtype=float), p @ corners, atol=0.2)


def focal_is_drawn(page, values):
    for line, gamma in [("blue", values[0]), ("vermilion", 0.0)]:
        for plot, top in enumerate((7, 1.4)):
            p, height = curve(page, plot, line)
            inside = (p > 0.1) & (p < 0.95)
            z = np.log(p[inside]) - np.log1p(-p[inside])
            drawn = focal(z, np.ones_like(z), alpha=None, gamma=gamma, reduction="none")[plot]
            np.testing.assert_allclose(height[inside] * top, np.abs(drawn), atol=0.03)


DRAWN = {"neuron": neuron_is_drawn, "simplex": simplex_is_drawn, "focal": focal_is_drawn}
KEYS = ["Home", "ArrowRight", "PageUp", "ArrowUp", "End", "ArrowLeft", "PageDown", "ArrowDown"]
LABELS = {
    "neuron": ["Look at step t", "Weight w at the start", "Bias b at the start", "Rate η"],
    "simplex": [f"Logit of class {k}" for k in range(3)] + ["Temperature T", "Label smoothing ε"],
    "focal": [
        "Focus γ",
        "Prior of the rare class",
        "Answer p, “common”",
    ],
}


@BOTH
@EACH
def test_every_slider_by_keyboard(open_figure, name, book):
    page = open_figure(name, book)
    inputs = [page.figure.get_by_label(label) for label in LABELS[name]]
    assert page.figure.locator("input").count() == len(inputs)
    for slider in inputs:  # a slider shows its value rounded until it is moved
        slider.press("End")
        slider.press("PageDown")
    for slider in inputs:
        low, high, step = (float(slider.get_attribute(name)) for name in ("min", "max", "step"))
        seen, texts = look(page), set()
        for key in KEYS if book == "small" else KEYS[:3]:
            before = float(slider.input_value())
            slider.press(key)
            after = float(slider.input_value())
            moved = {
                "Home": low,
                "End": high,
                "ArrowRight": before + step,
                "ArrowUp": before + step,
            }
            moved |= {"ArrowLeft": before - step, "ArrowDown": before - step}
            assert after == pytest.approx(moved.get(key, after))
            assert after != before
            assert look(page) != seen
            assert readouts(page) == TABLES[name](slider_values(page))
            seen = look(page)
            texts.add(slider.get_attribute("aria-valuetext"))
        assert len(texts) >= (5 if book == "small" else 2)
        DRAWN[name](page, slider_values(page))
        slider.press("ArrowRight")
    assert page.faults == []


PRESSES = {
    "neuron": {
        "Start at w = 0.6, b = 0.9": ["150 of 300 steps", "0.60", "0.90", "0.15"],
        "Start at w = b = 2": ["150 of 300 steps", "2.00", "2.00", "0.15"],
    },
    "simplex": {
        "One step downhill": ["−0.04", "1.16", "−0.11", "1.0", "0.00"],
        "Raise all logits by 1": ["0.96", "2.16", "0.89", "1.0", "0.00"],
        "Start again": ["−1.00", "2.00", "0.00", "1.0", "0.00"],
    },
    "focal": {
        "Answer 0.5": ["2.0", "1%", "0.5000"],
        "Answer with the prior": ["2.0", "1%", "0.9900"],
        "Cross-entropy: γ = 0": ["0.0", "1%", "0.9900"],
    },
}


@EACH
def test_every_button_by_keyboard(open_figure, name):
    page = open_figure(name)
    texts = page.figure.locator(".live-value")
    for i, (label, expected) in enumerate(PRESSES[name].items()):
        page.figure.get_by_role("button", name=label, exact=True).press(["Enter", "Space"][i % 2])
        assert texts.all_inner_texts() == expected
    others = {"Play", "class 0", "class 1", "class 2"}
    shown = set(page.figure.locator(".live-figure button").all_inner_texts())
    assert shown - others - {""} == set(PRESSES[name])


def test_the_truth_is_chosen_by_keyboard(open_figure):
    page = open_figure("simplex")
    for truth in (1, 2, 0):
        button = page.figure.get_by_role("button", name=f"class {truth}")
        button.press("Enter")
        pressed = page.figure.locator("[aria-pressed='true']").all_inner_texts()
        assert pressed == [f"class {truth}"]
        assert readouts(page) == simplex_table(slider_values(page), truth)


def test_the_loss_is_written_in_words(open_figure):
    page = open_figure("simplex")
    page.figure.get_by_label("Label smoothing ε").press("PageUp")
    z, epsilon = np.array([[-1.0, 2, 0]]), slider_values(page)[-1]
    total, _ = cross_entropy(z, np.array([0]), label_smoothing=epsilon)
    q = (1 - epsilon) * np.eye(3)[0] + epsilon / 3
    floor = -(q * np.log(q)).sum()
    words = page.figure.locator(".live-sentence").inner_text()
    for number in (total, floor, total - floor):
        assert fixed(number, 3) in words


def test_the_shares_are_written_in_words(open_figure):
    page = open_figure("focal")
    page.figure.get_by_role("button", name="Answer with the prior").press("Enter")
    share = rare_share(np.log(99.0), 0.01, 2)
    assert share == pytest.approx(0.9997, abs=1e-4)
    sentence = page.figure.locator(".live-sentence").inner_text()
    assert "holds 99.972% of the total slope" in sentence
    assert "50% with cross-entropy" in sentence
    widths = page.figure.locator(".live-part").evaluate_all(
        "(all) => all.map((e) => e.getAttribute('width') / e.previousSibling.getAttribute('width'))"
    )
    assert widths == pytest.approx([share, 0.5])


def handle_state(page):
    handle = page.figure.get_by_role("slider", name="The distribution p")
    return [handle.get_attribute(name) for name in ("transform", "aria-valuetext", "aria-valuenow")]


def test_the_point_moves_by_keyboard(open_figure):
    page = open_figure("simplex")
    handle = page.figure.get_by_role("slider", name="The distribution p")
    before = handle_state(page)
    for key in ("ArrowLeft", "ArrowUp", "ArrowRight", "ArrowDown", "PageUp", "PageDown", "End"):
        handle.press(key)
        assert handle_state(page) != before
        before = handle_state(page)
    assert before[1] == "class 0 99.9%, class 1 0.0%, class 2 0.0%"
    handle.press("Home")
    third = "class 0 33.3%, class 1 33.3%, class 2 33.3%"
    assert handle_state(page)[1:] == [third, "33.3"]
    handle.press("ArrowUp")  # 0.02 sides of the triangle, whose height is √¾
    p = 1 / 3 + 0.02 / 0.75**0.5
    assert handle_state(page)[2] == f"{100 * p:.1f}"
    handle.press("Tab")
    assert page.evaluate("document.activeElement.type") == "range"


def middle(locator):
    box = locator.bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def test_the_point_is_dragged(open_figure):
    page = open_figure("simplex")
    x, y = middle(page.figure.locator(".live-handle .live-reach"))
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 60, y - 50, steps=3)
    page.mouse.up()
    assert middle(page.figure.locator(".live-reach")) == pytest.approx((x + 60, y - 50), abs=1)
    page.mouse.move(x, y)
    assert middle(page.figure.locator(".live-reach")) == pytest.approx((x + 60, y - 50), abs=1)


@pytest.mark.parametrize(("name", "slider"), [("neuron", 0), ("focal", 2)])
def test_a_tap_in_a_plot_moves_its_slider(open_figure, name, slider):
    page = open_figure(name, has_touch=True, width=360)
    chart = page.figure.locator(".live-plots .live-plot").first
    chart.scroll_into_view_if_needed()
    box = chart.bounding_box()
    inner = box["width"] - MARGIN["left"] - MARGIN["right"]
    page.touchscreen.tap(box["x"] + MARGIN["left"] + inner / 4, box["y"] + 60)
    value = slider_values(page)[slider]
    expected = {"neuron": STEPS / 4, "focal": np.log(0.25 / 0.75)}[name]
    assert value == pytest.approx(expected, abs=0.02 * STEPS if name == "neuron" else 0.05)


# The reader.


@EACH
def test_changes_are_spoken_once_and_only_then(open_figure, name):
    page = open_figure(name)
    status = page.figure.get_by_role("status")
    page.evaluate("""() => {
        window.spoken = [];
        new MutationObserver(() => spoken.push(1)).observe(
            document.querySelector("[role=status]"), {childList: true});
    }""")
    page.wait_for_timeout(700)
    assert status.inner_text() == ""
    slider = page.figure.locator("input").first
    for _ in range(3):
        slider.press("ArrowRight")
    page.wait_for_function("spoken.length > 0", timeout=3000)
    assert page.evaluate("spoken.length") == 1
    word = {"neuron": "At step 153", "simplex": "class 0 5.6%", "focal": "87.7%"}[name]
    assert word in status.text_content()


@BOTH
@EACH
def test_without_scripts_the_static_figure_stands(open_figure, name, book):
    page = open_figure(name, book, java_script_enabled=False)
    assert page.figure.locator("img").is_visible()
    assert page.figure.locator("figcaption .caption-text").is_visible()
    assert not page.locator(".live-figure").is_visible()


@EACH
def test_paper_shows_the_static_figure(open_figure, name):
    page = open_figure(name)
    live, static = page.figure.locator(".live-figure"), page.figure.locator("img")
    caption, own = page.figure.locator(".caption-text"), page.figure.locator(".live-caption")
    assert live.is_visible()
    assert own.is_visible()
    assert not static.is_visible()
    assert not caption.is_visible()
    page.emulate_media(media="print")
    assert static.is_visible()
    assert caption.is_visible()
    assert not live.is_visible()
    assert not own.is_visible()
    page.wait_for_timeout(50)
    assert page.faults == []


def test_nothing_moves_by_itself(open_figure):
    still = open_figure("neuron")
    assert not still.figure.locator("button").first.is_visible()
    page = open_figure("neuron", motion="no-preference")
    page.wait_for_timeout(100)
    assert slider_values(page)[0] == 150
    play = page.figure.get_by_role("button", name="Play")
    play.press("Enter")
    page.wait_for_function("document.querySelector('.live-figure input').value > 155")
    page.figure.get_by_role("button", name="Pause").press("Enter")
    stopped = slider_values(page)[0]
    page.wait_for_timeout(100)
    assert slider_values(page)[0] == stopped < STEPS
    assert play.is_visible()


CONTRASTS = """() => {
    const canvas = document.createElement("canvas").getContext("2d", {willReadFrequently: true});
    const luminance = (color) => {
        canvas.fillStyle = color;
        canvas.fillRect(0, 0, 1, 1);
        const [r, g, b] = [...canvas.getImageData(0, 0, 1, 1).data].map((c) =>
            c / 255 <= 0.04045 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4);
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const paper = luminance(getComputedStyle(document.body).backgroundColor);
    const against = (color) => {
        const [low, high] = [paper, luminance(color)].sort((a, b) => a - b);
        return (high + 0.05) / (low + 0.05);
    };
    const all = (selector, property) =>
        [...document.querySelectorAll(`.live-figure ${selector}`)]
            .map((e) => against(getComputedStyle(e)[property]));
    return {
        text: Math.min(...all("text", "fill"), ...all("label, td, th, p, .live-value", "color")),
        line: Math.min(...all(".live-line, .live-axis, .live-rule, .live-level", "stroke"),
            ...all(".live-mark, .live-part", "fill")),
    };
}"""


@EACH
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_contrast(open_figure, name, theme):
    found = open_figure(name, theme=theme).evaluate(CONTRASTS)
    assert found["text"] >= 4.5
    assert found["line"] >= 3


@EACH
@pytest.mark.parametrize(("theme", "width"), [("light", 1280), ("dark", 360)])
def test_operated_figures_stay_sound(open_figure, name, theme, width):
    """At the ends of the sliders: no axe violation, nothing too wide, no fault, no request."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    page = open_figure(name, theme=theme, width=width)
    for key in ("Home", "End"):
        for slider in page.figure.locator("input").all():
            slider.press(key)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        cut = page.figure.evaluate("""(figure) => [...figure.querySelectorAll(".live-figure *")]
            .filter((e) => e.closest(".live-spoken, caption") === null)
            .filter((e) => e.getBoundingClientRect().right >
                figure.parentElement.getBoundingClientRect().right + 2)
            .map((e) => e.outerHTML.slice(0, 120))""")
        assert cut == []
    report = axe.run(page, options={"resultTypes": ["violations"], "preload": False}).response
    assert [v["id"] for v in report["violations"] if v["impact"] in ("serious", "critical")] == []
    assert page.faults == []


@EACH
@pytest.mark.parametrize("over", ["http", "file"])
def test_no_module_is_requested(small_site, serve, watch, name, over):
    home = serve(small_site) if over == "http" else small_site.as_uri()
    page = watch(f"{home}/chapters/one/{name}.html")
    assert page.locator(".is-live .live-readouts").is_visible()
    fetched = [address for address in page.addresses if not address.startswith("data:")]
    assert all(address.startswith(home) for address in fetched)
    assert not any("live/" in address for address in fetched)
    assert page.faults == []


def test_only_pages_with_live_figures_carry_them(small_site):
    assert "importmap" not in (small_site / "book/index.html").read_text(encoding="utf-8")
    page = (small_site / "chapters/one/neuron.html").read_text(encoding="utf-8")
    assert page.count("importmap") == 1
    assert "live/focal" not in page
    assert len(page) < 60_000


# What stops the build.


@pytest.fixture(scope="module")
def extension():
    spec = importlib.util.spec_from_file_location("live_extension", ROOT / "book/_ext/live.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_an_unknown_figure_stops_the_build_and_its_page_is_named(tmp_path, build):
    root = write_book(
        tmp_path, {"neuron": HOST.format(name="neuron").replace("neuron", "nuron", 1)}
    )
    finished = build(root, root / "_build/site")
    assert finished.returncode != 0
    assert "chapters/one/neuron.ipynb: ERROR: there is no live figure 'nuron'" in finished.stderr
    assert "Traceback" not in finished.stderr


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ([("gone", "fig-neuron")], "there is no live figure 'gone', but focal, neuron, simplex"),
        ([("figure", "fig-neuron")], "there is no live figure 'figure'"),
        ([("neuron", "fig-gone")], "'neuron' replaces 'fig-gone', which is no figure of this page"),
        ([("neuron", None)], "'neuron' replaces None, which is no figure of this page"),
        ([("neuron", "fig-neuron")] * 2, "'neuron' stands here twice"),
    ],
)
def test_mistakes_in_a_page(extension, asked, message):
    page = new_document("a page")
    page += nodes.figure(ids=["fig-neuron"])
    (fault,) = extension.faults(page, asked)
    assert message in fault


def test_places_of_live_figures_are_found(extension):
    page = new_document("a page")
    page += nodes.raw("", HOST.format(name="neuron"), format="html")
    page += nodes.raw("", HOST.format(name="focal"), format="latex")
    assert extension.hosts(page) == [("neuron", "fig-neuron")]


def test_modules_are_complete(extension):
    assert extension.needed(["neuron"]) == ["figure", "neuron"]
    for name in NAMES:
        assert "/**" not in extension.source(name)
        assert "</" not in extension.import_map([name])
