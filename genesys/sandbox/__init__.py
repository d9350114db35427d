"""Workers that may run generated code, and the channel to them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from genesys.sandbox.job import Job, JobResult, JobStatus, Limits

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Protocol

    class Sandbox(Protocol):
        """Runs jobs in confined workers; ``genesys.sandbox.pool`` has the implementation."""

        def run(self, job: Job, on_event: Callable[[dict[str, Any]], None] | None = None) -> JobResult:
            """Run one job to its end; never raises for what the job does."""

__all__ = ["Job", "JobResult", "JobStatus", "Limits"]
