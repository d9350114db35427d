"""The ledger: an append-only record of every job of a run, failed attempts included.

A line of JSON per entry in ``ledger.jsonl``. It says what was decided and why *before* it is done,
so that a run that was killed goes on with the same jobs, and what came of it afterwards. It is a
file of lines and not a table, since an append has to be cheap (0.1 ms with its sync; a commit of a
table takes 3 ms and more the more there are) and nothing in it ever changes.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import IO

from pydantic import Field, FiniteFloat, ValidationError

from genesys.errors import StoreError
from genesys.population.files import storing
from genesys.records import Record, Selection, first_problem

FILE = "ledger.jsonl"


class JobKind(StrEnum):
    """What a job is."""

    SESSION = "session"
    VERIFICATION = "verification"


class EntryKind(StrEnum):
    """What an entry tells of.

    ``BEGUN``: a job was decided on. ``FAILED``: an attempt at it came to nothing, and it goes back
    to the queue. ``ENDED``: its result is committed. ``GENERATION``: the next one is under way.
    ``OPENED`` and ``CLOSED``: a coordinator took the run on, and left it. ``JOINED`` and ``LEFT``:
    a worker. ``FORKED``: all before was done in another run.
    """

    BEGUN = "begun"
    FAILED = "failed"
    ENDED = "ended"
    GENERATION = "generation"
    OPENED = "opened"
    CLOSED = "closed"
    JOINED = "joined"
    LEFT = "left"
    FORKED = "forked"


class Entry(Record):
    """One entry of the ledger.

    Attributes:
        time: Seconds since 1970, by the coordinator's clock.
        kind: What it tells of.
        job: Number of the job; None for what is no job's.
        work: The job's kind; None for what is no job's.
        worker: Name of the worker; empty where there is none.
        session: Index of a session; None for a verification.
        selection: What a session starts from.
        design: Name of the design to verify, or that a session made.
        scale: Name of the scale to verify it at.
        outcome: How the job or the attempt ended: a ``SessionEnd``, an ``Outcome`` or ``lost``.
        why: Why it was decided so, or ended so, in a sentence.
        seen: Designs, reports and sessions that were committed when a job was decided on.
        usd: What the job's calls of language models cost.
        tokens: Of these calls, in and out.
        seconds: That the worker was busy with the job, or the attempt.
        devices: How many devices the worker had meanwhile: GPUs, or without any, itself.
    """

    time: FiniteFloat
    kind: EntryKind
    job: int | None = None
    work: JobKind | None = None
    worker: str = ""
    session: int | None = None
    selection: Selection | None = None
    design: str = ""
    scale: str = ""
    outcome: str = ""
    why: str = ""
    seen: list[int] = Field(default_factory=list)
    usd: FiniteFloat = 0.0
    tokens: int = 0
    seconds: FiniteFloat = 0.0
    devices: int = 1


class Ledger:
    """The ledger of a run folder, open for appending. Use it as a context manager.

    What a killed process left of a line that it had not finished is cut off.

    Args:
        folder: Of the run.

    Attributes:
        entries: All that there are, oldest first.

    Raises:
        StoreError: On entering, when a line is none of a ledger, or the disk refuses.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE
        self.entries: list[Entry] = []

    def __enter__(self) -> Ledger:
        with storing("open", self._path.parent):
            self._file: IO[bytes] = self._path.open("a+b", buffering=0)
            self._file.seek(0)
            text = self._file.read()
            whole = text.rfind(b"\n") + 1
            if whole < len(text):
                self._file.truncate(whole)
            self._size = whole
        self.entries = list(_parsed(self._path, text[:whole]))
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    @staticmethod
    def read(folder: Path, skip: int = 0) -> list[Entry]:
        """The entries of a run folder, also while another process appends to them.

        Args:
            folder: Of the run.
            skip: So many of the oldest are left out.

        Raises:
            StoreError: A line is none of a ledger, or the disk refuses.
        """
        path = folder / FILE
        if not path.exists():
            return []
        with storing("read", folder):
            text = path.read_bytes()
        return list(_parsed(path, text[: text.rfind(b"\n") + 1], skip))

    def append(self, entry: Entry) -> None:
        """Commit an entry.

        Raises:
            StoreError: The disk refuses. The ledger is as it was.
        """
        line = entry.model_dump_json(exclude_defaults=True).encode() + b"\n"
        with storing("write to", self._path.parent):
            try:
                left = memoryview(line)
                while left:
                    left = left[self._file.write(left) :]
                os.fsync(self._file.fileno())
            except OSError:
                self._file.truncate(self._size)
                raise
        self._size += len(line)
        self.entries.append(entry)


def _parsed(path: Path, text: bytes, skip: int = 0) -> Iterator[Entry]:
    for number, line in enumerate(text.splitlines()[skip:], skip + 1):
        try:
            yield Entry.model_validate_json(line)
        except ValidationError as error:
            raise StoreError(
                f"{path}, line {number} is no entry of a ledger: {first_problem(error)}. The file "
                "is written by Genesys alone; restore it from a copy."
            ) from None
