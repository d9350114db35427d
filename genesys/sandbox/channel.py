"""The wire between a job and the coordinator: bounded JSON lines on a descriptor of their own.

Whoever writes is hostile. A line is a message only if it is small, plain JSON without NaN,
infinity and integers of more than 64 bits, and carries the job's token; anything else ends the job.
"""

from __future__ import annotations

import json
import math
from typing import Any, NoReturn

MAX_LINE = 4 * 2**20
MAX_MESSAGES = 200_000
KINDS = ("event", "result", "error")


class ProtocolError(Exception):
    """The job wrote something to the channel that is no message."""


def encode(token: str, kind: str, body: dict[str, Any]) -> bytes:
    """Write one message as a line.

    Raises:
        ValueError: ``body`` holds NaN or infinity, or is longer than ``MAX_LINE``.
        TypeError: ``body`` is no dict, or holds something JSON has no word for.
    """
    if not isinstance(body, dict):
        raise TypeError(f"a job must hand over a dict, got {type(body).__name__}")
    line = json.dumps({"token": token, "kind": kind, "body": body}, allow_nan=False).encode()
    if len(line) >= MAX_LINE:
        raise ValueError(f"a message may have {MAX_LINE} bytes, got {len(line)}")
    return line + b"\n"


def decode(token: str, line: bytes) -> tuple[str, dict[str, Any]]:
    """Read one line as a message: its kind and body.

    Raises:
        ProtocolError: It is none.
    """
    try:
        message = json.loads(line, parse_constant=_refuse, parse_float=_finite, parse_int=_word)
    except (ValueError, RecursionError) as error:
        raise ProtocolError("the job wrote something that is no JSON") from error
    if not isinstance(message, dict) or message.keys() != {"token", "kind", "body"}:
        raise ProtocolError("the job wrote a line that is no message")
    if message["token"] != token or message["kind"] not in KINDS:
        raise ProtocolError("the job forged a message")
    if not isinstance(message["body"], dict):
        raise ProtocolError("the job wrote a message without a body")
    return message["kind"], message["body"]


class Messages:
    """Cuts what comes from a job into messages.

    Args:
        token: Secret of the job.
    """

    def __init__(self, token: str) -> None:
        self._token, self._rest, self._count = token, b"", 0

    def feed(self, data: bytes) -> list[tuple[str, dict[str, Any]]]:
        """Take in more bytes and return the messages they complete.

        Raises:
            ProtocolError: Something is no message, or it is too long, or they are too many.
        """
        *lines, self._rest = (self._rest + data).split(b"\n")
        self._count += len(lines)
        if max(map(len, (*lines, self._rest))) > MAX_LINE or self._count > MAX_MESSAGES:
            raise ProtocolError("the job wrote too much to its channel")
        return [decode(self._token, line) for line in lines]


def printable(text: str) -> str:
    """Text of a job without what could steer a terminal."""
    return "".join(c if c.isprintable() or c in "\n\t" else "\ufffd" for c in text)


def _refuse(constant: str) -> NoReturn:
    raise ValueError(constant)


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(text)
    return value


def _word(text: str) -> int:
    value = int(text)
    if not -(2**63) <= value < 2**63:  # no table could hold it
        raise ValueError(text[:40])
    return value
