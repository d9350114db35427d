"""Does the jobs of a run by workers on a Ray cluster."""

from __future__ import annotations

import contextlib
import logging
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from genesys.errors import ConfigError, GenesysError, MissingExtraError
from genesys.evolution.events import Held
from genesys.evolution.executors.base import Outfit
from genesys.evolution.executors.protocol import Invitation
from genesys.evolution.executors.staff import HubExecutor
from genesys.evolution.jobs import Ended
from genesys.population.files import storing
from genesys.population.ledger import JobKind

AUTO, LOCAL, CLIENT = "auto", "local", "ray://"
OWN = {"include_dashboard": False, "object_store_memory": 100 * 2**20}  # of a local cluster
RESOURCES = ("num_cpus", "num_gpus", "memory", "resources")
KILL_SECONDS = 5.0  # for Ray to end an actor
QUIET_SECONDS = 10.0  # without any worker, before it is told what is waited for
TAIL_BYTES = 2000  # of what a worker said, when it ends


class RayExecutor(HubExecutor):
    """Workers that are Ray actors; where they run, and on which GPUs, is left to Ray.

    An actor that the cluster has no room for waits until there is some, e.g. because Ray's
    autoscaler has added a node. The workers of a lost node are lost, and started again elsewhere.

    Args:
        designers: Workers that hold sessions.
        verifiers: Workers that verify.
        designer_resources: What Ray is to set aside for a designer: ``num_cpus``, ``num_gpus``,
            ``memory`` (bytes) and ``resources`` (custom ones, by name).
        verifier_resources: The same for a verifier. Its guests have so many CPU threads unless they
            bring limits of their own.
        address: ``host:port`` of the cluster, ``auto`` for the one that this machine belongs to,
            or ``local`` for one that is started for the run on this machine alone.
        lease_seconds: A worker that says nothing for so long is lost, and its job given to another.
        listen: ``host:port`` at which workers reach this process; empty for the address by which
            Ray knows this machine, and a free port.
        connect_seconds: For the cluster to answer.

    Raises:
        ConfigError: A number is out of bounds, or there is no such resource.
    """

    def __init__(
        self,
        designers: int = 1,
        verifiers: int = 1,
        designer_resources: Mapping[str, Any] | None = None,
        verifier_resources: Mapping[str, Any] | None = None,
        address: str = AUTO,
        lease_seconds: float = 60.0,
        listen: str = "",
        connect_seconds: float = 30.0,
    ) -> None:
        super().__init__(designers, verifiers, lease_seconds, listen)
        self._resources = {
            JobKind.SESSION: _resources("designer", designer_resources or {"num_cpus": 1}),
            JobKind.VERIFICATION: _resources("verifier", verifier_resources or {"num_cpus": 1}),
        }
        if address.startswith(CLIENT) and not listen:
            raise ConfigError(
                f"executor.address={address} is a cluster that this machine is no part of: give "
                "executor.listen=host:port at which its nodes can reach this process."
            )
        if not connect_seconds > 0:
            raise ConfigError(f"executor.connect_seconds must be above 0, got {connect_seconds}.")
        self._address, self._limit = address, connect_seconds

    @contextmanager
    def open(self, outfit: Outfit) -> Iterator[None]:
        """See :class:`genesys.evolution.executors.base.Executor`."""
        with _connected(self._address, self._limit) as own:
            self._listen = self._listen or f"{own}:0"
            self._observe, self._held, self._since = outfit.observe, False, time.monotonic()
            with super().open(outfit):
                yield

    def wait(self, seconds: float) -> Sequence[Ended]:
        """See :class:`genesys.evolution.executors.base.Executor`."""
        ended = super().wait(seconds)
        now = time.monotonic()
        if not self._posts or any(member.ready for member in self._hub.members):
            self._since = now
        held = now - self._since > QUIET_SECONDS
        if held != self._held:
            self._held = held
            self._observe(Held("the Ray cluster has no room for a worker yet" if held else ""))
        return ended

    def launch(self, invitation: Invitation, log: Path) -> Actor:
        """See :class:`HubExecutor`."""
        (kind,) = invitation.roles
        resources = self._resources[kind]
        if kind is JobKind.VERIFICATION:
            threads = max(1, int(resources.get("num_cpus", 1)))
            invitation = invitation.model_copy(update={"threads": threads})
        return Actor(invitation, log, resources)


class Actor:
    """A worker process that a Ray actor keeps.

    Args:
        invitation: For it.
        log: That what it said last is added to.
        resources: That Ray sets aside for it.
    """

    def __init__(self, invitation: Invitation, log: Path, resources: Mapping[str, Any]) -> None:
        import ray

        self._log, self._end = log, ""
        keeper = ray.remote(Keeper).options(max_restarts=0, max_task_retries=0, **resources)
        self._actor = keeper.remote()
        self._ending = self._actor.keep.remote(invitation.model_dump_json())

    def ended(self) -> str | None:
        """See :class:`genesys.evolution.executors.staff.Launched`."""
        import ray

        if not self._end and ray.wait([self._ending], timeout=0)[0]:
            self._finish(self._told())
        return self._end or None

    def kill(self) -> None:
        """See :class:`genesys.evolution.executors.staff.Launched`."""
        import ray

        if not self._end:
            ray.kill(self._actor)
            ray.wait([self._ending], timeout=KILL_SECONDS)
            # On a node that is gone it may take Ray a while to know.
            self._finish("It was ended.")

    def _told(self) -> str:
        import ray

        try:
            status, said = ray.get(self._ending)
        except ray.exceptions.RayError as error:
            first = str(error).strip().splitlines()[0]
            return f"Its actor has ended: {first}"
        return f"It ended with status {status}. {said}".strip()

    def _finish(self, why: str) -> None:
        import ray

        self._end = why
        with contextlib.suppress(ray.exceptions.RayError):
            ray.kill(self._actor)  # its resources are free from now on
        with storing("write to", self._log), self._log.open("a", encoding="utf-8") as log:
            log.write(why + "\n")


class Keeper:
    """The actor: keeps a worker in a process of its own, which dies with it."""

    def keep(self, invitation: str) -> tuple[int, str]:
        """Have a worker serve an invitation; its exit status, and the end of what it said."""
        worker = subprocess.Popen(
            [sys.executable, "-m", "genesys.evolution.worker", "--tied"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        assert worker.stdin is not None and worker.stdout is not None
        with contextlib.suppress(OSError), worker.stdin:  # it may have died already
            worker.stdin.write(invitation.encode())
        said = b""
        while chunk := os.read(worker.stdout.fileno(), 2**16):
            said = (said + chunk)[-TAIL_BYTES:]
        return worker.wait(), said.decode(errors="replace").strip()


def _resources(whose: str, asked: Mapping[str, Any]) -> dict[str, Any]:
    for key in asked:
        if key not in RESOURCES:
            raise ConfigError(
                f"executor.{whose}_resources has no {key!r}; there are {', '.join(RESOURCES)}."
            )
    return dict(asked)


@contextmanager
def _connected(address: str, seconds: float) -> Iterator[str]:
    """Be part of a cluster while the context lasts; gives this machine's address in it.

    Raises:
        MissingExtraError: Ray is not installed.
        GenesysError: There is no cluster.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        import ray
    except ImportError:
        raise MissingExtraError("executor=ray", "ray") from None
    joined = ray.is_initialized()  # e.g. this is a job of Ray's launcher of multiruns
    try:
        if not joined:
            _reach(address, seconds)
            _join(address, seconds)
    except (OSError, RuntimeError, ValueError, ray.exceptions.RayError) as error:
        why = (str(error).strip().splitlines() or ["it cannot be joined"])[0].rstrip(".")
        raise GenesysError(
            f"There is no Ray cluster at executor.address={address}: {why}. Start one with `ray "
            "start --head`, or run with executor.address=local or executor=local."
        ) from None
    try:
        yield str(ray.util.get_node_ip_address())
    finally:
        if not joined:
            ray.shutdown()


def _reach(address: str, seconds: float) -> None:
    """See whether anybody answers at an address.

    Raises:
        OSError: Nobody does.
        ValueError: It is none.
    """
    if address not in {AUTO, LOCAL}:
        host, _, port = address.removeprefix(CLIENT).rpartition(":")
        socket.create_connection((host, int(port)), timeout=seconds).close()


def _join(address: str, seconds: float) -> None:
    """Join a cluster; in a thread, since Ray goes on trying for minutes and cannot be told not to.

    Raises:
        TimeoutError: It takes too long.
        OSError, RuntimeError, ValueError: As Ray does.
    """
    import ray

    failed: list[Exception] = []
    own = OWN if address == LOCAL else {}

    def join() -> None:
        try:
            ray.init(address, logging_level=logging.ERROR, log_to_driver=False, **own)
        except Exception as error:
            failed.append(error)

    joining = threading.Thread(target=join, daemon=True)
    joining.start()
    joining.join(seconds)
    if joining.is_alive():
        raise TimeoutError(f"it has not answered in {seconds:g} seconds")
    if failed:
        raise failed[0]
