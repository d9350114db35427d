"""Completes the works of the library from Semantic Scholar and arXiv, into the user's data."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from genesys.errors import StoreError
from genesys.files import write_text
from genesys.records import first_problem
from genesys.resources import data_root
from genesys.text import one_line
from genesys_knowledge.library.works import Work, works

if TYPE_CHECKING:
    from genesys_knowledge.sources.arxiv import ArxivKnowledge
    from genesys_knowledge.sources.semantic_scholar import Paper, SemanticScholarKnowledge

T = TypeVar("T")

FILE = "synced.jsonl"
PAPERS, PREPRINTS = 500, 50  # asked for in one request
SECONDS = 120.0  # for a request, with all its tries
LONGEST = 5000  # characters of an abstract


class Extra(BaseModel):
    """What the sources know of a work besides what is shipped.

    Attributes:
        key: Of the work.
        abstract: As published; empty if nobody tells it.
        arxiv: Its number there, e.g. ``2312.06635``; empty if it has none.
        doi: Its DOI; empty if it has none.
        url: Its page.
        pdf: Where it can be downloaded; empty if nowhere.
        asked: When.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    key: str
    abstract: str = ""
    arxiv: str = ""
    doi: str = ""
    url: str = ""
    pdf: str = ""
    asked: datetime


def data_folder() -> Path:
    """Where the user's part of the library lies."""
    return data_root() / "library"


def synced(folder: Path | None = None) -> Mapping[str, Extra]:
    """What has been synced so far, by the works' keys; nothing before the first time.

    Args:
        folder: Where it lies; the user's if not given.

    Raises:
        StoreError: The file cannot be read.
    """
    path = (folder or data_folder()) / FILE
    try:
        lines = path.read_text("utf-8").splitlines()
        extras = [Extra.model_validate_json(line) for line in lines]
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        what = first_problem(error) if isinstance(error, ValidationError) else str(error)
        raise StoreError(f"{path}: {what}. Delete it and sync the library again.") from None
    return {extra.key: extra for extra in extras}


def sync(
    folder: Path | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
    days: int = 30,
    papers: SemanticScholarKnowledge | None = None,
    preprints: ArxivKnowledge | None = None,
) -> Mapping[str, Extra]:
    """Ask for abstracts, identifiers and links of all works that lack them or are older.

    What has come is kept after every request, so that a sync which was stopped goes on where it
    was. Works without a Semantic Scholar id cannot be asked for.

    Args:
        folder: Where the file lies; the user's if not given.
        progress: Called with the works done and to do, of both sources together.
        days: After which a work is asked for anew.
        papers: Semantic Scholar; the real one if not given.
        preprints: arXiv, for the abstracts that Semantic Scholar may not tell; likewise.

    Returns:
        All that is known now, by the works' keys.

    Raises:
        SourceError: A source does not answer; what came before is kept.
        StoreError: The file cannot be read or written.
    """
    from genesys_knowledge.sources.arxiv import ArxivKnowledge
    from genesys_knowledge.sources.semantic_scholar import SemanticScholarKnowledge

    folder = folder or data_folder()
    known = dict(synced(folder))
    oldest = datetime.now(UTC) - timedelta(days=days)
    lacking = [w for w in works() if w.s2_id and not _is_fresh(known.get(w.key), oldest)]
    done = 0
    for batch in _batches(lacking, PAPERS):
        known |= _from_papers(batch, known, papers or SemanticScholarKnowledge(seconds=SECONDS))
        _write(folder, known)
        done += len(batch)
        progress(done, len(lacking))
    bare = [extra for extra in known.values() if extra.arxiv and not extra.abstract]
    for some in _batches(bare, PREPRINTS):
        known |= _from_preprints(some, preprints or ArxivKnowledge(seconds=SECONDS))
        _write(folder, known)
        done += len(some)
        progress(done, len(lacking) + len(bare))
    return known


def _is_fresh(extra: Extra | None, oldest: datetime) -> bool:
    return extra is not None and extra.asked > oldest


def _from_papers(
    batch: Sequence[Work], known: Mapping[str, Extra], source: SemanticScholarKnowledge
) -> dict[str, Extra]:
    from genesys_knowledge.sources.http import conversation
    from genesys_knowledge.sources.loop import run

    async def ask() -> list[Paper | None]:
        async with conversation(source.service) as service:
            return await source.look_up(service, [work.s2_id for work in batch])

    now = datetime.now(UTC)
    found = zip(batch, run(ask()), strict=True)
    asked = {work.key: _extra(work.key, paper, now) for work, paper in found}
    lost = [key for key, extra in asked.items() if not extra.url and key in known]
    return asked | {key: known[key].model_copy(update={"asked": now}) for key in lost}


def _extra(key: str, paper: Paper | None, now: datetime) -> Extra:
    if paper is None:
        return Extra(key=key, asked=now)
    return Extra(
        key=key,
        abstract=one_line(paper.abstract or "", LONGEST),
        arxiv=one_line(paper.number("ArXiv")),
        doi=one_line(paper.number("DOI")),
        url=one_line(paper.page, 500),
        pdf=one_line(paper.pdf, 500),
        asked=now,
    )


def _from_preprints(extras: Sequence[Extra], source: ArxivKnowledge) -> dict[str, Extra]:
    from genesys_knowledge.sources.http import conversation
    from genesys_knowledge.sources.loop import run

    async def ask() -> dict[str, str]:
        async with conversation(source.service) as service:
            hits = await source.look_up(service, [extra.arxiv for extra in extras])
        return {hit.id: hit.text for hit in hits}

    told = run(ask())
    return {
        extra.key: extra.model_copy(update={"abstract": one_line(text, LONGEST)})
        for extra in extras
        if (text := told.get(f"arxiv:{extra.arxiv}"))
    }


def _batches(items: Sequence[T], size: int) -> list[Sequence[T]]:
    return [items[i : i + size] for i in range(0, len(items), size)]


def _write(folder: Path, known: Mapping[str, Extra]) -> None:
    lines = [known[key].model_dump_json() + "\n" for key in sorted(known)]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_text(folder / FILE, "".join(lines))
    except OSError as error:
        raise StoreError(f"{folder / FILE}: {error.strerror}. Make room, and sync again.") from None
