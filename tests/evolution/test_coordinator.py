"""The loop as a whole (alg. 6), with real selectors and a real tree."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any

import lancedb
import pytest

from genesys.errors import ConfigError, GenesysError, PluginError, StoreError
from genesys.evolution import events
from genesys.gau.folder import save_tree
from genesys.markers import hookimpl
from genesys.population.evolution_tree import EvolutionTree, tree_digest
from genesys.population.population import Population
from genesys.records import (
    CheckReport,
    Operator,
    Outcome,
    Repair,
    Role,
    Selection,
    SessionEnd,
    VerificationReport,
)


def test_a_run_makes_and_verifies_what_was_asked_for(
    fakes: ModuleType, seeds: list[str], tmp_path: Path
) -> None:
    seen: list[Any] = []
    population = fakes.run(tmp_path / "run", seeds, seen.append)
    sound = [d.name for d in population.children if not population.is_erroneous(d.name)]
    assert len(sound) == 8
    assert all("s0" in population.verified_scales(seed.name) for seed in population.seeds)
    assert all("s0" in population.verified_scales(name) for name in sound)
    assert {session.end for session in population.sessions} >= {
        SessionEnd.ACCEPTED,
        SessionEnd.FAILED,
        SessionEnd.NOT_NEW,
        SessionEnd.REJECTED_BY_CHECKER,
    }
    second = [r.design for r in population.reports if r.scale == "s1"]
    assert len(second) == population.used("s0") * 5 // 16
    assert sum(population.design(name).operator is not Operator.SEED for name in second) >= 2
    assert population.used("s2") == 0
    assert len({d.structural_hash for d in population.designs}) == len(population.designs)
    assert [d.index for d in population.designs] == list(range(len(population.designs)))
    seeding = [e.stage for e in seen[:2] if isinstance(e, events.StageEntered)]
    assert seeding == ["check", "check"]
    assert isinstance(seen[2], events.RunOpened)
    assert isinstance(seen[-1], events.RunEnded)
    ended = [e.session for e in seen if isinstance(e, events.SessionEnded)]
    assert tuple(ended) == population.sessions
    reports = [e.report for e in seen if isinstance(e, events.VerificationEnded)]
    assert repr(tuple(reports)) == repr(population.reports)
    assert sum(isinstance(e, events.TrainingProgress) for e in seen) == len(reports)


def test_designing_and_verifying_take_turns(
    fakes: ModuleType, seeds: list[str], tmp_path: Path
) -> None:
    steps: list[str] = []

    def observe(event: Any) -> None:
        if isinstance(event, events.SessionEnded) and event.design:
            steps.append("design")
        if isinstance(event, events.VerificationEnded):
            steps.append("verify")

    fakes.run(tmp_path / "run", seeds, observe)
    assert steps[:2] == ["verify"] * 2
    assert steps[2:12] == ["design", "verify"] * 5


def test_the_same_seed_gives_the_same_tree_and_another_another(
    fakes: ModuleType, seeds: list[str], tmp_path: Path
) -> None:
    trees = [
        fakes.run(tmp_path / name, seeds, seed=s) for name, s in zip("abc", (7, 7, 8), strict=True)
    ]
    first, same, other = map(tree_digest, trees)
    assert first == same != other


def test_a_finished_run_has_nothing_to_do(
    fakes: ModuleType, seeds: list[str], tmp_path: Path
) -> None:
    before = fakes.run(tmp_path / "run", seeds)
    seen: list[Any] = []
    after = fakes.run(tmp_path / "run", seeds, seen.append)
    assert tree_digest(before) == tree_digest(after)
    assert [type(event) for event in seen] == [events.RunOpened, events.RunEnded]


def test_another_generation_goes_on_from_the_last(
    fakes: ModuleType, seeds: list[str], tmp_path: Path
) -> None:
    first = fakes.run(tmp_path / "run", seeds, designs=3, generations=None)
    second = fakes.run(tmp_path / "run", seeds, designs=3, generations=None)
    assert len(first.children) >= 3
    assert second.designs[: len(first.designs)] == first.designs
    sound = [d for d in second.children if not second.is_erroneous(d.name)]
    assert len(sound) == 6
    at_once = fakes.run(tmp_path / "at-once", seeds, designs=3, generations=2)
    assert tree_digest(at_once) == tree_digest(second)
    same = fakes.run(tmp_path / "run", seeds, designs=3, generations=1)
    assert tree_digest(same) == tree_digest(second)


def test_an_interrupted_generation_is_not_a_further_one(
    fakes: ModuleType, seeds: list[str], tmp_path: Path
) -> None:
    whole = fakes.run(tmp_path / "whole", seeds, designs=3, generations=2)
    fakes.run(tmp_path / "run", seeds, designs=3)

    def interrupt(event: Any) -> None:
        if isinstance(event, events.VerificationStarted):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fakes.run(tmp_path / "run", seeds, interrupt, designs=3, generations=None)
    again = fakes.run(tmp_path / "run", seeds, designs=3, generations=None)
    assert tree_digest(again) == tree_digest(whole)


def test_a_run_ends_when_its_sessions_are_used_up(
    fakes: ModuleType, seeds: list[str], tmp_path: Path
) -> None:
    population = fakes.run(tmp_path / "run", seeds, max_sessions=3)
    assert len(population.sessions) == 3
    made = [s for s in population.sessions if s.end is SessionEnd.ACCEPTED]
    assert population.used("s0") == 2 + len(made)


def test_an_interrupted_run_goes_on(fakes: ModuleType, seeds: list[str], tmp_path: Path) -> None:
    whole = fakes.run(tmp_path / "whole", seeds)

    def interrupt(event: Any) -> None:
        if isinstance(event, events.StageEntered) and event.stage == "implement":
            raise KeyboardInterrupt

    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            fakes.run(tmp_path / "run", seeds, interrupt)
    assert tree_digest(fakes.run(tmp_path / "run", seeds)) == tree_digest(whole)


def test_an_invalid_seed_stops_the_run(fakes: ModuleType, seeds: list[str], tmp_path: Path) -> None:
    save_tree(fakes.block(7), tmp_path / "seven", name="seven")
    message = r"seed 'seven' is not valid: forward in Times:10: seven"
    with pytest.raises(GenesysError, match=message):
        fakes.run(tmp_path / "run", [*seeds, str(tmp_path / "seven")])
    assert len(EvolutionTree.read(tmp_path / "run").designs) == 2


def test_a_seed_is_not_repaired_behind_ones_back(
    fakes: ModuleType, seeds: list[str], tmp_path: Path
) -> None:
    class Checker:
        @hookimpl
        def check(self):
            repair = Repair(unit="Times", code="X * 3\n", diff="", reason="not odd enough")
            return CheckReport(repairs=[repair])

    with pytest.raises(GenesysError, match=r"'seed1001' needs repairs \(not odd enough\)"):
        fakes.run(tmp_path / "run", seeds, others={"checker": Checker()})


def test_a_seed_that_changed_under_the_run(
    fakes: ModuleType, seeds: list[str], tmp_path: Path
) -> None:
    fakes.run(tmp_path / "run", seeds, designs=0)
    save_tree(fakes.block(5), Path(seeds[0]), name="seed1001")
    with pytest.raises(StoreError, match="'seed1001' has changed"):
        fakes.run(tmp_path / "run", seeds, designs=0)


def test_two_seeds_of_one_name(fakes: ModuleType, seeds: list[str], tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="Two seeds have one name"):
        fakes.run(tmp_path / "run", [seeds[0], seeds[0]])


class Flaky:
    """Fails by the machine's fault so many times, and then hands over."""

    def __init__(self, verifier: Any, failures: int) -> None:
        self.verifier, self.failures = verifier, failures

    @hookimpl
    def verify(self, design: Any, scale: Any, seed: Any, progress: Any) -> Any:
        self.failures -= 1
        if self.failures >= 0:
            return VerificationReport(
                design=design.name,
                scale=scale.name,
                outcome=Outcome.MACHINE_ERROR,
                error="Traceback:\n  line 1\nno power",
            )
        return self.verifier.verify(design, scale, seed, progress)


def ok(population: Population) -> list[str]:
    return [f"{r.design} {r.scale} {r.fitness}" for r in population.reports if r.fitness]


def test_a_passing_fault_of_the_machine(
    fakes: ModuleType, seeds: list[str], tmp_path: Path
) -> None:
    flaky = Flaky(fakes.Verifier(), 2)
    population = fakes.run(tmp_path / "run", seeds, others={"verifier": flaky})
    assert [r.outcome for r in population.reports[:3]] == [Outcome.MACHINE_ERROR] * 2 + [Outcome.OK]
    assert ok(population) == ok(fakes.run(tmp_path / "steady", seeds))


def test_a_lasting_fault_of_the_machine(
    fakes: ModuleType, seeds: list[str], tmp_path: Path
) -> None:
    flaky = Flaky(fakes.Verifier(), 1000)
    with pytest.raises(GenesysError, match="failed 3 times to verify seed1001 at s0: no power"):
        fakes.run(tmp_path / "run", seeds, others={"verifier": flaky})
    assert ok(fakes.run(tmp_path / "run", seeds)) == ok(fakes.run(tmp_path / "steady", seeds))


def test_an_agent_that_only_fails(fakes: ModuleType, seeds: list[str], tmp_path: Path) -> None:
    class Agent:
        @hookimpl
        def propose(self, context):
            raise OSError("no network")

    with pytest.raises(GenesysError, match=r"5 sessions in a row failed.*no network"):
        fakes.run(tmp_path / "run", seeds, others={"agent": Agent()})


def test_a_verifier_that_reports_on_something_else(
    fakes: ModuleType, seeds: list[str], tmp_path: Path
) -> None:
    class Verifier:
        @hookimpl
        def verify(self, design, scale):
            return VerificationReport(design="other", scale=scale.name)

    with pytest.raises(PluginError, match="given 'seed1001' at 's0' and reports on 'other'"):
        fakes.run(tmp_path / "run", seeds, others={"verifier": Verifier()})


class Idle:
    """A selector that has nothing to verify but the seeds."""

    @hookimpl
    def select(self, role: Role, candidates: Any) -> Selection | None:
        if role is Role.VERIFIER:
            return None
        return Selection(operator=Operator.MUTATION, designs=[candidates[0]])


def test_a_selector_may_find_nothing_worth_verifying(
    fakes: ModuleType, seeds: list[str], tmp_path: Path
) -> None:
    population = fakes.run(tmp_path / "run", seeds, others={"selector": Idle()})
    assert len(population.reports) == 2
    assert len(population.children) == 8


@pytest.mark.parametrize(("share", "most"), [(0.0, 0), (0.5, 2), (1.0, 5)])
def test_seeds_take_no_more_than_their_share(
    share: float, most: int, fakes: ModuleType, seeds: list[str], tmp_path: Path
) -> None:
    population = fakes.run(tmp_path / "run", seeds, seed_share=share)
    names = {seed.name for seed in population.seeds}
    assert sum(r.scale == "s1" and r.design in names for r in population.reports) <= most


def test_the_best_seed_leads_the_way_to_a_higher_rung(
    fakes: ModuleType, seeds: list[str], tmp_path: Path
) -> None:
    population = fakes.run(tmp_path / "run", seeds, seed_share=0.5)
    first = next(report for report in population.reports if report.scale == "s1")
    below = {r.design: r.fitness or 0.0 for r in population.reports if r.scale == "s0"}
    assert first.design == max((seed.name for seed in population.seeds), key=below.__getitem__)


def test_a_verifier_is_given_no_parents(
    fakes: ModuleType, seeds: list[str], tmp_path: Path
) -> None:
    class Confused(Idle):
        @hookimpl
        def select(self, candidates: Any) -> Selection:
            return Selection(operator=Operator.MUTATION, designs=[candidates[0]])

    with pytest.raises(PluginError, match="operator mutation for a verifier"):
        fakes.run(tmp_path / "run", seeds, others={"selector": Confused()})


def test_a_tree_that_was_edited_by_hand_is_refused(
    fakes: ModuleType, seeds: list[str], tmp_path: Path
) -> None:
    population = fakes.run(tmp_path / "run", seeds, designs=2)
    name = population.children[0].name
    lancedb.connect(tmp_path / "run" / "tree").open_table("designs").delete(f"name = '{name}'")
    with pytest.raises(StoreError, match=f"made '{name}', which is no design"):
        fakes.run(tmp_path / "run", seeds, designs=2)
