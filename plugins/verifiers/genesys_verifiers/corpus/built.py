"""A built corpus: its files, and whether they are as they were built."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from tokenizers import Tokenizer

from genesys.errors import GenesysError
from genesys.files import sha256_of, whole
from genesys_verifiers.corpus.documents import Document, Split

MANIFEST = "manifest.json"


@dataclass(frozen=True)
class Corpus:
    """A built corpus.

    The folder holds ``train/*.bin`` (tokens as uint16 or uint32), ``held_out/*.parquet`` (texts),
    ``evaluation/<task>.jsonl``, ``tokenizer.json`` and ``manifest.json`` with counts, versions and
    hashes. Generated code may read ``train`` and nothing else of it.
    """

    folder: Path

    @property
    def tokenizer_file(self) -> Path:
        """The tokenizer."""
        return self.folder / "tokenizer.json"

    @property
    def train_folder(self) -> Path:
        """What a guest that trains may read."""
        return self.folder / "train"

    @property
    def train_files(self) -> list[Path]:
        """Shards of training tokens; every document is followed by the end-of-text token."""
        return sorted(self.train_folder.glob("*.bin"))

    @property
    def held_out_folder(self) -> Path:
        """Documents that nothing was trained on, as Parquet files by split."""
        return self.folder / "held_out"

    @property
    def tasks_folder(self) -> Path:
        """Items of the evaluation, one JSON lines file per task."""
        return self.folder / "evaluation"

    @cached_property
    def vocab_size(self) -> int:
        """Number of tokens."""
        return Tokenizer.from_file(str(self.tokenizer_file)).get_vocab_size()

    @property
    def end_of_text(self) -> int:
        """The token that ends a document."""
        return int(self.manifest()["tokenizer"]["end_of_text"])

    def manifest(self) -> dict[str, Any]:
        """Counts, versions and hashes.

        Raises:
            GenesysError: It cannot be read.
        """
        path = self.folder / MANIFEST
        try:
            content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise self._broken(f"{MANIFEST} cannot be read ({error})") from None
        return content

    def seal(self, manifest: dict[str, Any]) -> None:
        """Write the manifest, the last of all files, with the hashes of the others.

        Args:
            manifest: What else it is to say.
        """
        files = {
            path.relative_to(self.folder).as_posix(): {
                "bytes": path.stat().st_size,
                "sha256": sha256_of(path),
            }
            for path in sorted(path for path in self.folder.rglob("*") if path.is_file())
        }
        with whole(self.folder / MANIFEST) as path:
            path.write_text(json.dumps({**manifest, "files": files}, indent=1), encoding="utf-8")

    def documents(self, split: Split) -> Iterator[Document]:
        """Held-out documents of a split, in the order of the source."""
        for path in sorted(self.held_out_folder.glob(f"{split}-*.parquet")):
            for batch in pq.ParquetFile(path).iter_batches(columns=["kind", "text"]):
                for row in batch.to_pylist():
                    yield Document(row["kind"], row["text"], split)

    def check(self, hashes: bool = True) -> None:
        """Compare all files with the manifest.

        Args:
            hashes: Compare what is in them too, not just their sizes.

        Raises:
            GenesysError: One is missing, empty, cut short or changed; says which.
        """
        files = self.manifest()["files"]
        for name, wanted in files.items():
            path = self.folder / name
            if not path.is_file():
                raise self._broken(f"{name} is missing")
            if path.stat().st_size != wanted["bytes"]:
                found = path.stat().st_size
                raise self._broken(f"{name} has {found} bytes instead of {wanted['bytes']}")
        if hashes:
            with ThreadPoolExecutor() as pool:
                found = pool.map(sha256_of, [self.folder / name for name in files])
            for (name, wanted), digest in zip(files.items(), found, strict=True):
                if digest != wanted["sha256"]:
                    raise self._broken(f"{name} was changed: its hash is not the manifest's")

    def _broken(self, what: str) -> GenesysError:
        return GenesysError(
            f"The corpus in {self.folder} is not as it was built: {what}. Build it again with "
            "'genesys corpus build --rebuild' and the same overrides, or delete the folder."
        )
