"""A guest may use the device that it was granted, and no other."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from genesys.errors import SandboxError
from genesys.sandbox import Sandbox
from genesys.sandbox.devices import CONTROL, Device, gpus

from .conftest import CONFINED, LIMITS, execute, hostile

READABLE = "/proc/sys/vm/overcommit_memory"
# The first knows a request (RNDGETENTCNT) that needs no right but to talk to it.
DEVICES = [
    Device(
        name="first",
        nodes=["/dev/full", "/dev/urandom"],
        readable=[READABLE, "/proc/devices"],
        variables={"WHICH": "first"},
    ),
    Device(name="second", nodes=["/dev/full"], variables={"WHICH": "second"}),
]
REFUSED = {"Permission denied", "No such file or directory", "Read-only file system"}
ASK = """
import array, fcntl
def attempt(work):
    try:
        return str(work())
    except OSError as error:
        return error.strerror
answer["which"] = os.environ.get("WHICH")
answer["full"] = attempt(lambda: os.write(os.open("/dev/full", os.O_RDWR), b"x"))
random = os.open("/dev/urandom", os.O_RDONLY)
answer["control"] = attempt(lambda: fcntl.ioctl(random, 0x80045200, array.array("i", [0])))
answer["name"] = attempt(
    lambda: open(f"/proc/self/task/{threading.get_native_id()}/comm", "w").write("gpu")
)
answer["own"] = attempt(lambda: open("/proc/self/oom_score_adj", "w").write("1000"))
answer["other"] = attempt(lambda: open("/dev/zero"))
answer["devices"] = attempt(lambda: len(open("/proc/devices").read()) > 0)
answer["read"] = attempt(lambda: len(open("READABLE").read()))
answer["write"] = attempt(lambda: open("READABLE", "w").write("0"))
answer["rest"] = attempt(lambda: open("/proc/sys/kernel/core_pattern"))
""".replace("READABLE", READABLE)
CUDA = """
import ctypes
def attempt(work):
    try:
        return type(work()).__name__
    except OSError as error:
        return error.strerror
answer["stream"] = attempt(lambda: socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
answer["datagram"] = attempt(lambda: socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM))
answer["internet"] = attempt(lambda: socket.socket(socket.AF_INET, socket.SOCK_STREAM))
answer["pair"] = attempt(lambda: socket.socketpair())
def unix():
    made = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    made.bind("\\0cuda-uvmfd")
    made.listen()
    return made
answer["unix"] = attempt(unix)
def connect():
    unix = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    unix.connect("\\0cuda-uvmfd")
answer["connect"] = attempt(connect)
answer["memfd"] = attempt(lambda: os.memfd_create("x"))
answer["shared"] = attempt(lambda: mmap.mmap(-1, 2**20))
answer["reserved"] = attempt(lambda: mmap.mmap(-1, 2**44, mmap.MAP_PRIVATE, prot=0))
"""


@pytest.fixture(scope="module", params=CONFINED)
def equipped(request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    """A sandbox with two devices to give away, under each backend that confines."""
    with Sandbox(LIMITS, backend=request.param, workers=2, preload=[], devices=DEVICES) as sandbox:
        yield sandbox


def test_device_is_opened_by_its_grant_alone(equipped: Sandbox) -> None:
    refused, granted = execute(equipped, ASK), execute(equipped, ASK, gpu=True)
    assert (refused["which"], granted["which"]) == (None, "first")
    assert granted["full"] == "No space left on device"  # the device's own answer
    assert (granted["read"], granted["devices"], granted["name"]) == ("2", "True", "3")
    assert {refused["full"], refused["read"]} <= REFUSED
    for answer in (refused, granted):
        assert {answer["other"], answer["rest"], answer["write"]} <= REFUSED
    assert granted["control"] == "0"
    if equipped.backend == "sandlock":  # a process namespace leaves these to the guest
        assert (refused["control"], refused["name"]) == ("Permission denied", "Permission denied")
        assert refused["own"] == granted["own"] == "Permission denied"


def test_what_cuda_does_is_for_guests_with_a_device(equipped: Sandbox) -> None:
    refused, granted = execute(equipped, CUDA), execute(equipped, CUDA, gpu=True)
    no = "Operation not permitted"
    ever = dict.fromkeys(("stream", "datagram", "internet", "pair", "connect"), no)
    assert refused == ever | {
        "unix": no,
        "memfd": no,
        "shared": no,
        "reserved": "Cannot allocate memory",
    }
    assert granted == ever | {
        "unix": "socket",
        "memfd": "int",
        "shared": "mmap",
        "reserved": "mmap",
    }


def test_each_guest_gets_the_least_used_device(equipped: Sandbox) -> None:
    together = threading.Barrier(2, timeout=30)

    def which(_: int) -> str:
        with equipped.open(hostile(equipped, gpu=True)) as guest:
            together.wait()
            found: str = guest.call("facts")["env"]["WHICH"]
            together.wait()
            return found

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(which, range(2))) == ["first", "second"]
    with equipped.open(hostile(equipped, gpu=True)) as guest:
        assert guest.call("facts")["env"]["WHICH"] == "first"  # it has been given back


def test_machine_without_gpus_says_so() -> None:
    with (
        Sandbox(LIMITS, preload=[], devices=[]) as sandbox,
        pytest.raises(SandboxError, match="no GPU for guests"),
        sandbox.open(hostile(sandbox, gpu=True)),
    ):
        pass


def machine(root: Path) -> Path:
    """What NVIDIA's driver shows of a machine with three GPUs, of which one is not ready."""
    for minor, address in ((1, "0000:17:00.0"), (0, "0000:65:00.0")):
        folder = root / "proc/driver/nvidia/gpus" / address
        folder.mkdir(parents=True)
        told = f"Model: \t\t NVIDIA H100\nGPU UUID: \t GPU-{minor}a2b\nDevice Minor: \t {minor}\n"
        (folder / "information").write_text(told)
        own = root / "sys/devices/pci0000:00" / address
        own.mkdir(parents=True)
        (root / "sys/bus/pci/devices").mkdir(parents=True, exist_ok=True)
        (root / "sys/bus/pci/devices" / address).symlink_to(own)
    broken = root / "proc/driver/nvidia/gpus/0000:99:00.0"
    broken.mkdir()
    (broken / "information").write_text("Model: \t\t Unknown\n")
    return root


def test_gpus_are_found_in_what_the_driver_tells(tmp_path: Path) -> None:
    first, second = gpus(machine(tmp_path))
    assert first.name == "NVIDIA H100"
    assert first.nodes == [*CONTROL, "/dev/nvidia1"]
    assert "/sys/devices/pci0000:00/0000:17:00.0" in first.readable
    assert first.variables["CUDA_VISIBLE_DEVICES"] == "GPU-1a2b"
    assert second.variables["CUDA_VISIBLE_DEVICES"] == "GPU-0a2b"


@pytest.mark.parametrize(
    ("visible", "found"),
    [
        (None, ["GPU-1a2b", "GPU-0a2b"]),
        ("1", ["GPU-0a2b"]),
        ("1, 0", ["GPU-0a2b", "GPU-1a2b"]),
        ("GPU-1", ["GPU-1a2b"]),
        ("0,7,1", ["GPU-1a2b"]),
        ("", []),
        ("-1", []),
    ],
)
def test_gpus_that_are_not_to_be_seen_are_left_out(
    visible: str | None, found: list[str], tmp_path: Path
) -> None:
    chosen = gpus(machine(tmp_path), visible)
    assert [gpu.variables["CUDA_VISIBLE_DEVICES"] for gpu in chosen] == found


def test_machine_without_a_driver_has_no_gpus(tmp_path: Path) -> None:
    assert gpus(tmp_path) == []
