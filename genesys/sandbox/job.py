"""What goes into a sandbox and how a guest can end."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any

from pydantic import Field

from genesys.errors import GenesysError
from genesys.records import Record


class Limits(Record):
    """What one guest may use.

    Attributes:
        seconds: Wall time from its start, the time in which it waits for calls included.
        cpu_seconds: Processor time; None allows ``seconds`` on each thread.
        memory_mb: Memory, in MiB.
        threads: CPU threads for tensor operations.
        processes: Threads it may have at once, those of a compiler included.
        disk_mb: What it may write to its scratch folder, in MiB.
        readable: Folders it may read besides the Python installation and Genesys.
        gpu: Whether it gets a GPU of this machine; the sandbox picks the least used one.
        compiler: Whether it may run the machine's C++ compiler. Else it can start no process.
    """

    seconds: Annotated[float, Field(gt=0)] = 60.0
    cpu_seconds: Annotated[float, Field(gt=0)] | None = None
    memory_mb: Annotated[int, Field(ge=256)] = 4096
    threads: Annotated[int, Field(ge=1)] = 2
    processes: Annotated[int, Field(ge=1)] = 64
    disk_mb: Annotated[int, Field(ge=1)] = 1024
    readable: list[str] = Field(default_factory=list)
    gpu: bool = False
    compiler: bool = False

    @property
    def most_cpu_seconds(self) -> float:
        """The processor time that is allowed in effect."""
        return self.cpu_seconds or self.seconds * self.threads


class Job(Record):
    """What a guest is made of.

    Attributes:
        entry: ``module:Class`` of code that may load generated code. It is made as
            ``Class(payload, emit, scratch)``: a JSON object, a callable that sends a JSON object
            as an event, and the path of an empty folder it may add files to (it can neither
            rename nor remove files there, and make no folders unless it may compile). Its public
            methods can be called; they take and return JSON values and arrays by name. A method
            ``describe(error)`` may add to what is told of an exception.
        payload: Its first argument.
        limits: What it may use; None takes the sandbox's own.
    """

    entry: Annotated[str, Field(pattern=r"^[\w.]+:\w+$")]
    payload: dict[str, Any] = Field(default_factory=dict)
    limits: Limits | None = None


class JobStatus(StrEnum):
    """How a guest ended before it was let go."""

    TIMEOUT = "timeout"
    CPU = "cpu"
    MEMORY = "memory"
    DIED = "died"


class GuestError(GenesysError):
    """Something that a guest did. Its texts are hostile; they are cut and can be printed."""


class GuestRaised(GuestError):  # noqa: N818 - it tells what happened, like its sibling
    """A method raised; the guest can be called again.

    Attributes:
        type: Name of the exception's class.
        message: Its text.
        trace: Its traceback from the method on.
        details: What the entry's ``describe`` says of it, as it came.
    """

    def __init__(self, type: str, message: str, trace: str, details: dict[str, Any]) -> None:
        super().__init__(f"{type}: {message}" if message else type)
        self.type, self.message, self.trace, self.details = type, message, trace, details


class GuestEnded(GuestError):  # noqa: N818
    """The guest is gone.

    Attributes:
        status: How it ended.
        message: For a person: the limit that was hit, or the exit status.
        output: The end of what it printed.
    """

    def __init__(self, status: JobStatus, message: str, output: str) -> None:
        super().__init__(message)
        self.status, self.message, self.output = status, message, output
