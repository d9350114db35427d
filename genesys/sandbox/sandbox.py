"""The coordinator's side of the workers."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Self

from genesys.sandbox.exchange import OnEvent
from genesys.sandbox.job import Job, JobResult, Limits
from genesys.sandbox.process import Confinement, HostProcess


class Sandbox:
    """Runs jobs, one at a time, each in a confined process of its own.

    The first job starts a host process (some seconds: it imports torch); every job is then a fork
    of it. Runs from several threads wait for each other: take one sandbox per worker.

    Args:
        limits: For jobs that bring none.
        scratch_root: Where the jobs' scratch folders are made; the system's place by default.
        confinement: Whether a machine that cannot confine workers is an error or a warning.
        preload: Modules that the host imports before its first job.
    """

    def __init__(
        self,
        limits: Limits | None = None,
        scratch_root: Path | None = None,
        confinement: Confinement | str = Confinement.REQUIRED,
        preload: Sequence[str] = ("torch", "sandlock"),
    ) -> None:
        self.limits = limits or Limits()
        self._root, self._preload = scratch_root, tuple(preload)
        self._confinement = Confinement(confinement)
        self._lock = threading.Lock()
        self._host: HostProcess | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the host process; a later run starts another."""
        if self._host is not None:
            self._host.close()
            self._host = None

    def run(self, job: Job, on_event: OnEvent | None = None) -> JobResult:
        """Run one job to its end, whatever it does.

        Args:
            job: What to run.
            on_event: Called with each event as it comes, in this thread. What it raises ends the
                job and is passed on.

        Returns:
            How the job ended. What it says is hostile: validate it.

        Raises:
            SandboxError: A worker could not be started or the host died; never the job's doing.
        """
        with self._lock:
            if self._host is None or not self._host.alive():
                self.close()
                self._host = HostProcess(self._root, self._preload, self._confinement)
            try:
                return self._host.run(job, job.limits or self.limits, on_event or (lambda _: None))
            except BaseException:
                self.close()  # takes the job along
                raise
