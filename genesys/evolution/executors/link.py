"""A worker's end of the connection to the hub."""

from __future__ import annotations

import contextlib
import os
import socket
import sys
import threading
from multiprocessing import AuthenticationError
from multiprocessing.connection import Client, Connection
from queue import SimpleQueue

from genesys.errors import ConfigError, GenesysError
from genesys.evolution.executors.protocol import (
    FROM_HUB,
    MOST_BYTES,
    Beat,
    Denied,
    Fault,
    FromHub,
    FromWorker,
    Granted,
    Growth,
    Hello,
    Invitation,
    Leaving,
    OfTape,
    Order,
    Refused,
    Stop,
    UnreadableError,
    Welcome,
    raised,
    read,
    written,
)

GONE = "The run's coordinator is gone."


class Link:
    """The connection, read and kept alive by threads of its own.

    When it ends, or the hub says so, the process ends at once if it is at work: what it would make
    has nobody to go to. Its sandbox notices, and ends with it.

    Args:
        invitation: To the run.
        hello: Who joins it.

    Attributes:
        welcome: What the hub said first.

    Raises:
        ConfigError: There is nobody at the address, or it is another key, or another version.
    """

    def __init__(self, invitation: Invitation, hello: Hello) -> None:
        self._connection = _connected(invitation)
        # A second handle: closing the one that a thread reads would not end its reading.
        self._socket = socket.socket(fileno=os.dup(self._connection.fileno()))
        self._sending, self._asking = threading.Lock(), threading.Lock()
        self._orders: SimpleQueue[Growth | Order | None] = SimpleQueue()
        self._answers: SimpleQueue[Granted | Denied] = SimpleQueue()
        self._over, self._leaving = threading.Event(), threading.Event()
        self._at_work = True  # on its plugins, at first
        self._why = ""
        try:
            self.say(hello)
            welcome = self._next()
        except (OSError, EOFError, UnreadableError):
            raise ConfigError(GONE) from None
        if isinstance(welcome, Refused):
            raise ConfigError(welcome.reason)
        if not isinstance(welcome, Welcome):
            raise ConfigError(f"What answers at {invitation.address} is no coordinator.")
        self.welcome = welcome
        for work in (self._read, self._beat):
            threading.Thread(target=work, daemon=True).start()

    def say(self, message: FromWorker) -> None:
        """Send a message.

        Raises:
            OSError: The connection is gone.
        """
        frame = written(message)
        with self._sending:
            self._connection.send_bytes(frame)

    def ask(self, question: OfTape) -> Granted:
        """What the hub answers to something about a tape.

        Raises:
            GenesysError: It cannot be done; of the class that it has there.
        """
        with self._asking:
            self.say(question)
            answer = self._answers.get()
        if isinstance(answer, Denied):
            raise raised(answer.error, answer.message)
        return answer

    def order(self) -> Growth | Order | None:
        """What comes next; None when the worker is to end.

        Raises:
            GenesysError: The coordinator is gone.
        """
        self._at_work = False
        order = self._orders.get()
        self._at_work = True
        if self._over.is_set():
            order = None
        if order is None and self._why:
            raise GenesysError(self._why)
        return order

    def leave(self) -> None:
        """Take no further order; for a signal's handler, too."""
        self._leaving.set()

    def give_up(self, error: GenesysError) -> None:
        """Tell why this worker cannot work; the hub hangs up then, and the process goes on."""
        self._over.set()
        self.say(Fault.of(error))

    def close(self) -> None:
        """End the connection."""
        self._over.set()
        self._leaving.set()
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)

    def _next(self) -> FromHub:
        return read(FROM_HUB, self._connection.recv_bytes(MOST_BYTES))

    def _read(self) -> None:
        try:
            while not isinstance(message := self._next(), Stop):
                self._take(message)
            self._end("")
        except (OSError, EOFError, UnreadableError):
            self._end(GONE)

    def _take(self, message: FromHub) -> None:
        if isinstance(message, Granted | Denied):
            self._answers.put(message)
        elif isinstance(message, Growth | Order):
            self._orders.put(message)

    def _end(self, why: str) -> None:
        if self._over.is_set():
            return
        self._why = why
        self._over.set()
        self._orders.put(None)
        if self._at_work:
            print(why or "The run has ended, or wants this worker no more.", file=sys.stderr)
            sys.stderr.flush()
            os._exit(1 if why else 0)

    def _beat(self) -> None:
        seconds = self.welcome.beat_seconds
        with contextlib.suppress(OSError):  # whoever reads learns of it, too
            while not self._leaving.wait(seconds):
                self.say(Beat())
            self.say(Leaving())
            while not self._over.wait(seconds):
                self.say(Beat())


def _connected(invitation: Invitation) -> Connection:
    try:
        return Client(invitation.where, authkey=bytes.fromhex(invitation.key))
    except AuthenticationError:
        raise ConfigError(f"The run at {invitation.address} has another key.") from None
    except (OSError, EOFError) as error:
        raise ConfigError(
            f"There is no run to join at {invitation.address} ({error or 'it hangs up'}). Is it "
            "under way, and can this machine reach it?"
        ) from None
