"""What the rows try a block at."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import numpy as np
from pydantic import Field

from genesys.records import Record
from genesys_checkers.block import Block
from genesys_checkers.faults import Fault

Array = np.ndarray[Any, Any]
Positive = Annotated[int, Field(ge=1)]
Positives = Annotated[list[Positive], Field(min_length=1)]
BATCHES = (2, 1, 3)


class Sizes(Record):
    """Lengths, widths and depth.

    Attributes:
        lengths: L of the sequences.
        widths: D of the models; the first serves all rows, the others build and run.
        blocks: Blocks of the models.
    """

    lengths: Positives
    widths: Positives
    blocks: Positive

    @property
    def width(self) -> int:
        """The width that most rows use."""
        return self.widths[0]

    @property
    def usual(self) -> int:
        """The greatest length but one, if there are two."""
        return sorted(self.lengths)[-2:][0]

    @property
    def extremes(self) -> list[int]:
        """The least length and the greatest."""
        return sorted({min(self.lengths), max(self.lengths)})


def noise(*shape: int, seed: int = 0) -> Array:
    """Normal numbers in float32, always the same for one seed."""
    return np.random.default_rng(seed).standard_normal(shape, dtype=np.float32)


@contextmanager
def trying(what: str) -> Iterator[None]:
    """Add to the message of a fault what was tried."""
    try:
        yield
    except Fault as fault:
        fault.message = f"{fault.message.rstrip('.')} ({what})."
        raise


def build(block: Block, width: int, blocks: int, dtype: str = "float32", **options: Any) -> int:
    """Make a model and have it tell which unit runs; a fault says which model it was."""
    with trying(f"built with embed_dim = {width} and {blocks} blocks in {dtype}"):
        count = block.build(width, blocks, dtype, **options)
    block.call("watch")
    return count
