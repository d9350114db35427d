"""A little real text that every machine has: sources of the standard library, as bytes."""

from __future__ import annotations

import sysconfig
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]
MODULES = ("argparse.py", "ast.py", "datetime.py", "inspect.py", "pathlib.py", "typing.py")


def batches(count: int, batch: int, length: int) -> list[Array]:
    """Batches of byte ids, int64 of shape (B, L), always the same ones on one Python."""
    data = _data()
    starts = np.random.default_rng(0).integers(len(data) - length, size=(count, batch, 1))
    return [data[rows + np.arange(length)].astype(np.int64) for rows in starts]


@cache
def _data() -> Array:
    folder = Path(sysconfig.get_path("stdlib"))
    found = [folder / name for name in MODULES if (folder / name).is_file()]
    return np.frombuffer(b"".join(path.read_bytes() for path in found), dtype=np.uint8)
