"""The trusted half's handle on a guest: calls go in, answers come out, and nothing is believed."""

from __future__ import annotations

import contextlib
import fcntl
import os
import selectors
import signal
import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

from genesys.errors import SandboxError
from genesys.sandbox.channel import Frame, Frames, ProtocolError, encode, printable
from genesys.sandbox.job import GuestEnded, GuestRaised, JobStatus, Limits
from genesys.sandbox.process import GRACE_SECONDS, START_SECONDS, HostProcess
from genesys.sandbox.watch import STARVED

MAX_OUTPUT = 64 * 1024
MAX_TEXT = 2**14
_CHUNK = 2**20

OnEvent = Callable[[dict[str, Any]], None]


class Guest:
    """A process in which generated code may run; see :meth:`genesys.sandbox.Sandbox.open`.

    Args:
        host: That has yet to fork it.
        limits: What it may use.
    """

    def __init__(self, host: HostProcess, limits: Limits) -> None:
        self._host, self._limits = host, limits
        self._deadline = time.monotonic() + START_SECONDS
        self._frames = Frames({"event", "answer", "error"})
        self._printed = b""
        self._end: GuestEnded | SandboxError | None = None
        self._end_of_replies = False
        with ExitStack() as undo:
            requests, self._requests = _pipe(undo)
            self._replies, replies = _pipe(undo)
            self._output, output = _pipe(undo)
            undo.pop_all()
        self.theirs = [requests, replies, output]
        self._mine = [self._requests, self._replies, self._output]
        for mine in self._mine:
            os.set_blocking(mine, False)

    def release(self) -> None:
        """Let go of the guest's ends, once the host has them."""
        while self.theirs:
            os.close(self.theirs.pop())

    def greet(self) -> None:
        """Wait until it is there and confined.

        Raises:
            GuestEnded: It is out of time already.
            SandboxError: It could not be confined; nothing hostile has been near it yet.
        """
        try:
            self._ask(Frame("hello", {}), None)
        except GuestEnded as error:
            if error.status is not JobStatus.DIED:
                raise
            raise SandboxError(f"A guest could not be confined. {error.output}") from None
        self._deadline = time.monotonic() + self._limits.seconds + GRACE_SECONDS

    def open(self, payload: dict[str, Any]) -> None:
        """Have it make its entry."""
        self._ask(Frame("open", payload), None)
        self._usage()  # memory counts from here

    def call(
        self, method: str, on_event: OnEvent | None = None, **arguments: Any
    ) -> dict[str, Any]:
        """Call a method of its entry.

        Args:
            method: Name of the method.
            on_event: Called with each event as it comes, in this thread.
            **arguments: JSON values and arrays.

        Returns:
            JSON values and arrays. What they say is hostile: validate it.

        Raises:
            GuestRaised: The method raised; the guest can be called again.
            GuestEnded: The guest is gone, by its own doing or over a limit.
            genesys.errors.SandboxError: The host died, or the machine was too busy; never the
                guest's doing.
        """
        return self._ask(Frame("call", {"method": method, **arguments}), on_event)

    def output(self) -> str:
        """The end of what it has printed since this was last called."""
        if self._mine:
            self._drain()
        text, self._printed = printable(self._printed.decode(errors="replace")), b""
        return text

    def cpu_seconds(self) -> float:
        """Processor time it has taken so far, as the host sees it.

        Raises:
            GuestEnded: The guest is gone.
        """
        return self._usage()["cpu_seconds"]

    def peak_memory_mb(self) -> float:
        """Most MiB held since this was last asked, above what it held at its start.

        Raises:
            GuestEnded: The guest is gone.
        """
        return self._usage()["peak_memory_mb"]

    def close(self) -> None:
        """End the guest and everything it has started."""
        try:
            if self._end is None:
                self._end = GuestEnded(JobStatus.DIED, "it was let go", "")
                self._host.stop()
        except SandboxError:
            self._host.close()  # takes the guest along
        except BaseException:
            self._host.close()
            raise
        finally:
            self.release()
            while self._mine:
                os.close(self._mine.pop())

    def _usage(self) -> dict[str, float]:
        self._check_alive()
        self._host.ask("usage")
        message = self._host.hear(GRACE_SECONDS)
        if "status" in message:
            raise self._ended(message)
        return message

    def _ask(self, frame: Frame, on_event: OnEvent | None) -> dict[str, Any]:
        self._check_alive()
        pieces = encode(frame)
        try:
            answer = self._exchange(pieces, on_event or _ignore)
        except ProtocolError as error:
            raise self._stop(JobStatus.DIED, str(error)) from None
        except (GuestEnded, SandboxError):
            raise
        except BaseException:  # its answer must not be taken for that to the next call
            with contextlib.suppress(SandboxError):
                self._stop(JobStatus.DIED, "its call was broken off")
            raise
        if answer.kind == "error":
            raise self._raised(answer.body)
        return answer.body

    def _exchange(self, pieces: list[memoryview], on_event: OnEvent) -> Frame:
        """Write the call and read up to its answer, both at once: neither side waits for ever."""
        self._check_silence()
        with selectors.DefaultSelector() as selector:
            for source in (self._host.fileno(), self._replies, self._output):
                selector.register(source, selectors.EVENT_READ)
            selector.register(self._requests, selectors.EVENT_WRITE)
            while (left := self._deadline - time.monotonic()) > 0:
                ready = {key.fd for key, _ in selector.select(left)}
                if self._requests in ready and self._write(pieces):
                    selector.unregister(self._requests)
                if self._output in ready and not self._drain():
                    selector.unregister(self._output)
                if self._replies in ready:
                    if (answer := self._read(on_event)) is not None:
                        return answer
                    if self._end_of_replies:
                        selector.unregister(self._replies)
                if ready == {self._host.fileno()}:  # all that it said before has been read
                    break
        raise self._ended(self._host.hear(0.1))

    def _check_silence(self) -> None:
        """Nothing is said before it is asked."""
        with contextlib.suppress(BlockingIOError):
            if os.read(self._replies, 1):
                raise ProtocolError("it went on after its answer")

    def _write(self, pieces: list[memoryview]) -> bool:
        """Write what fits; says whether that was all, or nobody reads any more."""
        try:
            while pieces:
                pieces[0] = pieces[0][os.write(self._requests, pieces[0]) :]
                if not pieces[0]:
                    del pieces[0]
        except BlockingIOError:
            return False
        except BrokenPipeError:
            return True
        return True

    def _read(self, on_event: OnEvent) -> Frame | None:
        """Read once; the answer, if it is whole."""
        data = os.read(self._replies, _CHUNK)
        self._end_of_replies = not data
        frames = self._frames.feed(data)
        for position, frame in enumerate(frames):
            if frame.kind != "event":
                if frames[position + 1 :] or self._frames.rest:
                    raise ProtocolError("it went on after its answer")
                return frame
            on_event(frame.body)
        return None

    def _drain(self) -> bool:
        """Take in what a pipe holds of what was printed; says whether there may be more."""
        with contextlib.suppress(BlockingIOError):
            data = os.read(self._output, _CHUNK)
            self._printed = (self._printed + data)[-MAX_OUTPUT:]
            return bool(data)
        return True

    def _check_alive(self) -> None:
        if self._end is not None:
            raise self._end

    def _stop(self, status: JobStatus, message: str) -> GuestEnded:
        """End the guest for what it did."""
        self._host.stop()
        self._end = GuestEnded(status, message, self.output())
        return self._end

    def _raised(self, body: dict[str, Any]) -> GuestRaised | GuestEnded:
        kind, text, trace = (
            printable(str(body.get(name, ""))[:MAX_TEXT]) for name in ("type", "message", "trace")
        )
        if body.get("memory") is True:
            return self._stop(JobStatus.MEMORY, f"{self._over_memory()}: {text}")
        details = body.get("details")
        return GuestRaised(kind, text, trace, details if isinstance(details, dict) else {})

    def _over_memory(self) -> str:
        return f"it took more than its {self._limits.memory_mb} MiB of memory"

    def _ended(self, message: dict[str, Any]) -> GuestEnded | SandboxError:
        """How it ended, from what the host says of it."""
        limits, reason, code = self._limits, message["reason"], message["status"]
        if reason == STARVED:
            self._end = SandboxError(
                f"The machine was too busy: of its {limits.seconds:g} seconds, a guest waited more "
                "than half for a processor. Run less at once, or allow more time."
            )
            return self._end
        most = limits.most_cpu_seconds
        stopped = {
            "timeout": (JobStatus.TIMEOUT, f"it ran longer than its {limits.seconds:g} seconds"),
            "cpu": (JobStatus.CPU, f"it took more than its {most:g} seconds of CPU time"),
            "memory": (JobStatus.MEMORY, self._over_memory()),
            "threads": (JobStatus.DIED, f"it started more than {limits.processes} threads"),
            "hollow": (JobStatus.DIED, "it ended its first thread"),
            "disk": (JobStatus.DIED, f"it wrote more than {limits.disk_mb} MiB of files"),
        }
        how = f"by signal {_signal_name(-code)}" if code < 0 else f"with status {code}"
        status, text = stopped.get(reason, (JobStatus.DIED, f"it ended {how} without an answer"))
        self._end = GuestEnded(status, text, self.output())
        return self._end


def _pipe(undo: ExitStack) -> tuple[int, int]:
    """A pipe that takes a large array in few turns, where the system allows it."""
    ends = os.pipe()
    for end in ends:
        undo.callback(os.close, end)
    with contextlib.suppress(OSError, AttributeError):
        fcntl.fcntl(ends[1], fcntl.F_SETPIPE_SZ, _CHUNK)
    return ends


def _ignore(event: dict[str, Any]) -> None:
    """What events come to when nobody asked for them."""


def _signal_name(number: int) -> str:
    """Name of a signal; most of the real-time ones have a number only."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return str(number)
