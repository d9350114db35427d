"""The loop with many workers, whose jobs end in any order and may be lost."""

from __future__ import annotations

import importlib.util
from collections import Counter
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from genesys.errors import GenesysError, RepeatedFaultError, StoreError
from genesys.evolution import events
from genesys.evolution.control import Control, Wish
from genesys.evolution.executors.base import Outfit
from genesys.evolution.ladder import Ladder
from genesys.evolution.replay import Recorded, ReplayExecutor, held_again
from genesys.markers import hookimpl
from genesys.population.evolution_tree import EvolutionTree, tree_digest
from genesys.population.ledger import Entry, EntryKind, Ledger
from genesys.population.population import Population
from genesys.records import Outcome, SessionEnd, VerificationReport


def crowd(**options: Any) -> Any:
    """See ``CrowdExecutor``, which programs of the tests import, too."""
    path = Path(__file__).with_name("crowd.py")
    spec = importlib.util.spec_from_file_location("crowd", path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.CrowdExecutor(**options)


def expect_whole(population: Population, ledger: list[Entry]) -> None:
    """Nothing lost, nothing twice, nothing overspent."""
    assert [d.index for d in population.designs] == list(range(len(population.designs)))
    assert len({d.structural_hash for d in population.designs}) == len(population.designs)
    made = [s.design for s in population.sessions if s.end is SessionEnd.ACCEPTED]
    assert made == [d.name for d in population.children]
    assert sorted(s.index for s in population.sessions) == list(range(len(population.sessions)))
    done = [r for r in population.reports if r.outcome is not Outcome.MACHINE_ERROR]
    assert max(Counter((r.design, r.scale) for r in done).values()) == 1
    used = Counter(r.scale for r in done)
    assert used["s0"] <= 16
    assert used["s1"] == used["s0"] * 5 // 16
    begun = [e.job for e in ledger if e.kind is EntryKind.BEGUN]
    assert begun == list(range(len(begun)))
    assert sorted(e.job or 0 for e in ledger if e.kind is EntryKind.ENDED) == begun
    assert len(begun) == len(population.sessions) + len(done)


@pytest.mark.parametrize(("seed", "loss"), [(0, 0.0), (1, 0.2), (2, 0.4)])
def test_nothing_is_lost_or_done_twice(
    seed: int, loss: float, fakes: ModuleType, seeds: list[str], tmp_path: Path
) -> None:
    workers = crowd(seed=seed, loss=loss)
    population = fakes.run(tmp_path / "run", seeds, executor=workers)
    expect_whole(population, Ledger.read(tmp_path / "run"))
    if not loss:
        sound = [d for d in population.children if not population.is_erroneous(d.name)]
        assert len(sound) == 8


def test_in_order_the_tree_follows_from_the_seed_alone(
    fakes: ModuleType, seeds: list[str], tmp_path: Path
) -> None:
    trees = {
        tree_digest(
            fakes.run(tmp_path / str(seed), seeds, ahead=4, executor=crowd(seed=seed, loss=loss))
        )
        for seed, loss in enumerate((0.0, 0.0, 0.1))
    }
    here = fakes.run(tmp_path / "inline", seeds, ahead=4)
    assert trees == {tree_digest(here)}
    expect_whole(here, Ledger.read(tmp_path / "inline"))


def test_killed_in_the_middle_it_goes_on_with_the_jobs_under_way(
    fakes: ModuleType, seeds: list[str], tmp_path: Path
) -> None:
    whole = fakes.run(tmp_path / "whole", seeds, ahead=4, executor=crowd())
    ends = 0

    def interrupt(event: Any) -> None:
        nonlocal ends
        ends += isinstance(event, events.VerificationEnded | events.SessionEnded)
        if ends in (3, 9, 15):
            ends += 1
            raise KeyboardInterrupt

    for seed in range(3):
        with pytest.raises(KeyboardInterrupt):
            fakes.run(tmp_path / "run", seeds, interrupt, ahead=4, executor=crowd(seed=seed))
    again = fakes.run(tmp_path / "run", seeds, ahead=4, executor=crowd(seed=9))
    assert tree_digest(again) == tree_digest(whole)
    expect_whole(again, Ledger.read(tmp_path / "run"))


def test_a_run_of_many_workers_is_held_again_in_its_order(
    fakes: ModuleType, seeds: list[str], tmp_path: Path
) -> None:
    run = fakes.run(tmp_path / "run", seeds, executor=crowd(seed=5))
    ledger = Ledger.read(tmp_path / "run")
    again = fakes.run(tmp_path / "again", seeds, executor=ReplayExecutor(ledger))
    assert tree_digest(again) == tree_digest(run)
    with pytest.raises(StoreError, match="decides on another job"):
        fakes.run(tmp_path / "other", seeds, seed=8, executor=ReplayExecutor(ledger))


def test_a_design_fails_after_errors_on_three_workers(
    fakes: ModuleType, seeds: list[str], tmp_path: Path
) -> None:
    workers = crowd(faulty={"seed1001": 2, "seed1002": 3})
    population = fakes.run(tmp_path / "run", seeds, designs=2, executor=workers)
    assert not population.is_erroneous("seed1001")
    assert population.is_erroneous("seed1002")
    ledger = Ledger.read(tmp_path / "run")
    failed = [e for e in ledger if e.kind is EntryKind.FAILED]
    assert Counter(e.design for e in failed) == {"seed1001": 2, "seed1002": 2}
    assert {e.why for e in failed} == {"it diverged"}
    by_design = {e.worker for e in failed if e.design == "seed1001"}
    assert len(by_design) == 2, "not twice by the same"
    assert population.used("s0", {"seed1001", "seed1002"}) == 2


def test_a_job_that_workers_never_survive_is_given_up(
    fakes: ModuleType, seeds: list[str], tmp_path: Path
) -> None:
    with pytest.raises(GenesysError, match="5 sessions in a row failed, the last one so: 3 work"):
        fakes.run(tmp_path / "run", seeds, executor=crowd(loss=1.0))
    population = EvolutionTree.read(tmp_path / "run")
    assert population.is_erroneous("seed1001")
    assert (
        "3 workers were lost with it, the last one so: it was killed" in population.reports[0].error
    )


def test_pause_and_stop(fakes: ModuleType, seeds: list[str], tmp_path: Path) -> None:
    folder, seen = tmp_path / "run", list[Any]()
    whole = fakes.run(tmp_path / "whole", seeds, ahead=1)

    def observe(event: Any) -> None:
        seen.append(event)
        if isinstance(event, events.SessionEnded) and event.session.index == 2:
            Control(wish=Wish.STOP).save(folder)

    stopped = fakes.run(folder, seeds, observe, ahead=1)
    assert len(stopped.sessions) == 3
    assert isinstance(seen[-1], events.RunEnded)
    assert [event.why for event in seen if isinstance(event, events.Held)] == [
        "stopping: the run ends once what is under way is committed"
    ]
    Control.clear(folder)

    def pause(event: Any) -> None:
        if isinstance(event, events.SessionEnded) and event.session.index == 4:
            Control(wish=Wish.PAUSE).save(folder)
        if isinstance(event, events.Held) and event.why.startswith("paused"):
            Control(wish=Wish.RUN).save(folder)

    assert tree_digest(fakes.run(folder, seeds, pause, ahead=1)) == tree_digest(whole)


def test_a_run_that_failed_and_was_resumed_is_held_again(
    fakes: ModuleType, seeds: list[str], tmp_path: Path
) -> None:
    class Broken(fakes.Verifier):  # type: ignore[misc, name-defined]
        """Of a machine that fails at first."""

        left = 4

        @hookimpl
        def verify(self, design: Any, scale: Any, seed: int, progress: Any) -> Any:
            Broken.left -= 1
            if Broken.left >= 0:
                fault = Outcome.MACHINE_ERROR
                return VerificationReport(
                    design=design.name, scale=scale.name, seed=seed, outcome=fault
                )
            return super().verify(design, scale, seed, progress)

    others = {"verifier": Broken()}
    with pytest.raises(RepeatedFaultError, match="failed 3 times to verify seed1001"):
        fakes.run(tmp_path / "run", seeds, designs=2, others=others)
    run = fakes.run(tmp_path / "run", seeds, designs=2, others=others)

    class Reports:
        """What the run's verifier said."""

        reports = Recorded(run)

        @hookimpl
        def verify(self, design: Any, scale: Any, seed: int) -> Any:
            return self.reports.verify(design, scale, seed)

    settings = fakes.settings(seeds, designs=2)
    parts = fakes.plugins(verifier=Reports())
    outfit = Outfit({}, tmp_path, lambda event: None, lambda *told: None, parts, None, settings)
    with EvolutionTree(tmp_path / "again", {"evolution": settings.model_dump()}) as tree:
        ledger = Ledger.read(tmp_path / "run")
        held_again(tree, Ladder(fakes.SCALES), outfit, ReplayExecutor(ledger), 1)
        assert tree_digest(tree.population()) == tree_digest(run)
