"""A worker in the hands of a test: it says what it is told to."""

from __future__ import annotations

from multiprocessing.connection import Client
from typing import Any

from genesys.evolution.executors.hub import Hub
from genesys.evolution.executors.protocol import (
    FROM_HUB,
    Finished,
    Hello,
    Order,
    Ready,
    our_version,
    read,
    written,
)
from genesys.population.ledger import JobKind

BOTH = [JobKind.SESSION, JobKind.VERIFICATION]


class Puppet:
    """Connects to a hub in this process, which has to be waited on for anything to come of it."""

    def __init__(self, hub: Hub, name: str = "puppet", roles: Any = BOTH, **said: Any) -> None:
        self.hub = hub
        self.connection = Client(hub.address, authkey=bytes.fromhex(hub.key))
        known = {"version": our_version(), "name": name, "roles": roles}
        self.say(Hello(**known | said))

    def say(self, message: Any) -> None:
        self.connection.send_bytes(written(message))

    def hear(self) -> Any:
        assert self.connection.poll(5), "the hub says nothing"
        return read(FROM_HUB, self.connection.recv_bytes())

    def says_nothing(self) -> bool:
        return not self.connection.poll(0.05)

    def join(self) -> Puppet:
        """Have all that a worker has before its first order."""
        until(self.hub, self.connection.poll)
        self.welcome = self.hear()
        self.say(Ready())
        self.name = self.welcome.name
        until(self.hub, lambda: any(m.ready for m in self.hub.members if m.name == self.name))
        return self

    def work(self) -> Order:
        """The order that comes, and what comes before it."""
        self.growths = []
        while not isinstance(message := self.hear(), Order):
            self.growths.append(message)
        return message

    def finish(self, order: Order, **result: Any) -> None:
        self.say(Finished(job=order.job.number, seconds=0.01, **result))


def until(hub: Hub, happened: Any, looks: int = 200) -> list[Any]:
    """Wait on a hub until something has happened; what has ended meanwhile."""
    ended: list[Any] = []
    for _ in range(looks):
        ended += hub.wait(0.02)
        if happened():
            return ended
    raise AssertionError("it never happened")


def ended(hub: Hub) -> Any:
    """What ends next."""
    found: list[Any] = []
    for _ in range(200):
        found += hub.wait(0.05)
        if found:
            assert len(found) == 1
            return found[0]
    raise AssertionError("nothing ended")
