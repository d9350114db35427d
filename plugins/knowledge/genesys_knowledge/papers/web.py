"""Web pages made into documents, with formulas as LaTeX where LaTeXML made the page."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from genesys_knowledge.papers.document import Document, RefusedError, assembled

# What is no text of the paper, by tag or by LaTeXML's class.
_TAGS = ("script", "style", "nav", "header", "footer", "svg", "table", "figure", "button")
_CLASSES = (
    "ltx_bibliography",
    "ltx_note",
    "ltx_page_footer",
    "ltx_authors",
    "ltx_tag_equation",
    "ltx_tag_section",
    "ltx_tag_subsection",
    "ltx_TOC",
)
_NO_TEXT = " | ".join(
    [f"//{tag}" for tag in _TAGS]
    + [f"//*[contains(concat(' ', @class, ' '), ' {name} ')]" for name in _CLASSES]
)
_HEADINGS = {"h1", "h2", "h3", "h4", "h5", "h6"}
_BLOCKS = {"p", "div", "li", "section", "article", "blockquote", "dd", "dt", "tr", "pre", "br"}


def parse(data: bytes) -> Document:
    """The document in a web page.

    Raises:
        RefusedError: It is no web page.
    """
    from lxml import etree, html

    try:
        page = html.document_fromstring(data, parser=html.HTMLParser(encoding="utf-8"))
    except (ValueError, etree.ParserError) as error:
        raise RefusedError(f"it is no web page ({error})") from None
    for formula in page.xpath("//math[@alttext]"):
        _replace(formula, f"${formula.get('alttext').strip()}$")
    titles = page.xpath("//h1") or page.xpath("//title")
    title = titles[0].text_content() if titles else ""
    for element in page.xpath(_NO_TEXT):
        _replace(element, "")
    body = page.find("body")
    return assembled(title, _sections(page if body is None else body))


def _sections(body: Any) -> Iterator[tuple[str, str]]:
    """Headings, each with the text up to the next."""
    heading, pieces = "", list[str]()
    for is_heading, text in _walk(body):
        if is_heading:
            yield heading, "".join(pieces)
            heading, pieces = text, []
        else:
            pieces.append(text)
    yield heading, "".join(pieces)


def _walk(element: Any) -> Iterator[tuple[bool, str]]:
    """Texts in the order of reading, and whether each is a heading. Pages may be deep."""
    stack: list[Any] = [element]
    while stack:
        item = stack.pop()
        if isinstance(item, str):
            yield False, item
        elif item.tag in _HEADINGS:
            yield True, item.text_content()
        elif isinstance(item.tag, str):  # comments have no name
            stack += reversed(_inside(item))


def _inside(element: Any) -> list[Any]:
    """Its texts on one line each, and its elements; a block ends with a blank line."""
    inside: list[Any] = [_on_a_line(element.text)]
    for child in element:
        inside += [child, _on_a_line(child.tail)]
    return [*inside, "\n\n"] if element.tag in _BLOCKS else inside


def _on_a_line(text: str | None) -> str:
    return (text or "").replace("\n", " ")


def _replace(element: Any, text: str) -> None:
    """Put a text in the place of an element."""
    parent, before = element.getparent(), element.getprevious()
    if parent is None:
        return
    text += element.tail or ""
    if before is None:
        parent.text = (parent.text or "") + text
    else:
        before.tail = (before.tail or "") + text
    element.tail = None
    parent.remove(element)
