"""Starts the guests of one verification, one at a time, in the time that is left to it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from genesys.errors import SandboxError
from genesys.sandbox import GuestError, Job, Limits, Sandbox
from genesys_verifiers.corpus import Corpus
from genesys_verifiers.remote import RemoteModel
from genesys_verifiers.settings import Task

ENTRY = "genesys_verifiers.guest:TrainingGuest"


class Opener:
    """Opens guests that have not loaded their design yet.

    Args:
        sandbox: Where they live.
        task: What they are told.
        corpus: Of which a guest that trains may read the training tokens, and nothing else.
        limits: What they may use; the time is for all of them together.
    """

    def __init__(self, sandbox: Sandbox, task: Task, corpus: Corpus, limits: Limits) -> None:
        self._sandbox, self._task, self._corpus, self._limits = sandbox, task, corpus, limits
        self._deadline = time.monotonic() + limits.seconds

    @contextmanager
    def __call__(self, train: bool = False) -> Iterator[RemoteModel]:
        """Start a guest, and end it with the context.

        Args:
            train: Whether it is to train.

        Raises:
            SandboxError: It did not start. No generated code had run.
        """
        with ExitStack() as stack:
            try:
                guest = stack.enter_context(self._sandbox.open(self._job(train)))
            except GuestError as error:
                raise SandboxError(f"A guest did not start: {error}") from error
            yield RemoteModel(guest, self._task.vocab_size, self._limits.memory_mb)

    def spend(self, seconds: float) -> None:
        """Count time that an earlier process has taken."""
        self._deadline -= seconds

    def _job(self, train: bool) -> Job:
        corpus = self._corpus
        told = {"train_folder": str(corpus.train_folder)} if train else {}
        task = self._task.model_copy(update=told)
        limits = self._limits.model_copy(
            update={
                "seconds": max(1.0, self._deadline - time.monotonic()),
                "readable": [str(corpus.train_folder)] if train else [],
            }
        )
        return Job(entry=ENTRY, payload=task.model_dump(mode="json"), limits=limits)
