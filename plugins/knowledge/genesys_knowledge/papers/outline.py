"""Lines in the order of reading made into a title and sections of paragraphs."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise

from genesys_knowledge.papers.document import Document, Section, tidy
from genesys_knowledge.papers.lines import Line

LARGER = 1.12  # than the text: a heading
LONGEST_HEADING = 150
APART = 1.7  # line heights between paragraphs
INDENT = 0.7  # line heights that a paragraph's first line is moved in

HYPHENS = "-\x02\xad\ufffe\u2010"
_NAMED = r"abstract|introduction|conclusions?|discussion|acknowledge?ments?|references|appendix"
_NUMBERED = r"(\d+(\.\d+)*|[A-Z](\.\d+)*|[IVX]+)\.?\s+[A-Z]"
_HEADING = re.compile(rf"(?:(?i:{_NAMED})|{_NUMBERED})")
_REFERENCES = re.compile(r"(?:\d+\.?\s+)?(?:references|bibliography|works cited)\W*", re.IGNORECASE)


def outlined(lines: Sequence[Line], pages: int) -> Document:
    """The document; its list of references is left out."""
    body = _body_size(lines)
    title = _title(lines, body)
    hyphenated = set(re.findall(r"\w+-\w+", "\n".join(line.text for line in lines).lower()))
    sections = [
        Section(heading=heading, text=_paragraphs(below, hyphenated))
        for heading, below in _sections(lines, body)
        if not _REFERENCES.fullmatch(heading)
    ]
    return Document(title=title, sections=[s for s in sections if s.text], pages=pages)


def _body_size(lines: Sequence[Line]) -> float:
    """The size of most of the text."""
    sizes = Counter[float]()
    for line in lines:
        sizes[round(line.size * 2) / 2] += len(line.text)
    return max(sizes, key=sizes.__getitem__, default=10.0)


def _title(lines: Sequence[Line], body: float) -> str:
    """The largest lines of the first page."""
    first = [line for line in lines if line.page == 0]
    largest = max((line.size for line in first if len(line.text) > 3), default=0.0)
    if largest < LARGER * body:
        return ""
    return _joined([line for line in first if line.size > 0.95 * largest][:4], set())


def _sections(lines: Sequence[Line], body: float) -> Iterator[tuple[str, list[Line]]]:
    heading: list[Line] = []
    below: list[Line] = []
    for line in lines:
        if not _is_heading(line, body):
            below.append(line)
        elif heading and not below and abs(line.size - heading[-1].size) < 0.5:
            heading.append(line)  # goes on
        else:
            yield _joined(heading, set()), below
            heading, below = [line], []
    yield _joined(heading, set()), below


def _is_heading(line: Line, body: float) -> bool:
    letters = sum(letter.isalpha() for letter in line.text)
    if len(line.text) > LONGEST_HEADING or letters < 3 or letters < len(line.text) / 2:
        return False
    if line.size >= LARGER * body:
        return True
    return line.bold and line.size > 0.9 * body and bool(_HEADING.match(line.text))


def _paragraphs(lines: Sequence[Line], hyphenated: set[str]) -> str:
    parts: list[list[Line]] = [[line] for line in lines[:1]]
    for before, line in pairwise(lines):
        if _begins(before, line):
            parts.append([])
        parts[-1].append(line)
    return "\n\n".join(_joined(part, hyphenated) for part in parts)


def _begins(before: Line, line: Line) -> bool:
    """Whether a paragraph begins with a line."""
    ended = before.text.endswith((".", "!", "?", ":"))
    down = before.bottom - line.bottom
    if line.page != before.page or down < -line.size:  # the next page or column
        return ended
    if down < 0.5 * line.size:  # beside it
        return False
    indented = line.left - before.left > INDENT * line.size
    return down > APART * line.size or (ended and indented)


def _joined(lines: Sequence[Line], hyphenated: set[str]) -> str:
    """Lines as running text; words that were divided at a line's end are whole again."""
    text = ""
    for line in lines:
        stem = text.rstrip(HYPHENS)
        divided = stem != text and stem[-1:].isalpha() and line.text[:1].islower()
        if not divided:
            text = f"{text} {line.text}" if text else line.text
            continue
        start, end = re.split(r"[^\w-]", stem)[-1], re.split(r"[^\w-]", line.text)[0]
        hyphen = "-" if f"{start}-{end}".lower() in hyphenated else ""
        text = stem + hyphen + line.text
    return tidy(re.sub(r"[\x02\xad\ufffe]", "-", text))
