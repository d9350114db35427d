"""Space between the requests to a host, kept by all threads and processes of a user."""

from __future__ import annotations

import os
import time
from pathlib import Path

from filelock import FileLock

# Seconds; who asks to wait longer is asked again after this.
LONGEST = 600.0
# Seconds; others hold the lock for no longer than it takes to touch a file.
PATIENCE = 2.0


class LateError(Exception):
    """The next turn comes too late.

    Args:
        wait: Seconds until it.
    """

    def __init__(self, wait: float) -> None:
        super().__init__(f"the next turn is in {wait:.0f} s")
        self.wait = wait


class Turns:
    """The turns at each host; the time of the last one is that of a file.

    Args:
        folder: Of the files; made when needed.
        interval: Seconds from one turn to the next.
    """

    def __init__(self, folder: Path, interval: float) -> None:
        self._folder, self._interval = folder, interval

    def reserve(self, host: str, within: float) -> float:
        """Take the next free turn, and give the seconds until it.

        Raises:
            LateError: It does not come within so many seconds; it is left to others.
            OSError: The file cannot be had.
        """
        path = self._path(host)
        with FileLock(f"{path}.lock", timeout=PATIENCE):
            now = time.time()
            turn = max(now, _last(path, now) + self._interval)
            if turn - now > within:
                raise LateError(turn - now)
            _set(path, turn)
        return turn - now

    def postpone(self, host: str, seconds: float) -> None:
        """Let no turn come before so many seconds have passed."""
        path = self._path(host)
        with FileLock(f"{path}.lock", timeout=PATIENCE):
            now = time.time()
            then = now + min(seconds, LONGEST) - self._interval
            _set(path, max(_last(path, now), then))

    def _path(self, host: str) -> Path:
        self._folder.mkdir(parents=True, exist_ok=True)
        return self._folder / host.replace(":", "_")


def _last(path: Path, now: float) -> float:
    """When the last turn is; a clock that was set back is not waited for."""
    try:
        last = path.stat().st_mtime
    except FileNotFoundError:
        return 0.0
    return last if last <= now + LONGEST else 0.0


def _set(path: Path, turn: float) -> None:
    path.touch()
    os.utime(path, (turn, turn))
