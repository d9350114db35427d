"""PDFs made into documents. Their lines come from PDFium."""

from __future__ import annotations

import ctypes
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from statistics import median
from typing import Any, NamedTuple

from genesys_knowledge.papers.document import Document, RefusedError
from genesys_knowledge.papers.lines import Line, Page, in_reading_order
from genesys_knowledge.papers.outline import outlined

MOST_PAGES = 2_000
LEAST_CHARACTERS = 20  # of a page, on average: scanned pages have none
GAP = 1.3  # of a letter's height: what is farther apart is no one line
DIVIDES = "\x02\ufffe"  # a word at the end of a line: no line break follows
_BOLD = re.compile(r"bold|black|medi|cmbx|-bd|,b", re.IGNORECASE)
_STAMP = re.compile(r"arXiv:(\d{4}\.\d{4,5}|[a-z-]+(?:\.[A-Z]{2})?/\d{7})")


def parse(data: bytes) -> Document:
    """The document in a PDF.

    Raises:
        RefusedError: It is damaged, encrypted, scanned, or far too long.
    """
    import pypdfium2

    if b"%PDF-" not in data[:1024]:
        raise RefusedError("it is no PDF, whatever its name says")
    try:
        return _parsed(pypdfium2.PdfDocument(data))
    except pypdfium2.PdfiumError as error:
        if "password" in str(error).lower():
            raise RefusedError("it is encrypted; save it without a password") from None
        raise RefusedError(f"it is damaged ({error})") from None


def _parsed(pdf: Any) -> Document:
    if not 0 < len(pdf) <= MOST_PAGES:
        raise RefusedError(f"it has {len(pdf)} pages, at most {MOST_PAGES} are read")
    read = [_page(pdf, number) for number in range(len(pdf))]
    lines = in_reading_order([page for page, _ in read])
    if sum(len(line.text) for line in lines) < LEAST_CHARACTERS * len(pdf):
        raise RefusedError(
            "it holds pictures of pages and hardly any text; run OCR over it, e.g. with ocrmypdf"
        )
    document = outlined(lines, len(pdf))
    stamp = _STAMP.search(read[0][1])
    return replace(document, arxiv=stamp[1]) if stamp else document


class _Glyph(NamedTuple):
    letter: str
    left: float
    right: float
    bottom: float
    height: float
    place: int


def _page(pdf: Any, number: int) -> tuple[Page, str]:
    """The lines of a page, and what is written sideways."""
    page = pdf[number]
    width, height = page.get_size()
    text = page.get_textpage()
    glyphs = list(_glyphs(text))
    upright = [_line(text, group, number) for group in _grouped(g for g, up in glyphs if up)]
    sideways = "".join(glyph.letter for glyph, up in glyphs if not up)
    text.close()
    page.close()
    return Page(width, height, upright), sideways


def _glyphs(text: Any) -> Iterator[tuple[_Glyph, bool]]:
    """All letters with their places, and whether they stand upright."""
    from pypdfium2 import raw

    box = raw.FS_RECTF()
    for index in range(text.count_chars()):
        raw.FPDFText_GetLooseCharBox(text, index, box)
        letter = chr(raw.FPDFText_GetUnicode(text, index))
        upright = abs(raw.FPDFText_GetCharAngle(text, index)) < 0.1
        yield _Glyph(letter, box.left, box.right, box.bottom, box.top - box.bottom, index), upright


def _grouped(glyphs: Iterable[_Glyph]) -> Iterator[list[_Glyph]]:
    """The letters of each line; what is far apart is no one line, as with two columns."""
    line: list[_Glyph] = []
    for glyph in glyphs:
        ends = glyph.letter in "\r\n"
        visible = not glyph.letter.isspace()
        apart = visible and line and glyph.left - line[-1].right > GAP * glyph.height
        if line and (ends or apart):
            yield line
            line = []
        if visible:
            line.append(glyph)
            if glyph.letter in DIVIDES:
                yield line
                line = []
        elif line and not ends:
            line.append(glyph._replace(right=line[-1].right))
    if line:
        yield line


def _line(text: Any, glyphs: Sequence[_Glyph], number: int) -> Line:
    visible = [glyph for glyph in glyphs if not glyph.letter.isspace()]
    return Line(
        text="".join(glyph.letter for glyph in glyphs).rstrip(),
        page=number,
        left=glyphs[0].left,
        right=max(glyph.right for glyph in glyphs),
        bottom=median(glyph.bottom for glyph in visible),
        size=median(glyph.height for glyph in visible),
        bold=_is_bold(text, glyphs[0].place),
    )


def _is_bold(text: Any, index: int) -> bool:
    from pypdfium2 import raw

    name, flags = ctypes.create_string_buffer(128), ctypes.c_int()
    raw.FPDFText_GetFontInfo(text, index, name, len(name), flags)
    return bool(_BOLD.search(name.value.decode("utf-8", "replace")))
