"""Writes an accepted proposal unit by unit; each is frozen once it passes (alg. 3, fig. 8)."""

from __future__ import annotations

from dataclasses import dataclass

from genesys.gau.tree import GAUTree
from genesys.records import Design, Operator, Proposal, Query, Review, SessionEnd
from genesys.session import AbandonedError, SessionContext, UnitAttempt
from genesys.text import one_line
from genesys_agents.llm.caller import Caller
from genesys_agents.team.answers import read_code
from genesys_agents.team.conversation import Conversation, UnusableAnswerError
from genesys_agents.team.draft import Draft
from genesys_agents.team.judging import Judges
from genesys_agents.team.planner import next_step
from genesys_agents.team.prompts import render
from genesys_agents.team.search import past
from genesys_agents.team.settings import TeamSettings
from genesys_agents.team.stock import new_stock, recommended
from genesys_agents.team.views import design_view, proposal_view, stock_view, tree_view

_REASON = 400  # characters of what a session's note tells of the last failure


@dataclass(frozen=True)
class _Failed(Exception):  # noqa: N818  it is caught in here
    """An attempt at the design has failed."""

    why: str


def implement(
    caller: Caller,
    context: SessionContext,
    settings: TeamSettings,
    proposal: Proposal,
    review: Review,
) -> Design:
    """Write the design of a proposal.

    Raises:
        AbandonedError: No attempt succeeded.
        GenesysError: No model answers.
    """
    why = ""
    for attempt in range(1, settings.attempts + 1):
        try:
            return _Attempt(caller, context, settings, proposal, review, attempt).run()
        except _Failed as failed:
            why = failed.why
        except UnusableAnswerError as error:
            why = str(error)
    tries = f"{attempt} attempt{'s' if attempt > 1 else ''}"
    raise AbandonedError(
        SessionEnd.NOT_IMPLEMENTED, f"{proposal.name} was given up after {tries}: {why}"
    )


class _Attempt:
    """One attempt at the design, from the parents on."""

    def __init__(
        self,
        caller: Caller,
        context: SessionContext,
        settings: TeamSettings,
        proposal: Proposal,
        review: Review,
        number: int,
    ) -> None:
        self._context, self._settings, self._proposal = context, settings, proposal
        if number == 1 and settings.units:  # what it finds may be reused
            past(context, Query(description=proposal.abstract), "units", settings.similar)
        published = settings.similar if settings.literature else 0
        self._stock = new_stock(context, f"{proposal.abstract} {proposal.text}", published)
        about = {
            "proposal": proposal_view(proposal),
            "review": review,
            "operator": context.operator,
            "target": proposal.target,
            "parents": [design_view(parent) for parent in context.parents],
            "number": number,
            "enough": settings.observer_rating,
        }
        self._planner, self._coder, observer = (
            Conversation(caller, role, render(f"{role}/system", **about), settings.reasks)
            for role in ("planner", "coder", "observer")
        )
        self._judges = Judges(context, settings, proposal.name, observer)

    def run(self) -> Design:
        """Write all units, one after the other."""
        draft = self._start()
        done = ""
        while not draft.complete:
            unit, plan = self._next(draft, done)
            draft = self._write(draft, unit, plan)
            done = f"{unit or 'The root'} is written and accepted."
        return draft.design(self._proposal.name)

    def _start(self) -> Draft:
        if self._context.operator is Operator.MUTATION:
            parent = GAUTree.of(self._context.parents[0])
            return Draft.mutation(parent, self._proposal.target, self._stock)
        return Draft(None, stock=self._stock)

    def _next(self, draft: Draft, done: str) -> tuple[str, str]:
        """The next unit, and the planner's key points."""
        if not self._settings.planner:
            return draft.open_units[0], ""
        tree = tree_view(draft.tree) if draft.tree else ""
        step = next_step(self._planner, draft.open_units, tree, done)
        return step.unit, step.plan

    def _write(self, draft: Draft, unit: str, plan: str) -> Draft:
        """The draft with one unit more; a failed attempt leaves nothing behind but its report."""
        prompt = self._task(draft, unit, plan)
        why = ""
        for attempt in range(1, self._settings.unit_attempts + 1):
            files = self._coder.ask(prompt, read_code, "debug" if why else "unit", unit, attempt)
            judged = self._judges.judge(draft, unit, files, attempt)
            why = judged.reason
            passed = judged.draft is not None
            self._context.tell(UnitAttempt(unit, attempt, passed, judged.rating, why))
            if judged.draft:
                return judged.draft
            prompt = render("coder/debug", unit=unit, report=why)
        raise _Failed(
            f"{unit or 'the root'} did not pass in {attempt} attempts; "
            f"the last report: {one_line(why, _REASON)}"
        )

    def _task(self, draft: Draft, unit: str, plan: str) -> str:
        """What the coder is told of a unit."""
        requirements = _requirements(draft, unit)
        about = f"{self._proposal.abstract} {self._proposal.text} {unit} {requirements} {plan}"
        known = {one.name for parent in self._context.parents for one in parent.units}
        others = {name: tree for name, tree in self._stock.items() if name not in known}
        return render(
            "coder/unit",
            unit=unit,
            first=not draft.written,
            replaces=draft.target,
            plan=plan,
            tree=tree_view(draft.tree) if draft.tree else "",
            requirements=requirements,
            stock=stock_view(others, recommended(others, about, self._settings.similar)),
            forced=self._context.operator is Operator.CROSSOVER,
            whole=not self._settings.units,
        )


def _requirements(draft: Draft, unit: str) -> str:
    """What the units that call this one declare of it."""
    if draft.tree is None:
        return ""
    declared = [
        decl.requirements
        for caller in draft.tree.parents(unit)
        for decl in draft.tree.declarations(caller)
        if decl.unitname == unit and decl.requirements
    ]
    return "\n".join(dict.fromkeys(declared))
