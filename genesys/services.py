"""What plugins that ask services share: a loop to wait on, litellm, and how long to wait."""

from __future__ import annotations

import asyncio
import logging
import os
import threading
import warnings
from collections.abc import Coroutine, Mapping
from concurrent.futures import Future
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cache
from typing import Any, TypeVar

T = TypeVar("T")


class Loop:
    """An event loop in a thread of its own, which starts with the first work.

    Args:
        name: Of the thread.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._starting = threading.Lock()  # two threads may need the loop first
        self._loop: asyncio.AbstractEventLoop | None = None

    def start(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        """Start work; nobody waits for it here."""
        return asyncio.run_coroutine_threadsafe(work, self._started())

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """What comes of work; the calling thread waits for it."""
        future = self.start(work)
        try:
            return future.result()
        finally:
            future.cancel()  # of no effect once it is done

    def _started(self) -> asyncio.AbstractEventLoop:
        with self._starting:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                thread = threading.Thread(
                    target=self._loop.run_forever, name=self._name, daemon=True
                )
                thread.start()
            return self._loop


@cache
def litellm() -> Any:
    """The module, which reaches the providers of models, quiet; importing it takes seconds."""
    os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")  # else it looks it up for long
    import litellm

    # Of litellm's own types, which it never changes.
    warnings.filterwarnings("ignore", "Item .* on TypedDict class", UserWarning)
    litellm.suppress_debug_info = True
    litellm.telemetry = False
    litellm.DEFAULT_MAX_RETRIES = 0  # else its clients try again on their own
    logging.getLogger("LiteLLM").setLevel(logging.CRITICAL)  # it would log what is sent
    return litellm


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that a service asks to wait, as a number or a date; None if it says neither."""
    told = headers.get("retry-after") or ""
    try:
        return max(0.0, float(told))
    except ValueError:
        pass
    try:
        return max(0.0, (parsedate_to_datetime(told) - datetime.now(UTC)).total_seconds())
    except (TypeError, ValueError):
        return None
