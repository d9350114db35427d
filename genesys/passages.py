"""Trims what searches find to a budget of tokens, fairly among the sources."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import zip_longest
from operator import itemgetter

from genesys.records import Finding

CHARACTERS_PER_TOKEN = 4  # about, of English and of code
CUT = " [cut]"
# A passage shorter than this, in characters, tells too little: better fewer of them.
_LEAST = 600
_END_OF_SENTENCE = re.compile(r"[.!?][\"')\]]*(?=\s)|\n")


def trimmed(answers: Sequence[Sequence[Finding]], tokens: int) -> list[Finding]:
    """The best passages of each source, in about so many tokens.

    The first passages of all sources come before the second ones. Passages that are too long for
    an equal share are cut, at the end of a sentence where there is one, and marked. Of those with
    an equal id the first is kept.

    Args:
        answers: Of each source, best first.
        tokens: For titles and texts together.

    Returns:
        What is kept, source by source.
    """
    kept = list(_by_rank(answers))
    room = tokens * CHARACTERS_PER_TOKEN
    while len(kept) > 1 and _share(kept, room) < _LEAST:
        kept.pop()
    share = _share(kept, room)
    return [_fitted(finding, share) for _, finding in sorted(kept, key=itemgetter(0))]


def shortened(text: str, most: int) -> str:
    """The text in so many characters; cut at the end of a sentence or line, and marked."""
    if len(text) <= most:
        return text
    room = max(0, most - len(CUT))
    ends = [found.end() for found in _END_OF_SENTENCE.finditer(text[: room + 1])]
    end = ends[-1] if ends and ends[-1] > room // 2 else text.rfind(" ", 0, room + 1)
    return text[: room if end < 1 else min(end, room)].rstrip() + CUT


def _by_rank(answers: Sequence[Sequence[Finding]]) -> Iterator[tuple[int, Finding]]:
    """The first of each source, then the second of each, with the source's number; each id once."""
    seen: set[str] = set()
    for rank in zip_longest(*answers):
        for number, finding in enumerate(rank):
            if finding is not None and finding.id not in seen:
                seen.update({finding.id} - {""})
                yield number, finding


def _share(kept: Sequence[tuple[int, Finding]], room: int) -> int:
    """The most that each may take, so that all fit; what short ones leave goes to the others."""
    sizes = sorted(len(finding.title) + len(finding.text) for _, finding in kept)
    for number, size in enumerate(sizes):
        share = room // (len(sizes) - number)
        if size > share:
            return share
        room -= size
    return max([_LEAST, *sizes])


def _fitted(finding: Finding, share: int) -> Finding:
    text = shortened(finding.text, max(0, share - len(finding.title)))
    return finding if text == finding.text else finding.model_copy(update={"text": text})
