"""Hard caps on what a session and a run may cost, held before a call is sent."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from genesys.records import SessionEnd
from genesys.session import AbandonedError
from genesys.tape import Tape
from genesys_agents.llm.pricing import WorstCase
from genesys_agents.llm.settings import LLMSettings


@contextmanager
def within_caps(settings: LLMSettings, tape: Tape, worst: WorstCase) -> Iterator[None]:
    """Set the worst case of a call aside until it is kept.

    The run's purse is one for all sessions and processes, so calls at the same time cannot add up
    to more than its caps.

    Raises:
        AbandonedError: It might cost more than the session may.
        BudgetError: It might cost more than the run may.
    """
    if tape.usd + worst.usd > settings.session_usd:
        raise AbandonedError(
            SessionEnd.OVER_BUDGET,
            f"the next call may cost {worst.usd:.4f} USD, and {tape.usd:.4f} of the session's "
            f"{settings.session_usd:g} are spent (llm.session_usd)",
        )
    with tape.setting_aside(worst.usd, worst.tokens):
        yield
