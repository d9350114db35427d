"""Does the jobs in the coordinator's own process, one after the other."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from genesys.evolution.executors.base import Outfit
from genesys.evolution.jobs import Ended, Task
from genesys.evolution.worker import Worker
from genesys.population.ledger import JobKind

NAME = "inline"


class InlineExecutor:
    """One job at a time, here: nothing to start, and a run that follows from its seed alone."""

    def __init__(self) -> None:
        self._tasks: deque[Task] = deque()

    @contextmanager
    def open(self, outfit: Outfit) -> Iterator[None]:
        """See :class:`Executor`."""
        self._worker = Worker(outfit.plugins, outfit.sandbox, outfit.settings, outfit.observe, NAME)
        yield

    def room(self, kind: JobKind) -> int:
        """See :class:`Executor`."""
        return 0 if self._tasks else 1

    def size(self, kind: JobKind) -> int:
        """See :class:`Executor`."""
        return 1

    def submit(self, task: Task) -> None:
        """See :class:`Executor`."""
        self._tasks.append(task)

    def wait(self, seconds: float) -> Sequence[Ended]:
        """Do the next job; see :class:`Executor`."""
        if not self._tasks:
            time.sleep(seconds)
            return []
        return [self._worker.do(self._tasks.popleft())]
