"""A drawing of what needs what: chapters in rows, each below all that it needs."""

from dataclasses import dataclass
from itertools import pairwise

SLOT = 0.22  # the width of a line that passes a row, where a chapter's is 1
SWEEPS = 12


@dataclass(frozen=True)
class Drawing:
    """Where chapters stand and lines run.

    Attributes
    ----------
    places : dict
        number of a chapter → (row, left end, width), both as parts of the row.
    lines : dict
        (needed, number) → the points (row, x) that the line passes, one in each row.
    rows : int
    """

    places: dict
    lines: dict
    rows: int


def draw(chapters):
    """Lay out chapters, so that few lines cross and none passes behind a chapter.

    A row further down than all that a chapter needs is its own. A line that passes a row has a
    narrow place there, like a chapter; the order in a row follows the mean place of what each is
    joined to above, then below, some times over (Sugiyama, Tagawa and Toda, 1981).
    """
    row = {}
    for chapter in chapters:
        row[chapter.number] = 1 + max((row[need] for need in chapter.needs), default=-1)
    rows = [[n for n in row if row[n] == r] for r in range(1 + max(row.values(), default=-1))]
    chains = {}
    for chapter in chapters:
        for need in chapter.needs:
            end = chapter.number
            between = [(need, end, r) for r in range(row[need] + 1, row[end])]
            for passing in between:
                rows[passing[2]].append(passing)
            chains[need, end] = [need, *between, end]
    pairs = [pair for chain in chains.values() for pair in pairwise(chain)]
    rows = min(_orders(rows, pairs), key=lambda order: _length(order, pairs))
    left = {node: span for order in rows for node, span in _spans(order).items()}
    places = {n: (row[n], *left[n]) for n in row}
    lines = {
        ends: [
            (row[ends[0]] + i, left[node][0] + left[node][1] / 2) for i, node in enumerate(chain)
        ]
        for ends, chain in chains.items()
    }
    return Drawing(places, lines, len(rows))


def _spans(order):
    """Left end and width of each node of a row, as parts of the row."""
    widths = [SLOT if isinstance(node, tuple) else 1 for node in order]
    total, at, spans = sum(widths), 0, {}
    for node, width in zip(order, widths, strict=True):
        spans[node] = (at / total, width / total)
        at += width
    return spans


def _centers(rows):
    spans = (_spans(order) for order in rows)
    return {node: a + width / 2 for each in spans for node, (a, width) in each.items()}


def _orders(rows, pairs):
    """Yield better and better orders of the rows, swept down and up."""
    above, below = {}, {}
    for upper, lower in pairs:
        above.setdefault(lower, []).append(upper)
        below.setdefault(upper, []).append(lower)
    yield rows
    for sweep in range(SWEEPS):
        joined = below if sweep % 2 else above
        rows = [list(order) for order in rows]
        for order in reversed(rows) if sweep % 2 else rows:
            centers = _centers(rows)
            order.sort(key=lambda node: _mean(centers, joined.get(node, [node])))
        yield rows


def _mean(centers, nodes):
    return sum(centers[node] for node in nodes) / len(nodes)


def _length(rows, pairs):
    """How far the lines run sideways, and, which counts more, how often they cross."""
    centers = _centers(rows)
    row = {node: r for r, order in enumerate(rows) for node in order}
    ends = [(row[a], centers[a], centers[b]) for a, b in pairs]
    crossings = sum(
        r == s and (a - c) * (b - d) < 0 for i, (r, a, b) in enumerate(ends) for s, c, d in ends[:i]
    )
    return crossings + sum(abs(a - b) for _, a, b in ends)
