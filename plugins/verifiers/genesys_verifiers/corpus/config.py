"""What a corpus is: where its documents come from, and how it is built of them."""

from __future__ import annotations

import hashlib
import inspect
import json
import sys
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field

from genesys.errors import PluginError
from genesys.registry import part
from genesys_verifiers.corpus.documents import Document, Skipped

if TYPE_CHECKING:
    from genesys_verifiers.corpus.built import Corpus

# What a corpus is built by: when this code changes, so may the corpus.
PACKAGE = Path(__file__).parents[1]
ITEMS = ("code", "generate", "grammar", "item", "overlap", "prose", "vocabulary")
BUILDERS = ("corpus/*.py", *(f"tasks/{name}.py" for name in ITEMS))

Part = tuple[str, ...]
Progress = Callable[[str, int, int], None]


def silent(stage: str, done: int, total: int) -> None:
    """Tell nobody."""


class CorpusConfig(BaseModel, ABC):
    """A config of group ``corpus``; its subclasses are sources of documents.

    A source says what its parts are and how one is read. Splits, tokenizer, shards, items and
    manifest are made alike for all. Parts are read by several processes, so a source holds nothing
    but its config.

    Attributes:
        name: Of the source, as in the entry point ``corpus.<name>``.
        tokenizer: ``trained`` on the corpus, a tokenizer file, or a name on the hub.
        end_of_text: The token that ends a document, where the tokenizer has an unusual one.
        vocab_size: Entries of a trained tokenizer.
        valid_fraction: Share of each kind of text that is held out, document by document.
        items_per_task: Items of each two-way task.
        shard_mb: Largest file of training tokens, in MB.
        workers: Processes that build it; as many as there are cores when None.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    # Kinds that are code, for the tasks on code.
    code_kinds: ClassVar[frozenset[str]] = frozenset({"code"})
    # Whether it is an error when a task cannot be made.
    needs_all_tasks: ClassVar[bool] = False
    # Whether training documents that share a long line with held-out ones are left out.
    drops_overlaps: ClassVar[bool] = True

    name: str
    tokenizer: str = "trained"
    end_of_text: str | None = None
    vocab_size: Annotated[int, Field(ge=512, le=1_000_000)] = 2048
    valid_fraction: Annotated[float, Field(gt=0, le=0.5)] = 0.1
    items_per_task: Annotated[int, Field(ge=10)] = 400
    shard_mb: Annotated[float, Field(gt=0)] = 256.0
    workers: Annotated[int, Field(ge=1)] | None = None

    @abstractmethod
    def parts(self) -> Sequence[Part]:
        """Pieces of the source that can be read on their own, always in the same order.

        Raises:
            GenesysError: There is nothing to read.
        """

    @abstractmethod
    def read(self, part: Part) -> Iterator[Document | Skipped]:
        """Documents of one part, always in the same order."""

    def versions(self) -> dict[str, str]:
        """Versions of everything the corpus is read from or made with."""
        python = ".".join(map(str, sys.version_info[:3]))
        return {"python": python, "tokenizers": version_of("tokenizers")}

    def shares(self) -> Mapping[str, float] | None:
        """The mixture: share of each kind, of which too much is left out. None: take all."""
        return None

    def limit(self) -> float:
        """Most characters of the mixture."""
        return float("inf")

    def held_out(self, total: int) -> tuple[float, float]:
        """Shares of all text that are held out for validation and for a final test.

        Args:
            total: Characters of the corpus.
        """
        return self.valid_fraction, 0.0

    def key(self) -> str:
        """Name of the cache folder: the same for the same text."""
        builders = {path for pattern in BUILDERS for path in PACKAGE.glob(pattern)}
        digest = hashlib.blake2b(digest_size=8)
        content = self.model_dump(mode="json", exclude={"workers"})
        digest.update(json.dumps([content, self.versions()]).encode())
        for path in sorted(builders | {Path(inspect.getfile(type(self)))}):
            digest.update(path.read_bytes())
        return digest.hexdigest()

    def build(self, folder: Path, progress: Progress) -> None:
        """See :func:`genesys_verifiers.corpus.build.build`."""
        from genesys_verifiers.corpus.build import build

        build(self, folder, progress)

    def prepare(
        self, root: Path | None = None, progress: Progress = silent, rebuild: bool = False
    ) -> Corpus:
        """See :func:`genesys_verifiers.corpus.prepare`."""
        from genesys_verifiers.corpus.cache import prepare

        return prepare(self, root, progress, rebuild)

    def find(self, root: Path | None = None) -> Corpus | None:
        """The corpus if it was built before, without a look at its files."""
        from genesys_verifiers.corpus.cache import find

        return find(self, root)


def corpus_of(config: Mapping[str, Any]) -> CorpusConfig:
    """The source that a config of group ``corpus`` names, with its parameters.

    Raises:
        ConfigError: It does not take a parameter or its value.
        PluginError: It is not a source.
        UnknownNameError: No distribution offers it.
    """
    found = part({"corpus": config}, "corpus")
    if not isinstance(found, CorpusConfig):
        raise PluginError(f"Plugin corpus.{config['name']} is no CorpusConfig, but {type(found)}.")
    return found


def fingerprint(paths: Iterable[Path]) -> str:
    """A hash of the names, sizes and times of files."""
    digest = hashlib.blake2b(digest_size=8)
    for path in paths:
        found = path.stat()
        digest.update(f"{path}\0{found.st_size}\0{found.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def version_of(package: str) -> str:
    """Version of an installed distribution."""
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
