"""Writes an accepted proposal unit by unit; each is frozen once it passes (alg. 3, fig. 8)."""

from __future__ import annotations

from dataclasses import dataclass

from genesys.feedback import feedback
from genesys.gau.tree import GAUTree
from genesys.records import CheckReport, Design, Operator, Proposal, Query, Review, SessionEnd
from genesys.session import AbandonedError, SessionContext
from genesys_agents.llm.caller import Caller
from genesys_agents.team.answers import Unread, read_code
from genesys_agents.team.conversation import Conversation, UnusableAnswerError
from genesys_agents.team.draft import Draft, read_units
from genesys_agents.team.observer import observe
from genesys_agents.team.planner import next_step
from genesys_agents.team.prompts import render
from genesys_agents.team.settings import TeamSettings
from genesys_agents.team.stock import new_stock, recommended, stays_true
from genesys_agents.team.views import (
    design_view,
    findings_view,
    proposal_view,
    quoted,
    stock_view,
    tree_view,
)

# Checks that a part of a design need not pass: stubs learn nothing.
LEARNING = "effectiveness"


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
        except (_Failed, UnusableAnswerError) as failed:
            why = str(failed)
        if settings.direct:
            break
    raise AbandonedError(
        SessionEnd.NOT_IMPLEMENTED, f"{proposal.name} was given up after {attempt} attempts: {why}"
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
        self._number = number
        self._stock = new_stock(context)
        about = {
            "proposal": proposal_view(proposal),
            "review": review,
            "operator": context.operator,
            "target": proposal.target,
            "parents": [design_view(parent) for parent in context.parents],
            "number": number,
        }
        self._planner, self._coder, self._observer = (
            Conversation(caller, role, render(f"{role}/system", **about), settings.reasks)
            for role in ("planner", "coder", "observer")
        )

    def run(self) -> Design:
        """Write all units; the whole passes the checkers of the run in the end."""
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
        units = draft.open_units
        if not self._settings.planner or units == [""]:
            return units[0], ""
        tree = tree_view(draft.tree) if draft.tree else ""
        step = next_step(self._planner, units, tree, done)
        return step.unit, step.plan

    def _write(self, draft: Draft, unit: str, plan: str) -> Draft:
        """The draft with one unit more."""
        shown = recommended(self._stock, self._proposal, self._settings.similar)
        prompt = render(
            "coder/unit",
            unit=unit,
            first=not draft.written,
            replaces=draft.target,
            plan=plan,
            tree=tree_view(draft.tree) if draft.tree else "",
            requirements=_requirements(draft, unit),
            stock=stock_view(self._stock, shown),
            forced=self._context.operator is Operator.CROSSOVER,
            whole=not self._settings.units,
        )
        why = ""
        for attempt in range(1, self._settings.unit_attempts + 1):
            files = self._coder.ask(prompt, read_code, "debug" if why else "unit", unit, attempt)
            tried = self._judged(draft, unit, files, attempt)
            if isinstance(tried, Draft):
                return tried
            why = tried
            prompt = render("coder/debug", unit=unit, report=why)
            if self._settings.direct:
                break
        raise _Failed(f"{unit or 'the root'} did not pass in {attempt} attempts")

    def _judged(self, draft: Draft, unit: str, files: list[str], attempt: int) -> Draft | str:
        """The draft with the unit if it passes, else why it does not."""
        units = read_units(files)
        if isinstance(units, Unread):
            return str(units)
        tried = draft.put(unit, units)
        if isinstance(tried, Unread):
            return str(tried)
        if problem := self._problem(tried):
            return problem
        told = "They were not asked."
        if self._settings.checks:
            design = tried.design(self._proposal.name)
            report = self._context.check(design)
            told = feedback(report, design)
            if not _passes(report, tried.complete):
                return told
            tried = tried.mended(report.repaired(design))
        if self._settings.observer:
            code = "\n\n".join(quoted(file.code, "python") for file in units)
            similar = self._similar(unit, files)
            opinion = observe(self._observer, unit, attempt, code, told, similar)
            if opinion.rating < self._settings.observer_rating:
                return f"The observer rates it {opinion.rating:g} of 5: {opinion.feedback}"
        return tried

    def _problem(self, draft: Draft) -> str:
        """What is wrong with a draft that the checkers cannot know; empty if nothing is."""
        if not self._settings.units and not draft.complete:
            return f"All units must be in one answer; missing: {', '.join(draft.open_units)}"
        if draft.complete and self._context.operator is Operator.CROSSOVER:
            return stays_true(draft, self._context)
        return ""

    def _similar(self, unit: str, files: list[str]) -> str:
        """Past units that are like this one; empty if there are none."""
        if not self._settings.similar:
            return ""
        query = Query(keywords=[unit] if unit else [], description=files[0][:2000])
        found = self._context.search(query.model_copy(update={"limit": self._settings.similar}))
        past = [finding for finding in found if finding.source == "units"]
        return findings_view(past[: self._settings.similar]) if past else ""


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


def _passes(report: CheckReport, complete: bool) -> bool:
    """Whether the checkers let a draft through: a part of a design need not learn yet."""
    if report.valid or complete:
        return report.valid
    failed = [result.check for result in report.results if not result.passed]
    return report.checked and failed == [LEARNING]
