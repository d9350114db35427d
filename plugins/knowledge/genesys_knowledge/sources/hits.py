"""What services find, and the words they are asked for."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain, zip_longest

from genesys.text import clean, one_line

LONGEST = 200  # characters of a keyword


@dataclass(frozen=True)
class Hit:
    """What a service knows of a work.

    Attributes:
        id: See ``Finding.id``.
        title: Of the work.
        text: Its abstract, or a passage.
        url: Where a person can read on.
        authors: Full names, in order.
        year: Of publication.
    """

    id: str
    title: str
    text: str
    url: str
    authors: Sequence[str] = ()
    year: int | None = None

    @property
    def citation(self) -> str:
        """Authors, year and title on a line."""
        names = [name for author in self.authors if (name := one_line(author).split(" "))[-1]]
        who = f"{names[0][-1]}{' et al.' if len(names) > 1 else ''}" if names else "Anonymous"
        return one_line(f"{who} ({self.year or 'no year'}): {self.title}", 300)


def plain(keyword: str) -> str:
    """The words of a keyword, without anything that a service might take for a command."""
    words = re.findall(r"\w+", clean(keyword))
    return " ".join(w for w in words if w.lower() not in {"and", "or", "not", "andnot"})[
        :LONGEST
    ].strip()


def interleaved(lists: Iterable[Sequence[Hit]]) -> list[Hit]:
    """The first of each list, then the second of each, and so on; each work once."""
    hits = [hit for hit in chain.from_iterable(zip_longest(*lists)) if hit is not None]
    return list({hit.id: hit for hit in reversed(hits)}.values())[::-1]
