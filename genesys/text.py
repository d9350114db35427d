"""Makes text that generated code or a language model wrote safe to show."""

from __future__ import annotations

import re
import unicodedata

# CSI, OSC (ended by BEL or ST) and two-character escape sequences.
_ESCAPES = re.compile(
    r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\^_])|\x9b[0-?]*[ -/]*[@-~]"
)
_HIDDEN = {"Cc", "Cf", "Cs"}


def clean(text: str) -> str:
    """The text without terminal control sequences and invisible or reordering characters.

    Newlines and tabs stay. Lone surrogates go, so the result can always be encoded.
    """
    text = _ESCAPES.sub("", text.replace("\r\n", "\n"))
    if text.isascii() and text.isprintable():
        return text
    return "".join(c for c in text if c in "\n\t" or unicodedata.category(c) not in _HIDDEN)


def one_line(text: str, limit: int = 120) -> str:
    """Cleaned text on one line, cut to ``limit`` characters."""
    line = " ".join(clean(text).split())
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"
