"""The agent plugin that makes up its designs, to study all that is around it."""

from __future__ import annotations

import time
from random import Random

from genesys.errors import ConfigError
from genesys.markers import hookimpl
from genesys.records import Design, Proposal, Review, SessionEnd
from genesys.session import AbandonedError, SessionContext
from genesys.tape import Call, Message
from genesys_agents.simulated.child import Plan, as_design, draw_plan, written

# Of a session, in seconds (app. E.4.2).
SECONDS = 20 * 60
# A review's rating: mean and deviation (figs 31 and 32).
RATING = 4.22, 0.13
# Share of sessions that end without an implementation (app. E.1.1).
UNFINISHED = 0.063
# Of the mean USD of a session, the part that its proposal takes; `benchmarks/simulation_fit.py`.
PROPOSAL = 0.42


class SimulatedAgent:
    """Makes children of stand-ins for units. What it does follows from the session's seed alone.

    Args:
        unfinished: Share of sessions that end without an implementation.
        usd: What a session costs on average, by made-up calls of a model called ``simulated``; 0
            for no calls.
        time_scale: Seconds that a session takes here for each of the 20 minutes that it took the
            paper's designers on average.

    Raises:
        ConfigError: A value is out of bounds.
    """

    simulates = True

    def __init__(
        self, unfinished: float = UNFINISHED, usd: float = 0.0, time_scale: float = 0.0
    ) -> None:
        if not 0 <= unfinished <= 1:
            raise ConfigError(f"agent.simulated.unfinished must be in 0..1, got {unfinished}.")
        for name, value in {"usd": usd, "time_scale": time_scale}.items():
            if not 0 <= value < float("inf"):
                raise ConfigError(f"agent.simulated.{name} must be at least 0, got {value}.")
        self._unfinished, self._usd, self._time_scale = unfinished, usd, time_scale

    @hookimpl
    def propose(self, context: SessionContext) -> Proposal:
        """Draw a child of the parents."""
        attempt = len(context.rejected)
        rng = Random(f"{context.seed}/propose/{attempt}")
        plan = draw_plan(rng, context.operator, context.parents)
        parts = ", ".join(part.unit for part in plan.parts)
        self._pay(context, "proposer", attempt, PROPOSAL)
        return Proposal(
            name=f"sim-{rng.getrandbits(32):08x}",
            abstract=f"Simulated: {parts}.",
            text=f"A simulated design; nobody has thought about it. Its parts: {parts}.",
            operator=context.operator,
            parents=[parent.name for parent in context.parents],
            target=plan.target,
            plan=plan.model_dump_json(),
        )

    @hookimpl
    def review(self, context: SessionContext) -> Review:
        """Rate as the paper's reviewers do on average, without a look at the proposal."""
        rating = Random(f"{context.seed}/review/{len(context.rejected)}").gauss(*RATING)
        return Review(rating=min(max(rating, 0.0), 5.0), text="Simulated.")

    @hookimpl
    def implement(self, context: SessionContext, proposal: Proposal) -> Design:
        """Write the child, and take the time of a session for it.

        Raises:
            AbandonedError: The session is one of those without an implementation.
            GenesysError: The proposal is not this agent's.
        """
        rng = Random(f"{context.seed}/implement")
        if self._time_scale:
            time.sleep(SECONDS * rng.uniform(0.5, 1.5) * self._time_scale)
        self._pay(context, "coder", 0, 1 - PROPOSAL)
        if rng.random() < self._unfinished:
            raise AbandonedError(SessionEnd.NOT_IMPLEMENTED, "simulated: no unit was accepted")
        units = written(Plan.read(proposal.plan), {p.name: p for p in context.parents})
        return as_design(proposal.name, units, context.parents)

    def _pay(self, context: SessionContext, role: str, attempt: int, share: float) -> None:
        if not self._usd:
            return
        rng = Random(f"{context.seed}/pay/{role}/{attempt}")
        call = Call(
            session=context.index,
            role=role,
            purpose="simulated",
            attempt=attempt + 1,
            model="simulated",
            messages=[Message(author="user", text=f"{role} {attempt}")],
            answer="simulated",
            usd=share * self._usd * rng.expovariate(1.0),
        )
        if context.tape.recall(call) is None:
            with context.tape.setting_aside(call.usd, 0):
                context.tape.keep(call)
