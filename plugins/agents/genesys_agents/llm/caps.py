"""Hard caps on what a session and a run may cost, held before a call is sent."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

from genesys.errors import BudgetError
from genesys.records import SessionEnd
from genesys.session import AbandonedError
from genesys.tape import Tape
from genesys_agents.llm.settings import LLMSettings


class Caps:
    """What may still be spent; one for all sessions of a process.

    A call under way counts with its worst case, so calls at the same time cannot add up to more.
    """

    def __init__(self, settings: LLMSettings) -> None:
        self._session_usd, self._run_usd = settings.session_usd, settings.run_usd
        self._under_way = 0.0
        self._lock = Lock()

    @contextmanager
    def reserve(self, tape: Tape, usd: float) -> Iterator[None]:
        """Set the worst case of a call aside while it is under way.

        Raises:
            AbandonedError: It might cost more than the session may.
            BudgetError: It might cost more than the run may.
        """
        if tape.usd + usd > self._session_usd:
            raise AbandonedError(
                SessionEnd.OVER_BUDGET,
                f"the next call may cost {usd:.4f} USD, and {tape.usd:.4f} of the session's "
                f"{self._session_usd:g} are spent (llm.session_usd)",
            )
        with self._lock:
            spent = tape.usd_of_run + self._under_way
            if spent + usd > self._run_usd:
                raise BudgetError(
                    f"The next call may cost {usd:.4f} USD, and {spent:.4f} of the run's "
                    f"{self._run_usd:g} are spent or under way. Nothing is lost: the same command "
                    "with a larger llm.run_usd goes on."
                )
            self._under_way += usd
        try:
            yield
        finally:
            with self._lock:
                self._under_way -= usd
