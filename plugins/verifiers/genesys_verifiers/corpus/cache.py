"""Where built corpora lie, and how two processes share one."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from filelock import FileLock
from tokenizers import Tokenizer

from genesys.errors import GenesysError
from genesys.resources import cache_root
from genesys_verifiers.corpus.config import CorpusConfig

MANIFEST = "manifest.json"


@dataclass(frozen=True)
class Corpus:
    """A built corpus.

    The folder holds ``train/tokens.bin`` (uint16), ``evaluation/<task>.jsonl``, ``tokenizer.json``
    and ``manifest.json`` with counts, versions and hashes. Generated code may read ``train`` and
    nothing else of it.
    """

    folder: Path

    @property
    def tokenizer_file(self) -> Path:
        """The byte-pair tokenizer."""
        return self.folder / "tokenizer.json"

    @property
    def train_folder(self) -> Path:
        """What a guest that trains may read."""
        return self.folder / "train"

    @property
    def train_file(self) -> Path:
        """Training tokens, uint16, documents ended by the end-of-text token 0."""
        return self.train_folder / "tokens.bin"

    @property
    def tasks_folder(self) -> Path:
        """Items of the evaluation, one JSON lines file per task."""
        return self.folder / "evaluation"

    @cached_property
    def vocab_size(self) -> int:
        """Number of tokens."""
        return Tokenizer.from_file(str(self.tokenizer_file)).get_vocab_size()

    def manifest(self) -> dict[str, Any]:
        """Counts, versions and hashes."""
        content: dict[str, Any] = json.loads((self.folder / MANIFEST).read_text(encoding="utf-8"))
        return content


def prepare(config: CorpusConfig, root: Path | None = None) -> Corpus:
    """Return the corpus of a config, building it first if the cache has none.

    A corpus appears by one rename, so a reader never sees half of one; what a killed build left
    behind is removed by the next.

    Raises:
        GenesysError: The cache folder cannot be written, or there is too little text.
    """
    folder = (root or cache_root()) / "corpus" / f"{config.name}-{config.key()}"
    if (folder / MANIFEST).is_file():
        return Corpus(folder)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{folder}.lock"):
            if not (folder / MANIFEST).is_file():
                _build(config, folder)
    except OSError as error:
        raise GenesysError(
            f"Cannot write the corpus to {folder}: {error}. Free some space there, or point "
            "GENESYS_CACHE to another folder."
        ) from error
    return Corpus(folder)


def _build(config: CorpusConfig, folder: Path) -> None:
    from genesys_verifiers.corpus.build import build

    unfinished = folder.with_name(folder.name + ".part")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir()
    build(config, unfinished)
    unfinished.rename(folder)
