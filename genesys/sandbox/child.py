"""The life of one job inside its forked process: confine, call the entry, answer, exit."""

from __future__ import annotations

import importlib
import json
import os
import random
import sys
import tempfile
import threading
import traceback
from typing import Any, NoReturn

from genesys.sandbox.channel import encode
from genesys.sandbox.confine import bound, confine, tie_to
from genesys.sandbox.job import Limits

MAX_TRACEBACK = 8000
_OUT_OF_MEMORY = ("can't allocate memory", "Cannot allocate memory", "not enough memory")


class Request:
    """What the host is asked to run.

    Args:
        entry: ``module:function``.
        limits: As JSON.
        scratch: The job's empty folder.
        token: Secret that marks the job's messages.
        confined: Whether to confine the process.
    """

    def __init__(self, entry: str, limits: str, scratch: str, token: str, confined: bool) -> None:
        self.entry, self.scratch, self.token, self.confined = entry, scratch, token, confined
        self.limits = Limits.model_validate_json(limits)


def live(request: Request, host: int, payload: int, channel: int, output: int) -> NoReturn:
    """Run the request in this freshly forked process and end it.

    Args:
        request: What to run.
        host: Process id of the parent.
        payload: Descriptor to read the entry's argument from, as JSON.
        channel: Descriptor to write messages to.
        output: Descriptor that takes standard output and error.
    """
    status = 1
    try:
        channel = _rewire(payload, channel, output)
        argument = json.load(sys.stdin)
        _close_input()
        _settle(request, host)
        status = _answer(request, argument, channel)
    except BaseException:  # whatever it was, this process must never go on as the host
        traceback.print_exc()
    finally:
        os._exit(status)


def _rewire(payload: int, channel: int, output: int) -> int:
    """Keep four descriptors and close all others; returns the new channel."""
    kept = os.dup(channel), os.dup(payload), os.dup(output)
    for target, source in enumerate((kept[1], kept[2], kept[2], kept[0])):
        # All copies lie above 3: the host holds 0 to 2 and its own ends.
        os.dup2(source, target, inheritable=False)
    os.closerange(4, os.sysconf("SC_OPEN_MAX"))
    sys.stdin, sys.stdout, sys.stderr = (
        open(fd, mode, buffering=1, errors="replace", closefd=False)  # noqa: SIM115
        for fd, mode in ((0, "r"), (1, "w"), (2, "w"))
    )
    return 3


def _close_input() -> None:
    """The payload can be written: have nothing to read there instead."""
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)


def _settle(request: Request, host: int) -> None:
    os.setsid()
    tie_to(host)
    os.chdir(request.scratch)
    os.environ.update(HOME=request.scratch, TMPDIR=request.scratch)
    tempfile.tempdir = request.scratch  # it is not to look for room: files cannot be removed
    bound(request.limits)
    if request.confined:
        confine(request.scratch, request.limits.readable)
    _fix_randomness()
    if torch := sys.modules.get("torch"):
        torch.set_num_threads(request.limits.threads)


def _fix_randomness() -> None:
    """Start from the same state in every job of every host."""
    random.seed(0)
    if numpy := sys.modules.get("numpy"):
        numpy.random.seed(0)
    if torch := sys.modules.get("torch"):
        torch.manual_seed(0)


def _answer(request: Request, argument: dict[str, Any], channel: int) -> int:
    lock = threading.Lock()

    def send(kind: str, body: dict[str, Any]) -> None:
        line = memoryview(encode(request.token, kind, body))
        with lock:
            while line:
                line = line[os.write(channel, line) :]

    def emit(event: dict[str, Any]) -> None:
        """Send an event to the parent."""
        send("event", event)

    try:
        module, function = request.entry.split(":")
        entry = getattr(importlib.import_module(module), function)
        send("result", entry(argument, emit, request.scratch))
    except BaseException as error:  # generated code may raise anything
        send("error", {"memory": is_out_of_memory(error), "text": _describe(error)})
    sys.stdout.flush()
    sys.stderr.flush()
    return 0


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that memory could not be had."""
    return isinstance(error, MemoryError) or any(text in str(error) for text in _OUT_OF_MEMORY)


def _describe(error: BaseException) -> str:
    """The traceback from the entry on, without this file's frames."""
    text = "".join(
        traceback.format_exception(
            type(error), error, error.__traceback__ and error.__traceback__.tb_next
        )
    )
    return text if len(text) <= MAX_TRACEBACK else "...\n" + text[-MAX_TRACEBACK:]
