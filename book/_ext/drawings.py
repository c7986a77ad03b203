"""Figures as part of the page: drawings that take its colors and are readable on a phone.

Matplotlib's SVG stands in the page itself. Its gray is the text's color there, its hues follow
light and dark, its letters grow where the page is narrow, and panels beside each other can be
stacked. EPUB keeps the files, made smaller.
"""

import hashlib
import re
from dataclasses import dataclass
from html import escape
from itertools import pairwise
from pathlib import Path
from urllib.parse import unquote
from xml.etree import ElementTree as ET

from docutils import nodes
from sphinx.transforms.post_transforms import SphinxPostTransform

from bookkit.figures import COLORS, FOREGROUND

SVG = "{http://www.w3.org/2000/svg}"
PIXELS = 96 / 72  # in a point
PATH_NUMBER = re.compile(r"\d+\.\d{2,}")
LENGTH = re.compile(r"([\d.]+)pt")
FONT = re.compile(r"font-size: ([\d.]+)px")
PLACE = re.compile(r"(?:translate|rotate)\(([^)]*)\)")
NO_FONT = re.compile(r"; font-family: [^;]*")
STYLE = ET.fromstring("<style>*{stroke-linejoin:round}</style>")
WIDEST_ROW = 3  # panels beside each other that are stacked on a phone


def _parse(text):
    """Return the root of an SVG: names without namespaces, no metadata, no style sheet."""
    root = ET.fromstring(text)
    for element in root.iter():
        element.tag = element.tag.removeprefix(SVG)
        element.attrib = {
            name.rpartition("}")[2]: value
            for name, value in element.attrib.items()
            if "namespace" not in name
        }
    for parent in list(root.iter()):
        parent[:] = [child for child in parent if child.tag not in ("metadata", "style")]
    return root


def _invisible(element):
    """Whether a path neither fills nor strokes: Matplotlib's transparent backgrounds."""
    style = element.get("style", "")
    return element.tag == "path" and style == "fill: none"


def _prune(element):
    """Drop invisible paths and the groups that only hold other things."""
    kept = []
    for child in element:
        _prune(child)
        if _invisible(child):
            continue
        empty_group = child.tag in ("g", "defs") and not len(child)
        if child.tag == "g" and not set(child.attrib) - {"id"}:
            kept += list(child)
        elif not empty_group:
            kept.append(child)
    element[:] = kept
    element.text = element.text if element.tag in ("text", "tspan") else None
    for child in element:
        child.tail = None


def _own_ids(root, prefix):
    """Give what is referred to an id of its own, so that drawings do not share any; drop others.

    The groups of figures and axes keep theirs: they are told apart by them.
    """
    used = set(re.findall(r"#(\w+)", ET.tostring(root, encoding="unicode")))
    for element in root.iter():
        for name, value in element.attrib.items():
            if "#" in value and name != "style":
                element.set(name, re.sub(r"#(\w+)", rf"#{prefix}\1", value))
        if (own := element.get("id")) is not None:
            if own in used:
                element.set("id", prefix + own)
            elif not own.startswith(("figure_", "axes_")):
                del element.attrib["id"]


def _recolor(text):
    """Return the drawing with the page's own colors in place of Matplotlib's."""
    text = text.replace(FOREGROUND, "currentColor")
    for name, color in COLORS.items():
        text = text.replace(color, f"var(--book-{name})")
    return text


def _grow(root):
    """Let text grow by the page's factor: its sizes, and whole groups where TeX was set."""
    for element in root.iter("text"):
        element.set("style", NO_FONT.sub("", element.get("style", "")))
        if not len(element):
            style = FONT.sub(r"font-size: calc(\1px * var(--text, 1))", element.get("style"))
            element.set("style", style)
    for group in [g for g in root.iter("g") if g.find("text/tspan") is not None]:
        inner = ET.Element("g", {"style": "transform: scale(var(--text, 1))"})
        inner.extend(list(group))
        group[:] = [inner]


def _round(root):
    for path in root.iter("path"):
        if "d" in path.attrib:
            path.set("d", _slim_path(path.get("d")))


def _slim_path(d):
    rounded = PATH_NUMBER.sub(lambda n: f"{float(n[0]):.1f}".removesuffix(".0"), d)
    words, command = [], ""
    for word in rounded.split():
        repeated = word == "L" and command in ("M", "L")  # a line to each further point is implied
        command = word if word.isalpha() else command
        words += [] if repeated else [word]
    return " ".join(words)


@dataclass
class Panel:
    """A part of a drawing: the groups that it shows, and how far its frame and words reach."""

    groups: list
    left: float
    right: float


def _frame(group):
    """The left and right end of an axes: its first path is its background."""
    first = next(group.iter("path"), None)
    numbers = (
        [float(n) for n in re.findall(r"-?[\d.]+", first.get("d", ""))] if first is not None else []
    )
    xs = numbers[0::2]
    return (min(xs), max(xs)) if xs else None


def _reach(group):
    """How far to the left and right the words of a group reach, by their estimated widths."""
    spans = [*map(_words, group.iter("text")), *map(_formula, group.iter("g"))]
    spans = [span for span in spans if span]
    if not spans:
        return None, None
    return min(left for left, _ in spans), max(right for _, right in spans)


def _words(text):
    """The left and right end of a text, or None."""
    style, words = text.get("style", ""), "".join(text.itertext())
    size = float(match[1]) if (match := FONT.search(style)) else 10.0
    rotated = re.search(r"rotate\(-?(?!0[ .])\d+", text.get("transform", ""))
    if text.get("x") is None or " " in text.get("x"):
        return None
    x, width = float(text.get("x")), 0.0 if rotated else 0.6 * size * len(words)
    share = {"middle": 0.5, "end": 1.0}.get(
        (re.search(r"text-anchor: (\w+)", style) or ["", "start"])[1], 0.0
    )
    return x - share * width - (size if rotated else 0), x + (1 - share) * width


def _formula(group):
    """The left and right end of a group that sets TeX letter by letter from its corner, or None."""
    letters = group.findall("text/tspan")
    corner = re.match(r"translate\((-?[\d.]+) [^)]*\)( rotate)?", group.get("transform", ""))
    if not letters or not corner:
        return None
    left, size = float(corner[1]), 10.0
    if corner[2]:
        return left - size, left
    return left, left + size + max(float(x) for t in letters for x in t.get("x", "0").split())


def panels(root):
    """Return the panels of a drawing that stand in one row, from left to right; [] if it is one.

    Axes that share a stretch of the row, such as twins and color bars, stay together.
    """
    figure = next((g for g in root.iter("g") if g.get("id") == "figure_1"), None)
    groups = list(figure) if figure is not None else []
    axes = [g for g in groups if (g.get("id") or "").startswith("axes_")]
    if len(axes) < 2 or any(g not in axes for g in groups[1:]):
        return []
    found = []
    for group in axes:
        frame = _frame(group)
        if frame is None:
            return []
        left, right = _reach(group)
        found.append(
            Panel(
                [group],
                min(frame[0], frame[0] if left is None else left),
                max(frame[1], frame[1] if right is None else right),
            )
        )
    found.sort(key=lambda panel: panel.left)
    return _joined(found)


def _joined(found):
    row = [found[0]]
    for panel in found[1:]:
        last = row[-1]
        narrow = panel.right - panel.left < 0.2 * (found[-1].right - found[0].left)
        if panel.left < last.right - 8 or narrow:
            last.groups += panel.groups
            last.right = max(last.right, panel.right)
        else:
            row.append(panel)
    return row if 2 <= len(row) <= WIDEST_ROW else []


def _boxes(root, row):
    """The viewBoxes of the panels: the drawing's, cut in the middle between neighbors."""
    _, _, width, height = map(float, root.get("viewBox").split())
    cuts = [(a.right + b.left) / 2 for a, b in pairwise(row)]
    edges = [0.0, *cuts, width]
    return [(a, b - a, height) for a, b in pairwise(edges)]


def inline(text, alt):
    """Return the HTML of a drawing: one `<svg>`, or a row of panels that a phone stacks."""
    root = _parse(text)
    prefix = f"d{hashlib.sha256(text.encode()).hexdigest()[:6]}-"
    row = panels(root)
    boxes = _boxes(root, row) if row else []
    kept = [set(map(id, panel.groups)) for panel in row]
    _round(root)
    _grow(root)
    _own_ids(root, prefix)
    label = f'role="img" aria-label="{escape(alt)}"'
    if not row:
        _, _, width, height = map(float, root.get("viewBox").split())
        return _svg(root, (0, width, height), label)
    figure = next(g for g in root.iter("g") if g.get("id") == "figure_1")
    groups, drawn = list(figure), []
    for box, own in zip(boxes, kept, strict=True):
        figure[:] = [g for g in groups if id(g) in own]
        share = f'style="flex-grow: {box[1]:.0f}" aria-hidden="true"'
        drawn.append(_svg(_copy(root), box, share))
        root[:] = [child for child in root if child.tag != "defs"]  # the first holds them for all
    return f'<div class="panels" {label}>{"".join(drawn)}</div>'


def _copy(root):
    return ET.fromstring(ET.tostring(root))


def _svg(root, box, label):
    left, width, height = box
    _prune(root)
    inside = "".join(ET.tostring(child, encoding="unicode") for child in root)
    inside = _recolor(inside)
    size = f'width="{width * PIXELS:.0f}" height="{height * PIXELS:.0f}"'
    return (
        f'<svg class="drawing" viewBox="{left:.1f} 0 {width:.1f} {height:.1f}" {size} {label}>'
        f"{inside}</svg>"
    )


def slim(text):
    """Return a drawing as a file: without metadata, its paths rounded to 0.1 points."""
    root = _parse(text)
    _round(root)
    for element in root.iter("text"):
        element.set("style", NO_FONT.sub("; font-family: sans-serif", element.get("style", "")))
    for element in root.iter():
        if "href" in element.attrib:
            element.set("xlink:href", element.attrib.pop("href"))
    root.insert(0, STYLE)
    root.set("xmlns", "http://www.w3.org/2000/svg")
    root.set("xmlns:xlink", "http://www.w3.org/1999/xlink")
    return ET.tostring(root, encoding="unicode")


class InlineDrawings(SphinxPostTransform):
    """Put the drawings of the cells into the page, once the outputs are chosen (priority 4)."""

    default_priority = 170
    formats = ("html",)

    def run(self, **_options):
        if self.app.builder.name == "epub":
            return
        for image in list(self.document.findall(nodes.image)):
            path = Path(self.env.srcdir) / unquote(image["uri"]).lstrip("/")
            if image["uri"].endswith(".svg") and "jupyter_execute" in path.parts:
                html = inline(path.resolve().read_text(encoding="utf-8"), image.get("alt", ""))
                image.replace_self(nodes.raw("", html, format="html"))


def slim_files(app, exception):
    """Rewrite the drawings that Sphinx put into the site as files."""
    if exception is None and app.builder.format == "html":
        for path in (Path(app.outdir) / "_images").glob("*.svg"):
            path.write_text(slim(path.read_text(encoding="utf-8")), encoding="utf-8")


def setup(app):
    app.add_post_transform(InlineDrawings)
    app.connect("build-finished", slim_files)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
