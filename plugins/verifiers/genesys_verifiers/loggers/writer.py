"""Feeds a logger from a thread of its own: it may wait for a disk or a network."""

from __future__ import annotations

from collections.abc import Callable
from queue import SimpleQueue
from threading import Thread
from time import monotonic
from typing import Any

from genesys_verifiers.loggers.config import LoggerConfig

SAVE_SECONDS = 5.0
END_SECONDS = 60.0  # how long the end of a verification waits for its logger

Metrics = tuple[dict[str, float], int]


class Writer:
    """One logger and its thread, which nothing waits for but the end.

    Args:
        config: Opens the logger.
        title: Of the verification.
        hyperparameters: What describes it.
        fail: Told what went wrong, once, after which nothing more is logged.

    Raises:
        Exception: The logger cannot be opened.
    """

    def __init__(
        self,
        config: LoggerConfig,
        title: str,
        hyperparameters: dict[str, Any],
        fail: Callable[[BaseException], None],
    ) -> None:
        self._config, self._hyperparameters, self._fail = config, hyperparameters, fail
        self._logger = config.open(title)
        self._work: SimpleQueue[Metrics | bool] = SimpleQueue()
        self._thread = Thread(target=self._run, name="genesys-logger", daemon=True)
        self._thread.start()

    def put(self, metrics: dict[str, float], step: int) -> None:
        """Log numbers by name."""
        self._work.put((metrics, step))

    def close(self, ok: bool) -> None:
        """Log what is left and end, or give it up if that takes too long."""
        self._work.put(ok)
        self._thread.join(END_SECONDS)
        if self._thread.is_alive():
            self._fail(TimeoutError(f"it did not end within {END_SECONDS:g} seconds"))

    def _run(self) -> None:
        try:
            self._config.begin(self._logger, self._hyperparameters)
            self._config.end(self._logger, self._log())
        except Exception as error:
            self._fail(error)

    def _log(self) -> bool:
        """Log all there is; whether the verification ended well."""
        saved = monotonic()
        while not isinstance(work := self._work.get(), bool):
            self._logger.log_metrics(*work)
            if monotonic() - saved > SAVE_SECONDS:
                self._logger.save()
                saved = monotonic()
        self._logger.save()
        return work
