"""Keeps as many workers at a hub as are wanted, however they are started."""

from __future__ import annotations

import contextlib
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Protocol

from genesys.errors import ConfigError, GenesysError, SandboxError
from genesys.evolution.control import Control
from genesys.evolution.executors.base import Outfit
from genesys.evolution.executors.door import Door
from genesys.evolution.executors.hub import Hub
from genesys.evolution.executors.hub_file import FOLDER, HubFile
from genesys.evolution.executors.protocol import Invitation
from genesys.evolution.jobs import Ended, Task
from genesys.population.files import storing
from genesys.population.ledger import JobKind

NAMES = {JobKind.SESSION: "designer", JobKind.VERIFICATION: "verifier"}
# Between looks at the workers and at what a person wants.
TEND_SECONDS = 1.0
# So often a worker may end before it is ready, in a row and while no other gets ready either.
MOST_STILLBORN = 5
FIRST_PAUSE_SECONDS = 0.25  # before such a one is started again; twice as long each time
# For what is known of a worker whose connection has ended.
ASK_SECONDS = 0.2
# For a worker to end by itself once it is let go.
GRACE_SECONDS = 5.0


class Launched(Protocol):
    """A worker that was started, wherever it runs."""

    def ended(self) -> str | None:
        """Why it has ended; None while it runs, or waits to be run."""

    def kill(self) -> None:
        """End it, and wait until it has."""


class Post:
    """A worker that is wanted.

    Args:
        name: Its own.
        kind: What it does.

    Attributes:
        launched: The worker, while there is one.
        ready: Whether that one has been ready.
        stillborn: How many have ended before they were ready, since any worker was.
        dismissed: When it was let go, by the monotonic clock; None while it is wanted.
        due: When to start another, by the monotonic clock.
    """

    def __init__(self, name: str, kind: JobKind) -> None:
        self.name, self.kind = name, kind
        self.launched: Launched | None = None
        self.ready = False
        self.stillborn = 0
        self.dismissed: float | None = None
        self.due = 0.0


class HubExecutor(ABC):
    """Does jobs by workers of its own at a hub, and by any that join.

    What an executor adds is how a worker is started: :meth:`launch`. A worker that ends is started
    again; how many there are follows the config and ``control.json``.

    Args:
        designers: Workers that hold sessions.
        verifiers: Workers that verify.
        lease_seconds: A worker that says nothing for so long is lost, and its job given to another.
        listen: ``host:port`` at which workers can join from other machines; empty for none.

    Raises:
        ConfigError: A number is out of bounds.
    """

    def __init__(
        self,
        designers: int = 1,
        verifiers: int = 1,
        lease_seconds: float = 60.0,
        listen: str = "",
    ) -> None:
        if min(designers, verifiers) < 0:
            raise ConfigError("executor: there cannot be fewer than 0 designers or verifiers.")
        if not lease_seconds > 0:
            raise ConfigError(f"executor.lease_seconds must be above 0, got {lease_seconds}.")
        self._configured = {JobKind.SESSION: designers, JobKind.VERIFICATION: verifiers}
        self._lease, self._listen = lease_seconds, listen
        self._posts: dict[str, Post] = {}
        self._tended = 0.0

    @abstractmethod
    def launch(self, invitation: Invitation, log: Path) -> Launched:
        """Start a worker that serves an invitation; see ``genesys.evolution.worker``.

        Args:
            invitation: With the worker's name; nobody else may see its key.
            log: For what it prints.

        Raises:
            SandboxError: The machine cannot start one now; it is tried again.
            GenesysError: None can ever be started.
        """

    @contextmanager
    def open(self, outfit: Outfit) -> Iterator[None]:
        """See :class:`genesys.evolution.executors.base.Executor`."""
        self._run, self._folder = outfit.folder, outfit.folder / FOLDER
        with storing("write to", self._folder):
            self._folder.mkdir(mode=0o700, exist_ok=True)
        with contextlib.suppress(ConfigError):  # a coordinator that was killed has left its socket
            Door.sweep(HubFile.read(self._run).address)
        with ExitStack() as stack:
            stack.callback(self._end)
            self._hub = stack.enter_context(
                Hub(
                    outfit.config, outfit.observe, outfit.note, self._lease, self._listen, self._why
                )
            )
            how = HubFile(address=self._hub.address, key=self._hub.key)
            stack.enter_context(how.published(self._run))
            self._tend()
            yield

    def room(self, kind: JobKind) -> int:
        """See :class:`genesys.evolution.executors.base.Executor`."""
        return self._hub.room(kind)

    def size(self, kind: JobKind) -> int:
        """See :class:`genesys.evolution.executors.base.Executor`."""
        joined = sum(
            member.does(kind) and not member.leaving
            for member in self._hub.members
            if member.name not in self._posts
        )
        return joined + len(self._wanted_posts(kind))

    def submit(self, task: Task) -> None:
        """See :class:`genesys.evolution.executors.base.Executor`."""
        self._hub.submit(task)

    def wait(self, seconds: float) -> Sequence[Ended]:
        """See :class:`genesys.evolution.executors.base.Executor`."""
        if time.monotonic() - self._tended > TEND_SECONDS:
            self._tend()
        return self._hub.wait(min(seconds, TEND_SECONDS))

    def _wanted_posts(self, kind: JobKind) -> list[Post]:
        return [p for p in self._posts.values() if p.kind is kind and p.dismissed is None]

    def _tend(self) -> None:
        """Have as many workers as are wanted.

        Raises:
            GenesysError: Workers end again and again before they are ready.
        """
        self._tended = time.monotonic()
        self._look()
        control = Control.read(self._run)
        wishes = {JobKind.SESSION: control.designers, JobKind.VERIFICATION: control.verifiers}
        for kind, wish in wishes.items():
            self._adjust(kind, self._configured[kind] if wish is None else wish)
        self._hub.expected = {
            post.name: [post.kind] for post in self._posts.values() if post.dismissed is None
        }
        for post in list(self._posts.values()):
            if post.launched is None and self._tended >= post.due:
                self._start(post)

    def _adjust(self, kind: JobKind, wanted: int) -> None:
        posts = self._wanted_posts(kind)
        for _ in range(wanted - len(posts)):
            name = self._free_name(NAMES[kind])
            self._posts[name] = Post(name, kind)
        members = {member.name: member for member in self._hub.members}
        # Those go first that have nothing to do.
        busy = {name for name, member in members.items() if member.task}
        posts.sort(key=lambda post: post.name not in busy)
        for post in posts[wanted:]:
            post.dismissed = self._tended
            if post.name in members:
                self._hub.dismiss(members[post.name])
            elif post.launched:
                post.launched.kill()

    def _free_name(self, stem: str) -> str:
        number = 1
        while f"{stem}-{number}" in self._posts:
            number += 1
        return f"{stem}-{number}"

    def _start(self, post: Post) -> None:
        invitation = Invitation(
            address=self._hub.address, key=self._hub.key, name=post.name, roles=[post.kind]
        )
        post.ready = False
        try:
            post.launched = self.launch(invitation, self._folder / f"{post.name}.log")
        except SandboxError as error:  # the machine may have more processes to give in a while
            self._bury(post, str(error))

    def _look(self) -> None:
        """See who has ended, and end who should have."""
        members = {member.name: member for member in self._hub.members}
        for post in list(self._posts.values()):
            member = members.get(post.name)
            if member and member.ready and not post.ready:
                post.ready = True
                for other in self._posts.values():
                    other.stillborn = 0
            if post.launched is None:
                continue
            if (why := post.launched.ended()) is None:
                self._end_if_lost(post, member is not None)
            elif member is None:  # else the hub has yet to hear of it
                self._bury(post, why)

    def _bury(self, post: Post, why: str) -> None:
        """Have another worker in the place of one that has ended, unless none is wanted."""
        post.launched = None
        if post.dismissed is not None:
            del self._posts[post.name]
        elif not post.ready:
            post.stillborn += 1
            post.due = self._tended + FIRST_PAUSE_SECONDS * 2**post.stillborn
            if post.stillborn == MOST_STILLBORN:
                raise GenesysError(
                    f"No worker can be started: {post.name} has ended {MOST_STILLBORN} times "
                    f"before it had begun, the last time so: {why} What it said before is in "
                    f"{self._folder / post.name}.log."
                )

    def _end_if_lost(self, post: Post, is_member: bool) -> None:
        """End a worker that was ready and whom the hub has dropped, e.g. since it was silent."""
        assert post.launched is not None
        let_go = post.dismissed is not None and self._tended - post.dismissed < GRACE_SECONDS
        if post.ready and not is_member and not let_go:
            post.launched.kill()

    def _why(self, name: str) -> str:
        """What is known of a worker's end."""
        post = self._posts.get(name)
        if post is None or post.launched is None:
            return ""
        # A process that is killed loses its connection a moment before it can be asked.
        deadline = time.monotonic() + ASK_SECONDS
        while (why := post.launched.ended()) is None and time.monotonic() < deadline:
            time.sleep(0.01)
        return why or ""

    def _end(self) -> None:
        """End all workers; they have been told."""
        launched = []
        for post in self._posts.values():
            if post.launched and post.ready:
                launched.append(post.launched)
            elif post.launched:
                post.launched.kill()
        deadline = time.monotonic() + GRACE_SECONDS
        while time.monotonic() < deadline and any(one.ended() is None for one in launched):
            time.sleep(0.02)
        for one in launched:
            one.kill()
        self._posts.clear()
