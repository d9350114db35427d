"""What a job's process may touch: confinement that it cannot take off again (Linux)."""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import sys
import sysconfig
from collections.abc import Sequence
from pathlib import Path

from genesys.sandbox import seccomp
from genesys.sandbox.job import Limits

MIB = 2**20
# Room for threads' stacks and mapped files. Page tables take a 512th of it: no other limit counts
# them.
ADDRESSES = 2**36
_SYSTEM = (
    "/lib",
    "/lib64",
    "/usr/lib",
    "/usr/lib64",
    "/usr/share/zoneinfo",
    "/etc/ld.so.cache",
    "/sys/devices/system/cpu",
    "/proc/cpuinfo",
    "/proc/meminfo",
    "/proc/stat",
    "/dev/zero",
    "/dev/random",
    "/dev/urandom",
)


def installation() -> list[str]:
    """Folders of the Python installation and of packages installed from their sources."""
    stems = {sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")}
    stems |= {str(Path(sys.base_prefix) / "lib"), str(Path(__file__).resolve().parents[1])}
    # An editable installation puts source trees on the path: only their packages are opened,
    # since anything may lie beside them.
    for entry in map(Path, filter(None, sys.path)):
        if entry.is_dir() and not any(entry.is_relative_to(stem) for stem in stems):
            stems.update(str(init.parent) for init in entry.glob("*/__init__.py"))
    return sorted(stems)


def bound(limits: Limits) -> None:
    """Set the resource limits of this process: memory, file size, no core dump."""
    addresses, data = _taken()
    bounds = {
        resource.RLIMIT_DATA: data + limits.memory_mb * MIB,
        resource.RLIMIT_FSIZE: limits.disk_mb * MIB,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_NOFILE: 256,
    }
    if sys.platform == "linux":
        bounds[resource.RLIMIT_AS] = addresses + limits.memory_mb * MIB + ADDRESSES
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


def tie_to(parent: int) -> None:
    """Have this process die with its parent.

    Raises:
        OSError: The parent has died already, or prctl failed.
    """
    if sys.platform == "linux":
        seccomp.prctl(seccomp.PR_SET_PDEATHSIG, ctypes.c_ulong(signal.SIGKILL))
    if os.getppid() != parent:
        raise ProcessLookupError("the host of this worker has died")


def confine(scratch: str, readable: Sequence[str]) -> None:
    """Confine this process, for good.

    It may read the installation and ``readable``, write only below ``scratch``, open no socket,
    start no process and signal none but its own threads.

    Raises:
        OSError: The kernel or the machine cannot do it.
    """
    try:
        from sandlock import Sandbox as Rules
        from sandlock import confine as apply
        from sandlock.exceptions import SandlockError
    except ImportError as error:
        raise OSError("the package sandlock is not installed") from error
    own = f"/proc/{os.getpid()}"
    paths = [p for p in (*installation(), *_SYSTEM, own, *readable) if Path(p).exists()]
    try:
        apply(Rules(fs_readable=paths, fs_writable=[scratch, "/dev/null"]))
    except (SandlockError, ValueError) as error:
        raise OSError(f"Landlock is not available (Linux 6.12 or newer): {error}") from error
    _drop_capabilities()
    seccomp.install()


def _drop_capabilities() -> None:
    # A root user's worker could otherwise raise its own limits again.
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)
    if ctypes.CDLL(None, use_errno=True).capset(header, (ctypes.c_uint32 * 6)()) != 0:
        raise OSError(ctypes.get_errno(), "capset failed")
