"""What a job says, followed while it runs and judged when it has ended."""

from __future__ import annotations

import os
import selectors
import signal
import socket
import time
from collections.abc import Callable
from enum import Enum, auto
from typing import Any

from genesys.sandbox.channel import Messages, ProtocolError, printable
from genesys.sandbox.job import JobResult, JobStatus, Limits

MAX_OUTPUT = 64 * 1024
_CHUNK = 2**16

OnEvent = Callable[[dict[str, Any]], None]


class End(Enum):
    """Why a pipe gives nothing more."""

    EMPTY = auto()
    CLOSED = auto()


class Exchange:
    """One job's messages and output, and the verdict on them.

    Args:
        token: Secret of the job.
        on_event: Called with each event.

    Attributes:
        writers: The job's ends of the pipes: its channel and its output.
    """

    def __init__(self, token: str, on_event: OnEvent) -> None:
        self._messages, self._on_event = Messages(token), on_event
        self._answer: tuple[str, dict[str, Any]] | None = None
        self._hostile = ""
        self._output = b""
        self._channel, channel = os.pipe()
        self._printed, printed = os.pipe()
        self.writers = [channel, printed]
        for reader in (self._channel, self._printed):
            os.set_blocking(reader, False)

    def follow(
        self, control: socket.socket, hear: Callable[[], dict[str, Any]], seconds: float
    ) -> dict[str, Any]:
        """Take in what the job sends until the host says that it has ended.

        After ``seconds`` it is left to ``hear`` to find that the host hangs.
        """
        deadline = time.monotonic() + seconds
        readers: dict[int, Callable[[bytes], None]] = {
            self._channel: self._take,
            self._printed: self._keep,
        }
        with selectors.DefaultSelector() as selector:
            for source in (control.fileno(), *readers):
                selector.register(source, selectors.EVENT_READ)
            while (left := deadline - time.monotonic()) > 0:
                ready = {key.fd for key, _ in selector.select(left)}
                for reader in readers.keys() & ready:
                    if self._read(reader, readers[reader]) is End.CLOSED:
                        selector.unregister(reader)
                        del readers[reader]
                if control.fileno() in ready:
                    break
        end = hear()
        for reader, take in readers.items():
            while self._read(reader, take) is None:
                pass
        return end

    def release(self) -> None:
        """Let go of the job's ends, once the host has them."""
        while self.writers:
            os.close(self.writers.pop())

    def close(self) -> None:
        """Close the pipes."""
        self.release()
        os.close(self._channel)
        os.close(self._printed)

    def _read(self, reader: int, take: Callable[[bytes], None]) -> End | None:
        """Read once; says if there is nothing more, at present or for ever."""
        try:
            data = os.read(reader, _CHUNK)
        except BlockingIOError:
            return End.EMPTY
        if not data:
            return End.CLOSED
        take(data)
        return None

    def _keep(self, data: bytes) -> None:
        self._output = (self._output + data)[-MAX_OUTPUT:]

    def _take(self, data: bytes) -> None:
        if self._hostile:
            return
        try:
            messages = self._messages.feed(data)
        except ProtocolError as error:
            self._hostile = str(error)
            return
        for kind, body in messages:
            if self._answer is not None:
                self._hostile = "the job went on after its result"
            elif kind == "event":
                self._on_event(body)
            else:
                self._answer = kind, body

    def judge(self, end: dict[str, Any], limits: Limits) -> JobResult:
        """Say how the job ended, from what the host and the job said."""
        status, message, value = self._verdict(end, limits)
        return JobResult(
            status=status,
            value=value,
            message=printable(message),
            output=printable(self._output.decode(errors="replace")),
            seconds=end["seconds"],
        )

    def _verdict(
        self, end: dict[str, Any], limits: Limits
    ) -> tuple[JobStatus, str, dict[str, Any]]:
        memory = f"it took more than its {limits.memory_mb} MiB of memory"
        stopped = {
            "timeout": (JobStatus.TIMEOUT, f"it ran longer than its {limits.seconds:g} seconds"),
            "memory": (JobStatus.MEMORY, memory),
            "threads": (JobStatus.DIED, f"it started more than {limits.processes} threads"),
            "disk": (JobStatus.DIED, f"it wrote more than {limits.disk_mb} MiB of files"),
        }
        if end["reason"]:
            return *stopped[end["reason"]], {}
        if self._hostile:
            return JobStatus.DIED, self._hostile, {}
        kind, body = self._answer or ("", {})
        if kind == "result" and end["status"] == 0:
            return JobStatus.OK, "", body
        if kind == "error":
            text = str(body.get("text", ""))[-MAX_OUTPUT:]
            if body.get("memory") is True:
                return JobStatus.MEMORY, f"{memory}\n{text}", {}
            return JobStatus.RAISED, text, {}
        code = end["status"]
        how = f"by signal {_signal_name(-code)}" if code < 0 else f"with status {code}"
        return JobStatus.DIED, f"it ended {how} without a result", {}


def _signal_name(number: int) -> str:
    """Name of a signal; most of the real-time ones have a number only."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return str(number)
