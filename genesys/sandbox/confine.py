"""What a job's process may touch: confinement that it cannot take off again (Linux)."""

from __future__ import annotations

import ctypes
import math
import os
import resource
import signal
import sys
import time
from collections.abc import Iterable
from pathlib import Path

from genesys.sandbox import seccomp
from genesys.sandbox.backends import DEVICES, FACTS, SYSTEM, Backend, installation, readable
from genesys.sandbox.devices import Granted

MIB = 2**20
# Room for threads' stacks and mapped files. Page tables take a 512th of it: no other limit counts
# them.
ADDRESSES = 2**36


def bound(limits: Granted) -> None:
    """Set the resource limits of this process: memory, CPU time, file size, no core dump."""
    addresses, data = _taken()
    bounds = {
        resource.RLIMIT_DATA: data + limits.memory_mb * MIB,
        resource.RLIMIT_FSIZE: limits.disk_mb * MIB,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_NOFILE: 256,
    }
    # CUDA reserves several times the memory of GPU and machine.
    if sys.platform == "linux" and not limits.device:
        bounds[resource.RLIMIT_AS] = addresses + limits.memory_mb * MIB + ADDRESSES
    # A spare second, so that the host is the first to notice and say so.
    seconds = math.ceil(limits.most_cpu_seconds + time.process_time()) + 1
    bounds[resource.RLIMIT_CPU] = seconds
    for what, wanted in bounds.items():
        _, hard = resource.getrlimit(what)
        value = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(what, (value, value))


def _taken() -> tuple[int, int]:
    """Bytes of this process that ``RLIMIT_AS`` and ``RLIMIT_DATA`` count already."""
    statm = Path("/proc/self/statm")
    if not statm.exists():
        return 0, 0
    pages = [int(number) for number in statm.read_text().split()]
    return pages[0] * resource.getpagesize(), pages[5] * resource.getpagesize()


def hide() -> None:
    """Keep processes of the same user from reading or tracing this one."""
    if sys.platform == "linux":
        seccomp.prctl(seccomp.PR_SET_DUMPABLE, ctypes.c_ulong(0))


def adopt() -> None:
    """Become the parent of what this process's children leave behind."""
    if sys.platform == "linux":
        seccomp.prctl(seccomp.PR_SET_CHILD_SUBREAPER, ctypes.c_ulong(1))


def tie_to(parent: int) -> None:
    """Have this process die with its parent, and let it look at itself again.

    Raises:
        OSError: The parent has died already, or prctl failed.
    """
    if sys.platform == "linux":
        seccomp.prctl(seccomp.PR_SET_PDEATHSIG, ctypes.c_ulong(signal.SIGKILL))
        seccomp.prctl(seccomp.PR_SET_DUMPABLE, ctypes.c_ulong(1))
    if os.getppid() != parent:
        raise ProcessLookupError("the host of this worker has died")


def confine(backend: Backend, scratch: str, limits: Granted) -> None:
    """Confine this process, for good.

    It may read the installation and what ``limits`` names, write only below ``scratch``, open no
    socket, start no process and signal none but its own threads. With ``limits.compiler`` it may
    start processes, to which the same applies; with a device it may use that. Under bubblewrap the
    host's namespaces have seen to files and signals already; the backend ``process`` confines
    nothing.

    Raises:
        OSError: The kernel or the machine cannot do it.
    """
    if backend is Backend.PROCESS:
        return
    if backend is Backend.SANDLOCK:
        _restrict_files(scratch, limits)
    _drop_capabilities()
    seccomp.install(limits.compiler, device=limits.device is not None)


def _restrict_files(scratch: str, limits: Granted) -> None:
    try:
        from sandlock import Sandbox as Rules
        from sandlock import confine as apply
        from sandlock.exceptions import SandlockError
    except ImportError as error:
        raise OSError("the package sandlock is not installed") from error
    own = f"/proc/{os.getpid()}"
    readables = (*installation(), *SYSTEM, *DEVICES, *FACTS, own, *readable(limits))
    writables = [scratch, "/dev/null"]
    if limits.device:
        writables += [*limits.device.nodes, f"{own}/task"]  # CUDA names its threads there
    try:
        apply(Rules(fs_readable=_there(readables), fs_writable=_there(writables)))
    except (SandlockError, ValueError) as error:
        raise OSError(f"Landlock is not available (Linux 6.12 or newer): {error}") from error


def _there(paths: Iterable[str]) -> list[str]:
    return [path for path in paths if Path(path).exists()]


def _drop_capabilities() -> None:
    # A root user's worker could otherwise raise its own limits again.
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)
    if ctypes.CDLL(None, use_errno=True).capset(header, (ctypes.c_uint32 * 6)()) != 0:
        raise OSError(ctypes.get_errno(), "capset failed")
