"""Judges an attempt at a unit: the draft's own rules, the checkers, the observer (alg. 3)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from genesys.feedback import feedback
from genesys.gau.unit import UnitSource
from genesys.records import CheckReport, Operator, Query
from genesys.session import SessionContext
from genesys_agents.team.answers import Unread
from genesys_agents.team.conversation import Conversation
from genesys_agents.team.draft import Draft, read_units
from genesys_agents.team.observer import observe
from genesys_agents.team.search import past
from genesys_agents.team.settings import TeamSettings
from genesys_agents.team.stock import stays_true
from genesys_agents.team.views import quoted

# Checks that a part of a design need not pass: stubs learn nothing.
LEARNING = "effectiveness"
_EXCERPT = 2000


@dataclass(frozen=True)
class Judged:
    """What became of an attempt at a unit.

    Attributes:
        draft: With the unit, if it passes.
        rating: The observer's, if it was asked.
        reason: Why it does not pass.
    """

    draft: Draft | None = None
    rating: float | None = None
    reason: str = ""


class Judges:
    """Those who decide whether a unit stays.

    Args:
        context: Of the session.
        settings: Of the team.
        name: Of the design.
        observer: The observer's conversation.
    """

    def __init__(
        self, context: SessionContext, settings: TeamSettings, name: str, observer: Conversation
    ) -> None:
        self._context, self._settings = context, settings
        self._name, self._observer = name, observer

    def judge(self, draft: Draft, unit: str, files: Sequence[str], attempt: int) -> Judged:
        """Put the files of a unit into the draft, and judge it.

        Args:
            draft: As it stands; it stays as it is.
            unit: The one that was asked for; empty for a root without a name.
            files: As the coder gave them.
            attempt: Which attempt at it.

        Raises:
            GenesysError: The observer gives no usable answer, or the machine no report.
        """
        units = read_units(files)
        if isinstance(units, Unread):
            return Judged(reason=str(units))
        tried = draft.put(unit, units)
        if isinstance(tried, Unread):
            return Judged(reason=str(tried))
        if problem := self._problem(tried):
            return Judged(reason=problem)
        told = "They were not asked."
        if self._settings.checks:
            design = tried.design(self._name)
            report = self._context.check(design)
            told = feedback(report, design)
            if not _passes(report, tried.complete):
                return Judged(reason=told)
            tried = tried.mended(report.repaired(design))
        return self._observed(tried, unit, units, told, attempt)

    def _problem(self, draft: Draft) -> str:
        """What is wrong with a draft that the checkers cannot know; empty if nothing is."""
        if not self._settings.units and not draft.complete:
            return f"All units must be in one answer; missing: {', '.join(draft.open_units)}"
        if draft.complete and self._context.operator is Operator.CROSSOVER:
            return stays_true(draft, self._context)
        return ""

    def _observed(
        self, draft: Draft, unit: str, units: Sequence[UnitSource], told: str, attempt: int
    ) -> Judged:
        if not self._settings.observer:
            return Judged(draft)
        code = "\n\n".join(quoted(file.code, "python") for file in units)
        similar = self._similar(unit, units[0].code)
        opinion = observe(self._observer, unit, attempt, code, told, similar)
        if opinion.rating >= self._settings.observer_rating:
            return Judged(draft, opinion.rating)
        reason = f"The observer rates it {opinion.rating:g} of 5:\n\n{quoted(opinion.feedback)}"
        return Judged(None, opinion.rating, reason)

    def _similar(self, unit: str, code: str) -> str:
        """Past units that are like this one; empty if there are none."""
        query = Query(keywords=[unit] if unit else [], description=code[:_EXCERPT])
        return past(self._context, query, "units", self._settings.similar)


def _passes(report: CheckReport, complete: bool) -> bool:
    """Whether the checkers let a draft through: a part of a design need not learn yet."""
    if report.valid or complete:
        return report.valid
    failed = [result.check for result in report.results if not result.passed]
    return report.checked and failed == [LEARNING]
