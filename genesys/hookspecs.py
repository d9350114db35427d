"""The seven hooks that make up Genesys. A plugin implements one or more of them.

Mark implementations with ``genesys.markers.hookimpl``; they may leave out arguments they do not
need. What they return is checked against the types given here.
"""

# A hook is its signature and docstring; it has no body.
# mypy: disable-error-code="empty-body"
from __future__ import annotations

from typing import TYPE_CHECKING

from genesys.markers import hookspec

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from random import Random

    from genesys.population.population import Population
    from genesys.records import (
        CheckReport,
        CurvePoint,
        Design,
        Finding,
        Proposal,
        Query,
        Review,
        Role,
        Scale,
        Selection,
        VerificationReport,
    )
    from genesys.sandbox import Sandbox
    from genesys.session import SessionContext


@hookspec(firstresult=True)
def select(
    population: Population, role: Role, candidates: Sequence[str], rng: Random
) -> Selection | None:
    """Pick parents for a designer, or the design that a verifier takes next (alg. 4).

    Only names in ``candidates`` may be picked. None means that nothing is worth picking.
    """


@hookspec(firstresult=True)
def propose(context: SessionContext) -> Proposal:
    """Write a proposal for a child of ``context.parents`` (alg. 1)."""


@hookspec(firstresult=True)
def review(context: SessionContext, proposal: Proposal) -> Review:
    """Score a proposal from 0 to 5; the run's threshold decides on acceptance (alg. 1)."""


@hookspec(firstresult=True)
def implement(context: SessionContext, proposal: Proposal, review: Review) -> Design:
    """Turn an accepted proposal into a design, unit by unit (alg. 3)."""


@hookspec
def check(design: Design, sandbox: Sandbox) -> CheckReport:
    """Decide whether a design is valid (table 1).

    Checkers are asked one by one in the order of the config, each for the design with the repairs
    of those before it. The first report that is not valid is the last; the reports are joined.
    """


@hookspec(firstresult=True)
def verify(
    design: Design,
    scale: Scale,
    seed: int,
    sandbox: Sandbox,
    progress: Callable[[CurvePoint], None],
) -> VerificationReport:
    """Tune, train and evaluate a design at one scale (app. B.1.4).

    ``progress`` is called with points of the training curve while it grows. A fault of the design
    or the machine is a report with that outcome, not an exception.
    """


@hookspec
def search(population: Population, query: Query) -> list[Finding]:
    """Answer a query, best finding first (app. B.1.3).

    Sources that search by keyword answer ``query.keywords``, stores of passages
    ``query.description``, and the web ``query.instruction``: a plugin whose field is empty finds
    nothing. All knowledge plugins are asked at the same time, each in a thread of its own, and
    their findings are joined. One that cannot answer raises ``genesys.errors.SourceError``.
    """
