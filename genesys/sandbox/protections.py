"""Tries each protection in a guest, as hostile code would, and looks at what came of it outside."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from genesys.sandbox.backends import Backend
from genesys.sandbox.job import GuestEnded, GuestError, Job, JobStatus, Limits
from genesys.sandbox.sandbox import Sandbox

_ENTRY = f"{__name__}:Intruder"
_SECRET = "genesys-doctor-7f3a"
_LIMITS = Limits(seconds=20, memory_mb=256, disk_mb=8, threads=1)


class Intruder:
    """The guest's side: does what it should not be able to do."""

    def __init__(
        self, payload: dict[str, Any], emit: Callable[[dict[str, Any]], None], scratch: str
    ) -> None:
        self._pid: int = payload["pid"]
        self._folder = Path(payload["folder"])

    def read(self) -> dict[str, Any]:
        """Read a file outside."""
        return {"read": (self._folder / "secret").read_text()}

    def write(self) -> dict[str, Any]:
        """Change a file outside."""
        (self._folder / "secret").write_text("")
        return {}

    def environment(self) -> dict[str, Any]:
        """Read the environment of another process."""
        own = dict(os.environ)
        return {"read": str(own) + Path(f"/proc/{self._pid}/environ").read_text()}

    def connect(self, port: int) -> dict[str, Any]:
        """Connect to a server on this machine."""
        socket.create_connection(("127.0.0.1", port), 1)
        return {}

    def fork(self) -> dict[str, Any]:
        """Start another process."""
        if os.fork() == 0:
            os._exit(0)
        return {"done": True}

    def program(self) -> dict[str, Any]:
        """Start a program."""
        subprocess.run(["/bin/sh", "-c", f"echo > '{self._folder}/started'"], check=False)
        return {}

    def kill(self) -> dict[str, Any]:
        """End another process."""
        os.kill(self._pid, signal.SIGKILL)
        return {}

    def trace(self) -> dict[str, Any]:
        """Trace another process."""
        attach = 16
        return {"done": ctypes.CDLL(None).ptrace(attach, self._pid, None, None) == 0}

    def memory(self) -> dict[str, Any]:
        """Take more memory than is allowed."""
        return {"done": len(bytearray(b"x") * 2**30) > 0}

    def disk(self) -> dict[str, Any]:
        """Write more than is allowed."""
        return {"done": Path("file").write_bytes(bytes(2**25)) > 0}

    def spin(self) -> dict[str, Any]:
        """Never end."""
        while True:
            pass

    def sleep(self) -> dict[str, Any]:
        """Never end, without using the processor."""
        time.sleep(60)
        return {}


@dataclass(frozen=True)
class _Outside:
    """What the intruder is set on."""

    sandbox: Sandbox
    folder: Path
    other: subprocess.Popen[bytes]

    def ask(self, method: str, **arguments: Any) -> dict[str, Any]:
        """What a fresh intruder brings back; nothing if it was stopped."""
        with contextlib.suppress(GuestError):
            return self._call(_LIMITS, method, **arguments)
        return {}

    def end(self, method: str, **limits: Any) -> JobStatus | None:
        """How an intruder with these limits ends; None if it does not have to."""
        try:
            self._call(_LIMITS.model_copy(update=limits), method)
        except GuestEnded as error:
            return error.status
        except GuestError:
            pass
        return None

    def _call(self, limits: Limits, method: str, **arguments: Any) -> dict[str, Any]:
        payload = {"pid": self.other.pid, "folder": str(self.folder)}
        with self.sandbox.open(Job(entry=_ENTRY, payload=payload, limits=limits)) as guest:
            return guest.call(method, **arguments)


def _is_out_of_reach(outside: _Outside) -> bool:
    with socket.create_server(("127.0.0.1", 0)) as server:
        outside.ask("connect", port=server.getsockname()[1])
        server.settimeout(0.1)
        try:
            server.accept()[0].close()
        except TimeoutError:
            return True
    return False


def _is_unchanged(outside: _Outside) -> bool:
    outside.ask("write")
    return (outside.folder / "secret").read_text() == _SECRET


def _does_not_start(outside: _Outside) -> bool:
    outside.ask("program")
    return not (outside.folder / "started").exists()


def _lives(outside: _Outside) -> bool:
    outside.ask("kill")
    with contextlib.suppress(subprocess.TimeoutExpired):
        outside.other.wait(0.1)
    return outside.other.poll() is None


# What is tried, in the words of a person, and whether it is stopped.
PROTECTIONS: dict[str, Callable[[_Outside], bool]] = {
    "reading other files": lambda outside: _SECRET not in str(outside.ask("read")),
    "writing other files": _is_unchanged,
    "reading other environments": lambda o: _SECRET not in str(o.ask("environment")),
    "network connections": _is_out_of_reach,
    "starting processes": lambda outside: not outside.ask("fork").get("done"),
    "starting programs": _does_not_start,
    "tracing other processes": lambda outside: not outside.ask("trace").get("done"),
    "signals to other processes": _lives,
    "too much memory": lambda outside: outside.end("memory") is JobStatus.MEMORY,
    "too much processor time": lambda o: o.end("spin", cpu_seconds=0.2) is JobStatus.CPU,
    "too much time": lambda o: o.end("sleep", seconds=0.2) is JobStatus.TIMEOUT,
    "too many files": lambda outside: not outside.ask("disk").get("done"),
}


def try_protections(backend: Backend, root: Path | None = None) -> dict[str, bool]:
    """Try all that guests are kept from; says of each whether it was stopped.

    Args:
        backend: How guests are confined.
        root: Where the scratch folders are made; the system's place by default.

    Raises:
        SandboxError: There can be no guest; says why.
    """
    with (
        Sandbox(_LIMITS, root, backend, allow_unconfined=True, preload=["numpy"]) as sandbox,
        _outside(sandbox) as outside,
    ):
        return {name: is_stopped(outside) for name, is_stopped in PROTECTIONS.items()}


@contextmanager
def _outside(sandbox: Sandbox) -> Iterator[_Outside]:
    command = [sys.executable, "-c", "import time; time.sleep(60)"]
    environment = {"SECRET": _SECRET}
    with (
        tempfile.TemporaryDirectory() as folder,
        subprocess.Popen(command, env=environment) as other,
    ):
        Path(folder, "secret").write_text(_SECRET)
        try:
            yield _Outside(sandbox, Path(folder), other)
        finally:
            other.kill()
