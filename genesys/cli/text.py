"""Makes text that generated code or a language model wrote safe to show."""

from __future__ import annotations

import re
import unicodedata

from rich.style import Style
from rich.text import Text

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


def plain(text: str, style: str | Style = "") -> Text:
    """Cleaned text for Rich, with brackets taken literally and not as markup."""
    return Text(clean(text), style=style)


def one_line(text: str, limit: int = 120) -> str:
    """Cleaned text on one line, cut to ``limit`` characters."""
    line = " ".join(clean(text).split())
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"


def gist(error: str, limit: int = 160) -> str:
    """An error on one line: of a traceback its last line, which says what happened."""
    lines = [line for line in error.splitlines() if line.strip()]
    if any(line.startswith("Traceback") for line in lines):
        lines = lines[-1:]
    return one_line("\n".join(lines), limit)


def duration(seconds: float) -> str:
    """Seconds for a person: ``0.25 s``, ``41 s``, ``3:05``, ``2:10:00``."""
    if seconds >= 60:
        return clock(seconds)
    return f"{seconds:.0f} s" if seconds >= 1 else f"{seconds:.2f} s"


def clock(seconds: float) -> str:
    """Seconds as a clock shows them: ``0:41``, ``3:05``, ``2:10:00``."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def count(number: float) -> str:
    """A count for a person: ``830``, ``21.3k``, ``1.05M``."""
    for size, suffix in ((1e9, "B"), (1e6, "M"), (1e3, "k")):
        if number >= size:
            return f"{number / size:.3g}{suffix}"
    return f"{number:.0f}"
