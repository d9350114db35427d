"""Lines of text on the pages of a PDF, put into the order of reading."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

MARGIN = 0.09  # share of a page's height where running heads and numbers stand
NARROW = 0.55  # share of a page's width that a line of a column stays within
LEVEL = 4  # points; pieces of a line, as formulas have, are not on one level exactly
REPEATED = 3  # pages on which a running head stands, at least


@dataclass(frozen=True, slots=True)
class Line:
    """A piece of a line; positions are in points from the lower left corner.

    Attributes:
        text: What it says.
        page: On which it is, from 0.
        left: Where it begins.
        right: Where it ends.
        bottom: Of its letters.
        size: Height of its letters.
        bold: Whether its first letter is.
    """

    text: str
    page: int
    left: float
    right: float
    bottom: float
    size: float
    bold: bool


@dataclass(frozen=True, slots=True)
class Page:
    """A page's size in points, and its lines as the file has them."""

    width: float
    height: float
    lines: list[Line]


def in_reading_order(pages: Sequence[Page]) -> list[Line]:
    """All lines but running heads and page numbers; of two columns the left one comes first."""
    heads = _running_heads(pages)
    kept = [
        [line for line in page.lines if not (_marginal(line, page) and _mark(line) in heads)]
        for page in pages
    ]
    return [
        line
        for page, lines in zip(pages, kept, strict=True)
        for line in _columns(lines, page.width)
    ]


def _running_heads(pages: Sequence[Page]) -> set[str]:
    marks = [{_mark(line) for line in page.lines if _marginal(line, page)} for page in pages]
    counts = Counter(mark for page in marks for mark in page)
    often = {mark for mark, count in counts.items() if count >= REPEATED}
    return often | {"#"}  # a page number alone


def _marginal(line: Line, page: Page) -> bool:
    return not MARGIN * page.height < line.bottom < (1 - MARGIN) * page.height


def _mark(line: Line) -> str:
    """What a running head has in common with that of the next page."""
    return re.sub(r"\d+", "#", line.text.strip().lower())


def _columns(lines: Sequence[Line], width: float) -> Iterator[Line]:
    """Lines with those of the left column before those of the right, between wide ones."""
    middle = width / 2
    sides = [_side(line, middle, width) for line in lines]
    if min(sides.count(-1), sides.count(1)) < max(3, len(lines) / 5):
        yield from lines  # one column: the file's own order keeps formulas together
        return
    placed = sorted(zip(lines, sides, strict=True), key=lambda pair: -pair[0].bottom)
    for wide, group in groupby(placed, key=lambda pair: pair[1] == 0):
        rows = list(group)
        if not wide:
            rows.sort(key=lambda pair: pair[1])  # stable: the left column, then the right
        yield from _top_down(rows)


def _top_down(rows: Iterable[tuple[Line, int]]) -> Iterator[Line]:
    """Lines of columns from top to bottom; pieces on one level from left to right."""
    for _, column in groupby(rows, key=lambda pair: pair[1]):
        yield from sorted(
            (line for line, _ in column),
            key=lambda line: (-round(line.bottom / LEVEL), line.left),
        )


def _side(line: Line, middle: float, width: float) -> int:
    """-1 for the left column, 1 for the right, 0 for what crosses the middle."""
    slack = 0.01 * width
    if line.right <= middle + slack and line.right - line.left <= NARROW * width:
        return -1
    return 1 if line.left >= middle - slack else 0
