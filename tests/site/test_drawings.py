"""Drawings in the page: colors, letters, panels, ids; what is made of Matplotlib's SVG."""

import importlib.util
import json
import re
from io import StringIO
from pathlib import Path

import matplotlib as mpl
import pytest
from markup import parse
from matplotlib.figure import Figure

from bookkit.figures import COLORS, FOREGROUND
from bookkit.manifest import chapters_of, read_manifest

ROOT = Path(__file__).resolve().parents[2]
STYLE = {
    "svg.fonttype": "none",
    "svg.hashsalt": "x",
    "text.color": FOREGROUND,
    "axes.labelcolor": FOREGROUND,
    "xtick.color": FOREGROUND,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
}


@pytest.fixture(scope="module")
def drawings():
    spec = importlib.util.spec_from_file_location("drawings", ROOT / "book/_ext/drawings.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def plotted(columns=1, rows=1, draw=lambda figure, axes: None):
    """Matplotlib's SVG of axes with a curve in the book's blue, a label and a formula."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(6.4, 3), layout="constrained")
        axes = figure.subplots(rows, columns, squeeze=False).ravel()
        for number, axis in enumerate(axes):
            axis.plot([0, 1], [0, number + 1], "o-", color=COLORS["blue"], label="a <b>")
            axis.set(xlabel=f"words {number}", title=r"$\sigma(z)$")
        draw(figure, axes)
        text = StringIO()
        figure.savefig(text, format="svg", metadata={"Date": None})
    return text.getvalue()


def test_it_takes_the_colors_of_the_page(drawings):
    html = drawings.inline(plotted(), "A line.")
    assert FOREGROUND not in html
    assert COLORS["blue"] not in html
    assert "fill: currentColor" in html
    assert "stroke: var(--book-blue)" in html


def test_every_color_of_the_book_is_known_to_both_themes():
    settings = (ROOT / "book/conf.py").read_text(encoding="utf-8")
    for name in COLORS:
        assert settings.count(f'"book-{name}"') == 2


def test_it_has_a_size_and_an_alternative_text(drawings):
    svg = parse(drawings.inline(plotted(), 'A "line" & more.')).svg
    assert svg["aria-label"] == 'A "line" & more.'
    assert svg["role"] == "img"
    assert float(svg["width"]) == pytest.approx(6.4 * 96, abs=1)
    assert float(svg["height"]) == pytest.approx(3 * 96, abs=1)


def test_letters_can_grow(drawings):
    svg = parse(drawings.inline(plotted(), "A line.")).svg
    plain = [text for text in svg.find_all("text") if not text.find("tspan")]
    assert plain
    assert all("calc(" in text["style"] and "var(--text, 1)" in text["style"] for text in plain)
    (formula,) = [text for text in svg.find_all("text") if text.find("tspan")]
    assert formula.find_parent("g", style="transform: scale(var(--text, 1))")
    assert "words 0" in svg.text


def test_it_holds_nothing_idle(drawings):
    text = plotted()
    html = drawings.inline(text, "A line.")
    assert "metadata" not in html
    assert "<style" not in html
    assert len(parse(html).find_all(True)) < 0.7 * len(re.findall(r"<\w", text))
    assert not [g for g in parse(html).find_all("g") if not g.attrs]


@pytest.mark.parametrize("columns", [1, 2])
def test_drawings_do_not_share_ids(drawings, columns):
    one = drawings.inline(plotted(columns), "One.")
    two = drawings.inline(plotted(columns, draw=lambda f, a: a[0].plot([1, 0], [0, 1])), "Two.")
    ids = [tag["id"] for tag in parse(one + two).find_all(id=True)]
    assert len(ids) == len(set(ids)) > 0
    for html in (one, two):
        known = {tag["id"] for tag in parse(html).find_all(id=True)}
        assert set(re.findall(r'href="#([^"]*)"|url\(#([^)]*)\)', html))
        assert {a or b for a, b in re.findall(r'href="#([^"]*)"|url\(#([^)]*)\)', html)} <= known


def test_panels_beside_each_other_are_parts(drawings):
    row = parse(drawings.inline(plotted(2), "Two lines.")).div
    assert row["class"] == ["panels"]
    assert row["aria-label"] == "Two lines."
    left, right = row.find_all("svg")
    assert left["aria-hidden"] == right["aria-hidden"] == "true"
    assert "words 0" in left.text
    assert "words 1" not in left.text
    assert "words 1" in right.text
    boxes = [[float(n) for n in svg["viewbox"].split()] for svg in (left, right)]
    assert boxes[0][0] == 0
    assert boxes[0][2] == pytest.approx(boxes[1][0], abs=0.2)
    assert boxes[1][0] + boxes[1][2] == pytest.approx(6.4 * 72, abs=0.2)
    assert len(left.find_all("use")) > 5
    assert len(right.find_all("use")) > 5


def test_the_cut_is_beside_what_is_written_in_tex(drawings):
    """Powers of ten at the left of a panel belong to it."""

    def powers(_figure, axes):
        axes[1].semilogy([1e-12, 1])
        axes[1].set(xlabel="", title="")

    row = parse(drawings.inline(plotted(2, draw=powers), "Two lines.")).div
    right = row.find_all("svg")[1]
    edge = float(right["viewbox"].split()[0])
    places = [re.match(r"translate\((\S+)", g["transform"]) for g in right.select("g[transform]")]
    written = [float(place[1]) for place in places if place]
    assert len(written) > 3
    assert min(written) > edge


def colorbar(figure, axes):
    figure.colorbar(axes[0].imshow([[0, 1], [2, 3]]), ax=axes[0])


def twin(_figure, axes):
    axes[0].twinx().plot([0, 1], [1, 0])


@pytest.mark.parametrize(
    ("columns", "rows", "draw", "parts"),
    [
        (1, 1, lambda f, a: None, 0),
        (3, 1, lambda f, a: None, 3),
        (4, 1, lambda f, a: None, 0),
        (2, 2, lambda f, a: None, 2),
        (1, 1, twin, 0),
        (1, 1, colorbar, 0),
        (2, 1, twin, 2),
        (2, 1, lambda f, a: f.suptitle("One title for both"), 0),
    ],
    ids=["one", "three", "four", "a square", "twins", "color bar", "twins beside", "one title"],
)
def test_only_a_row_of_a_few_panels_is_divided(drawings, columns, rows, draw, parts):
    html = drawings.inline(plotted(columns, rows, draw), "Lines.")
    assert len(parse(html).select(".panels > svg")) == parts


def without_numbers(drawings, text):
    """The axes, in a drawing that a phone divides, whose y axis has ticks and no numbers."""
    for panel in drawings.panels(drawings._parse(text)):
        for axes in panel.groups:
            parts = [g for g in axes.iter("g") if g.get("id", "").startswith("matplotlib.axis_")]
            for y_axis in parts[1::2]:
                if y_axis.find(".//use") is not None and y_axis.find(".//text") is None:
                    yield axes.get("id")


def stored_drawings():
    for chapter in chapters_of(read_manifest(ROOT)):
        notebook = json.loads((ROOT / f"chapters/{chapter.path}.ipynb").read_text("utf-8"))
        for cell in notebook["cells"]:
            for output in cell.get("outputs", []):
                if text := "".join(output.get("data", {}).get("image/svg+xml", "")):
                    yield cell["metadata"].get("mystnb", {}).get("figure", {}).get("name"), text


def test_panels_that_are_stacked_have_numbers_of_their_own(drawings):
    """`sharey` leaves them to the first panel; `axis.tick_params(labelleft=True)` brings them."""
    several = [(name, text) for name, text in stored_drawings() if 'id="axes_2"' in text]
    assert len(several) > 50
    bare = {name: axes for name, text in several if (axes := [*without_numbers(drawings, text)])}
    assert bare == {}


@pytest.mark.parametrize(
    ("change", "bare"),
    [
        (lambda axes: axes[1].sharey(axes[0]), []),
        (lambda axes: axes[1].tick_params(labelleft=False), ["axes_2"]),
        (lambda axes: axes[1].label_outer(), ["axes_2"]),
        (lambda axes: axes[0].tick_params(labelleft=False), ["axes_1"]),
        (lambda axes: axes[1].set(yticks=[]), []),
    ],
    ids=["own numbers", "none at the right", "outer labels", "none at the left", "no ticks"],
)
def test_a_panel_without_numbers_is_found(drawings, change, bare):
    text = plotted(2, draw=lambda _figure, axes: change(axes))
    assert list(without_numbers(drawings, text)) == bare


def test_paths_are_rounded(drawings):
    assert drawings._slim_path("M 1.2345 2 L 3.04 4.00 L 5 6 C 1 2 z") == "M 1.2 2 3 4 5 6 C 1 2 z"


def test_a_file_stays_an_svg(drawings):
    text = drawings.slim(plotted())
    assert text.startswith("<svg")
    assert 'xmlns="http://www.w3.org/2000/svg"' in text
    assert "xlink:href=" in text
    assert "metadata" not in text
    drawings.inline(text, "It can be read again.")


# In a browser.


SMALLEST = """() => [...document.querySelectorAll(".drawing")].map((svg) => {
    const scale = svg.getBoundingClientRect().width / svg.viewBox.baseVal.width;
    const grow = parseFloat(getComputedStyle(svg).getPropertyValue("--text")) || 1;
    const sizes = [...svg.querySelectorAll("text")].map((e) =>
        parseFloat(getComputedStyle(e).fontSize) * scale * (e.querySelector("tspan") ? grow : 1));
    return Math.min(...sizes.filter((size) => size > 0));
})"""
FAINT = """() => {
    const canvas = document.createElement("canvas").getContext("2d", {willReadFrequently: true});
    const luminance = (color) => {
        canvas.fillStyle = color;
        canvas.fillRect(0, 0, 1, 1);
        const [r, g, b] = [...canvas.getImageData(0, 0, 1, 1).data].map((c) =>
            c / 255 <= 0.04045 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4);
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const paper = luminance(getComputedStyle(document.body).backgroundColor);
    return [...document.querySelectorAll(".drawing:not(:has(image)) text")].map((e) => {
        const [low, high] = [paper, luminance(getComputedStyle(e).fill)].sort((a, b) => a - b);
        return [(high + 0.05) / (low + 0.05), e.textContent.trim()];
    }).filter(([contrast]) => contrast < 4.5);
}"""

LEAVING = """() => [...document.querySelectorAll(".drawing")].flatMap((svg) => {
    const drawing = svg.getBoundingClientRect();
    return [...svg.querySelectorAll("text")].map((e) => {
        const box = e.getBoundingClientRect();
        const aside = Math.max(-box.left, box.right - innerWidth);
        const beyond = Math.max(drawing.top - box.top, box.bottom - drawing.bottom);
        return [aside, beyond, e.textContent.trim(), svg.closest("figure")?.id];
    }).filter(([aside, beyond, words]) => words && (aside > 0 || beyond > 5));
})"""


WIDTHS = {1280: 11, 768: 10, 390: 8.5, 360: 8}  # and how small a letter may be there
THEMES = ("light", "dark")


@pytest.fixture(scope="module")
def letters(site, chapters, browser):
    """By chapter: faint letters in each theme; at each width their sizes and those that leave."""
    context = browser.new_context(viewport={"width": 1280, "height": 800}, reduced_motion="reduce")
    found = {}
    for name in chapters:
        page = context.new_page()
        page.goto((site / name).as_uri())
        page.add_style_tag(content="section { content-visibility: visible !important; }")
        found[name] = {}
        for theme in THEMES:
            page.emulate_media(color_scheme=theme)
            found[name][theme] = page.evaluate(FAINT)
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 800})
            found[name][width] = page.evaluate(SMALLEST)
            found[name]["leaving", width] = page.evaluate(LEAVING)
        page.close()
    context.close()
    return found


@pytest.mark.parametrize("width", WIDTHS)
def test_letters_are_large_enough(letters, width):
    for name, found in letters.items():
        assert found[width], name
        assert min(found[width]) >= WIDTHS[width], name


@pytest.mark.parametrize("width", WIDTHS)
def test_letters_stay_on_the_screen_and_in_their_drawing(letters, width):
    """Grown letters leave the screen nowhere, and their drawing by five pixels at most."""
    places = {name: found["leaving", width] for name, found in letters.items()}
    assert {name: found for name, found in places.items() if found} == {}


@pytest.mark.parametrize("theme", THEMES)
def test_letters_stand_out(letters, theme):
    """Words have the contrast of text, in light and in dark; those on a picture have their own."""
    faint = {name: found[theme] for name, found in letters.items() if found[theme]}
    assert faint == {}
