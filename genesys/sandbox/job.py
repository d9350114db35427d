"""What goes into a sandbox worker and what comes out."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any

from pydantic import Field

from genesys.records import Record


class Limits(Record):
    """What one job may use.

    Attributes:
        seconds: Wall time.
        memory_mb: Memory of the worker, in MiB.
        threads: CPU threads for tensor operations.
        processes: Threads the job may have at once; it can start no other process.
        disk_mb: What it may write to its scratch folder, in MiB.
        readable: Folders the job may read besides the Python installation and Genesys.
    """

    seconds: Annotated[float, Field(gt=0)] = 60.0
    memory_mb: Annotated[int, Field(ge=256)] = 4096
    threads: Annotated[int, Field(ge=1)] = 2
    processes: Annotated[int, Field(ge=1)] = 64
    disk_mb: Annotated[int, Field(ge=1)] = 1024
    readable: list[str] = Field(default_factory=list)


class Job(Record):
    """A function to run in a worker.

    Attributes:
        entry: ``module:function`` of trusted code that may load generated code. It is called as
            ``function(payload, emit, scratch)``: a JSON object, a callable that sends a JSON object
            to the parent, and the path of an empty folder it may add files to (it can make no
            folders there, and neither rename nor remove files). It returns a JSON object; its
            integers have 64 bits.
        payload: Its first argument.
        limits: What it may use; None takes the sandbox's own.
    """

    entry: Annotated[str, Field(pattern=r"^[\w.]+:\w+$")]
    payload: dict[str, Any]
    limits: Limits | None = None


class JobStatus(StrEnum):
    """How a job ended."""

    OK = "ok"
    RAISED = "raised"
    TIMEOUT = "timeout"
    MEMORY = "memory"
    DIED = "died"


class JobResult(Record):
    """What came back from a job.

    Attributes:
        status: How it ended.
        value: What the entry returned; empty unless it ended well. Hostile: validate it.
        message: For a person: the exception with its traceback, the limit that was hit, or the
            exit status.
        output: What the job printed, the end of it if it was much.
        seconds: Wall time.
    """

    status: JobStatus
    value: dict[str, Any] = Field(default_factory=dict)
    message: str = ""
    output: str = ""
    seconds: float = 0.0
