"""The life of a guest inside its forked process: confine, make the entry, answer calls, exit."""

from __future__ import annotations

import importlib
import os
import random
import sys
import tempfile
import threading
import traceback
from typing import Any, NoReturn

from genesys.sandbox.backends import Backend
from genesys.sandbox.channel import Frame, Frames, encode
from genesys.sandbox.confine import bound, confine, tie_to
from genesys.sandbox.devices import Granted

MAX_TEXT = 8000
REQUESTS, REPLIES = 3, 4
_CHUNK = 2**20
_OUT_OF_MEMORY = ("can't allocate memory", "Cannot allocate memory", "not enough memory")


class Request:
    """What the host is asked to fork.

    Args:
        entry: ``module:Class``.
        limits: As JSON.
        scratch: The guest's empty folder.
        backend: How to confine it.
    """

    def __init__(self, entry: str, limits: str, scratch: str, backend: str) -> None:
        self.entry, self.scratch, self.backend = entry, scratch, Backend(backend)
        self.limits = Granted.model_validate_json(limits)


def live(request: Request, host: int, requests: int, replies: int, output: int) -> NoReturn:
    """Be the guest in this freshly forked process, and end it.

    Args:
        request: What to be.
        host: Process id of the parent.
        requests: Descriptor to read calls from.
        replies: Descriptor to write answers to.
        output: Descriptor that takes standard output and error.
    """
    status = 1
    try:
        _rewire(requests, replies, output)
        _settle(request, host)
        _Guest(request).serve()
        status = 0
    except BaseException:  # whatever it was, this process must never go on as the host
        traceback.print_exc()
    finally:
        os._exit(status)


def _rewire(requests: int, replies: int, output: int) -> None:
    """Keep five descriptors and close all others; there is nothing to read on the first."""
    nothing = os.open(os.devnull, os.O_RDONLY)
    # All copies lie above 4: the host holds 0 to 2 and its own ends.
    kept = [os.dup(fd) for fd in (nothing, output, output, requests, replies)]
    for target, source in enumerate(kept):
        os.dup2(source, target, inheritable=False)
    os.closerange(5, os.sysconf("SC_OPEN_MAX"))
    sys.stdin, sys.stdout, sys.stderr = (
        open(fd, mode, buffering=1, errors="replace", closefd=False)  # noqa: SIM115
        for fd, mode in ((0, "r"), (1, "w"), (2, "w"))
    )


def _settle(request: Request, host: int) -> None:
    os.setsid()
    tie_to(host)
    os.chdir(request.scratch)
    os.environ.update(HOME=request.scratch, TMPDIR=request.scratch)
    tempfile.tempdir = request.scratch  # it is not to look for room: files cannot be removed
    if request.limits.device:
        os.environ.update(request.limits.device.variables)
    bound(request.limits)
    confine(request.backend, request.scratch, request.limits)
    _fix_randomness()
    if torch := sys.modules.get("torch"):
        torch.set_num_threads(request.limits.threads)


def _fix_randomness() -> None:
    """Start from the same state in every guest of every host."""
    random.seed(0)
    if numpy := sys.modules.get("numpy"):
        numpy.random.seed(0)
    if torch := sys.modules.get("torch"):
        torch.default_generator.manual_seed(0)


class _Guest:
    """Answers calls until there are no more."""

    def __init__(self, request: Request) -> None:
        self._request, self._lock = request, threading.Lock()
        self._entry: object = None

    def serve(self) -> None:
        frames = Frames({"hello", "open", "call"})
        while data := os.read(REQUESTS, _CHUNK):
            for frame in frames.feed(data):
                self._answer(frame)

    def _answer(self, frame: Frame) -> None:
        try:
            if frame.kind == "hello":  # it is confined, and nothing hostile has been near it
                answer = Frame("answer", {})
            elif frame.kind == "open":
                self._entry = self._make(frame.body)
                answer = Frame("answer", {})
            else:
                method = getattr(self._entry, frame.body.pop("method"))
                answer = Frame("answer", method(**frame.body))
            pieces = encode(answer)
        except BaseException as error:  # generated code may raise anything
            pieces = encode(Frame("error", self._describe(error)))
        sys.stdout.flush()
        sys.stderr.flush()
        self._write(pieces)

    def _make(self, payload: dict[str, Any]) -> object:
        module, name = self._request.entry.split(":")
        entry = getattr(importlib.import_module(module), name)
        return entry(payload, self._emit, self._request.scratch)

    def _emit(self, event: dict[str, Any]) -> None:
        """Send an event to the trusted half."""
        self._write(encode(Frame("event", event)))

    def _write(self, pieces: list[memoryview]) -> None:
        with self._lock:
            for piece in pieces:
                while piece:
                    piece = piece[os.write(REPLIES, piece) :]  # noqa: PLW2901

    def _describe(self, error: BaseException) -> dict[str, Any]:
        details: dict[str, Any] = {}
        if describe := getattr(self._entry, "describe", None):
            try:
                details = describe(error)
                encode(Frame("error", details))
            except BaseException:  # the exception is the generated code's own
                details = {}
        return {
            "memory": is_out_of_memory(error),
            "type": type(error).__name__,
            "message": _text_of(error),
            "trace": _trace(error),
            "details": details,
        }


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that memory could not be had."""
    return isinstance(error, MemoryError) or any(t in _text_of(error) for t in _OUT_OF_MEMORY)


def _text_of(error: BaseException) -> str:
    try:
        return str(error)[:MAX_TEXT]
    except BaseException:  # it is the generated code's own
        return "it cannot be printed"


def _trace(error: BaseException) -> str:
    """The traceback from the method on, without this file's frame."""
    below = error.__traceback__ and error.__traceback__.tb_next
    text = "".join(traceback.format_tb(below))
    return text if len(text) <= MAX_TEXT else "...\n" + text[-MAX_TEXT:]
