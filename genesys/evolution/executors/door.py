"""Where workers come in: a socket that a thread of its own accepts connections at."""

from __future__ import annotations

import contextlib
import shutil
import socket
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from genesys.errors import ConfigError
from genesys.evolution.executors.line import Inbox, Line

PREFIX, SOCKET = "genesys-hub-", "hub.sock"
MOST_STRANGERS = 32  # that are greeted at a time; more are hung up on
BACKLOG = 128
PAUSE_SECONDS = 0.2  # when the machine has no more files to open


class Door:
    """Greets whoever connects, each in threads of its own.

    Args:
        listen: ``host:port``, where port 0 takes a free one; empty for a Unix socket in a folder
            that nobody else on this machine may enter.
        key: That workers have to know.
        inbox: For what they say.

    Attributes:
        address: Of the Unix socket, or ``host:port``.

    Raises:
        ConfigError: Nothing can be waited for there.
    """

    def __init__(self, listen: str, key: bytes, inbox: Inbox) -> None:
        self._key, self._inbox = key, inbox
        self._folder: Path | None = None
        self._lines: list[Line] = []
        self._changing, self._closed = threading.Lock(), False
        try:
            self._socket, self.address = self._tcp(listen) if listen else self._unix()
        except OSError as error:
            self._clear()
            where = listen or tempfile.gettempdir()
            raise ConfigError(f"Workers cannot be waited for at {where}: {error}.") from None
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def lines(self) -> Sequence[Line]:
        """The connections that have not ended."""
        with self._changing:
            self._lines = [line for line in self._lines if not line.ended.is_set()]
            return tuple(self._lines)

    def close(self) -> None:
        """Let nobody in any more, and hang up on all who are."""
        self._closed = True
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)  # ends the accepting
        self._thread.join()
        self._socket.close()
        for line in self.lines():
            line.close()
        self._clear()

    @staticmethod
    def sweep(address: str) -> None:
        """Remove the Unix socket of a process that was killed."""
        path = Path(address)
        if path.name == SOCKET and path.parent.name.startswith(PREFIX):
            with contextlib.suppress(OSError):
                path.unlink()
                path.parent.rmdir()

    def _clear(self) -> None:
        if self._folder:
            shutil.rmtree(self._folder, ignore_errors=True)

    def _unix(self) -> tuple[socket.socket, str]:
        self._folder = Path(tempfile.mkdtemp(prefix=PREFIX))  # mode 700
        path = str(self._folder / SOCKET)
        door = socket.socket(socket.AF_UNIX)
        door.bind(path)
        door.listen(BACKLOG)
        return door, path

    def _tcp(self, listen: str) -> tuple[socket.socket, str]:
        host, _, port = listen.rpartition(":")
        if not (host and port.isdigit() and int(port) < 2**16):
            raise ConfigError(f"{listen!r} is no host:port at which workers could be waited for.")
        door = socket.create_server((host, int(port)), backlog=BACKLOG)
        return door, f"{host}:{door.getsockname()[1]}"

    def _accept(self) -> None:
        while True:
            try:
                stream, _ = self._socket.accept()
            except OSError:
                if self._closed:
                    return
                time.sleep(PAUSE_SECONDS)
                continue
            if sum(not line.greeted for line in self.lines()) >= MOST_STRANGERS:
                stream.close()
                continue
            line = Line(stream, self._key, self._inbox)
            with self._changing:
                self._lines.append(line)
