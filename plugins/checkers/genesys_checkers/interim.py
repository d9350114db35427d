"""Stands for what ``genesys.sandbox`` is about to give; goes when it is there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class GuestError(Exception):
    """A call of a guest did not come back with an answer."""

    message = ""
    output = ""


class GuestRaised(GuestError):  # noqa: N818
    """A method raised; the guest can still be called."""

    def __init__(
        self, type: str, message: str, trace: str = "", details: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__(message)
        self.type, self.message, self.trace = type, message, trace
        self.details = dict(details or {})


class GuestEnded(GuestError):  # noqa: N818
    """The guest is gone."""

    def __init__(self, status: str, message: str = "", output: str = "") -> None:
        super().__init__(message)
        self.status, self.message, self.output = status, message, output
