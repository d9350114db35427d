# ruff: noqa
# mypy: ignore-errors
"""Runs a function as a job, until everything that does so has become an entry class."""

from __future__ import annotations

from typing import Any

from genesys.records import Record
from genesys.sandbox.guest import OnEvent
from genesys.sandbox.job import GuestEnded, GuestRaised, Job, JobStatus


class JobResult(Record):
    """What came back from a job."""

    status: JobStatus
    value: dict[str, Any] = {}
    message: str = ""
    output: str = ""
    seconds: float = 0.0


class Function:
    def __init__(self, function: Any, emit: Any, scratch: str) -> None:
        self._function, self._emit, self._scratch = function, emit, scratch

    def run(self, payload: dict[str, Any]) -> dict[str, Any]:
        return self._function(payload, self._emit, self._scratch)


def run(sandbox: Any, job: Job, on_event: OnEvent | None = None) -> JobResult:
    import time

    started = time.monotonic()
    inner = job.model_copy(update={"payload": {}})
    try:
        with sandbox.open(inner) as guest:
            try:
                value = guest.call("run", on_event, payload=job.payload)
            except GuestRaised as error:
                text = f"{error.trace}\n{error}"
                status = JobStatus.RAISED
                return JobResult(status=status, message=text, output=guest.output())
            return JobResult(
                status=JobStatus.OK,
                value=value,
                output=guest.output(),
                seconds=time.monotonic() - started,
            )
    except GuestEnded as error:
        return JobResult(
            status=error.status,
            message=error.message,
            output=error.output,
            seconds=time.monotonic() - started,
        )
