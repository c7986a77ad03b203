"""Every live figure of book/live: keyboard, contrast, paper, no scripts, no request, no fault.

They are tried on pages of a small book of their own, and in the chapter that has one. What one
figure computes and prints is compared with the library in a file of its own.
"""

import importlib.util
import re
from pathlib import Path

import pytest
from docutils import nodes
from docutils.utils import new_document
from livefigures import HOST, look, slider_values, sliders_follow_the_keys

ROOT = Path(__file__).resolve().parents[3]
BOTH = pytest.mark.parametrize("book", ["small", "whole"])


def test_sliders_and_buttons_by_keyboard(open_figure, every_figure):
    page = open_figure(every_figure)
    for _ in sliders_follow_the_keys(page):
        assert page.faults == []
    for button in page.figure.locator(".live-figure button:visible").all():
        assert button.inner_text().strip()
        button.press("Enter")
        assert page.faults == []


def test_every_control_has_a_name(open_figure, every_figure):
    page = open_figure(every_figure)
    for control in page.figure.locator(".live-figure input").all():
        assert control.evaluate("(e) => e.labels.length") == 1
    handles = page.figure.locator(".live-figure [tabindex='0']").all()
    for handle in handles:
        assert handle.get_attribute("role") == "slider"
        assert handle.get_attribute("aria-label")


def test_changes_are_spoken_once_and_only_then(open_figure, every_figure):
    page = open_figure(every_figure)
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
    assert status.text_content()


def test_start_again_undoes_everything(open_figure, every_figure):
    page = open_figure(every_figure)
    first = slider_values(page)
    for slider in page.figure.locator("input").all():
        slider.press("PageUp")
        slider.press("PageUp")
    page.figure.get_by_role("button", name="Start again").press("Enter")
    assert slider_values(page) == first
    assert page.faults == []


def test_the_address_holds_what_the_reader_chose(open_figure, every_figure):
    """A link opens the figure as it was left; an address that is nonsense does no harm."""
    page = open_figure(every_figure)
    before = page.url
    page.figure.locator("input").first.press("Tab")
    page.wait_for_timeout(500)
    assert page.url == before
    for slider in page.figure.locator("input").all():
        slider.press("PageDown")
        slider.press("PageUp")
        slider.press("PageUp")
    page.wait_for_timeout(600)
    chosen, seen = page.url, look(page)
    assert "&" in chosen
    page.goto("about:blank")
    page.goto(chosen)
    assert look(page) == seen
    nonsense = re.sub(r"=[^&]*", "=1e999", chosen)
    page.evaluate("(hash) => { location.hash = hash; }", nonsense.partition("#")[2])
    page.wait_for_timeout(100)
    assert not {"NaN", "undefined", "Infinity"} & set(re.findall(r"\w+", look(page)))
    assert page.faults == []


STATE = """async (name) => {
    const { address } = await import("live/figure");
    return address(`fig-${name}`, (await import(`live/${name}`)).build().state);
}"""
SLIDE = """(figure) => figure.querySelectorAll("input").forEach((slider) =>
    slider.dispatchEvent(new Event("input")))"""


def test_an_address_asks_for_what_the_sliders_can_show(open_figure, every_figure):
    """Beyond the end of a range is the end, between two whole numbers the nearer one."""
    page = open_figure(every_figure)
    start = page.evaluate(STATE, every_figure)
    for value in ("1e6", "-1e6", "7.4"):
        asked = re.sub(r"(?<=[=,C])-?\d[\d.]*(e-?\d+)?(?=&|%2C|$)", value, start)
        assert asked.count(value) >= len(slider_values(page)) / 2
        page.evaluate("(hash) => { location.hash = hash; }", asked)
        page.wait_for_timeout(100)
        seen = look(page)
        assert not {"NaN", "undefined", "Infinity"} & set(re.findall(r"\w+", seen))
        page.figure.evaluate(SLIDE)
        if value != "7.4":  # which may lie between two marks of a fine slider
            assert look(page) == seen, asked
        page.figure.get_by_role("button", name="Start again").press("Enter")
    assert page.faults == []


@BOTH
def test_without_scripts_the_static_figure_stands(open_figure, every_figure, book):
    page = open_figure(every_figure, book, java_script_enabled=False)
    assert page.figure.locator("img, svg.drawing").first.is_visible()
    assert page.figure.locator("figcaption .caption-text").is_visible()
    assert not page.locator(".live-figure").is_visible()


def test_paper_shows_the_static_figure(open_figure, every_figure):
    page = open_figure(every_figure)
    live, static = (
        page.figure.locator(".live-figure"),
        page.figure.locator("img, svg.drawing").first,
    )
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


UNNAMED = """(figure) => [...figure.querySelectorAll(".live-plot")].flatMap((plot) => {
    const colors = new Set([...plot.querySelectorAll(".live-line:not(.live-arrow)")]
        .map((line) => line.classList[1]));
    const names = plot.querySelectorAll("text:not(.live-scale)");
    return colors.size > 1 && names.length < colors.size ? [[[...colors], names.length]] : [];
})"""


@pytest.mark.parametrize("width", [1280, 360])
def test_curves_that_share_a_plot_are_named_in_it(open_figure, every_figure, width):
    page = open_figure(every_figure, width=width)
    assert page.figure.evaluate(UNNAMED) == []
    for key in ("End", "Home"):
        for slider in page.figure.locator("input").all():
            slider.press(key)
    beyond = page.figure.evaluate("""(figure) => [...figure.querySelectorAll(".live-name")]
        .filter((text) => {
            const [box, plot] = [text, text.closest("svg")].map((e) => e.getBoundingClientRect());
            return box.left < plot.left || box.right > plot.right || box.bottom > plot.bottom;
        }).map((text) => text.textContent)""")
    assert beyond == []


def test_scales_have_a_real_minus(open_figure, every_figure):
    page = open_figure(every_figure)
    texts = page.figure.locator(".live-plot text").all_text_contents()
    assert [text for text in texts if re.search(r"(^|[^\w])-\d", text)] == []


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_contrast(open_figure, every_figure, theme):
    found = open_figure(every_figure, theme=theme).evaluate(CONTRASTS)
    assert found["text"] >= 4.5
    assert found["line"] >= 3


@pytest.mark.parametrize(("theme", "width"), [("light", 1280), ("dark", 360)])
def test_operated_figures_stay_sound(open_figure, every_figure, theme, width):
    """At the ends of the sliders: no axe violation, nothing too wide, no fault, no request."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    page = open_figure(every_figure, theme=theme, width=width)
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


@pytest.mark.parametrize("over", ["http", "file"])
def test_no_module_is_requested(small_site, serve, watch, every_figure, over):
    home = serve(small_site) if over == "http" else small_site.as_uri()
    page = watch(f"{home}/chapters/one/{every_figure}.html")
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


def test_an_unknown_figure_stops_the_build_and_its_page_is_named(tmp_path, build, write_live_book):
    root = write_live_book(
        tmp_path, {"neuron": HOST.format(name="neuron").replace("neuron", "nuron", 1)}
    )
    finished = build(root, root / "_build/site")
    assert finished.returncode != 0
    assert "chapters/one/neuron.ipynb: ERROR: there is no live figure 'nuron'" in finished.stderr
    assert "Traceback" not in finished.stderr


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ([("gone", "fig-neuron")], "there is no live figure 'gone', but bowl, "),
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
    for path in (ROOT / "book/live").glob("*.js"):
        name = path.stem
        assert "/**" not in extension.source(name)
        assert "</" not in extension.import_map([name])
