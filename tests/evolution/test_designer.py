"""How a session goes, and all the ways in which it can end."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest

from genesys.errors import BudgetError, ConfigError, PluginError, SandboxError
from genesys.evolution.admission import admitted, unique_name
from genesys.evolution.designer import Designer
from genesys.evolution.events import Called, Reviewed, SessionStarted, StageEntered, UnitTried
from genesys.evolution.seeds import load_seed
from genesys.evolution.settings import derive_seed
from genesys.markers import hookimpl
from genesys.population.population import Population
from genesys.records import (
    CheckReport,
    Design,
    Operator,
    Repair,
    Review,
    Selection,
    Session,
    SessionEnd,
    Unit,
)
from genesys.session import UnitAttempt
from genesys.tape import Call, Tape


@pytest.fixture
def population(seeds: list[str]) -> Population:
    designs = [load_seed(path).model_copy(update={"index": i}) for i, path in enumerate(seeds)]
    return Population(designs)


@pytest.fixture
def agent_class(fakes: ModuleType) -> Any:
    return fakes.Agent


SELECTION = Selection(operator=Operator.MUTATION, designs=["seed1001"], references=["seed1002"])


def designer(fakes: ModuleType, seeds: list[str], events: Any = None, **plugins: Any) -> Designer:
    chosen = fakes.settings(seeds, review_attempts=3)
    note = events.append if events is not None else lambda event: None
    return Designer(fakes.plugins(**plugins), None, chosen, note)  # type: ignore[arg-type]


def hold(
    designer: Designer, population: Population, tape: Tape | None = None
) -> tuple[Session, Any]:
    """A session, admitted to the population that it began with."""
    return admitted(*designer.run(population, tape or Tape(0), SELECTION), population)


def test_an_accepted_design(
    fakes: ModuleType, seeds: list[str], population: Population, agent_class: Any
) -> None:
    contexts = []

    class Agent(agent_class):
        @hookimpl
        def propose(self, context):
            contexts.append(context)
            return super().propose(context).model_copy(update={"plan": "12", "name": "seed1002"})

    events: list[Any] = []
    session, design = hold(designer(fakes, seeds, events, agent=Agent()), population)
    assert session.end is SessionEnd.ACCEPTED
    assert session.seed == derive_seed(7, "session", 0)
    assert session.design == design.name == "seed1002-2"
    assert (design.operator, design.parents) == (Operator.MUTATION, ["seed1001"])
    assert design.index == 2
    assert design.check.valid
    assert design.review.rating == 5
    assert [parent.name for parent in contexts[0].parents] == ["seed1001"]
    assert [design.name for design in contexts[0].references] == ["seed1002"]
    assert isinstance(events[0], SessionStarted)
    stages = [event.stage for event in events if isinstance(event, StageEntered)]
    assert stages == ["propose", "review", "implement", "check"]
    again, same = hold(designer(fakes, seeds, agent=Agent()), population)
    assert same.model_dump_json(exclude={"check"}) == design.model_dump_json(exclude={"check"})
    assert again.selection == session.selection


def test_refusals_go_back_to_the_proposer(
    fakes: ModuleType, seeds: list[str], population: Population, agent_class: Any
) -> None:
    seen = []

    class Agent(agent_class):
        @hookimpl
        def propose(self, context):
            seen.append([review.text for _, review in context.rejected])
            return super().propose(context).model_copy(update={"plan": "12"})

        @hookimpl
        def review(self, context, proposal):
            return Review(rating=2 + len(context.rejected), text=f"no {len(context.rejected)}")

    session, design = hold(designer(fakes, seeds, agent=Agent()), population)
    assert seen == [[], ["no 0"], ["no 0", "no 1"]]
    assert session.end is SessionEnd.ACCEPTED
    assert design.review.rating == 4

    class Stern(Agent):
        @hookimpl
        def review(self, proposal):
            return Review(rating=3.5, text="no")

    session, design = hold(designer(fakes, seeds, agent=Stern()), population)
    assert (session.end, design) == (SessionEnd.REJECTED_BY_REVIEW, None)
    assert session.note == "rated 3.5 at best in 3 attempts, 4 is needed"


def fixed(agent_class: Any, number: int, code: str | None = None) -> Any:
    """An agent that writes one number, or other code."""

    class Agent(agent_class):
        @hookimpl
        def propose(self, context):
            return super().propose(context).model_copy(update={"plan": str(number)})

        @hookimpl
        def review(self, proposal):
            return Review(rating=5, text="yes")

        @hookimpl
        def implement(self, context, proposal):
            design = super().implement(context, proposal)
            units = [Unit(name="Times", code=code)] if code is not None else design.units
            return design.model_copy(update={"units": units})

    return Agent()


@pytest.mark.parametrize(
    ("number", "code", "end", "note"),
    [
        (17, None, SessionEnd.REJECTED_BY_CHECKER, "forward in Times:10: seven"),
        (1002, None, SessionEnd.NOT_NEW, "the run has a design of this structure already"),
        (12, "# GAU_IMPLEMENTATION_FILE\nX * 12\n", SessionEnd.REJECTED_BY_CHECKER, "in Times:"),
    ],
)
def test_rejections(
    number: int,
    code: str | None,
    end: SessionEnd,
    note: str,
    fakes: ModuleType,
    seeds: list[str],
    population: Population,
    agent_class: Any,
) -> None:
    agent = fixed(agent_class, number, code)
    session, design = hold(designer(fakes, seeds, agent=agent), population)
    assert (session.end, session.design, design) == (end, "", None)
    assert note in session.note
    assert bool(session.issues) == (end is SessionEnd.REJECTED_BY_CHECKER)


def test_a_draft_is_not_checked_twice(
    fakes: ModuleType, seeds: list[str], population: Population, agent_class: Any
) -> None:
    asked = []

    class Checker(fakes.Checker):
        @hookimpl
        def check(self, design):
            asked.append(design.name)
            return super().check(design)

    agent = fixed(agent_class, 12)
    hold(designer(fakes, seeds, agent=agent, checker=Checker()), population)
    assert len(asked) == 1


def test_what_is_stored_is_the_repaired_design(
    fakes: ModuleType, seeds: list[str], population: Population, agent_class: Any
) -> None:
    asked = []

    def checker(number: int) -> Any:
        class Checker:
            @hookimpl
            def check(self, design):
                asked.append(fakes.number_of(design))
                code = fakes.UNIT.format(number=number)
                return CheckReport(
                    repairs=[Repair(unit="Times", code=code, diff="-12", reason="a better number")]
                )

        return Checker()

    agent = fixed(agent_class, 12)
    session, design = hold(designer(fakes, seeds, agent=agent, checker=checker(13)), population)
    assert session.end is SessionEnd.ACCEPTED
    assert fakes.number_of(design) == 13
    assert design.structural_hash == fakes.block(13).as_design("x").structural_hash
    assert [repair.reason for repair in design.check.repairs] == ["a better number"]
    session, _ = hold(designer(fakes, seeds, agent=agent, checker=checker(1002)), population)
    assert session.end is SessionEnd.NOT_NEW
    assert asked == [12, 12]  # once a session, though agent and designer ask


class Raising:
    def __init__(self, error: Exception) -> None:
        self.error = error

    @hookimpl
    def propose(self) -> Any:
        raise self.error


def test_a_crash_of_the_agent_ends_the_session_only(
    fakes: ModuleType, seeds: list[str], population: Population
) -> None:
    agent = Raising(ZeroDivisionError("by me"))
    session, design = hold(designer(fakes, seeds, agent=agent), population)
    assert (session.end, design) == (SessionEnd.FAILED, None)
    assert (
        session.note == "Plugin agent.fake failed in its hook 'propose': ZeroDivisionError: by me"
    )


def test_what_would_end_every_session_ends_the_run(
    fakes: ModuleType, seeds: list[str], population: Population
) -> None:
    for error in (ConfigError("no key"), BudgetError("no money")):
        with pytest.raises(type(error), match="no "):
            hold(designer(fakes, seeds, agent=Raising(error)), population)

    class Wrong(Raising):
        @hookimpl
        def propose(self) -> Any:
            return "a proposal"

    with pytest.raises(PluginError, match="garbage"):
        hold(designer(fakes, seeds, agent=Wrong(ValueError())), population)


def test_who_watches_is_told_of_calls_and_verdicts(
    fakes: ModuleType, seeds: list[str], population: Population, agent_class: Any
) -> None:
    class Agent(agent_class):
        @hookimpl
        def propose(self, context):
            for usd in (0.25, 0.5):
                call = Call(session=0, role="proposer", purpose="search", model="m", messages=[])
                context.tape.keep(call.model_copy(update={"usd": usd}))
            return super().propose(context).model_copy(update={"plan": "12"})

        @hookimpl
        def implement(self, context, proposal):
            context.tell(UnitAttempt("Times", 1, accepted=True))
            return super().implement(context, proposal)

    events: list[Any] = []
    tape = Tape(0, usd_of_run=lambda: 3.0 + tape.usd)
    hold(designer(fakes, seeds, events, agent=Agent()), population, tape)
    calls = [event for event in events if isinstance(event, Called)]
    assert [(call.session_usd, call.run_usd) for call in calls] == [(0.25, 3.25), (0.75, 3.75)]
    (reviewed,) = [event for event in events if isinstance(event, Reviewed)]
    assert (reviewed.session, reviewed.review.rating, reviewed.accepted) == (0, 5, True)
    assert UnitTried(0, UnitAttempt("Times", 1, accepted=True)) in events


def test_a_machine_that_cannot_check_ends_the_run(
    fakes: ModuleType, seeds: list[str], population: Population, agent_class: Any
) -> None:
    asked = []

    class Checker:
        @hookimpl
        def check(self, design):
            asked.append(design)
            return CheckReport(checked=False)

    agent = fixed(agent_class, 12)
    with pytest.raises(SandboxError, match="could not be checked in 3 attempts"):
        hold(designer(fakes, seeds, agent=agent, checker=Checker()), population)
    assert len(asked) == 3


def test_names() -> None:
    assert unique_name("a", set()) == "a"
    assert unique_name("a", {"a", "a-2"}) == "a-3"
    long = "a" * 64
    assert unique_name(long, {long}) == "a" * 62 + "-2"
    assert Design(name=unique_name(long, {long}), root="A", units=[])
