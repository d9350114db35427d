"""The trusted process that forks one confined guest per job: ``python -m genesys.sandbox.host``.

Its standard input is a socket of packets. Each request brings three descriptors: the guest's calls,
answers and output; the guest talks to the trusted half through them, never through the host. When
the trusted half goes away the socket closes, and the host takes its guest along.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import select
import signal
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import psutil

from genesys.sandbox.backends import Backend, installation
from genesys.sandbox.channel import PACKET
from genesys.sandbox.child import Request, live
from genesys.sandbox.confine import adopt, confine, hide
from genesys.sandbox.devices import Granted
from genesys.sandbox.scratch import remove
from genesys.sandbox.watch import Watch

POLL_SECONDS = 0.02
KILL_SECONDS = 3.0


class CoordinatorGoneError(Exception):
    """The trusted half has gone."""


def main() -> None:
    """Serve requests until the trusted half goes away."""
    control = socket.socket(fileno=os.dup(0))
    base, backend, preload = sys.argv[1], Backend(sys.argv[2]), sys.argv[3:]
    hide()
    adopt()
    for name in preload:
        importlib.import_module(name)
    if backend is Backend.SANDLOCK:
        with contextlib.suppress(ImportError):  # once here, not in each guest
            importlib.import_module("sandlock")
    wake = _wake_on_death()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the coordinator decides what Ctrl-C means
    installation()  # looked up once, not in each guest
    refusal = _try_confinement(backend, base)
    gc.collect()
    gc.freeze()  # keeps the collector from touching, and so copying, pages shared with guests
    try:
        _say(control, {"refusal": refusal})
        while True:
            _serve(control, wake)
    except (CoordinatorGoneError, ConnectionError):
        with contextlib.suppress(OSError):
            remove(Path(base))
        os._exit(0)  # nothing is left to tidy up, and torch takes its time


def _wake_on_death() -> int:
    """A descriptor that can be read whenever a child has ended."""
    wake, woken = os.pipe()
    os.set_blocking(woken, False)
    signal.set_wakeup_fd(woken, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    return wake


def _say(control: socket.socket, message: dict[str, Any]) -> None:
    control.sendall(json.dumps(message).encode())


def _try_confinement(backend: Backend, base: str) -> str:
    """Confine a child that does nothing; returns why that failed, or nothing."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            confine(backend, base, Granted())
        except BaseException as error:  # the child must end here
            os.write(writer, str(error).encode()[:4000])
        os._exit(0)
    os.close(writer)
    with open(reader, "rb") as pipe:  # noqa: PTH123
        refusal = pipe.read().decode()
    _, status = os.waitpid(pid, 0)
    return refusal or ("the confined child died" if status else "")


def _serve(control: socket.socket, wake: int) -> None:
    """Fork one guest, follow it to its end and say how it ended."""
    data, descriptors, _, _ = socket.recv_fds(control, PACKET, 3)
    if not data:
        raise CoordinatorGoneError
    if not descriptors:  # about a guest that has ended meanwhile
        return
    request = Request(**json.loads(data))
    # Imported here once, not in each guest. A failure is the guest's to report.
    with contextlib.suppress(Exception):
        importlib.import_module(request.entry.split(":")[0])
    host = os.getpid()
    pid = os.fork()
    if pid == 0:
        _become_guest(request, host, descriptors)
    for descriptor in descriptors:
        os.close(descriptor)
    try:
        reason, status = _follow(Watch(pid, request.limits, request.scratch), control, wake)
    finally:
        _kill(pid)
    _say(control, {"reason": reason, "status": status})


def _become_guest(request: Request, host: int, descriptors: list[int]) -> NoReturn:
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    live(request, host, *descriptors)


def _follow(watch: Watch, control: socket.socket, wake: int) -> tuple[str, int]:
    """Wait for the guest to end, for the first limit it breaks, or for the word to let it go."""
    while True:
        # It is reaped later: until then no other process can get its id.
        if ended := os.waitid(os.P_PID, watch.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT):
            exited = ended.si_code == os.CLD_EXITED
            return "", ended.si_status if exited else -ended.si_status
        if broken := watch.broken():
            return broken, 0
        waiting = (control.fileno(), wake)
        ready, _, _ = select.select(waiting, (), (), min(POLL_SECONDS, watch.left()))
        if wake in ready:
            os.read(wake, 4096)
        if control.fileno() in ready:
            data = control.recv(PACKET)
            if not data:
                raise CoordinatorGoneError
            if json.loads(data)["ask"] == "stop":
                return "stopped", 0
            _say(control, watch.usage())


def _kill(pid: int) -> None:
    """Kill the guest with all it has started, and reap them."""
    deadline = time.monotonic() + KILL_SECONDS
    _send_kill(os.killpg, pid)
    _send_kill(os.kill, pid)
    gone = False
    while time.monotonic() < deadline:
        try:
            ended, _ = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        gone = gone or ended == pid
        if not ended:
            for child in _children() if gone else ():
                _send_kill(os.kill, child)
            time.sleep(0.001)


def _send_kill(send: Callable[[int, int], None], pid: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        send(pid, signal.SIGKILL)


def _children() -> list[int]:
    """All that descends from this process: what a guest leaves behind comes to the host."""
    return [process.pid for process in psutil.Process().children(recursive=True)]


if __name__ == "__main__":
    main()
