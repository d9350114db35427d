"""Stands for ``Sandbox.open`` until it is there: calls the entry in this process."""

from __future__ import annotations

import importlib
import io
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from typing import Any

from genesys.sandbox import Job, Limits
from genesys_checkers.interim import GuestRaised


class InProcess:
    """Opens guests in this process."""

    limits = Limits()

    @contextmanager
    def open(self, job: Job) -> Iterator[InProcessGuest]:
        module, name = job.entry.split(":")
        entry = getattr(importlib.import_module(module), name)
        yield InProcessGuest(entry(job.payload, lambda event: None, ""))


class InProcessGuest:
    """Calls an entry's methods."""

    def __init__(self, entry: Any) -> None:
        self._entry, self._printed = entry, ""

    def call(self, method: str, on_event: Any = None, **asked: Any) -> dict[str, Any]:
        printed = io.StringIO()
        try:
            with redirect_stdout(printed):
                return getattr(self._entry, method)(**asked)
        except BaseException as error:
            raise GuestRaised(
                type(error).__name__, str(error), "", self._entry.describe(error)
            ) from None
        finally:
            self._printed += printed.getvalue()

    def output(self) -> str:
        printed, self._printed = self._printed, ""
        return printed
