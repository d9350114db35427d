"""The designer: one session, from parents to a design accepted or abandoned (alg. 1, fig. 20)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from time import perf_counter
from typing import TYPE_CHECKING

from genesys.errors import (
    BudgetError,
    ConfigError,
    MissingExtraError,
    PluginError,
    SandboxError,
    StoreError,
    TreeError,
    UnitError,
)
from genesys.evolution.checking import Checks
from genesys.evolution.events import (
    Called,
    Observer,
    Reviewed,
    Searched,
    SessionStarted,
    StageEntered,
    UnitTried,
)
from genesys.evolution.searches import Searches, resolved
from genesys.evolution.settings import EvolutionSettings, derive_seed
from genesys.gau.tree import GAUTree
from genesys.records import (
    Design,
    Issue,
    Proposal,
    Reference,
    Review,
    Selection,
    Session,
    SessionEnd,
)
from genesys.session import AbandonedError, SessionContext
from genesys.tape import Tape

if TYPE_CHECKING:
    from genesys.plugins import Plugins
    from genesys.population.population import Population
    from genesys.sandbox import Sandbox


class Designer:
    """Makes designs, one a session. What it does follows from the population and the run's seed.

    Args:
        plugins: Of the run.
        sandbox: Where designs are checked.
        settings: Of the run.
        observe: Is told of every stage.
    """

    def __init__(
        self, plugins: Plugins, sandbox: Sandbox, settings: EvolutionSettings, observe: Observer
    ) -> None:
        self._plugins = plugins
        self._sandbox = sandbox
        self._settings = settings
        self._observe = observe

    def run(
        self,
        population: Population,
        tape: Tape,
        selection: Selection,
        known: Sequence[Reference] = (),
    ) -> tuple[Session, Design | None]:
        """Hold one session; nothing is committed but what the tape records.

        A failing agent ends the session, not the run.

        Args:
            population: All that the session knows of the run.
            tape: Of the session.
            selection: What it starts from.
            known: What counts as found by the session from the start.

        Raises:
            BudgetError, ConfigError, MissingExtraError, PluginError, SandboxError, StoreError:
                What would end every further session too.
        """
        started = perf_counter()
        index = tape.session
        seed = session_seed(self._settings, index)
        self._observe(SessionStarted(index, selection, tape.usd))
        tape.watch(lambda call: self._observe(Called(call, tape.usd, tape.usd_of_run)))
        design, end, note, issues = None, SessionEnd.ACCEPTED, "", list[Issue]()
        proposals: list[Proposal] = []
        context = self._context(population, selection, seed, tape, known)
        try:
            design = self._make(context, proposals)
        except AbandonedError as abandoned:
            end, note, issues = abandoned.end, abandoned.note, abandoned.issues
        except Exception as error:
            if _ends_run(error):
                raise
            end, note = SessionEnd.FAILED, _told(error)
        session = Session(
            index=index,
            seed=seed,
            selection=selection,
            end=end,
            design=design.name if design else "",
            note=note,
            seconds=perf_counter() - started,
            issues=issues,
            proposal=proposals[-1] if proposals and not design else None,
        )
        return session, design

    def _context(
        self,
        population: Population,
        selection: Selection,
        seed: int,
        tape: Tape,
        known: Sequence[Reference],
    ) -> SessionContext:
        parents = set(selection.designs)
        search = partial(self._plugins.search, population)
        searches = Searches(
            search, tape, lambda found: self._observe(Searched(tape.session, found))
        )
        searches.seen.update((reference.id, reference.finding) for reference in known)
        siblings = [d.proposal for d in population.children if set(d.parents) == parents]
        return SessionContext(
            index=tape.session,
            seed=seed,
            operator=selection.operator,
            parents=tuple(population.design(name) for name in selection.designs),
            references=tuple(population.design(name) for name in selection.references),
            siblings=tuple(proposal for proposal in siblings if proposal),
            search=searches,
            check=Checks(self._plugins, self._sandbox, tape),
            is_new=lambda design: _structure(design) not in population.hashes,
            tape=tape,
            tell=lambda attempt: self._observe(UnitTried(tape.session, attempt)),
            seen=searches.seen,
            designs=population.by_name,
        )

    def _make(self, context: SessionContext, proposals: list[Proposal]) -> Design:
        context, proposal, review = self._propose(context, proposals)
        self._observe(StageEntered("implement", proposal.name))
        draft = self._plugins.implement(context, proposal, review)
        self._observe(StageEntered("check", draft.name))
        report = context.check(draft)
        if not report.valid:
            raise AbandonedError(SessionEnd.REJECTED_BY_CHECKER, report.summary, report.issues)
        return _tree(report.repaired(draft)).as_design(
            draft.name,
            operator=context.operator,
            parents=[parent.name for parent in context.parents],
            proposal=proposal,
            review=review,
            check=report,
        )

    def _propose(
        self, context: SessionContext, proposals: list[Proposal]
    ) -> tuple[SessionContext, Proposal, Review]:
        """Propose until the reviewer is content; what is proposed is added to ``proposals``."""
        for _ in range(self._settings.review_attempts):
            self._observe(StageEntered("propose"))
            proposal = resolved(self._plugins.propose(context), context.seen)
            proposals.append(proposal)
            self._observe(StageEntered("review", proposal.name))
            review = self._plugins.review(context, proposal)
            accepted = review.rating >= self._settings.accept_rating
            self._observe(Reviewed(context.index, proposal, review, accepted))
            if accepted:
                return context, proposal, review
            context = replace(context, rejected=(*context.rejected, (proposal, review)))
        best = max(review.rating for _, review in context.rejected)
        raise AbandonedError(
            SessionEnd.REJECTED_BY_REVIEW,
            f"rated {best:g} at best in {len(context.rejected)} attempts, "
            f"{self._settings.accept_rating:g} is needed",
        )


def session_seed(settings: EvolutionSettings, index: int) -> int:
    """Of a session: everything random in it hangs off this."""
    return derive_seed(settings.seed, "session", index)


def _tree(design: Design) -> GAUTree:
    try:
        return GAUTree.of(design)
    except (UnitError, TreeError) as error:
        issue = Issue.of(error)
        raise AbandonedError(SessionEnd.REJECTED_BY_CHECKER, issue.summary, [issue]) from None


def _structure(design: Design) -> str:
    from genesys.gau.structure import structural_hash

    return structural_hash(GAUTree.of(design))


def _ends_run(error: Exception) -> bool:
    """Faults of the set-up end the run; a plugin that crashed (it has a cause) one session."""
    if isinstance(error, PluginError):
        return error.__cause__ is None
    faults = (BudgetError, ConfigError, MissingExtraError, SandboxError, StoreError)
    return isinstance(error, faults)


def _told(error: Exception) -> str:
    return str(error) if isinstance(error, PluginError) else f"{type(error).__name__}: {error}"
