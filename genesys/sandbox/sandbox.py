"""The coordinator's side: starts the host, hands it jobs and judges what comes back."""

from __future__ import annotations

import json
import logging
import os
import secrets
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Sequence
from enum import StrEnum
from pathlib import Path
from typing import IO, Any, Self

from genesys.errors import SandboxError
from genesys.sandbox.channel import Messages, ProtocolError, printable
from genesys.sandbox.job import Job, JobResult, JobStatus, Limits

MAX_OUTPUT = 64 * 1024
START_SECONDS = 120.0
GRACE_SECONDS = 30.0
_CHUNK = 2**16

OnEvent = Callable[[dict[str, Any]], None]
log = logging.getLogger(__name__)


class Confinement(StrEnum):
    """What to do on a machine that cannot confine workers."""

    REQUIRED = "required"
    BEST_EFFORT = "best_effort"


class Sandbox:
    """Runs jobs, one at a time, each in a confined process of its own.

    The first job starts a host process (some seconds: it imports torch); every job is then a fork
    of it. Runs from several threads wait for each other: take one sandbox per worker.

    Args:
        limits: For jobs that bring none.
        scratch_root: Where the jobs' scratch folders are made; the system's place by default.
        confinement: Whether a machine that cannot confine workers is an error or a warning.
        preload: Modules that the host imports before its first job.
    """

    def __init__(
        self,
        limits: Limits | None = None,
        scratch_root: Path | None = None,
        confinement: Confinement | str = Confinement.REQUIRED,
        preload: Sequence[str] = ("torch", "sandlock"),
    ) -> None:
        self.limits = limits or Limits()
        self._root, self._preload = scratch_root, tuple(preload)
        self._confinement = Confinement(confinement)
        self._lock = threading.Lock()
        self._host: _Host | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the host process; a later run starts another."""
        if self._host is not None:
            self._host.close()
            self._host = None

    def run(self, job: Job, on_event: OnEvent | None = None) -> JobResult:
        """Run one job to its end, whatever it does.

        Args:
            job: What to run.
            on_event: Called with each event as it comes, in this thread. What it raises ends the
                job and is passed on.

        Returns:
            How the job ended. What it says is hostile: validate it.

        Raises:
            SandboxError: A worker could not be started or the host died; never the job's doing.
        """
        with self._lock:
            if self._host is None or not self._host.alive():
                self.close()
                self._host = _Host(self._root, self._preload, self._confinement)
            try:
                return self._host.run(job, job.limits or self.limits, on_event or (lambda _: None))
            except BaseException:
                self.close()  # takes the job along
                raise


class _Host:
    """The host process and the socket to it."""

    def __init__(
        self, root: Path | None, preload: tuple[str, ...], confinement: Confinement
    ) -> None:
        if root is not None:
            root.mkdir(parents=True, exist_ok=True)
        self._base = Path(tempfile.mkdtemp(prefix="genesys-", dir=root)).resolve()
        self._control, theirs = socket.socketpair()
        self._errors: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the host
        with theirs:
            self._process = self._start(theirs, preload)
        try:
            refusal = self._hear(START_SECONDS)["refusal"]
            self._confined = not refusal
            if refusal and confinement is Confinement.REQUIRED:
                raise SandboxError(
                    f"This machine cannot confine generated code: {refusal}. Use Linux 6.12 or "
                    "newer with Landlock, or take the risk: sandbox.confinement=best_effort."
                )
        except BaseException:
            self.close()
            raise
        if refusal:
            log.warning("Generated code runs without confinement: %s", refusal)

    def _start(self, theirs: socket.socket, preload: tuple[str, ...]) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-P", "-m", "genesys.sandbox.host", str(self._base), *preload]
        try:
            return subprocess.Popen(
                command,
                stdin=theirs.fileno(),
                stdout=self._errors,
                stderr=self._errors,
                env=_environment(self._base),
                cwd=self._base,
                start_new_session=True,
            )
        except OSError as error:
            raise SandboxError(f"Cannot start a sandbox host: {error}") from error

    def alive(self) -> bool:
        return self._process.poll() is None

    def close(self) -> None:
        self._control.close()
        try:
            self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        self._errors.close()
        shutil.rmtree(self._base, ignore_errors=True)

    def run(self, job: Job, limits: Limits, on_event: OnEvent) -> JobResult:
        scratch = Path(tempfile.mkdtemp(prefix="job-", dir=self._base))
        token = secrets.token_hex(16)
        try:
            with tempfile.TemporaryFile() as payload:
                payload.write(json.dumps(job.payload).encode())
                payload.seek(0)
                exchange = _Exchange(token, on_event)
                request = {
                    "entry": job.entry,
                    "limits": limits.model_dump_json(),
                    "scratch": str(scratch),
                    "token": token,
                    "confined": self._confined,
                }
                self._ask(request, [payload.fileno(), *exchange.writers])
            end = exchange.follow(self._control, lambda: self._hear(GRACE_SECONDS))
            return exchange.judge(end, limits)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)

    def _ask(self, request: dict[str, Any], descriptors: list[int]) -> None:
        try:
            socket.send_fds(self._control, [json.dumps(request).encode()], descriptors)
        except OSError as error:
            raise self._died() from error
        finally:
            for descriptor in descriptors[1:]:
                os.close(descriptor)

    def _hear(self, seconds: float) -> dict[str, Any]:
        """Read one line from the host, which is trusted."""
        self._control.settimeout(seconds)
        line = b""
        try:
            while not line.endswith(b"\n"):
                data = self._control.recv(_CHUNK)
                if not data:
                    raise self._died()
                line += data
        except OSError as error:
            raise self._died() from error
        message: dict[str, Any] = json.loads(line)
        return message

    def _died(self) -> SandboxError:
        self._errors.seek(0)
        said = self._errors.read().decode(errors="replace").strip()[-2000:]
        return SandboxError(f"The sandbox host died or hangs. {said}".strip())


class _Exchange:
    """One job's messages and output."""

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

    def follow(self, control: socket.socket, hear: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """Take in what the job sends until the host says that it has ended."""
        readers: dict[int, Callable[[bytes], None]] = {
            self._channel: self._take,
            self._printed: self._keep,
        }
        try:
            while True:
                ready, _, _ = select.select([control.fileno(), *readers], [], [])
                for reader in readers.keys() & set(ready):
                    self._drain(reader, readers)
                if control.fileno() in ready:
                    end = hear()
                    for reader in list(readers):
                        while self._drain(reader, readers):
                            pass
                    return end
        finally:
            os.close(self._channel)
            os.close(self._printed)

    def _drain(self, reader: int, readers: dict[int, Callable[[bytes], None]]) -> bool:
        """Read once; False when there is nothing more at present."""
        try:
            data = os.read(reader, _CHUNK)
        except BlockingIOError:
            return False
        if data:
            readers[reader](data)
        else:
            del readers[reader]
        return bool(data)

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
            text = str(body.get("text", ""))
            if body.get("memory") is True:
                return JobStatus.MEMORY, f"{memory}\n{text}", {}
            return JobStatus.RAISED, text, {}
        code = end["status"]
        how = f"by signal {signal.Signals(-code).name}" if code < 0 else f"with status {code}"
        return JobStatus.DIED, f"it ended {how} without a result", {}


def _environment(home: Path) -> dict[str, str]:
    """All that workers see of the environment: nothing of the coordinator's but its path."""
    return {
        "PATH": os.defpath,
        "HOME": str(home),
        "TMPDIR": str(home),
        "LANG": "C.UTF-8",
        "PYTHONPATH": os.pathsep.join(p for p in sys.path if p),
        "PYTHONHASHSEED": "0",
        "PYTHONDONTWRITEBYTECODE": "1",
        "OMP_NUM_THREADS": "1",
        "MKL_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        # Threads that spin while they wait slow a busy machine down by a factor of 10 and more.
        "OMP_WAIT_POLICY": "PASSIVE",
        "TOKENIZERS_PARALLELISM": "false",
        "HF_HUB_OFFLINE": "1",
        "HF_DATASETS_OFFLINE": "1",
        "TRANSFORMERS_OFFLINE": "1",
        # Arrow's allocator would start a thread, and a fork must find none.
        "JE_ARROW_MALLOC_CONF": "background_thread:false",
        # Keeps freed tensors in the process: up to half of a small training step on a CPU.
        "GLIBC_TUNABLES": "glibc.malloc.mmap_threshold=4294967296"
        ":glibc.malloc.trim_threshold=8589934592",
    }
