"""Asks all knowledge sources at the same time, and joins what comes in time (app. B.1.3)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import Future, wait
from threading import TIMEOUT_MAX, Thread

from genesys.errors import SourceError
from genesys.passages import trimmed
from genesys.records import Finding, Found, Missing, Query

Ask = Callable[[], list[Finding]]

_SLOW = "Raise search_seconds, or leave it out of knowledge=[...]."


def ask_all(query: Query, sources: Mapping[str, Ask], seconds: float) -> Found:
    """What the sources find, in their order, within the query's budget of tokens.

    A source that raises ``SourceError`` or takes too long is told of in ``missing``. A slow one is
    left behind: it cannot be stopped, and nobody waits for it.

    Args:
        query: What is asked; its ``tokens`` are shared out among the sources.
        sources: Ways to ask each, by name.
        seconds: For all of them together, as they are asked at the same time.

    Raises:
        Exception: Whatever else a source raises.
    """
    asked = {name: _begun(ask) for name, ask in sources.items()}
    done = wait(asked.values(), min(seconds, TIMEOUT_MAX)).done
    answers: list[list[Finding]] = []
    missing: list[Missing] = []
    for name, answer in asked.items():
        if answer not in done:
            reason = f"it gave no answer within {seconds:g} seconds"
            missing.append(Missing(source=name, reason=reason, hint=_SLOW))
            continue
        try:
            answers.append(answer.result())
        except SourceError as error:
            told = Missing(source=error.source, reason=error.reason, hint=error.hint)
            missing.append(told)
            answers.append(error.found)
    return Found(query=query, findings=trimmed(answers, query.tokens), missing=missing)


def _begun(ask: Ask) -> Future[list[Finding]]:
    """Ask in a thread of its own, which does not keep the process from ending."""
    answer: Future[list[Finding]] = Future()

    def work() -> None:
        try:
            answer.set_result(ask())
        except BaseException as error:
            answer.set_exception(error)

    Thread(target=work, daemon=True).start()
    return answer
