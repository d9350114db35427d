"""Text and numbers as a person reads them."""

from __future__ import annotations

from rich.style import Style
from rich.text import Text

from genesys.text import clean, one_line


def plain(text: str, style: str | Style = "") -> Text:
    """Cleaned text for Rich, with brackets taken literally and not as markup."""
    return Text(clean(text), style=style)


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


def usd(amount: float) -> str:
    """An amount for a person: cents, and more digits of small ones."""
    return f"{amount:.2f} USD" if amount >= 1 or not amount else f"{amount:.4f} USD"
