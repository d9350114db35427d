"""The trusted process that forks one confined child per job: ``python -m genesys.sandbox.host``.

Its standard input is a socket. Each request brings three descriptors: the payload, the job's
channel and its output; the child talks to the coordinator through them, never through the host.
When the coordinator goes away the socket closes, and the host takes its child along.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import select
import shutil
import signal
import socket
import sys
import time
from typing import Any

import psutil

from genesys.sandbox.child import Request, live
from genesys.sandbox.confine import MIB, confine
from genesys.sandbox.job import JobStatus, Limits

POLL_SECONDS = 0.02
DISK_POLL_SECONDS = 0.5
_PAGE = 4096


class CoordinatorGoneError(Exception):
    """The coordinator has gone."""


def main() -> None:
    """Serve requests until the coordinator goes away."""
    control = socket.socket(fileno=os.dup(0))
    base, preload = sys.argv[1], sys.argv[2:]
    for name in preload:
        importlib.import_module(name)
    wake, woken = os.pipe()
    os.set_blocking(woken, False)
    signal.set_wakeup_fd(woken, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the coordinator decides what Ctrl-C means
    refusal = _try_confinement(base)
    gc.collect()
    gc.freeze()  # keeps the collector from touching, and so copying, pages shared with children
    try:
        _say(control, {"refusal": refusal})
        while True:
            _serve(control, wake)
    except (CoordinatorGoneError, ConnectionError):
        shutil.rmtree(base, ignore_errors=True)
        os._exit(0)  # nothing is left to tidy up, and torch takes its time


def _say(control: socket.socket, message: dict[str, Any]) -> None:
    control.sendall(json.dumps(message).encode() + b"\n")


def _try_confinement(base: str) -> str:
    """Confine a child that does nothing; returns why that failed, or nothing."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            confine(base, [])
        except BaseException as error:  # the child must end here
            os.write(writer, str(error).encode()[:4000])
        os._exit(0)
    os.close(writer)
    with open(reader, "rb") as pipe:  # noqa: PTH123
        refusal = pipe.read().decode()
    _, status = os.waitpid(pid, 0)
    return refusal or ("the confined child died" if status else "")


def _serve(control: socket.socket, wake: int) -> None:
    data, descriptors, _, _ = socket.recv_fds(control, 2**20, 3)
    if not data:
        raise CoordinatorGoneError
    request = Request(**json.loads(data))
    # Imported here once, not in each child. A failure is the job's to report.
    with contextlib.suppress(Exception):
        importlib.import_module(request.entry.split(":")[0])
    host, started = os.getpid(), time.monotonic()
    pid = os.fork()
    if pid == 0:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        live(request, host, *descriptors)
    for descriptor in descriptors:
        os.close(descriptor)
    try:
        reason, status = _watch(pid, request.limits, request.scratch, control, wake)
    finally:
        _kill(pid)
    seconds = time.monotonic() - started
    _say(control, {"reason": reason, "status": status, "seconds": seconds})


def _watch(
    pid: int, limits: Limits, scratch: str, control: socket.socket, wake: int
) -> tuple[str, int]:
    """Wait for the child to end, or for the first limit it breaks."""
    deadline = time.monotonic() + limits.seconds
    next_disk = 0.0
    # The child shares the host's pages: they are not what the job took.
    most = psutil.Process().memory_info().rss + limits.memory_mb * MIB
    process = psutil.Process(pid)
    while True:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            return "", os.waitstatus_to_exitcode(status)
        now = time.monotonic()
        if now > deadline:
            return JobStatus.TIMEOUT, 0
        with contextlib.suppress(psutil.Error):
            if process.memory_info().rss > most:
                return JobStatus.MEMORY, 0
            if process.num_threads() > limits.processes:
                return "threads", 0
        if now > next_disk:
            next_disk = now + DISK_POLL_SECONDS
            if _is_over(scratch, limits.disk_mb * MIB):
                return "disk", 0
        waiting = (control.fileno(), wake)
        ready, _, _ = select.select(waiting, (), (), min(POLL_SECONDS, deadline - now))
        if control.fileno() in ready and not control.recv(1, socket.MSG_PEEK):
            raise CoordinatorGoneError
        if wake in ready:
            os.read(wake, 4096)


def _is_over(folder: str, most: int) -> bool:
    """Whether a flat folder holds more than ``most`` bytes; a file counts as one page at least."""
    total = 0
    with os.scandir(folder) as entries:
        for entry in entries:
            with contextlib.suppress(OSError):
                total += max(entry.stat(follow_symlinks=False).st_blocks * 512, _PAGE)
            if total > most:
                return True
    return False


def _kill(pid: int) -> None:
    """Kill the child with its process group, if it is still there, and reap it."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)
    with contextlib.suppress(ChildProcessError):
        if os.waitpid(pid, os.WNOHANG) == (0, 0):  # it may not lead a group yet
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)


if __name__ == "__main__":
    main()
