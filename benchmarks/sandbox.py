"""What the sandbox costs, how fast it ends what does not end, and what many guests leave behind.

python benchmarks/sandbox.py [--backend sandlock] [--guests 50] [--kills 100] [--many 500]

``--kills`` starts that many guests that sleep, spin, ignore signals, hang in native code, fork or
leave daemons (the last two without confinement, where they can), each with a limit of 0.2 seconds,
and prints how long after it the last process was gone. ``--many`` runs that many guests of which
some end badly, kills hosts meanwhile, and compares processes, descriptors and files.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import itertools
import logging
import os
import signal
import statistics
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import psutil

from genesys.sandbox import GuestError, Job, Limits, Sandbox

LIMIT = 0.2


class Guest:
    """Does one of the things below."""

    def __init__(self, payload: dict[str, Any], emit: object, scratch: str) -> None:
        pass

    def do(self, what: str) -> dict[str, Any]:
        """Call a function of this module by its name."""
        globals()[what]()
        return {}


def nothing() -> None:
    pass


def sleeper() -> None:
    time.sleep(99)


def spinner() -> None:
    while True:
        pass


def ignorer() -> None:
    signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65))
    sleeper()


def native() -> None:
    ctypes.PyDLL(None).usleep(99_000_000)  # holds the interpreter


def power() -> None:
    pow(7, 7**9)


def forker() -> None:
    for _ in range(5):
        os.fork()
    sleeper()


def daemon() -> None:
    if os.fork() == 0:
        os.setsid()
        os.fork()
    sleeper()


def writer() -> None:
    Path("file").write_text("x")


def raiser() -> None:
    raise ValueError("oh")


def dier() -> None:
    os._exit(1)


def threader() -> None:
    threading.Thread(target=sleeper, daemon=True).start()


ENTRY = "benchmarks.sandbox:Guest"
STUCK = ("sleeper", "spinner", "ignorer", "native", "power")
FORKING = ("forker", "daemon")
ENDS = ("nothing", "writer", "raiser", "dier", "threader")


def call(sandbox: Sandbox, what: str, **limits: Any) -> None:
    with sandbox.open(Job(entry=ENTRY, limits=Limits(threads=1, **limits))) as guest:
        guest.call("do", what=what)


def cost(sandbox: Sandbox, count: int) -> None:
    seconds = []
    for _ in range(count + 1):
        started = time.perf_counter()
        call(sandbox, "nothing")
        seconds.append(time.perf_counter() - started)
    print(f"first guest, with the start of its host: {seconds[0]:.2f} s")
    print(f"warm guest: median {1e3 * statistics.median(seconds[1:]):.0f} ms")


def descendants() -> set[psutil.Process]:
    return set(psutil.Process().children(recursive=True))


def kill(sandbox: Sandbox, methods: tuple[str, ...], count: int) -> None:
    call(sandbox, "nothing")
    idle, late = descendants(), []
    for method in itertools.islice(itertools.cycle(methods), count):
        started = time.monotonic()
        try:
            call(sandbox, method, seconds=LIMIT)
        except GuestError:
            pass
        else:
            raise SystemExit(f"{method} was not ended")
        while descendants() != idle:
            time.sleep(0.005)
        late.append(time.monotonic() - started - LIMIT)
    print(f"{sandbox.backend}: {count} guests ended ({', '.join(methods)})")
    print(
        f"  gone after their limit: median {statistics.median(late):.2f} s, worst {max(late):.2f} s"
    )


def run_many(sandbox: Sandbox, root: Path, count: int) -> None:
    call(sandbox, "nothing")
    before = footprint(root)
    for number, method in enumerate(itertools.islice(itertools.cycle(ENDS), count)):
        if number % 50 == 49:
            next(p for p in descendants() if "python" in p.name()).kill()
        with contextlib.suppress(GuestError):
            call(sandbox, method)
    call(sandbox, "nothing")
    time.sleep(0.5)
    print(f"{count} guests: processes, descriptors, files before {before}, after {footprint(root)}")


def footprint(root: Path) -> tuple[int, int, int]:
    own = psutil.Process()
    return len(descendants()), own.num_fds(), len(list(root.rglob("*")))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--backend", default="auto")
    for name, count in (("guests", 50), ("kills", 0), ("many", 0)):
        parser.add_argument(f"--{name}", type=int, default=count)
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as folder,
        Sandbox(scratch_root=Path(folder), backend=options.backend) as sandbox,
    ):
        cost(sandbox, options.guests)
        if options.kills:
            kill(sandbox, STUCK, options.kills)
            logging.disable(logging.WARNING)
            with Sandbox(backend="process", allow_unconfined=True) as unconfined:
                kill(unconfined, (*STUCK, *FORKING), options.kills)
        if options.many:
            run_many(sandbox, Path(folder), options.many)


if __name__ == "__main__":
    main()
