"""The coordinator's handle on the host process."""

from __future__ import annotations

import json
import logging
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import IO, Any

from genesys.errors import SandboxError
from genesys.sandbox.exchange import Exchange, OnEvent
from genesys.sandbox.job import Job, JobResult, Limits

START_SECONDS = 120.0
GRACE_SECONDS = 30.0
# Keeps freed tensors in the process: up to half of a small training step on a CPU.
ALLOCATOR = "glibc.malloc.mmap_threshold=4294967296:glibc.malloc.trim_threshold=8589934592"
_CHUNK = 2**16

log = logging.getLogger(__name__)


class Confinement(StrEnum):
    """What to do on a machine that cannot confine workers."""

    REQUIRED = "required"
    BEST_EFFORT = "best_effort"


class HostProcess:
    """The host process and the socket to it.

    Args:
        root: Where the scratch folders are made; the system's place by default.
        preload: Modules for the host to import.
        confinement: Whether a machine that cannot confine workers is an error or a warning.

    Raises:
        SandboxError: The host cannot be started, or cannot confine its workers.
    """

    def __init__(
        self, root: Path | None, preload: tuple[str, ...], confinement: Confinement
    ) -> None:
        with _machine_fault("start a sandbox host"):
            if root is not None:
                root.mkdir(parents=True, exist_ok=True)
            self._base = Path(tempfile.mkdtemp(prefix="genesys-", dir=root)).resolve()
            self._errors: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed at the end
            self._control, theirs = socket.socketpair()
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
        return subprocess.Popen(
            command,
            stdin=theirs.fileno(),
            stdout=self._errors,
            stderr=self._errors,
            env=_environment(self._base),
            cwd=self._base,
            start_new_session=True,
        )

    def alive(self) -> bool:
        """Whether it can take a job."""
        return self._process.poll() is None

    def close(self) -> None:
        """End it, the job under way and all scratch folders."""
        self._control.close()
        try:
            self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        self._errors.close()
        shutil.rmtree(self._base, ignore_errors=True)

    def run(self, job: Job, limits: Limits, on_event: OnEvent) -> JobResult:
        """Run one job; see :meth:`genesys.sandbox.Sandbox.run`."""
        token = secrets.token_hex(16)
        exchange = Exchange(token, on_event)
        scratch = self._base / f"job-{token[:8]}"
        try:
            self._ask(job, limits, token, scratch, exchange)
            longest = limits.seconds + GRACE_SECONDS
            end = exchange.follow(self._control, lambda: self._hear(GRACE_SECONDS), longest)
            return exchange.judge(end, limits)
        finally:
            exchange.close()
            shutil.rmtree(scratch, ignore_errors=True)

    def _ask(self, job: Job, limits: Limits, token: str, scratch: Path, exchange: Exchange) -> None:
        request = {
            "entry": job.entry,
            "limits": limits.model_dump_json(),
            "scratch": str(scratch),
            "token": token,
            "confined": self._confined,
        }
        with _machine_fault("prepare a job"), tempfile.TemporaryFile(dir=self._base) as payload:
            scratch.mkdir()
            payload.write(json.dumps(job.payload).encode())
            payload.seek(0)
            descriptors = [payload.fileno(), *exchange.writers]
            try:
                socket.send_fds(self._control, [json.dumps(request).encode()], descriptors)
            except OSError as error:
                raise self._died() from error
        exchange.release()

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


@contextmanager
def _machine_fault(what: str) -> Iterator[None]:
    """What the system refuses here is the machine's fault, never the job's."""
    try:
        yield
    except OSError as error:
        raise SandboxError(f"Cannot {what}: {error}") from error


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
        "GLIBC_TUNABLES": ALLOCATOR,
    }
