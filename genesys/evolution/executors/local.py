"""Does the jobs of a run by worker processes on this machine."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from genesys.errors import ConfigError, SandboxError
from genesys.evolution.executors.protocol import Invitation
from genesys.evolution.executors.staff import HubExecutor
from genesys.population.files import storing
from genesys.population.ledger import JobKind
from genesys.secrets import hide_secrets

MOST_LOG_BYTES = 4 * 2**20
TAIL_BYTES = 800  # of what a worker said, when it ends


class LocalExecutor(HubExecutor):
    """Worker processes on this machine, each with a sandbox of its own.

    They are in sessions of their own, so that an interrupt at the terminal is the coordinator's
    alone. When that is gone, by whatever signal, they end.

    Args:
        designers: Processes that hold sessions.
        verifiers: Processes that verify. The machine's GPUs are shared out among them.
        threads: CPU threads of a verifier's guests that bring no limits of their own; None for the
            processors shared out among the verifiers.
        lease_seconds: A worker that says nothing for so long is lost, and its job given to another.
        listen: ``host:port`` at which workers can join from other machines; empty for none.
    """

    def __init__(
        self,
        designers: int = 1,
        verifiers: int = 1,
        threads: int | None = None,
        lease_seconds: float = 60.0,
        listen: str = "",
    ) -> None:
        super().__init__(designers, verifiers, lease_seconds, listen)
        if threads is not None and threads < 1:
            raise ConfigError(f"executor.threads must be at least 1, got {threads}.")
        self._threads, self._verifiers = threads, max(1, verifiers)

    def launch(self, invitation: Invitation, log: Path) -> Process:
        """See :class:`HubExecutor`."""
        environment = dict(os.environ)
        if JobKind.VERIFICATION in invitation.roles:
            own = self._threads or max(1, len(os.sched_getaffinity(0)) // self._verifiers)
            invitation = invitation.model_copy(update={"threads": own})
            if gpus := _gpus(invitation.name, self._verifiers):
                environment["CUDA_VISIBLE_DEVICES"] = ",".join(gpus)
        return Process(invitation, log, environment)


class Process:
    """A worker process.

    Args:
        invitation: For it.
        log: That what it prints is added to.
        environment: For it.

    Raises:
        SandboxError: The machine can start no process.
    """

    def __init__(self, invitation: Invitation, log: Path, environment: dict[str, str]) -> None:
        with storing("write to", log):
            self._log: IO[bytes] = log.open("a+b")
        self._begun, self._last = self._log.tell(), ""
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "genesys.evolution.worker", "--tied"],
                stdin=subprocess.PIPE,
                stdout=self._log,
                stderr=self._log,
                env=environment,
                start_new_session=True,
            )
        except OSError as error:
            self._log.close()
            raise SandboxError(f"No worker can be started: {error}.") from error
        stdin = self._process.stdin
        assert stdin is not None
        with contextlib.suppress(OSError), stdin:  # it may have died already, which is seen later
            stdin.write(invitation.model_dump_json().encode())

    def ended(self) -> str | None:
        """See :class:`genesys.evolution.executors.staff.Launched`."""
        status = self._process.poll()
        if self._log.closed:
            return self._last
        self._shorten()
        if status is None:
            return None
        self._last = " ".join(filter(None, [_told(status), self._said()]))
        self._log.close()
        return self._last

    def kill(self) -> None:
        """See :class:`genesys.evolution.executors.staff.Launched`."""
        if self._process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        self.ended()

    def _shorten(self) -> None:
        """Keep the end of a log that has grown too long; what is written is added there."""
        with contextlib.suppress(OSError):
            size = os.fstat(self._log.fileno()).st_size
            if size > MOST_LOG_BYTES:
                removed = size - MOST_LOG_BYTES // 2
                self._log.seek(removed)
                end = self._log.read()
                self._log.truncate(0)
                self._log.write(end)
                self._log.flush()
                self._begun = max(0, self._begun - removed)

    def _said(self) -> str:
        """The end of what it said."""
        with contextlib.suppress(OSError):
            size = os.fstat(self._log.fileno()).st_size
            self._log.seek(max(self._begun, size - TAIL_BYTES))
            return hide_secrets(self._log.read().decode(errors="replace").strip())
        return ""


def _told(status: int) -> str:
    """How a process ended, for a person."""
    if status >= 0:
        return f"It ended with status {status}."
    with contextlib.suppress(ValueError):
        return f"It was ended by {signal.Signals(-status).name}."
    return f"It was ended by signal {-status}."


def _gpus(name: str, verifiers: int) -> Sequence[str]:
    """The GPUs of one of so many verifiers: all of them are shared out, and shared if too few."""
    from genesys.sandbox.devices import gpus

    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    all_ = [gpu.variables["CUDA_VISIBLE_DEVICES"] for gpu in gpus(visible=visible)]
    place = (int(name.rpartition("-")[2]) - 1) % verifiers
    return all_[place::verifiers] or all_[place % len(all_) :][:1] if all_ else ()
