"""Who works on a run folder, as far as another process can tell."""

from __future__ import annotations

import fcntl
import os
import re
import socket
from pathlib import Path

from genesys.population.evolution_tree import HOLDER, LOCK
from genesys.records import Record

_HOLDER = re.compile(r"process (\d+) on (.+)")


class Holder(Record):
    """The process that writes to a run.

    Attributes:
        process: Its number; 0 if it has just started.
        host: The machine that it runs on.
    """

    process: int = 0
    host: str = ""

    def __str__(self) -> str:
        """Process and machine, for a person."""
        return f"process {self.process} on {self.host}" if self.process else "a process"


def holder_of(folder: Path) -> Holder | None:
    """The process that has a run folder open for writing; None if nobody has.

    Whoever is known to have ended is taken for gone without a touch of the lock, which a process
    that starts meanwhile would find taken.
    """
    holder = _noted(folder)
    if holder.host == socket.gethostname() and not _lives(holder.process):
        return None
    return holder if _locked(folder / LOCK) else None


def _noted(folder: Path) -> Holder:
    try:
        found = _HOLDER.fullmatch((folder / HOLDER).read_text(encoding="utf-8").strip())
    except (OSError, UnicodeDecodeError):
        found = None
    return Holder(process=int(found[1][:9]), host=found[2]) if found else Holder()


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True  # another person's
    return True


def _locked(path: Path) -> bool:
    try:
        file = os.open(path, os.O_RDONLY)
    except OSError:
        return False
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(file)
    return False
