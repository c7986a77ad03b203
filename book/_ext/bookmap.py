"""The map of the book: `<!-- map -->` becomes the drawing of what needs what, `<!-- paths -->` the
short paths, `<!-- map table -->` the table. All come from chapters/manifest.toml.
"""

from html import escape
from pathlib import Path

from bookkit.courses import read_paths
from bookkit.layers import draw
from bookkit.manifest import chapters_of

MAP, PATHS, TABLE = "<!-- map -->", "<!-- paths -->", "<!-- map table -->"
LIST = "chapters/courses.toml"
HEIGHT, BOX = 7.4, 4.6  # of a row and of a box in it, in units that CSS scales
COLORS = ["blue", "vermilion", "green", "purple"]  # of Part I, II, …
OTHERS = "var(--color-foreground-muted)"
WORDS = (
    "A chapter builds on those that a line joins to it from above. What these need in turn is "
    "needed too."
)


def drawing(parts, address):
    """Return the HTML of the map. `address` gives the address of a chapter's page."""
    chapters = chapters_of(parts)
    layout = draw(chapters)
    color = _colors(parts)
    boxes = "".join(
        _box(chapter, layout.places[chapter.number], color[chapter.part], address(chapter.docname))
        for chapter in chapters
    )
    curves = "".join(f'<path d="{_curve(points)}"/>' for points in layout.lines.values())
    size = f"0 0 100 {HEIGHT * layout.rows:.1f}"
    lines = f'<svg viewBox="{size}" preserveAspectRatio="none">{curves}</svg>'
    key = "".join(
        f'<li style="--part: {color[part.title]}">{escape(part.title)}</li>' for part in parts
    )
    return (
        f'<div class="book-chart"><p>{WORDS}</p>'
        f'<nav class="book-map" aria-label="Map of the book" style="--rows: {layout.rows}">'
        f'<div aria-hidden="true">{lines}</div>{boxes}</nav><ul class="book-key">{key}</ul></div>'
    )


def _colors(parts):
    """The color of each part: the numbered ones have their own, as in the figures."""
    numbered = [part.title for part in parts if part.title.startswith("Part ")]
    own = {title: f"var(--book-{COLORS[i % len(COLORS)]})" for i, title in enumerate(numbered)}
    return {part.title: own.get(part.title, OTHERS) for part in parts}


def _box(chapter, place, color, page):
    row, left, width = place
    style = f"--row: {row}; --left: {left:.4f}; --width: {width:.4f}; --part: {color}"
    words = f"<b>{chapter.number}</b> <span>{escape(chapter.title)}</span>"
    return f'<a href="{page}" style="{style}">{words}</a>'


def _curve(points):
    """The path from below a box, past rows, to the top of another box."""
    (row, x), *others = points
    at = row * HEIGHT + BOX
    path = f"M{100 * x:.2f},{at:.2f}"
    for i, (row, end) in enumerate(others, 1):
        top = row * HEIGHT
        middle = (at + top) / 2
        path += (
            f"C{100 * x:.2f},{middle:.2f} {100 * end:.2f},{middle:.2f} {100 * end:.2f},{top:.2f}"
        )
        x, at = end, top + BOX
        path += f"V{at:.2f}" if i < len(others) else ""
    return path


def table(chapters):
    """Return the MyST source of the table, with the hours of the whole book below it."""
    rows = "\n".join(map(_row, chapters))
    sums = [sum(getattr(c, name) for c in chapters) for name in ("minutes", "exercise_minutes")]
    reading, exercises = (f"{minutes / 60:.0f}" for minutes in sums)
    return (
        f"| | chapter | needs | minutes |\n|---|---|---|---|\n{rows}\n\n"
        f"Minutes are those of reading and, after the plus sign, of the exercises. Together: "
        f"{reading} hours of reading and {exercises} hours of exercises."
    )


def _row(chapter):
    needs = ", ".join(map(str, chapter.needs)) or "–"
    link = f"[{chapter.title}](/{chapter.docname}.ipynb)"
    minutes = f"{chapter.minutes} + {chapter.exercise_minutes}"
    return f"| {chapter.number} | **{link}** {chapter.summary} | {needs} | {minutes} |"


def path(way):
    """Return the MyST source of a short path: its chapters and their minutes."""
    links = " → ".join(f"[{c.number} {c.title}](/{c.docname}.ipynb)" for c in way.chapters)
    reading = sum(chapter.minutes for chapter in way.chapters)
    exercises = sum(chapter.exercise_minutes for chapter in way.chapters)
    hours = f"{reading / 60:.1f} hours of reading, {exercises / 60:.1f} of exercises"
    return f"{way.title} ({hours})\n: {way.about}\n\n  {links}"


def fill_in(app, docname, source):
    """Replace the markers in a page; a book without a list of courses has no paths."""
    if MAP not in source[0]:
        return
    for name in ("chapters/manifest.toml", LIST):
        app.env.note_dependency(name, docname=docname)
    parts = app.env.book_parts
    html = drawing(parts, lambda name: app.builder.get_relative_uri(docname, name))
    ways = read_paths(app.srcdir) if (Path(app.srcdir) / LIST).exists() else ()
    source[0] = source[0].replace(MAP, f"```{{raw}} html\n{html}\n```")
    source[0] = source[0].replace(PATHS, "\n\n".join(map(path, ways)))
    source[0] = source[0].replace(TABLE, table(chapters_of(parts)))


def setup(app):
    app.connect("source-read", fill_in)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
