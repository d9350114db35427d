"""LaTeX, Markdown and plain text made into documents."""

from __future__ import annotations

import re
from collections.abc import Callable

from genesys_knowledge.papers.document import Document, RefusedError, assembled

_BRACED = r"\{((?:[^{}]|\{[^{}]*\})*)\}"  # with braces in it, one deep
_TITLE = re.compile(rf"\\title(?:\[[^\]]*\])?{_BRACED}")
_HEADING = re.compile(rf"\\(?:sub)*(?:section|chapter|paragraph)\*?{_BRACED}")
_POINTER = re.compile(r"~?\\(?:cite\w*|label|\w*ref|footnote)(?:\[[^\]]*\])*\{[^{}]*\}")
_COMMENT = re.compile(r"(?<!\\)%.*")
_INSTEAD = {
    r"\maketitle": "",
    r"\begin{abstract}": r"\section{Abstract}",
    r"\end{abstract}": "",
}
_NO_TEXT = ("figure", "table", "thebibliography", "tikzpicture", "algorithm")


def parse(data: bytes, kind: str) -> Document:
    """The document in a file of text.

    Raises:
        RefusedError: It is no text.
    """
    if b"\0" in data:
        raise RefusedError("it is no text but something binary")
    text = data.decode("utf-8-sig", "replace")
    parsers: dict[str, Callable[[str], Document]] = {"tex": _tex, "markdown": _markdown}
    return parsers.get(kind, _text)(text)


def _text(text: str) -> Document:
    return assembled("", [("", text)])


def _markdown(text: str) -> Document:
    headings, texts = [""], [list[str]()]
    fenced = False
    for line in text.splitlines():
        fenced ^= line.lstrip().startswith(("```", "~~~"))
        heading = None if fenced else re.match(r"#{1,6}\s+(.+?)\s*#*$", line)
        if heading:
            headings.append(heading[1])
            texts.append([])
        else:
            texts[-1].append(line)
    title = next(filter(None, headings), "")
    return assembled(title, zip(headings, map("\n".join, texts), strict=True))


def _tex(text: str) -> Document:
    from pylatexenc.latex2text import LatexNodes2Text

    plain = LatexNodes2Text(math_mode="verbatim", strict_latex_spaces=False).latex_to_text
    text = _COMMENT.sub("", text)
    title = _TITLE.search(text)
    body = text.split(r"\begin{document}")[-1].split(r"\end{document}")[0]
    for name in _NO_TEXT:
        body = re.sub(rf"\\begin\{{{name}\*?\}}.*?\\end\{{{name}\*?\}}", "", body, flags=re.DOTALL)
    for command, instead in _INSTEAD.items():
        body = body.replace(command, instead)
    parts = _HEADING.split(_POINTER.sub("", body))
    headings, texts = map(plain, ["", *parts[1::2]]), map(plain, parts[::2])
    return assembled(plain(title[1]) if title else "", zip(headings, texts, strict=True))
