"""GPUs: what a guest is granted with one, which of them there are, and who has which."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from pydantic import Field

from genesys.errors import SandboxError
from genesys.records import Record
from genesys.sandbox.job import Limits

# What all guests with a GPU need of NVIDIA's driver besides the GPU's own node and folder.
CONTROL = ("/dev/nvidiactl", "/dev/nvidia-uvm", "/dev/nvidia-uvm-tools")
DRIVER = (
    "/proc/driver/nvidia",
    "/proc/driver/nvidia-uvm",
    "/proc/devices",
    "/proc/sys/vm/mmap_min_addr",
    "/proc/sys/vm/overcommit_memory",
    "/sys/bus/pci",
    "/sys/devices/system/memory",
    "/sys/devices/system/node",
    "/sys/module/nvidia",
    "/sys/module/nvidia_uvm",
)
VARIABLES = {
    "CUDA_CACHE_DISABLE": "1",  # it would need folders in the guest's home
    "CUBLAS_WORKSPACE_CONFIG": ":4096:8",  # torch's deterministic operations ask for it
}


class Device(Record):
    """A device of the machine, and what a guest that computes on it is granted.

    Attributes:
        name: Of the model, for people.
        nodes: Device files that it may open, write and control.
        readable: Files and folders that it may read.
        variables: What is set in its environment.
    """

    name: str
    nodes: list[str]
    readable: list[str] = Field(default_factory=list)
    variables: dict[str, str] = Field(default_factory=dict)


class Granted(Limits):
    """What a guest may use, with what the sandbox has picked for it.

    Attributes:
        device: The device that is its own as far as this sandbox goes.
    """

    device: Device | None = None


def gpus(root: Path = Path("/"), visible: str | None = None) -> list[Device]:
    """The GPUs that NVIDIA's driver tells of, in the order of their PCI addresses.

    Args:
        root: Of the machine's files.
        visible: Which of them to take, as in ``CUDA_VISIBLE_DEVICES``: their places in this order
            or beginnings of their UUIDs, with commas between; None for all.
    """
    folder = root / "proc/driver/nvidia/gpus"
    found = [gpu for path in sorted(folder.glob("*/information")) if (gpu := _gpu(path, root))]
    if visible is None:
        return found
    named = {str(place): gpu for place, gpu in enumerate(found)}
    named |= {gpu.variables["CUDA_VISIBLE_DEVICES"]: gpu for gpu in found}
    chosen = []
    for name in filter(None, (part.strip() for part in visible.split(","))):
        fits = named.get(name) or next((named[n] for n in named if n.startswith(name)), None)
        if fits is None:
            break  # like CUDA, which takes none from the first unknown one on
        chosen.append(fits)
    return chosen


def _gpu(information: Path, root: Path) -> Device | None:
    told = dict(re.findall(r"^([^:\n]+):[ \t]*(.+?)[ \t]*$", information.read_text(), re.MULTILINE))
    if not {"GPU UUID", "Device Minor"} <= told.keys():
        return None
    address = information.parent.name
    own = (root / "sys/bus/pci/devices" / address).resolve()
    return Device(
        name=told.get("Model", "GPU"),
        nodes=[*CONTROL, f"/dev/nvidia{told['Device Minor']}"],
        readable=[*DRIVER, f"/{own.relative_to(root.resolve())}"],
        # Its UUID: places change when other GPUs cannot be opened.
        variables={**VARIABLES, "CUDA_VISIBLE_DEVICES": told["GPU UUID"]},
    )


class Leases:
    """Gives each guest that asks for a GPU the one with the fewest guests.

    Args:
        devices: To choose from; None for the machine's GPUs, of which the environment variable
            ``CUDA_VISIBLE_DEVICES`` may name some.
    """

    def __init__(self, devices: Sequence[Device] | None = None) -> None:
        if devices is None:
            devices = gpus(visible=os.environ.get("CUDA_VISIBLE_DEVICES"))
        self.devices = tuple(devices)
        self._guests, self._lock = [0] * len(self.devices), threading.Lock()

    @contextmanager
    def granted(self, limits: Limits) -> Iterator[Granted]:
        """What a guest with these limits is granted, for as long as the context lasts.

        Raises:
            SandboxError: There is no GPU for it.
        """
        if not limits.gpu:
            yield Granted(**dict(limits))
            return
        if not self.devices:
            raise SandboxError(
                "There is no GPU for guests: NVIDIA's driver tells of none in /proc/driver/nvidia, "
                "or CUDA_VISIBLE_DEVICES names none of them."
            )
        with self._lock:
            place = self._guests.index(min(self._guests))
            self._guests[place] += 1
        try:
            yield Granted(**dict(limits), device=self.devices[place])
        finally:
            with self._lock:
                self._guests[place] -= 1
