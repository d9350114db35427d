"""What is done next, given what is committed and what is under way."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest

from genesys.errors import PluginError
from genesys.evolution.jobs import Extent, Job
from genesys.evolution.ladder import Ladder
from genesys.evolution.scheduler import SLACK, Scheduler
from genesys.evolution.seeds import load_seed
from genesys.markers import hookimpl
from genesys.population.ledger import JobKind
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

SESSION, VERIFICATION = JobKind.SESSION, JobKind.VERIFICATION
BOTH = (SESSION, VERIFICATION)
NOTHING = Extent(designs=0, reports=0, sessions=0)


class Selector:
    """Picks the first candidate."""

    @hookimpl
    def select(self, candidates: Any, role: Any) -> Selection:
        self.candidates = list(candidates)
        operator = Operator.MUTATION if role == "designer" else Operator.SEED
        return Selection(operator=operator, designs=[candidates[0]], why="the first")


@pytest.fixture
def seeded(seeds: list[str]) -> list[Design]:
    return [load_seed(path).model_copy(update={"index": i}) for i, path in enumerate(seeds)]


def scheduler(fakes: ModuleType, seeds: list[str], selector: Any, **changes: Any) -> Scheduler:
    plugins = fakes.plugins(selector=selector)
    return Scheduler(plugins, Ladder(fakes.SCALES), fakes.settings(seeds, **changes))


def report(design: str, scale: str = "s0", **changes: Any) -> VerificationReport:
    scores = [Score(task="t", metric="acc", value=0.5)]
    return VerificationReport(design=design, scale=scale, scores=scores, **changes)


def session(index: int, design: str = "") -> Session:
    selection = Selection(operator=Operator.SCRATCH, designs=[])
    return Session(index=index, seed=0, selection=selection, end=SessionEnd.ACCEPTED, design=design)


def child(number: int) -> Design:
    return Design(
        name=f"child{number}", root="A", units=[], operator=Operator.SCRATCH, index=2 + number
    )


def begun(number: int, kind: JobKind, design: str = "", scale: str = "s0") -> Job:
    place = {"design": design, "scale": scale} if kind is VERIFICATION else {"session": number}
    return Job(number=number, kind=kind, extent=NOTHING, **place)


def test_seeds_are_verified_first_each_once(
    fakes: ModuleType, seeds: list[str], seeded: list[Design]
) -> None:
    chooser = scheduler(fakes, seeds, Selector())
    population = Population(seeded)
    first = chooser.next(population, [], 1, BOTH, 0)
    assert first and (first.number, first.design, first.scale) == (0, "seed1001", "s0")
    assert first.why == "seeds are verified first"
    second = chooser.next(population, [first], 1, BOTH, 1)
    assert second and second.design == "seed1002"
    third = chooser.next(population, [first, second], 1, BOTH, 2)
    assert third and (third.kind, third.session, third.why) == (SESSION, 0, "the first")
    assert third.extent == Extent(designs=2, reports=0, sessions=0)
    assert chooser.next(population, [first, second], 1, [VERIFICATION], 2) is None


def test_no_more_sessions_are_begun_than_designs_are_wanted(
    fakes: ModuleType, seeds: list[str], seeded: list[Design]
) -> None:
    chooser = scheduler(fakes, seeds, Selector(), designs=3)
    population = Population(seeded)
    jobs = [begun(number, SESSION) for number in range(3)]
    job = chooser.next(population, jobs[:2], 1, [SESSION], 9)
    assert job and (job.session, job.number) == (2, 9)
    assert chooser.next(population, jobs, 1, [SESSION], 9) is None
    assert chooser.next(population, jobs, 2, [SESSION], 9) is not None


def test_designers_wait_for_verifiers(
    fakes: ModuleType, seeds: list[str], seeded: list[Design]
) -> None:
    chooser = scheduler(fakes, seeds, Selector(), designs=20)
    seen = [report(seed.name) for seed in seeded]
    under_way = [begun(50, VERIFICATION, "child0")]
    few, many = (
        Population([*seeded, *map(child, range(number))], seen, map(session, range(number)))
        for number in (SLACK + 1, SLACK + 2)
    )
    assert chooser.next(few, under_way, 1, [SESSION], 60) is not None
    assert chooser.next(many, under_way, 1, [SESSION], 60) is None
    assert chooser.next(many, [], 1, [SESSION], 60) is not None, "nothing to wait for"


def test_erroneous_designs_are_no_parents(
    fakes: ModuleType, seeds: list[str], seeded: list[Design]
) -> None:
    selector = Selector()
    population = Population(seeded, [report("seed1002", outcome=Outcome.DESIGN_ERROR)])
    scheduler(fakes, seeds, selector).next(population, [], 1, [SESSION], 0)
    assert selector.candidates == ["seed1001"]


def test_the_best_seed_leads_to_a_rung_once(
    fakes: ModuleType, seeds: list[str], seeded: list[Design]
) -> None:
    chooser = scheduler(fakes, seeds, Selector(), seed_share=0.5)
    better = report("seed1002").model_copy(
        update={"scores": [Score(task="t", metric="acc", value=0.9)]}
    )
    designs = [*seeded, *map(child, range(8))]
    reports = [report("seed1001"), better, *(report(f"child{n}") for n in range(8))]
    population = Population(designs, reports, map(session, range(8)))
    job = chooser.next(population, [], 1, [VERIFICATION], 9)
    assert job and (job.design, job.scale) == ("seed1002", "s1")
    assert job.why == "the best seed leads the way to s1"
    after = chooser.next(population, [job], 1, [VERIFICATION], 10)
    assert after and after.why == "the first"


def test_a_selector_that_finds_no_parents(
    fakes: ModuleType, seeds: list[str], seeded: list[Design]
) -> None:
    class Nobody:
        @hookimpl
        def select(self) -> None:
            return None

    with pytest.raises(PluginError, match="found no parents"):
        scheduler(fakes, seeds, Nobody()).next(Population(seeded), [], 1, [SESSION], 0)
