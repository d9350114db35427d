"""A population that grows: always as if it were made anew, and without changing what it was."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genesys.errors import UnknownNameError
from genesys.population.population import Population
from genesys.records import (
    Design,
    Operator,
    Outcome,
    Score,
    Selection,
    Session,
    SessionEnd,
    VerificationReport,
)

NAMES = [f"d{i}" for i in range(8)]
SCALES = ["s0", "s1"]
EQUATION = {"accuracy": 1.0}
FORETOLD = {"accuracy": 1.0, "forecast": 0.5}

Event = tuple[list[Design], list[VerificationReport], list[Session]]


def design(name: str, seed: bool = False) -> Design:
    operator = Operator.SEED if seed else Operator.MUTATION
    return Design(name=name, root="R", units=[], operator=operator, structural_hash=f"h{name}")


def session(index: int) -> Session:
    picked = Selection(operator=Operator.SCRATCH, designs=[])
    return Session(index=index, seed=0, selection=picked, end=SessionEnd.FAILED)


@st.composite
def reports(draw: st.DrawFn) -> VerificationReport:
    values = draw(st.lists(st.floats(0.0, 1.0), max_size=2))
    return VerificationReport(
        design=draw(st.sampled_from(NAMES)),
        scale=draw(st.sampled_from(SCALES)),
        outcome=draw(st.sampled_from(Outcome)),
        tokens=100,
        parameters=10,
        simulated=draw(st.booleans()),
        scores=[
            *(Score(task=f"t{i}", metric="acc", value=value) for i, value in enumerate(values)),
            *(Score(task="b", metric="bits_per_byte", value=1.0 + value) for value in values[:1]),
        ],
    )


@st.composite
def histories(draw: st.DrawFn) -> list[Event]:
    """Designs, reports on any of them, made or not, and sessions; a few an event."""
    waiting, held, events = list(NAMES), 0, []
    for _ in range(draw(st.integers(0, 12))):
        made = [waiting.pop(0)] if waiting and draw(st.booleans()) else []
        more = draw(st.lists(reports(), max_size=2))
        new = [session(held + i) for i in range(draw(st.integers(0, 1)))]
        held += len(new)
        events.append(([design(name, draw(st.booleans())) for name in made], more, new))
    return events


def answers(population: Population) -> dict[str, Any]:
    """All that a population can be asked."""
    known = [name for name in NAMES if name in population.by_name]
    return {
        "designs": list(population.designs),
        "reports": list(population.reports),
        "sessions": list(population.sessions),
        "by_name": dict(population.by_name),
        "hashes": set(population.hashes),
        "seeds": [d.name for d in population.seeds],
        "children": [d.name for d in population.children],
        "sound": list(population.sound),
        "simulated": population.simulated,
        "places": [population.place(name) for name in known],
        "used": [population.used(scale) for scale in SCALES],
        "used by some": [population.used(scale, NAMES[:3]) for scale in SCALES],
        "fitnesses": population.fitnesses.tobytes(),
        "confidences": population.confidences.tobytes(),
        "of each": [
            (
                population.reports_of(name),
                set(population.verified_scales(name)),
                population.confidence(name),
                population.is_erroneous(name),
                [population.fitness(name, scale) for scale in (None, *SCALES)],
                population.fitness_error(name),
            )
            for name in NAMES
        ],
    }


@given(histories(), st.sampled_from([EQUATION, FORETOLD]), st.integers(0, 12))
def test_grown_event_by_event_it_is_as_if_made_anew(
    events: list[Event], weights: dict[str, float], asked: int
) -> None:
    population = Population(weights=weights)
    taken = [population]
    for number, event in enumerate(events):
        population = population.grown(*event)
        taken.append(population)
        if number == asked:  # what has been asked before is known, the rest is found out later
            answers(population)
    for number, earlier in enumerate(taken):
        parts = [[one for event in events[:number] for one in event[i]] for i in range(3)]
        fresh = Population(*parts, weights=weights)
        assert answers(earlier) == answers(fresh)
        assert answers(population.until(*map(len, parts))) == answers(fresh)
        assert population.follows(earlier)
        assert not population.follows(fresh)


def test_a_population_that_has_grown_can_grow_another_way() -> None:
    first = Population([design("d0", seed=True)])
    one, other = first.grown([design("d1")]), first.grown([design("d2")])
    assert [list(p.by_name) for p in (first, one, other)] == [["d0"], ["d0", "d1"], ["d0", "d2"]]
    assert one.follows(first)
    assert not one.follows(other)


def test_parts_are_like_tuples() -> None:
    population = Population(sessions=[session(i) for i in range(4)]).until(0, 0, 3)
    parts = population.sessions
    assert [s.index for s in parts[-2:]] == [1, 2]
    assert parts[-1].index == 2
    assert parts[:9] == tuple(parts)
    assert parts == [session(i) for i in range(3)]
    assert parts != [session(i) for i in range(4)]
    assert repr(parts) == repr(tuple(parts))
    with pytest.raises(IndexError):
        parts[3]


def test_a_design_that_is_not_there_yet() -> None:
    population = Population([design("d0"), design("d1")])
    earlier = population.until(1, 0, 0)
    with pytest.raises(UnknownNameError, match="d1"):
        earlier.design("d1")
    with pytest.raises(KeyError):
        earlier.place("d1")
    assert "hd1" not in earlier.hashes
    assert len(earlier.by_name) == 1


def test_values_are_computed_for_what_is_new_only() -> None:
    asked: list[str] = []

    def count(design: Design, reports: Any) -> float | None:
        asked.append(design.name)
        return len(reports) or None

    population = Population([design(name) for name in NAMES[:3]])
    population.values("count", count)
    report = VerificationReport(design="d1", scale="s0")
    grown = population.grown([design("d3")], [report])
    assert np.array_equal(grown.values("count", count), [np.nan, 1, np.nan, np.nan], equal_nan=True)
    assert asked == ["d0", "d1", "d2", "d1", "d3"]
    assert np.isnan(population.values("count", count)).all()
