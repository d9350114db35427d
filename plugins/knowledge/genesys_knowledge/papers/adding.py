"""Adds PDFs, folders of them, and arXiv preprints to a store of papers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from enum import StrEnum
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from genesys.errors import SourceError
from genesys.text import one_line
from genesys_knowledge.papers import arxiv
from genesys_knowledge.papers.chunking import chunked
from genesys_knowledge.papers.paper import Paper, name_of, opening_of
from genesys_knowledge.papers.reading import Kind, UnreadableError, kind_of, read
from genesys_knowledge.passages.passage import Progress, silent

if TYPE_CHECKING:
    from genesys_knowledge.papers.collection import PaperStore
    from genesys_knowledge.papers.document import Document

MOST_MB = 100.0
KINDS = "PDF, HTML, LaTeX, Markdown or plain text"


class Outcome(StrEnum):
    """What became of a source."""

    ADDED = "added"
    KNOWN = "known"
    FAILED = "failed"


@dataclass(frozen=True)
class Added:
    """What became of one file or preprint.

    Attributes:
        source: Its path or arXiv identifier.
        outcome: In a word.
        paper: The paper as it was added, or the one that was there; None if it failed.
        why: It failed, or is known; else empty.
    """

    source: str
    outcome: Outcome
    paper: Paper | None = None
    why: str = ""


@dataclass(frozen=True)
class _Found:
    """A file, as bytes; ``name`` is known beforehand of preprints only."""

    source: str
    data: bytes
    kind: Kind
    url: str = ""
    name: str = ""


def add(
    sources: Sequence[str],
    store: PaperStore,
    progress: Progress = silent,
    most_mb: float = MOST_MB,
) -> Iterator[Added]:
    """Add papers, and tell what became of each as soon as that is known.

    Paper by paper is committed; what is there already is not read again. One that cannot be read
    stops none of the others.

    Args:
        sources: Paths of PDF, HTML, LaTeX, Markdown and text files and of folders with such;
            arXiv identifiers or addresses.
        store: Where to.
        progress: Told of the stage, and how many of its steps are done.
        most_mb: Larger files are not read.

    Raises:
        StoreError: The disk refuses.
        GenesysError: What the embedder answers.
        MissingExtraError: The extra ``papers`` is not installed.
    """
    items = [item for source in sources for item in _listed(source)]
    for done, item in enumerate(items):
        progress("add papers", done, len(items))
        yield _added(item, store, progress, most_mb) if isinstance(item, str) else item
    progress("add papers", len(items), len(items))
    if items and len(store.passages):
        store.passages.settle()


def _listed(source: str) -> Iterator[str | Added]:
    """The files and preprints that a source stands for, and what is wrong with it."""
    path = _path(source)
    try:
        if not source.strip():
            yield Added(source, Outcome.FAILED, why="a source has no name")
        elif path.is_dir():
            any(path.iterdir())  # raises where it may not be read, rglob does not
            files = [str(file) for file in sorted(path.rglob("*")) if _within(path, file)]
            yield from files
            if not files:
                yield Added(source, Outcome.FAILED, why=f"it holds no file of {KINDS}")
        elif path.exists() or arxiv.number_of(source):
            yield source
        else:
            why = "there is no such file or folder, and it is no arXiv identifier"
            yield Added(source, Outcome.FAILED, why=why)
    except OSError as error:
        yield Added(source, Outcome.FAILED, why=f"it cannot be read: {error.strerror}")


def _within(folder: Path, file: Path) -> bool:
    """Whether it is a file to read; links of an unpacked archive may lead to anybody's."""
    own = file.is_file() and file.resolve().is_relative_to(folder.resolve())
    return own and bool(kind_of(file))


def _path(source: str) -> Path:
    """The path that a person wrote; a ``~name`` of nobody is a name like any other."""
    path = Path(source)
    with suppress(RuntimeError):
        path = path.expanduser()
    return path


def _file(path: Path, most_mb: float) -> _Found:
    kind = kind_of(path)
    if kind is None or not path.is_file():
        raise UnreadableError(f"it is no file of {KINDS}")
    size = path.stat().st_size
    if size == 0:
        raise UnreadableError("it is empty")
    if size > most_mb * 2**20:
        raise UnreadableError(
            f"it has {size >> 20} MB, at most {most_mb:g} are read; raise --most-mb"
        )
    return _Found(str(path), path.read_bytes(), kind)


def _preprint(number: str, most_mb: float) -> _Found:
    most_bytes, url = int(most_mb * 2**20), arxiv.address_of(number)
    if page := arxiv.fetch_page(number, most_bytes):
        return _Found(f"arXiv:{number}", page, Kind.HTML, url, number)
    return _Found(f"arXiv:{number}", arxiv.fetch_pdf(number, most_bytes), Kind.PDF, url, number)


def _added(source: str, store: PaperStore, progress: Progress, most_mb: float) -> Added:
    try:
        path = _path(source)
        number = "" if path.exists() else arxiv.number_of(source)
        if number and (paper := store.paper(number)):
            return Added(source, Outcome.KNOWN, paper, "it is there already")
        found = _preprint(number, most_mb) if number else _file(path, most_mb)
        digest = sha256(found.data).hexdigest()
        known = (paper for paper in store.papers() if paper.file == digest)
        if paper := next(known, None):
            return Added(source, Outcome.KNOWN, paper, "it is there already")
        return _kept(found, digest, read(found.data, found.kind), store, progress)
    except (OSError, UnreadableError, SourceError) as error:
        return Added(source, Outcome.FAILED, why=one_line(str(error), 300))


def _kept(
    found: _Found, digest: str, document: Document, store: PaperStore, progress: Progress
) -> Added:
    title = document.title or Path(found.source).stem
    document = replace(document, title=one_line(title, 300))
    name = found.name or name_of(document)
    passages = chunked(document, name, found.url)
    if not passages:
        raise UnreadableError("it holds no text")
    paper = Paper(
        name=name,
        title=document.title,
        source=found.source,
        url=found.url,
        file=digest,
        digest=document.digest,
        opening=opening_of(document),
        pages=document.pages,
        passages=len(passages),
    )
    if twin := store.add(paper, passages, progress):
        return Added(found.source, Outcome.KNOWN, twin, f"it is the same as {twin.source}")
    return Added(found.source, Outcome.ADDED, paper)
