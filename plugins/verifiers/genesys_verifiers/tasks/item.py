"""One question of a two-way task."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from random import Random
from typing import Any


@dataclass(frozen=True)
class Item:
    """A context with its real continuation and a distractor.

    Attributes:
        context: Text before; does not end in white space.
        good: The real continuation.
        bad: The distractor, as many tokens long.
    """

    context: str
    good: str
    bad: str


def rows(items: Iterable[Item], rng: Random) -> Iterator[dict[str, Any]]:
    """Lay out items as lm-eval reads them, the real continuation first in every other one."""
    shuffled = list(items)
    rng.shuffle(shuffled)
    for index, item in enumerate(shuffled):
        choices = [item.good, item.bad] if index % 2 == 0 else [item.bad, item.good]
        yield {"context": item.context, "choices": choices, "label": index % 2}
