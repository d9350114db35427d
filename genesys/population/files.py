"""Errors of the disk that say what to do."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from genesys.errors import GenesysError, StoreError

ADVICE = "Once that is fixed, run the same command again: nothing that was committed is lost."


@contextmanager
def storing(doing: str, folder: Path) -> Iterator[None]:
    """Turn whatever a disk or a table may answer into one clear message.

    LanceDB reports a full disk as ``RuntimeError`` and a damaged table as ``ValueError``.

    Args:
        doing: What is being tried, e.g. ``write to``.
        folder: Of the run.

    Raises:
        StoreError: In place of any such error.
    """
    try:
        yield
    except GenesysError:
        raise
    except (OSError, RuntimeError, ValueError, OverflowError) as error:
        raise StoreError(
            f"Cannot {doing} the run folder {folder}: {_reason(error)}. {ADVICE}"
        ) from error


def _reason(error: Exception) -> str:
    """The error's own words, without what the storage engine wraps around the system's."""
    if isinstance(error, OSError) and error.strerror:
        return f"{error.strerror} ({error.filename})" if error.filename else error.strerror
    if system := re.search(r"([^:]+) \(os error \d+\)", str(error)):
        return system.group(1).strip()
    return str(error).removeprefix("lance error: ").strip().rstrip(".")
