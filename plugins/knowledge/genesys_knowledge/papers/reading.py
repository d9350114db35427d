"""Files of any kind made into documents, in a process of their own: they may be hostile."""

from __future__ import annotations

import os
import subprocess
import sys
from enum import StrEnum
from pathlib import Path
from tempfile import TemporaryFile

from pydantic import TypeAdapter, ValidationError

from genesys.errors import GenesysError, MissingExtraError
from genesys.text import one_line
from genesys_knowledge.papers import child
from genesys_knowledge.papers.document import Document

MOST_TOLD = 2_000
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
    with TemporaryFile() as output, TemporaryFile() as errors:
        try:
            done = subprocess.run(
                command,
                input=data,
                stdout=output,
                stderr=errors,
                timeout=seconds,
                env={"PATH": os.defpath, "LANG": "C.UTF-8"},
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise UnreadableError(f"parsing took longer than {seconds:g} s") from None
        output.seek(0)
        errors.seek(0)
        told = one_line(errors.read(MOST_TOLD).decode("utf-8", "replace"), 300)
        return _understood(done.returncode, output.read(), told)


def _understood(status: int, output: bytes, told: str) -> Document:
    if status == child.REFUSED:
        raise UnreadableError(told)
    if status == child.NO_MODULE:
        raise MissingExtraError("Adding papers", "papers")
    if status == child.NO_MEMORY:
        raise UnreadableError(f"parsing takes more than {MEMORY_MB} MB of memory")
    if status:
        raise UnreadableError(f"the parser died of it (status {status})")
    try:
        return TypeAdapter(Document).validate_json(output)
    except ValidationError:
        raise UnreadableError("the parser gave no document") from None
