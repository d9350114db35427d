"""The trusted half's handle on a host process."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Any

from genesys.errors import SandboxError
from genesys.sandbox.backends import Backend, command, readable
from genesys.sandbox.channel import PACKET
from genesys.sandbox.devices import Granted
from genesys.sandbox.job import Job
from genesys.sandbox.scratch import empty, remove

START_SECONDS = 120.0
# The host ends a guest that is past its limit; a host that does not is ended itself.
GRACE_SECONDS = 4.0
# Keeps freed tensors in the process: up to half of a small training step on a CPU.
ALLOCATOR = "glibc.malloc.mmap_threshold=4294967296:glibc.malloc.trim_threshold=8589934592"


class HostProcess:
    """A host process and the socket to it.

    Args:
        backend: How it confines its guests; not ``auto``.
        root: Where the scratch folders are made; the system's place by default.
        preload: Modules for it to import.
        limits: Of its first guest.

    Attributes:
        pid: Its process id, or that of the program which confines it.
        refusal: Why it cannot confine guests; empty if it can.

    Raises:
        SandboxError: It cannot be started.
    """

    def __init__(
        self, backend: Backend, root: Path | None, preload: Sequence[str], limits: Granted
    ) -> None:
        self._backend, self._limits = backend, limits
        self._failed = False
        with machine_fault("start a sandbox host"), ExitStack() as undo:
            if root is not None:
                root.mkdir(parents=True, exist_ok=True)
            self._base = Path(tempfile.mkdtemp(prefix="genesys-", dir=root)).resolve()
            undo.callback(shutil.rmtree, self._base, ignore_errors=True)
            self._scratch = self._base / "scratch"
            self._scratch.mkdir()
            self._errors: IO[bytes] = undo.enter_context(tempfile.TemporaryFile())
            self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            undo.enter_context(self._control)
            with theirs:
                self._process = self._start(theirs, preload)
            undo.pop_all()
        self.pid = self._process.pid
        try:
            self.refusal = str(self.hear(START_SECONDS)["refusal"])
        except BaseException:
            self.close()
            raise

    def _start(self, theirs: socket.socket, preload: Sequence[str]) -> subprocess.Popen[bytes]:
        base, scratch = str(self._base), str(self._scratch)
        host = [sys.executable, "-P", "-m", "genesys.sandbox.host", base, self._backend, *preload]
        return subprocess.Popen(
            [*command(self._backend, base, scratch, self._limits), *host],
            stdin=theirs.fileno(),
            stdout=self._errors,
            stderr=self._errors,
            env=_environment(self._scratch),
            cwd=self._scratch,
            start_new_session=True,
        )

    def serves(self, limits: Granted) -> bool:
        """Whether it can take a guest with these limits."""
        own = self._limits
        alike = (readable(limits), limits.device) == (readable(own), own.device)
        return self.alive() and (alike or self._backend is not Backend.BUBBLEWRAP)

    def alive(self) -> bool:
        """Whether it runs and waits for its next guest."""
        return not self._failed and self._process.poll() is None and self._is_silent()

    def _is_silent(self) -> bool:
        """Without a guest it has nothing to say, unless it has died."""
        self._control.setblocking(False)
        try:
            self._control.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return True
        except OSError:
            return False
        return False

    def close(self) -> None:
        """End it, the guest under way and all scratch folders."""
        self._control.close()
        try:
            self._process.wait(timeout=0 if self._failed else GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        self._errors.close()
        with contextlib.suppress(OSError):
            remove(self._base)

    @contextmanager
    def scratch(self) -> Iterator[None]:
        """The scratch folder is empty when a guest comes and when it has gone."""
        self._empty()  # of what the host's imports have left
        try:
            yield
        finally:
            if self.alive():
                self._empty()

    def _empty(self) -> None:
        try:
            empty(self._scratch)
        except OSError:  # the next guest must not find what this one has left
            self._failed = True

    def fork(self, job: Job, limits: Granted, descriptors: Sequence[int]) -> None:
        """Have it fork a guest that uses these descriptors: calls, answers and output."""
        request = {
            "entry": job.entry,
            "limits": limits.model_dump_json(),
            "scratch": str(self._scratch),
            "backend": self._backend,
        }
        try:
            socket.send_fds(self._control, [json.dumps(request).encode()], descriptors)
        except OSError as error:
            raise self.died() from error

    def fileno(self) -> int:
        """The descriptor on which it is heard."""
        return self._control.fileno()

    def ask(self, what: str) -> None:
        """Ask about the guest under way (``usage``), or to end it (``stop``).

        Raises:
            SandboxError: It has died.
        """
        if self._failed:
            raise self.died()
        try:
            self._control.send(json.dumps({"ask": what}).encode())
        except OSError as error:
            raise self.died() from error

    def stop(self) -> None:
        """End the guest under way; when this returns there is none.

        Raises:
            SandboxError: It has died or hangs.
        """
        self.ask("stop")
        while "status" not in self.hear(GRACE_SECONDS):
            pass  # an answer that nobody waits for any more

    def hear(self, seconds: float) -> dict[str, Any]:
        """Wait for one message from the host, which is trusted.

        Raises:
            SandboxError: It has died or hangs.
        """
        try:
            self._control.settimeout(seconds)
            data = self._control.recv(PACKET)
        except OSError as error:
            raise self.died() from error
        if not data:
            raise self.died()
        message: dict[str, Any] = json.loads(data)
        return message

    def died(self) -> SandboxError:
        """What to raise when it does not answer, with what it said last."""
        self._failed = True
        said = ""
        if not self._errors.closed:
            self._errors.seek(0)
            said = self._errors.read().decode(errors="replace").strip()[-2000:]
        return SandboxError(f"The sandbox host died or hangs. {said}".strip())


@contextmanager
def machine_fault(what: str) -> Iterator[None]:
    """What the system refuses here is the machine's fault, never the guest's."""
    try:
        yield
    except OSError as error:
        raise SandboxError(f"Cannot {what}: {error}") from error


def _environment(home: Path) -> dict[str, str]:
    """All that guests see of the environment: nothing of the coordinator's but its path."""
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
        # Asking for GPUs must not start CUDA in a host: its forks could not use it.
        "PYTORCH_NVML_BASED_CUDA_CHECK": "1",
        # Arrow's allocator would start a thread, and a fork must find none.
        "JE_ARROW_MALLOC_CONF": "background_thread:false",
        "GLIBC_TUNABLES": ALLOCATOR,
    }
