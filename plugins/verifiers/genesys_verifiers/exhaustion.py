"""Tells whether a guest died because the machine ran out of memory."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from genesys.errors import SandboxError
from genesys.sandbox import GuestEnded
from genesys_verifiers.faults import DesignFaultError

VMSTAT = Path("/proc/vmstat")
# How a guest ends that the kernel kills: a limit of its own would have been named.
KILLED = "by signal SIGKILL"


class Exhaustion:
    """Compares how many processes the kernel has killed for want of memory, then and now."""

    def __init__(self) -> None:
        self._before = _kills()

    def fault(self, ended: GuestEnded) -> Exception:
        """Whose fault the end of a guest is, as an exception to raise."""
        if KILLED in ended.message and _kills() > self._before:
            return SandboxError(
                "The machine ran out of memory, and the kernel killed a guest that was within its "
                "limit: run fewer workers at once, or lower verifier.memory_mb."
            )
        return DesignFaultError(ended.message)


def _kills() -> int:
    """As the kernel counts them since it started; 0 where it does not tell."""
    with suppress(OSError, ValueError):
        for line in VMSTAT.read_text("ascii").splitlines():
            if line.startswith("oom_kill "):
                return int(line.split()[1])
    return 0
