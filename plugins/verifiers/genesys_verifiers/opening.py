"""Starts the guests of one verification, one at a time, in the time that is left to it."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager

from genesys.errors import SandboxError
from genesys.sandbox import Guest, GuestError, Job, Limits, Sandbox
from genesys_verifiers.corpus import Corpus
from genesys_verifiers.remote import Array, RemoteModel
from genesys_verifiers.settings import Task

ENTRY = "genesys_verifiers.guest:TrainingGuest"


@contextmanager
def started(sandbox: Sandbox, job: Job) -> Iterator[Guest]:
    """A guest, ended with the context.

    Raises:
        SandboxError: It did not start. No generated code had run.
    """
    with ExitStack() as stack:
        try:
            guest = stack.enter_context(sandbox.open(job))
        except GuestError as error:
            raise SandboxError(f"A guest did not start: {error}") from error
        yield guest


class Opener:
    """Opens guests that have not loaded their design yet.

    Args:
        sandbox: Where they live.
        task: What they are told.
        corpus: Of which a guest that trains may read the training tokens, and nothing else.
        limits: What they may use; the time is for all of them together.

    Attributes:
        task: What they are told, apart from where the training tokens are.
    """

    def __init__(self, sandbox: Sandbox, task: Task, corpus: Corpus, limits: Limits) -> None:
        self._sandbox, self.task, self._corpus, self._limits = sandbox, task, corpus, limits
        self._deadline = time.monotonic() + limits.seconds

    @contextmanager
    def __call__(self, train: bool = False) -> Iterator[RemoteModel]:
        """Start a guest, and end it with the context.

        Args:
            train: Whether it is to train.

        Raises:
            SandboxError: It did not start. No generated code had run.
        """
        with started(self._sandbox, self._job(train)) as guest:
            yield RemoteModel(
                guest, self.task.vocab_size, self._limits.memory_mb, self.task.settings
            )

    @contextmanager
    def built(
        self, n_block: int, embed_dim: int, weights: Sequence[Array] = (), train: bool = False
    ) -> Iterator[RemoteModel]:
        """The same with a model.

        Args:
            n_block: Number of blocks.
            embed_dim: Width.
            weights: What it has learnt, in pieces; none for a model as it begins.
            train: Whether it is to train.

        Raises:
            DesignFaultError: The design cannot be loaded or built.
            SandboxError: See :meth:`__call__`.
        """
        with self(train) as model:
            model.load()
            model.build(n_block, embed_dim)
            model.restore(weights)
            yield model

    @contextmanager
    def trainee(self, n_block: int, embed_dim: int) -> Iterator[RemoteModel]:
        """Start a guest that is to train, its blocks compiled if the settings say so.

        Args:
            n_block: Number of blocks.
            embed_dim: Width.

        Raises:
            DesignFaultError: The design cannot be loaded or built.
            SandboxError: See :meth:`__call__`.
        """
        with self.built(n_block, embed_dim, train=True) as model:
            if self.task.settings.compile is True:
                model.compile(self.task.settings.precision)
            yield model

    def spend(self, seconds: float) -> None:
        """Count time that an earlier process has taken."""
        self._deadline -= seconds

    def _job(self, train: bool) -> Job:
        corpus = self._corpus
        told = {"train_folder": str(corpus.train_folder)} if train else {}
        task = self.task.model_copy(update=told)
        limits = self._limits.model_copy(
            update={
                "seconds": max(1.0, self._deadline - time.monotonic()),
                "readable": [str(corpus.train_folder)] if train else [],
                "compiler": train and bool(self.task.settings.compile),
            }
        )
        return Job(entry=ENTRY, payload=task.model_dump(mode="json"), limits=limits)
