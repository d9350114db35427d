"""What hostile code tries. Imported by sandbox hosts only; see test_sandbox.py."""

from __future__ import annotations

import ctypes
import mmap
import os
import random
import resource
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

Emit = Callable[[dict[str, Any]], None]
Payload = dict[str, Any]


def echo(payload: Payload, emit: Emit, scratch: str) -> Payload:
    for number in range(payload.get("events", 0)):
        emit({"number": number})
    print("said on stdout")
    print("said on stderr", file=sys.stderr)
    return {"payload": payload, "scratch": scratch, "files": len(list(Path(scratch).iterdir()))}


def environment(payload: Payload, emit: Emit, scratch: str) -> Payload:
    import torch

    return {
        "env": dict(os.environ),
        "cwd": str(Path.cwd()),
        "threads": torch.get_num_threads(),
        "numbers": [random.random(), float(torch.rand(()))],
    }


def attempt(payload: Payload, emit: Emit, scratch: str) -> Payload:
    """Evaluate expressions and say what each came to."""
    found = {}
    for name, code in payload.items():
        try:
            found[name] = repr(eval(code, globals()))[:200]
        except Exception as error:
            found[name] = type(error).__name__
    return found


def execute(payload: Payload, emit: Emit, scratch: str) -> Payload:
    exec(payload["code"], {**globals(), "emit": emit, "scratch": scratch})
    return {}


def fill(payload: Payload, emit: Emit, scratch: str) -> Payload:
    """Map the same file again and again: resident pages that no limit on data counts."""
    size, kept = 16 * 2**20, []
    Path(scratch, "file").write_bytes(bytes(size))
    for _ in range(64):
        with Path(scratch, "file").open("rb") as file:
            kept.append(mmap.mmap(file.fileno(), size, prot=mmap.PROT_READ))
        sum(kept[-1][start] for start in range(0, size, 4096))
    time.sleep(9)
    return {}


def sleepers(payload: Payload, emit: Emit, scratch: str) -> Payload:
    threading.stack_size(256 * 1024)
    for _ in range(payload["count"]):
        threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
    time.sleep(1)
    return {}


def tick(payload: Payload, emit: Emit, scratch: str) -> Payload:
    while True:
        emit({"pid": os.getpid(), "host": os.getppid(), "scratch": scratch})
        time.sleep(0.02)


USED = (ctypes, resource, signal, socket)
