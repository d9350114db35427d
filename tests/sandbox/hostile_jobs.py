"""What hostile code tries. Imported by sandbox hosts only."""

from __future__ import annotations

import ctypes
import mmap
import os
import random
import resource
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

Answer = dict[str, Any]


class Hostile:
    """An entry that does what it is told."""

    def __init__(self, payload: Answer, emit: Callable[[Answer], None], scratch: str) -> None:
        self._emit, self._scratch = emit, scratch
        exec(payload.get("code", ""), self._names())

    def _names(self) -> Answer:
        return {**globals(), "emit": self._emit, "scratch": self._scratch}

    def echo(self, **values: Any) -> Answer:
        print("said on stdout")
        print("said on stderr", file=sys.stderr)
        return values

    def facts(self) -> Answer:
        return {
            "env": dict(os.environ),
            "cwd": str(Path.cwd()),
            "scratch": self._scratch,
            "files": [path.name for path in Path(self._scratch).iterdir()],
            "random": random.random(),
        }

    def attempt(self, **code: str) -> Answer:
        found = {}
        for name, expression in code.items():
            try:
                found[name] = repr(eval(expression, self._names()))[:200]
            except BaseException as error:
                found[name] = type(error).__name__
        return found

    def execute(self, code: str) -> Answer:
        names = {**self._names(), "answer": {}}
        exec(code, names)
        return names["answer"]

    def events(self, count: int) -> Answer:
        for number in range(count):
            self._emit({"number": number})
        return {}

    def tick(self) -> Answer:
        while True:
            self._emit({})
            time.sleep(0.02)

    def describe(self, error: BaseException) -> Answer:
        return {"described": type(error).__name__}


def syscall(number: int, *arguments: Any) -> str:
    """A raw system call: its result, or the name of the error."""
    libc = ctypes.CDLL(None, use_errno=True)
    result = libc.syscall(ctypes.c_long(number), *arguments)
    import errno

    return errno.errorcode[ctypes.get_errno()] if result == -1 else str(result)


def write_all(descriptor: int, data: bytes) -> None:
    while data:
        data = data[os.write(descriptor, data) :]


def forged(kind: bytes, body: bytes) -> bytes:
    """A frame as the trusted half expects it."""
    header = b'{"kind": "%s", "body": %s, "arrays": []}' % (kind, body)
    return struct.pack(">4sIQ", b"GAU1", len(header), 0) + header


class Told:
    """An entry whose ``forward`` is what its payload makes of ``os.leaky``."""

    def __init__(self, payload: Answer, emit: Callable[[Answer], None], scratch: str) -> None:
        exec(payload["code"], {})

    def forward(self, X: Any) -> Answer:
        return os.leaky.forward(X)  # type: ignore[attr-defined]


USED = (mmap, resource, signal, socket, subprocess, threading)
