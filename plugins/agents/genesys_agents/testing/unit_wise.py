"""What app. A.1 claims of unit-wise against direct generation, and how to measure it.

A coder writes designs of N units and breaks each unit with probability 1 - p. Either every unit is
kept as soon as it is right, or the whole design is written in one answer. Nobody plans or observes,
so that a call is an attempt of the coder.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from genesys.records import CheckReport, Design, Found, Issue, Operator, Proposal, Review
from genesys.session import AbandonedError, SessionContext
from genesys.tape import Tape
from genesys_agents.llm.caller import Models
from genesys_agents.llm.offline import MODEL, Offline
from genesys_agents.llm.settings import LLMSettings
from genesys_agents.team.draft import STUB
from genesys_agents.team.implementation import implement
from genesys_agents.team.settings import TeamSettings
from genesys_agents.testing.breaking import faulty
from genesys_agents.testing.chain import Chain

Check = Callable[[Design], CheckReport]

WITHOUT_END = 1_000_000
_ALONE: dict[str, Any] = {"planner": False, "observer": False, "literature": False, "similar": 0}
# Ways to generate, with as many attempts as it takes (A.1) or as many as the defaults allow.
UNIT_WISE = TeamSettings(**_ALONE, attempts=1, unit_attempts=WITHOUT_END)
WHOLE = TeamSettings(**_ALONE, units=False, attempts=WITHOUT_END, unit_attempts=1, reasks=0)
UNIT_WISE_LIMITED = TeamSettings(**_ALONE)
DIRECT = TeamSettings(direct=True)

_PROPOSAL = Proposal(
    name="steps",
    abstract="Units in a row.",
    text="Each unit maps a sequence and hands it to the next.",
    operator=Operator.SCRATCH,
    parents=[],
)


@dataclass(frozen=True)
class Outcome:
    """What a session came to: its calls, its tokens of input and output, and a design or not."""

    valid: bool
    calls: int
    input_tokens: int
    output_tokens: int

    @property
    def tokens(self) -> int:
        """Of input and output."""
        return self.input_tokens + self.output_tokens


def hold(units: int, p: float, seed: int, way: TeamSettings, check: Check | None = None) -> Outcome:
    """Implement one design.

    Args:
        units: N.
        p: Probability that a unit is written right, each time it is written.
        seed: Of what breaks.
        way: How to generate, e.g. :data:`UNIT_WISE`.
        check: Tells what is broken; None for an oracle that knows, which is fast.
    """
    coder = Chain(units)
    check = check or oracle(coder)
    models = Models(_free(), Offline(faulty(coder, 1 - p, seed)))
    context = SessionContext(
        index=0,
        seed=seed,
        operator=Operator.SCRATCH,
        parents=(),
        references=(),
        siblings=(),
        search=lambda query: Found(),
        check=check,
        is_new=lambda design: True,
        tape=Tape(0),
    )
    caller = models.session(context.tape, seed)
    try:
        design = implement(caller, context, way, _PROPOSAL, Review(rating=5, text=""))
        valid = check(design).valid
    except AbandonedError:
        valid = False
    calls = context.tape.calls
    return Outcome(
        valid,
        len(calls),
        sum(call.input_tokens for call in calls),
        sum(call.output_tokens for call in calls),
    )


def oracle(coder: Chain) -> Check:
    """A checker that knows how each unit should be."""

    def check(design: Design) -> CheckReport:
        issues = [
            Issue(check="oracle", unit=unit.name, message="it is broken")
            for unit in design.units
            if unit.code not in (coder.codes[unit.name], STUB.format(name=unit.name))
        ]
        return CheckReport(issues=issues)

    return check


def calls_unit_wise(units: int, p: float) -> float:
    """Expected calls until all units are right (lemma 2, corollary 2): N / p."""
    return units / p


def calls_direct(units: int, p: float) -> float:
    """Expected calls until a whole design is right (lemma 1, corollary 2): 1 / p^N."""
    return float(p**-units)


def share_valid(units: int, p: float, unit_attempts: int, attempts: int) -> float:
    """Share of proposals that become valid designs within limits; 1 and 1 for direct prompting."""
    unit = 1 - (1 - p) ** unit_attempts
    return float(1 - (1 - unit**units) ** attempts)


def _free() -> LLMSettings:
    price = {"input_usd": 0, "output_usd": 0}
    return LLMSettings.model_validate({"models": MODEL, "prices": {MODEL: price}})
