"""Sessions that ended without a design, with the reasons."""

from __future__ import annotations

from dataclasses import dataclass

from genesys.cli.leaderboard import descent
from genesys.population.population import Population
from genesys.records import Issue, SessionEnd


@dataclass(frozen=True)
class Rejected:
    """One abandoned session.

    Attributes:
        index: Position in the run.
        origin: What it tried, e.g. ``mutation of gpt2``.
        end: How it ended, in words.
        note: Why, in a sentence; empty when there are issues.
        issues: What the checkers found, each with its place.
    """

    index: int
    origin: str
    end: str
    note: str
    issues: list[tuple[str, Issue]]


def rejected(population: Population) -> list[Rejected]:
    """All sessions that were not accepted, oldest first."""
    return [
        Rejected(
            index=session.index,
            origin=descent(session.selection.operator, session.selection.designs),
            end=session.end.value.replace("_", " "),
            note="" if session.issues else session.note,
            issues=[(issue.place, issue) for issue in session.issues],
        )
        for session in population.sessions
        if session.end is not SessionEnd.ACCEPTED
    ]
