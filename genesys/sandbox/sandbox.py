"""The pool of warm hosts that guests are forked from."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Self

from genesys.errors import ConfigError, SandboxError
from genesys.sandbox.backends import Backend
from genesys.sandbox.devices import Device, Granted, Leases
from genesys.sandbox.guest import Guest
from genesys.sandbox.job import Job, Limits
from genesys.sandbox.process import HostProcess, machine_fault

log = logging.getLogger(__name__)


class Sandbox:
    """Runs generated code in guests: each a confined process of its own, forked from a warm host.

    The first guest starts a host process (some seconds: it imports torch); every other one is a
    fork of it. A host has one guest at a time; with several workers, guests that are opened from
    several threads run side by side, and more of them wait.

    Args:
        limits: For jobs that bring none.
        scratch_root: Where the guests' scratch folders are made; the system's place by default.
        backend: How guests are confined; see :class:`Backend`.
        allow_unconfined: Whether the backend ``process`` may be used: it confines nothing.
        workers: Most hosts at a time.
        preload: Modules that a host imports before its first guest.
        devices: For guests whose limits ask for a GPU; None for the GPUs of this machine.

    Raises:
        ConfigError: The backend ``process`` is not allowed.
    """

    def __init__(
        self,
        limits: Limits | None = None,
        scratch_root: Path | None = None,
        backend: Backend | str = Backend.AUTO,
        allow_unconfined: bool = False,
        workers: int = 1,
        preload: Sequence[str] = ("torch",),
        devices: Sequence[Device] | None = None,
    ) -> None:
        self.limits = limits or Limits()
        self.backend = Backend(backend)
        self._root, self._preload, self._leases = scratch_root, tuple(preload), Leases(devices)
        self._free, self._idle = threading.Semaphore(workers), list[HostProcess]()
        self._workers, self._here = workers, threading.local()
        self._lock, self._closings = threading.Lock(), 0
        if self.backend is Backend.PROCESS:
            if not allow_unconfined:
                raise ConfigError(
                    "sandbox.backend=process does not confine generated code: it can read and "
                    "write what you can. If you would run this code yourself, add "
                    "sandbox.allow_unconfined=true."
                )
            log.warning("Generated code runs without confinement (sandbox.backend=process).")

    @property
    def devices(self) -> tuple[Device, ...]:
        """The GPUs that there are for guests."""
        return self._leases.devices

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the hosts, those with a guest once it has ended; a later guest starts another."""
        with self._lock:
            idle, self._idle = self._idle, []
            self._closings += 1
        for host in idle:
            host.close()

    @contextmanager
    def open(self, job: Job) -> Iterator[Guest]:
        """Start a guest, and end it with everything it has started when the context ends.

        Args:
            job: What it is made of.

        Yields:
            The guest, ready for calls.

        Raises:
            GuestRaised: Its entry could not be made.
            GuestEnded: It ended meanwhile.
            SandboxError: A host could not be started or died; never the guest's doing.
            RuntimeError: This thread has all workers already.
        """
        with self._turn(), self._leases.granted(job.limits or self.limits) as limits:
            host = self._take(limits)
            try:
                guest, stack = self._begin(host, job, limits)
            except SandboxError:
                if host.alive():
                    raise
                # It may have died long ago, while it was idle.
                guest, stack = self._begin(self._start(limits), job, limits)
            with stack:
                guest.open(job.payload)
                yield guest

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """Wait until there may be another guest."""
        held = getattr(self._here, "guests", 0)
        if held >= self._workers:
            raise RuntimeError(
                f"This thread has {held} guests open and would wait for itself: close one first, "
                "or set sandbox.workers higher."
            )
        with self._free:
            self._here.guests = held + 1
            try:
                yield
            finally:
                self._here.guests = held

    def _begin(self, host: HostProcess, job: Job, limits: Granted) -> tuple[Guest, ExitStack]:
        """A guest of this host, and what ends it."""
        with ExitStack() as stack:
            stack.callback(self._put, host, self._closings)
            stack.enter_context(host.scratch())
            guest = stack.enter_context(_guest(host, job, limits))
            return guest, stack.pop_all()

    def _take(self, limits: Granted) -> HostProcess:
        """An idle host that can serve these limits, or a new one in the place of an idle one."""
        with self._lock:
            fit = next((host for host in reversed(self._idle) if host.serves(limits)), None)
            taken = fit or min(self._idle, key=HostProcess.alive, default=None)  # the dead first
            if taken:
                self._idle.remove(taken)
        if fit:
            return fit
        if taken:
            taken.close()
        return self._start(limits)

    def _put(self, host: HostProcess, closings: int) -> None:
        with self._lock:
            if closings == self._closings and host.alive():
                self._idle.append(host)
                return
        host.close()

    def _start(self, limits: Granted) -> HostProcess:
        """Start a host, and settle on a backend if that is left to the machine."""
        backends = [self.backend]
        if self.backend is Backend.AUTO:
            backends = [Backend.SANDLOCK, Backend.BUBBLEWRAP]
        refusals: list[str] = []
        for backend in backends:
            try:
                host = HostProcess(backend, self._root, self._preload, limits)
            except SandboxError as error:
                if not refusals:  # it is not about confinement
                    raise
                refusals.append(f"{backend}: {error}")
                continue
            if not host.refusal:
                self.backend = backend
                return host
            host.close()
            refusals.append(f"{backend}: {host.refusal}")
        raise SandboxError(
            f"This machine cannot confine generated code. {'; '.join(refusals)}. See "
            "`genesys doctor`."
        )


@contextmanager
def _guest(host: HostProcess, job: Job, limits: Granted) -> Iterator[Guest]:
    with machine_fault("prepare a guest"):
        guest = Guest(host, limits)
    try:
        host.fork(job, limits, guest.theirs)
        guest.release()
        guest.greet()
        yield guest
    finally:
        guest.close()
