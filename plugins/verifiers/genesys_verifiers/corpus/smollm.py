"""An eighth of the SmolLM corpus: the paper's training text (app. C, table 9)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from string import Formatter
from typing import Annotated, Any, ClassVar, Literal

import pyarrow as pa
from pydantic import BaseModel, ConfigDict, Field

from genesys.errors import ConfigError
from genesys_verifiers.corpus import hub
from genesys_verifiers.corpus.config import CorpusConfig, Part, fingerprint
from genesys_verifiers.corpus.documents import Document, Skipped, digest_of
from genesys_verifiers.corpus.rows import at, parquet_rows, text_at

Share = Annotated[float, Field(gt=0, le=1)]


class Subset(BaseModel):
    """One of the six parts of the mixture.

    Attributes:
        repo: Data set on the hub.
        config: Of the data set, where it has several.
        revision: Of the data set; None for the newest.
        text: Columns whose texts make a document, joined by new lines.
        contents: Address of the text where the data set has none, with columns in braces; a
            document there is compressed with gzip.
        score: Column of the rating; a dot reaches into a nested one.
        least_score: Rating from which on documents are taken.
        share: Of all text.
        sample: Share of the documents that is read, at random.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    repo: str
    config: str | None = None
    revision: str | None = None
    text: tuple[str, ...] = ("text",)
    contents: str | None = None
    score: str | None = None
    least_score: float = 0.0
    share: Share
    sample: Share = 1.0


class SmolLMEighth(CorpusConfig):
    """Filtered and sampled subsets, mixed in fixed shares, with text held out for two tests.

    Attributes:
        folder: Holds a folder of Parquet files for each subset; None to stream from the hub.
        megabytes: Most text.
        held_out_mb: Text that is held out for validation, and once more for a final test; no more
            than ``valid_fraction`` each.
        subsets: By name, in the shares of the mixture.
    """

    code_kinds: ClassVar[frozenset[str]] = frozenset({"python_edu"})

    name: Literal["smollm_eighth"] = "smollm_eighth"
    folder: str | None = None
    megabytes: Annotated[float, Field(gt=0)]
    held_out_mb: Annotated[float, Field(gt=0)]
    subsets: dict[str, Subset]

    def shares(self) -> Mapping[str, float]:
        """Of the subsets."""
        return {name: subset.share for name, subset in self.subsets.items()}

    def limit(self) -> float:
        """Most text, in characters."""
        return self.megabytes * 1e6

    def held_out(self, total: int) -> tuple[float, float]:
        """As much for each of the two tests."""
        share = min(self.valid_fraction, self.held_out_mb * 1e6 / total)
        return share, share

    def parts(self) -> Sequence[Part]:
        """Files of all subsets, or what the hub calls shards."""
        if self.folder is None:
            return [
                (name, str(index), str(count))
                for name, subset in self.subsets.items()
                for count in [hub.shards(*_place(subset))]
                for index in range(count)
            ]
        return [(name, str(path)) for name in self.subsets for path in self._files(name)]

    def read(self, part: Part) -> Iterator[Document | Skipped]:
        """Documents of one file or shard that are rated well enough."""
        name, subset = part[0], self.subsets[part[0]]
        try:
            for number, row in enumerate(self._rows(part), 1):
                found = _document(name, subset, row, f"{'/'.join(part)}, row {number}")
                if found:
                    yield found
        except pa.ArrowException:
            yield Skipped("unreadable file", part[-1])

    def versions(self) -> dict[str, str]:
        """A hash of the files' names, sizes and times, too; on the hub, ``revision`` pins them."""
        if self.folder is None:
            return super().versions()
        paths = [path for name in self.subsets for path in self._files(name)]
        return super().versions() | {"files": fingerprint(paths)}

    def _files(self, name: str) -> list[Path]:
        assert self.folder
        folder = Path(self.folder).expanduser() / name
        found = sorted(folder.rglob("*.parquet"))
        if not found:
            raise ConfigError(
                f"There are no Parquet files in {folder}: corpus.folder needs a folder for each of "
                f"{', '.join(self.subsets)}."
            )
        return found

    def _rows(self, part: Part) -> Iterator[Mapping[str, Any]]:
        subset = self.subsets[part[0]]
        if self.folder is None:
            return hub.rows(*_place(subset), int(part[1]), int(part[2]))
        return parquet_rows(Path(part[1]), _columns(subset))


def _place(subset: Subset) -> tuple[str, str | None, str | None]:
    return subset.repo, subset.config, subset.revision


def _columns(subset: Subset) -> list[str]:
    """What is needed of a row."""
    in_address = [name for _, name, _, _ in Formatter().parse(subset.contents or "") if name]
    return [*subset.text, *([subset.score] if subset.score else []), *in_address]


def _document(
    kind: str, subset: Subset, row: Mapping[str, Any], where: str
) -> Document | Skipped | None:
    """The document of a row; None if it is rated too low or not drawn."""
    if subset.score:
        score = at(row, subset.score)
        if not isinstance(score, int | float):
            return Skipped(f"no rating under {subset.score!r}", where)
        if score < subset.least_score:
            return None
    text = text_at(row, subset.text) or _fetched(subset, row)
    if not text:
        return Skipped(f"no text under {' and '.join(subset.text)}", where)
    # Digits that have no part in the order of the splits.
    drawn = int(digest_of(text)[16:], 16) < subset.sample * 2**32
    return Document(kind, text) if drawn else None


def _fetched(subset: Subset, row: Mapping[str, Any]) -> str | None:
    """The text of a row that holds no more than its place."""
    try:
        content = hub.fetch(subset.contents.format(**row)) if subset.contents else None
        return content.decode() if content else None
    except (KeyError, UnicodeDecodeError):
        return None
