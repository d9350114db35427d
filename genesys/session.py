"""What a designer is given for one session."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from genesys.errors import GenesysError
from genesys.records import (
    CheckReport,
    Design,
    Finding,
    Found,
    Issue,
    Operator,
    Proposal,
    Query,
    Review,
    SessionEnd,
)
from genesys.tape import Tape


class AbandonedError(GenesysError):
    """A session ends without a design. Agents may raise it from their hooks.

    Args:
        end: How it ends.
        note: Why, in a sentence.
        issues: What the checkers found, where they were the reason.
    """

    def __init__(self, end: SessionEnd, note: str, issues: Sequence[Issue] = ()) -> None:
        self.end, self.note, self.issues = end, note, list(issues)
        super().__init__(note)


@dataclass(frozen=True)
class UnitAttempt:
    """How an attempt at a unit ended.

    Attributes:
        unit: Its name, or empty for a root without one yet.
        number: Which attempt, from 1.
        accepted: Whether the unit stays.
        rating: What the agents give it, of 5; None if they were not asked.
        reason: Why it does not stay.
    """

    unit: str
    number: int
    accepted: bool
    rating: float | None = None
    reason: str = ""


@dataclass(frozen=True)
class SessionContext:
    """Everything an agent may look at and call while it works on one child (sec. 4.2).

    Attributes:
        index: Position of the session in the run.
        seed: Everything random in the session hangs off it.
        operator: How the child is to be made.
        parents: The designs to start from: none, one, or two and more.
        references: Other designs of the population to learn from.
        siblings: Proposals made earlier from the same parents (app. B.1.5).
        search: Asks the knowledge plugins of the run; tells which of them gave no answer.
        check: Checks a draft with the checkers of the run. The report's ``repaired`` makes the
            repairs, which the run makes itself in what it keeps; ``genesys.feedback`` words the
            report for a language model.
        is_new: Whether no design of the run has this structure yet.
        rejected: This session's proposals that review turned down, with their reviews.
        tape: Remembers what language models answered, and what ``search`` and ``check`` gave, so
            that a session that was killed goes on without asking again.
        tell: Tells whoever watches the run how an attempt at a unit ended.
        seen: All that the session's searches have found so far, by id. A proposal's references
            must be among them; others are dropped.
        designs: All designs of the population by name, e.g. to reuse a unit that a search found.
    """

    index: int
    seed: int
    operator: Operator
    parents: tuple[Design, ...]
    references: tuple[Design, ...]
    siblings: tuple[Proposal, ...]
    search: Callable[[Query], Found]
    check: Callable[[Design], CheckReport]
    is_new: Callable[[Design], bool]
    rejected: tuple[tuple[Proposal, Review], ...] = ()
    tape: Tape = field(default_factory=lambda: Tape(0))
    tell: Callable[[UnitAttempt], None] = lambda attempt: None
    seen: Mapping[str, Finding] = field(default_factory=dict)
    designs: Mapping[str, Design] = field(default_factory=dict)
