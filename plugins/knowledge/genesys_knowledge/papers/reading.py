"""Files of any kind made into documents, in a process of their own: they may be hostile."""

from __future__ import annotations

import os
import subprocess
import sys
from enum import StrEnum
from pathlib import Path

from pydantic import ValidationError

from genesys.errors import GenesysError
from genesys.text import one_line
from genesys_knowledge.papers.document import Document

MOST_OUTPUT = 40 * 2**20
SECONDS = 120.0
MEMORY_MB = 2048


class UnreadableError(GenesysError):
    """A file that no document can be made of."""


class Kind(StrEnum):
    """What a file is, by its beginning or its name."""

    PDF = "pdf"
    HTML = "html"
    TEX = "tex"
    MARKDOWN = "markdown"
    TEXT = "text"


SUFFIXES = {
    ".pdf": Kind.PDF,
    ".html": Kind.HTML,
    ".htm": Kind.HTML,
    ".xhtml": Kind.HTML,
    ".tex": Kind.TEX,
    ".md": Kind.MARKDOWN,
    ".markdown": Kind.MARKDOWN,
    ".txt": Kind.TEXT,
}


def kind_of(path: Path) -> Kind | None:
    """What a file is by its name; None for what is not read."""
    return SUFFIXES.get(path.suffix.lower())


def read(data: bytes, kind: Kind, seconds: float = SECONDS) -> Document:
    """The document in a file.

    It is parsed in a process with neither the environment nor more than so much time and memory,
    and what that says is checked.

    Raises:
        UnreadableError: It is damaged, encrypted, scanned, or takes too much to parse.
        MissingExtraError: The extra ``papers`` is not installed.
    """
    command = [sys.executable, "-I", "-m", "genesys_knowledge.papers.child", kind, str(MEMORY_MB)]
    try:
        done = subprocess.run(
            command,
            input=data,
            capture_output=True,
            timeout=seconds,
            env={"PATH": os.defpath, "LANG": "C.UTF-8"},
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise UnreadableError(f"parsing took longer than {seconds:g} s") from None
    return _understood(done)


def _understood(done: subprocess.CompletedProcess[bytes]) -> Document:
    from genesys_knowledge.papers import child

    told = one_line(done.stderr[-2000:].decode("utf-8", "replace"), 300)
    if done.returncode == child.REFUSED:
        raise UnreadableError(told)
    if done.returncode == child.NO_MEMORY:
        raise UnreadableError(f"parsing takes more than {MEMORY_MB} MB of memory")
    if done.returncode:
        raise UnreadableError(f"the parser died of it ({told or f'code {done.returncode}'})")
    try:
        if len(done.stdout) > MOST_OUTPUT:
            raise ValueError("too long")
        return Document.model_validate_json(done.stdout)
    except (ValidationError, ValueError):
        raise UnreadableError("the parser gave no document, or a far too large one") from None
