"""An executor of many workers in one process: what ends next is drawn at random."""

from __future__ import annotations

from contextlib import contextmanager
from random import Random

from genesys.evolution.jobs import Done, Lost
from genesys.evolution.worker import Worker
from genesys.population.ledger import JobKind
from genesys.records import Outcome, VerificationReport


class CrowdExecutor:
    """Workers that end their jobs in random order, and may be lost with them.

    Args:
        seed: Of the order.
        designers: Workers that hold sessions.
        verifiers: Workers that verify.
        loss: Part of the attempts at which the worker is lost.
        faulty: Names of designs that a verifier stumbles over, with how many of them do.
    """

    def __init__(self, seed=0, designers=3, verifiers=4, loss=0.0, faulty=None):
        self._rng, self._loss, self._faulty = Random(seed), loss, faulty or {}
        self._workers = {JobKind.SESSION: designers, JobKind.VERIFICATION: verifiers}
        self._tasks, self._losses = [], 0
        self.tried = []

    @contextmanager
    def open(self, outfit):
        self._outfit = outfit
        yield

    def size(self, kind):
        return self._workers[kind]

    def room(self, kind):
        return max(0, self._workers[kind] - sum(task.job.kind is kind for task in self._tasks))

    def submit(self, task):
        self._tasks.append(task)

    def wait(self, seconds):
        if not self._tasks:
            return []
        task = self._tasks.pop(self._rng.randrange(len(self._tasks)))
        names = [f"{task.job.kind.value}-{n}" for n in range(self._workers[task.job.kind])]
        name = self._rng.choice([n for n in names if n not in task.avoid] or names)
        if self._rng.random() < self._loss:
            self._losses += 1
            return [Lost(task.job, f"{name}.{self._losses}", 0.1, "it was killed")]
        if self._faulty.get(task.job.design, 0) > 0:
            self._faulty[task.job.design] -= 1
            self.tried.append(name)
            error = Outcome.DESIGN_ERROR
            report = VerificationReport(
                design=task.job.design, scale=task.job.scale, outcome=error, error="it diverged"
            )
            return [Done(task.job, name, 0.1, report=report)]
        outfit = self._outfit
        worker = Worker(outfit.plugins, outfit.sandbox, outfit.settings, outfit.observe, name)
        return [worker.do(task)]
