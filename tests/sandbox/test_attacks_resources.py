"""Attacks on the machine: memory, files, threads and time run out for the guest only."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import pytest

from genesys.sandbox import GuestEnded, GuestError, JobStatus, Sandbox
from genesys.sandbox.confine import MIB

from .conftest import CONFINED, LIMITS, attempt, execute, processes


@contextmanager
def watched() -> Iterator[list[float]]:
    """What guests held, in MiB, again and again, seen from outside."""
    held: list[float] = []
    end = threading.Event()

    def watch() -> None:
        while not end.wait(0.02):
            for process in processes()[1]:
                with suppress(psutil.Error):
                    held.append(process.memory_info().rss / MIB)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield held
    finally:
        end.set()
        watcher.join()


@pytest.fixture(scope="module", params=CONFINED)
def rooted(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Sandbox, Path]]:
    """A sandbox whose scratch folders lie in a known place."""
    root = tmp_path_factory.mktemp("scratch")
    with Sandbox(LIMITS, root, request.param, preload=["numpy"]) as sandbox:
        yield sandbox, root


MEMORY = {
    "heap": "kept = []\nwhile True: kept.append(bytearray(b'x' * 2**24))",
    "small": "kept = []\nwhile True: kept.append([0] * 100)",
    "array": "import numpy\nkept = []\nwhile True: kept.append(numpy.ones(2**21))",
    "private": "kept = []\nwhile True:\n m = mmap.mmap(-1, 2**24, mmap.MAP_PRIVATE | 32)\n"
    " m.write(bytes(2**24)); kept.append(m)",
    "shared": "kept = []\nwhile True:\n m = mmap.mmap(-1, 2**24); m.write(bytes(2**24));"
    " kept.append(m)",
    "file": "open('f', 'wb').write(bytes(2**26))\nkept = []\nwhile True:\n"
    " m = mmap.mmap(os.open('f', os.O_RDONLY), 2**26, prot=mmap.PROT_READ)\n"
    " sum(m[::4096]); kept.append(m)",
    "stacks": "threading.stack_size(2**28)\ndef deep(n):\n"
    " if n: (ctypes.c_char * 2**20)(); deep(n - 1)\n time.sleep(9)\n"
    "while True: threading.Thread(target=deep, args=(200,), daemon=True).start()",
    "far": "while True: mmap.mmap(-1, 2**38, mmap.MAP_PRIVATE | 32, mmap.PROT_READ)",
    "pipes": "import fcntl\nwhile True:\n r, w = os.pipe(); fcntl.fcntl(w, 1031, 2**20)\n"
    " os.write(w, bytes(2**20))",
    "text": "'x' * 2**40",
    "output": "while True: print('x' * 2**20)",
}


@pytest.mark.parametrize("bomb", MEMORY)
def test_memory_bomb_stays_within_its_limit(bomb: str, rooted: tuple[Sandbox, Path]) -> None:
    sandbox, _ = rooted
    with watched() as held, pytest.raises(GuestError) as caught:
        execute(sandbox, MEMORY[bomb], memory_mb=300, disk_mb=128, seconds=5, processes=32)
    assert max(held, default=0) < 2 * 300
    if bomb in ("heap", "small", "array", "private", "file"):
        assert isinstance(caught.value, GuestEnded)
        assert caught.value.status is JobStatus.MEMORY
        assert "300 MiB" in caught.value.message
    assert attempt(sandbox, one="1") == {"one": "1"}


DISK = {
    "one file": ("f = open('x', 'wb')\nwhile True: f.write(bytes(2**20))", "File too large"),
    "many files": (
        "for n in range(10**6): open(str(n), 'wb').write(bytes(2**20))\ntime.sleep(9)",
        "MiB of files",
    ),
    "empty files": ("for n in range(10**6): open(str(n), 'wb')\ntime.sleep(9)", "MiB of files"),
    "sparse": ("os.truncate(os.open('x', 66), 2**40)", "File too large"),
    "reserved": ("os.posix_fallocate(os.open('x', 66), 0, 2**20)", "Operation not permitted"),
    "links": ("for n in range(10**6): os.symlink('x', str(n))\ntime.sleep(9)", "MiB of files"),
}


@pytest.mark.parametrize("bomb", DISK)
def test_disk_fill_stays_within_its_limit(bomb: str, rooted: tuple[Sandbox, Path]) -> None:
    sandbox, root = rooted
    code, says = DISK[bomb]
    with pytest.raises(GuestError) as caught:
        execute(sandbox, code, disk_mb=16)
    assert says in str(caught.value)
    assert not [path for path in root.rglob("*") if path.is_file() or path.is_symlink()]


def test_threads_are_counted(confined: Sandbox) -> None:
    code = "threading.stack_size(2**18)\nfor _ in range(COUNT):\n"
    code += " threading.Thread(target=time.sleep, args=(60,), daemon=True).start()\ntime.sleep(1)"
    with pytest.raises(GuestEnded, match="16 threads"):
        execute(confined, code.replace("COUNT", "40"), processes=16)
    execute(confined, code.replace("COUNT", "4"), processes=16)


def test_processor_time_is_counted(confined: Sandbox) -> None:
    spin = "def spin():\n while True: pass\n"
    spin += "for _ in range(4): threading.Thread(target=spin, daemon=True).start()\ntime.sleep(30)"
    with pytest.raises(GuestEnded) as caught:
        execute(confined, spin, cpu_seconds=0.5)
    assert caught.value.status is JobStatus.CPU
    assert "0.5 seconds" in caught.value.message


def test_descriptors_run_out_for_the_guest_only(confined: Sandbox) -> None:
    found = attempt(confined, many="[os.dup(0) for _ in range(10**5)]")
    assert found == {"many": "OSError"}


def test_limits_stay(confined: Sandbox) -> None:
    code = """
for name in ('AS', 'DATA', 'FSIZE', 'CPU', 'NOFILE', 'CORE'):
    number = getattr(resource, f'RLIMIT_{name}')
    try: resource.setrlimit(number, (resource.RLIM_INFINITY,) * 2)
    except (OSError, ValueError): continue
    answer[name] = 'raised'
"""
    assert execute(confined, code) == {}


def test_giant_frame_without_end_ends_with_the_guest(confined: Sandbox) -> None:
    held = psutil.Process().memory_info().rss
    code = "write_all(4, struct.pack('>4sIQ', b'GAU1', 99, 2**28) + bytes(2**20)); time.sleep(60)"
    started = time.monotonic()
    with pytest.raises(GuestEnded, match="longer than its 1 seconds"):
        execute(confined, code, seconds=1)
    assert time.monotonic() - started < 6
    assert psutil.Process().memory_info().rss - held < 100 * MIB


def test_guest_without_its_first_thread_is_ended(confined: Sandbox) -> None:
    code = (
        "threading.Thread(target=time.sleep, args=(99,)).start()\n"
        "time.sleep(0.1)\n"
        "ctypes.CDLL(None).syscall(60 if os.uname().machine == 'x86_64' else 93, 0)"
    )
    with pytest.raises(GuestEnded, match="first thread"):
        execute(confined, code, seconds=20)
    assert attempt(confined, well="1 + 1") == {"well": "2"}
