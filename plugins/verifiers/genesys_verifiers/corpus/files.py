"""A corpus from a folder of one's own: text, JSON lines or Parquet."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal

import pyarrow as pa
from pydantic import Field

from genesys.errors import ConfigError
from genesys_verifiers.corpus.config import CorpusConfig, Part, fingerprint
from genesys_verifiers.corpus.documents import Document, Skipped
from genesys_verifiers.corpus.rows import parquet_rows, text_at

PART_BYTES = 64e6
LINES = {".jsonl", ".ndjson"}
CODE = {".c", ".cc", ".cpp", ".go", ".h", ".java", ".js", ".py", ".rs", ".ts"}


class Files(CorpusConfig):
    """All files below a folder, in the order of their names, read as a stream.

    A line of a ``.jsonl`` or ``.ndjson`` file and a row of a ``.parquet`` file are a document each;
    any other file is read as UTF-8 text. Hidden files are left out. What cannot be read is counted.

    Attributes:
        folder: Where the files lie.
        text: Key or column of the text; a dot reaches into a nested one.
        longest: Characters after which a file of text is cut, at the next end of a line.
    """

    name: Literal["files"] = "files"
    folder: str | None = None
    text: str = "text"
    longest: Annotated[int, Field(ge=1000)] = 20_000

    @cached_property
    def root(self) -> Path:
        """The folder.

        Raises:
            ConfigError: None is given, or there is no such folder.
        """
        if not self.folder:
            raise ConfigError("The corpus 'files' needs a folder: corpus.folder=<path>.")
        path = Path(self.folder).expanduser().resolve()
        if not path.is_dir():
            raise ConfigError(f"corpus.folder={self.folder} is not a folder.")
        return path

    def parts(self) -> Sequence[Part]:
        """Runs of files that are large enough to be worth a process."""
        parts: list[list[str]] = []
        room = 0.0
        for path in self._paths():
            if room <= 0:
                parts.append([])
                room = PART_BYTES
            parts[-1].append(path.relative_to(self.root).as_posix())
            room -= path.stat().st_size
        if not parts:
            raise ConfigError(f"There is no file to read in {self.root}.")
        return [tuple(part) for part in parts]

    def read(self, part: Part) -> Iterator[Document | Skipped]:
        """Documents of some files; what cannot be read is skipped."""
        for name in part:
            path = self.root / name
            kind = "code" if path.suffix in CODE else "text"
            try:
                if path.suffix in LINES:
                    yield from self._lines(path, name)
                elif path.suffix == ".parquet":
                    yield from self._rows(path, name)
                else:
                    yield from self._text(path, kind)
            except UnicodeDecodeError:
                yield Skipped("not UTF-8 text", name)
            except (OSError, pa.ArrowException):
                yield Skipped("unreadable file", name)

    def versions(self) -> dict[str, str]:
        """A hash of the files' names, sizes and times, too."""
        return super().versions() | {"files": fingerprint(self._paths())}

    def _paths(self) -> list[Path]:
        found = (path for path in self.root.rglob("*") if path.is_file())
        return sorted(
            path
            for path in found
            if not any(part.startswith(".") for part in path.relative_to(self.root).parts)
        )

    def _lines(self, path: Path, name: str) -> Iterator[Document | Skipped]:
        with path.open("rb") as file:
            for number, line in enumerate(file, 1):
                if not line.strip():
                    continue
                try:
                    row = json.loads(line)
                except ValueError:
                    yield Skipped("broken line", f"{name}:{number}")
                    continue
                yield self._of_row(row, f"{name}:{number}")

    def _rows(self, path: Path, name: str) -> Iterator[Document | Skipped]:
        for number, row in enumerate(parquet_rows(path, [self.text]), 1):
            yield self._of_row(row, f"{name}, row {number}")

    def _of_row(self, row: object, where: str) -> Document | Skipped:
        text = text_at(row, [self.text])
        return Document("text", text) if text else Skipped(f"no text under {self.text!r}", where)

    def _text(self, path: Path, kind: str) -> Iterator[Document | Skipped]:
        with path.open(encoding="utf-8-sig") as file:
            while text := file.read(self.longest):
                text += file.readline(self.longest)
                if "\0" in text:
                    yield Skipped("binary file", path.name)
                    return
                if text.strip():
                    yield Document(kind, text)
