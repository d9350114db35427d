"""One process that writes to a folder at a time, and errors of its disk that say what to do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from genesys.errors import GenesysError, StoreError
from genesys_knowledge.passages.passage import Progress, silent

WAITS = "wait for another process that adds"


@contextmanager
def alone(folder: Path, progress: Progress = silent) -> Iterator[None]:
    """Keep other processes from writing. Waits for one that does, and says so; may be nested.

    Raises:
        StoreError: The folder cannot be written.
    """
    with telling("write to", folder):
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / ".lock", is_singleton=True)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            progress(WAITS, 0, 1)
            lock.acquire()
            progress(WAITS, 1, 1)
    try:
        yield
    finally:
        lock.release()


@contextmanager
def telling(doing: str, folder: Path) -> Iterator[None]:
    """Turn what a disk or the database may answer into one clear message.

    Raises:
        StoreError: In place of any such error.
    """
    try:
        yield
    except GenesysError:
        raise
    except (OSError, RuntimeError, ValueError) as error:
        reason = " ".join(str(error).split())[:300]
        raise StoreError(
            f"Cannot {doing} the store of passages {folder}: {reason}. Once that is fixed, run the "
            "same command again: what was added before is kept."
        ) from error
