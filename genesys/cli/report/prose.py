"""Markdown and source code of designs as HTML. Both are hostile text."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

from genesys.text import clean

if TYPE_CHECKING:
    from markupsafe import Markup

_BLANK_LINES = re.compile(r"\n{3,}")


def markdown(text: str) -> Markup:
    """Markdown as HTML without links, images or raw HTML; headings two levels down."""
    from markdown_it import MarkdownIt
    from markupsafe import Markup

    reader = MarkdownIt("commonmark", {"html": False}).enable("table")
    reader.disable(["link", "image", "autolink", "reference", "html_block", "html_inline"])
    tokens = reader.parse(clean(text))
    for token in tokens:
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{min(6, int(token.tag[1]) + 3)}"
    return Markup(reader.renderer.render(tokens, reader.options, {}))


def python(code: str) -> Markup:
    """Source code with comments, strings, keywords and definitions marked."""
    from markupsafe import Markup, escape
    from pygments.lexers import PythonLexer

    parts: list[str] = []
    for kind, text in PythonLexer().get_tokens(_BLANK_LINES.sub("\n\n", clean(code))):
        mark, shown = _mark(kind), str(escape(text))
        parts.append(f"<i class={mark}>{shown}</i>" if mark else shown)
    return Markup("".join(parts))


_MARKS = (
    ("c", "Comment"),
    ("s", "Literal.String"),
    ("k", "Keyword"),
    ("k", "Operator.Word"),
    ("n", "Literal.Number"),
    ("f", "Name.Function"),
    ("f", "Name.Class"),
    ("d", "Name.Decorator"),
)


@cache
def _mark(kind: object) -> str:
    """The class of a kind of token; empty for those that look like any other text."""
    return next((css for css, name in _MARKS if str(kind).startswith(f"Token.{name}")), "")
