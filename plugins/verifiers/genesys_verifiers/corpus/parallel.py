"""The same function in several processes."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from typing import Any

from genesys.errors import GenesysError
from genesys_verifiers.corpus.config import Progress


class Workers:
    """Processes that are started when there is work for more than one.

    Args:
        count: Processes; as many as there are cores when None.
        progress: Told of each piece of work that is done.
    """

    def __init__(self, count: int | None, progress: Progress) -> None:
        self._count, self._progress = count or os.cpu_count() or 1, progress
        self._pool: ProcessPoolExecutor | None = None

    def __enter__(self) -> Workers:
        return self

    def __exit__(self, *_: object) -> None:
        if self._pool:
            self._pool.shutdown(cancel_futures=True)

    def __call__(
        self, stage: str, function: Callable[..., None], jobs: Sequence[tuple[Any, ...]]
    ) -> None:
        """Call a function of a module with each of these arguments, in any order.

        Raises:
            GenesysError: A process was killed.
        """
        self._progress(stage, 0, len(jobs))
        if min(self._count, len(jobs)) <= 1:
            for done, job in enumerate(jobs, 1):
                function(*job)
                self._progress(stage, done, len(jobs))
            return
        try:
            futures = [self._started().submit(function, *job) for job in jobs]
            for done, future in enumerate(as_completed(futures), 1):
                future.result()
                self._progress(stage, done, len(jobs))
        except BrokenProcessPool:
            raise GenesysError(
                f"A process that built the corpus ({stage}) was killed, perhaps for want of "
                "memory: lower corpus.workers. The same command goes on with what is finished."
            ) from None

    def _started(self) -> ProcessPoolExecutor:
        if not self._pool:
            # Spawned: a fork of a process with threads may hang.
            context = get_context("spawn")
            self._pool = ProcessPoolExecutor(self._count, context, initializer=_begin)
        return self._pool


def _begin() -> None:
    """Processes are the parallelism; threads in each would fight for the cores."""
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
