"""Vectors of texts that do not change: made once, then read from the user's cache."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock

from genesys.errors import StoreError
from genesys.files import write_file
from genesys.resources import cache_root

if TYPE_CHECKING:
    from genesys_knowledge.passages.embedders import Embedder
    from genesys_knowledge.passages.table import Vectors


def cache_folder() -> Path:
    """Where vectors are kept."""
    return cache_root() / "library"


def vectors_of(texts: Sequence[str], embedder: Embedder) -> Vectors:
    """Unit vectors of texts, (texts, dimension). Of several processes one makes them.

    Raises:
        StoreError: The cache cannot be written.
        GenesysError: The embedder fails.
    """
    content = "\0".join([embedder.name, *texts]).encode()
    path = cache_folder() / f"{sha256(content).hexdigest()}.npy"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(path.with_suffix(".lock")):
            found = _read(path, len(texts))
            if found is None:
                found = embedder.embed(texts)
                _write(path, found)
            return found
    except OSError as error:
        raise StoreError(f"Cannot write {path}: {error}. GENESYS_CACHE names another.") from error


def _read(path: Path, texts: int) -> Vectors | None:
    """What was kept; None if nothing was, or not the whole of it."""
    import numpy as np

    try:
        found: Vectors = np.load(path)
    except (FileNotFoundError, ValueError, EOFError):
        return None
    return found if found.ndim == 2 and len(found) == texts else None


def _write(path: Path, found: Vectors) -> None:
    import numpy as np

    buffer = BytesIO()
    np.save(buffer, found)
    write_file(path, [buffer.getvalue()])
