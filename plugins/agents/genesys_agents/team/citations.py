"""What a proposal cites: ids of passages in brackets, as ``[library:gla]``."""

from __future__ import annotations

import re

from genesys_agents.team.answers import blocks

# Not after a name or a bracket, where it is an index.
_BRACKETS = re.compile(r"(?<![\w\])])\[([^\[\]\n]+)\]")
_ID = re.compile(r"[a-z][a-z0-9_-]+:(?!//)\S+")
_NEVER_FOUND = "Cited, but found by no search, and so no reference: {}."


def cited(text: str) -> list[str]:
    """The ids that a text cites outside of fenced blocks, each once."""
    for block in reversed(blocks(text)):
        text = text[: block.start] + text[block.end :]
    parts = (part for found in _BRACKETS.findall(text) for part in re.split(r"[,;]\s*", found))
    return list(dict.fromkeys(part for part in parts if _ID.fullmatch(part)))


def complaint(unknown: list[str]) -> str:
    """What to tell the author of ids that no search found."""
    listing = ", ".join(f"[{name}]" for name in unknown)
    return (
        f"{listing}: no passage by that id was shown to you. Cite by the ids in brackets that "
        "your searches gave, name other works without brackets, and invent none"
    )


def disowned(text: str, unknown: list[str]) -> str:
    """The text, with a note on ids that no search found."""
    return f"{text}\n\n{_NEVER_FOUND.format(', '.join(unknown))}" if unknown else text
