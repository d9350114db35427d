"""What a design takes in time and memory beside the reference, as a person reads it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from genesys.cli.text import count, gist
from genesys.records import Efficiency
from genesys.text import one_line

COLUMNS = (
    ("training\ntokens/s", "train_tokens_per_second"),
    ("MiB", "train_memory_mb"),
    ("prefill\ntokens/s", "prefill_tokens_per_second"),
    ("MiB", "prefill_memory_mb"),
    ("bytes\n/token", "prefill_bytes_per_token"),
)


@dataclass(frozen=True)
class Line:
    """One measurement.

    Attributes:
        length: Tokens of a sequence.
        design: Name of the design.
        is_reference: Whether it is the one that the next line compares with.
        cells: A value for each column, a design's with its ratio to the reference.
        error: Why there is none; else empty.
    """

    length: int
    design: str
    is_reference: bool
    cells: tuple[str, ...]
    error: str


def lines(found: Sequence[Efficiency]) -> list[Line]:
    """Two lines per length: the reference, and the design.

    Args:
        found: The reference and the design by turns.
    """
    pairs = zip(found[::2], found[1::2], strict=False)
    return [
        line
        for reference, design in pairs
        for line in (_line(reference, None), _line(design, reference))
    ]


def table(found: Sequence[Efficiency]) -> Table:
    """The same for a terminal."""
    shown = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    for name in ("length", "design", *(title for title, _ in COLUMNS)):
        shown.add_column(name, justify="left" if name == "design" else "right")
    for line in lines(found):
        cells = [Text(cell) for cell in line.cells] or [Text(gist(line.error), "red")]
        length = str(line.length) if line.is_reference else ""
        design = Text(one_line(line.design))
        shown.add_row(length, design, *cells, end_section=not line.is_reference)
    return shown


def _line(one: Efficiency, base: Efficiency | None) -> Line:
    cells = tuple(_cell(one, base, name) for _, name in COLUMNS)
    return Line(one.length, one.design, base is None, () if one.error else cells, one.error)


def _cell(one: Efficiency, base: Efficiency | None, name: str) -> str:
    value, rival = getattr(one, name), getattr(base, name, 0.0)
    return count(value) + (f" ({value / rival:.2f}×)" if rival else "")
