"""The hub's end of a connection."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
import time
from multiprocessing import AuthenticationError
from multiprocessing.connection import Connection, answer_challenge, deliver_challenge
from queue import SimpleQueue

from genesys.evolution.executors.protocol import (
    FROM_WORKER,
    MOST_BYTES,
    Beat,
    FromHub,
    FromWorker,
    Hello,
    Refused,
    UnreadableError,
    other_version,
    our_version,
    read,
    written,
)

# For the challenges and a hello. Who takes longer is no worker.
GREETING_SECONDS = 10.0


class Gone:
    """A connection has ended.

    Args:
        reason: What is known of why; empty where the other side just went.
    """

    def __init__(self, reason: str = "") -> None:
        self.reason = reason


Inbox = SimpleQueue[tuple["Line", FromWorker | Gone]]


class Line:
    """A connection, read and written by threads of its own.

    So whoever hangs at its other end, or says nothing or half a frame, holds nobody up. Nothing of
    a stranger comes to the inbox: that begins with the hello of someone who knows the key and has
    our version.

    Args:
        stream: Of the connection; it is closed with the line.
        key: That the other side has to know.
        inbox: For what is said, but for heartbeats.

    Attributes:
        heard: When something was last said, by the monotonic clock.
        greeted: Whether the hello has come.
        ended: Is set once the connection is closed.
    """

    def __init__(self, stream: socket.socket, key: bytes, inbox: Inbox) -> None:
        self._socket, self._key, self._inbox = stream, key, inbox
        # It reads and writes on a descriptor of its own; ours ends that from any thread.
        self._connection = Connection(socket.dup(stream.fileno()))
        self._outbox: SimpleQueue[FromHub | None] = SimpleQueue()
        self.heard = time.monotonic()
        self.greeted = False
        self.ended = threading.Event()
        self._writer = threading.Thread(target=self._write, daemon=True)
        threading.Thread(target=self._read, daemon=True).start()

    def say(self, message: FromHub) -> None:
        """Send a message, in order, when the other side takes it."""
        self._outbox.put(message)

    def close(self) -> None:
        """End the connection at once; what was not sent yet is lost."""
        self._outbox.put(None)
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)

    def _read(self) -> None:
        reason = ""
        try:
            self._greet()
            while True:
                message = read(FROM_WORKER, self._next())
                if isinstance(message, Hello):
                    raise UnreadableError("a second hello")
                if not isinstance(message, Beat):
                    self._inbox.put((self, message))
        except (OSError, EOFError):
            pass
        except UnreadableError as error:
            reason = f"It said what no worker says: {error}."
        finally:
            self.close()
            if self.greeted:
                self._inbox.put((self, Gone(reason)))
            if self._writer.is_alive():
                self._writer.join()  # it ends now, and must not write to what others open
            self._connection.close()
            self._socket.close()
            self.ended.set()

    def _next(self) -> bytes:
        frame = self._connection.recv_bytes(MOST_BYTES)
        self.heard = time.monotonic()
        return frame

    def _greet(self) -> None:
        """Challenge a stranger, and hear its hello."""
        self._wait_at_most(GREETING_SECONDS)
        try:
            deliver_challenge(self._connection, self._key)
            answer_challenge(self._connection, self._key)
        except AuthenticationError:
            raise EOFError from None
        frame = self._next()
        self._writer.start()
        if theirs := other_version(frame):
            self._turn_away(theirs)
        message = read(FROM_WORKER, frame)
        if not isinstance(message, Hello):
            raise UnreadableError("no hello")
        self._wait_at_most(0)
        self.greeted = True
        self._inbox.put((self, message))

    def _turn_away(self, theirs: str) -> None:
        """Tell a worker of another version why it cannot join, and the hub that there was one."""
        what = f"a worker of another version: {theirs} where the run has {our_version()}"
        self.say(Refused(reason=f"This is {what}. Install that one."))
        self._outbox.put(None)
        self._writer.join(GREETING_SECONDS)
        self._inbox.put((self, Gone(what)))
        raise EOFError

    def _write(self) -> None:
        with contextlib.suppress(OSError):
            while (message := self._outbox.get()) is not None:
                self._connection.send_bytes(written(message))

    def _wait_at_most(self, seconds: float) -> None:
        """Have reading and writing fail where the other side takes longer; 0 is for ever."""
        limit = struct.pack("ll", int(seconds), 0)
        for option in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
            self._socket.setsockopt(socket.SOL_SOCKET, option, limit)
