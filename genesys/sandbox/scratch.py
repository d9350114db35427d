"""The folder that a guest may write to: how much is in it, and how it is emptied."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from pathlib import Path

# A compiler's caches are three deep; what is deeper is there to make counting slow.
MOST_DEPTH = 8
_PAGE = 4096


def is_over(folder: str, most: int) -> bool:
    """Whether there is more than ``most`` bytes in it, or a folder that cannot be looked into.

    A file or folder counts as one page at least.
    """
    total, waiting = 0, [(folder, 0)]
    while waiting:
        path, depth = waiting.pop()
        try:
            entries = os.scandir(path)
        except OSError:
            return True
        with entries:
            for entry in entries:
                with contextlib.suppress(OSError):
                    total += max(entry.stat(follow_symlinks=False).st_blocks * 512, _PAGE)
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append((entry.path, depth + 1))
                if total > most or depth > MOST_DEPTH:
                    return True
    return False


def empty(folder: Path) -> None:
    """Remove all that is in it.

    Raises:
        OSError: Something cannot be removed.
    """
    for path in folder.iterdir():
        if path.is_dir() and not path.is_symlink():
            remove(path)
        else:
            path.unlink()


def remove(folder: Path) -> None:
    """Remove a folder, however deep it is.

    Raises:
        OSError: It cannot be removed.
    """
    try:
        shutil.rmtree(folder)
    except (OSError, RecursionError):
        # Python's own way takes a frame and a descriptor for each level.
        subprocess.run(["rm", "-rf", "--", folder], check=False, stderr=subprocess.DEVNULL)
        if folder.exists():
            raise
