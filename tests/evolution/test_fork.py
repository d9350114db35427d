"""New runs from a run's tree, as it is and as it was."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from genesys.errors import ConfigError, StoreError
from genesys.evolution.fork import Moment, fork
from genesys.evolution.overview import State, overview
from genesys.evolution.tally import Tally
from genesys.population.evolution_tree import EvolutionTree, tree_digest
from genesys.population.ledger import FILE as LEDGER
from genesys.population.ledger import Entry, EntryKind, JobKind, Ledger
from genesys.population.run_file import RunFile
from genesys.tape import Call, Message

NOW = Moment()


@pytest.fixture(scope="module")
def seeds(fakes: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    paths: list[str] = fakes.write_seeds(tmp_path_factory.mktemp("seeds"))
    return paths


@pytest.fixture(scope="module")
def source(fakes: ModuleType, seeds: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of two generations."""
    folder = tmp_path_factory.mktemp("source") / "run"
    fakes.run(folder, seeds, generations=2, designs=4)
    return folder


def config(fakes: ModuleType, seeds: list[str], **changes: Any) -> dict[str, Any]:
    """Of a run that ``fake_run`` goes on with."""
    return {"evolution": fakes.settings(seeds, **({"designs": 4} | changes)).model_dump()}


def state(folder: Path) -> dict[str, Any]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_a_fork_is_what_its_run_is_and_goes_on_by_itself(
    fakes: ModuleType, seeds: list[str], source: Path, tmp_path: Path
) -> None:
    before = state(source)
    there = EvolutionTree.read(source)
    forked = fork(source, tmp_path / "fork", config(fakes, seeds), NOW)
    assert tree_digest(EvolutionTree.read(tmp_path / "fork")) == tree_digest(there)
    assert EvolutionTree.read_tape(tmp_path / "fork") == EvolutionTree.read_tape(source)
    assert forked == RunFile.load(tmp_path / "fork")
    assert forked.forked_from is not None
    assert forked.forked_from.run == str(source)
    assert (forked.generation, forked.forked_from.designs) == (2, len(there.children))
    again = fakes.run(tmp_path / "fork", seeds, generations=3, designs=4)
    assert len(again.children) > len(there.children)
    assert again.designs[: len(there.designs)] == there.designs
    assert state(source) == before
    assert overview(tmp_path / "fork").forked_from == str(source)


@pytest.mark.parametrize("moment", [Moment(generation=2), Moment(designs=3), Moment(designs=0)])
def test_a_fork_from_an_earlier_state_goes_on_as_the_run_did(
    moment: Moment, fakes: ModuleType, seeds: list[str], source: Path, tmp_path: Path
) -> None:
    forked = fork(source, tmp_path / "fork", config(fakes, seeds), moment)
    early, whole = EvolutionTree.read(tmp_path / "fork"), EvolutionTree.read(source)
    assert whole.sessions[: len(early.sessions)] == early.sessions
    assert len(early.sessions) < len(whole.sessions)
    assert whole.reports[: len(early.reports)] == early.reports
    if moment.designs is not None:
        assert len(early.children) == moment.designs
    assert forked.generation == (moment.generation or 1)
    again = fakes.run(tmp_path / "fork", seeds, generations=2, designs=4)
    assert tree_digest(again) == tree_digest(whole)


def test_a_fork_goes_on_under_another_config(
    fakes: ModuleType, seeds: list[str], source: Path, tmp_path: Path
) -> None:
    other = config(fakes, seeds, seed=8)
    fork(source, tmp_path / "fork", other, Moment(generation=2))
    again = fakes.run(tmp_path / "fork", seeds, generations=2, designs=4, seed=8)
    whole = EvolutionTree.read(source)
    first = EvolutionTree.read(tmp_path / "fork")
    assert tree_digest(again) != tree_digest(whole)
    assert first.sessions[0] == whole.sessions[0]
    with pytest.raises(StoreError, match=r"evolution\.seed: 8 in the run, 7 now"):
        fakes.run(tmp_path / "fork", seeds, designs=4)


def test_what_the_run_had_spent_is_not_spent_by_its_fork(
    fakes: ModuleType, seeds: list[str], source: Path, tmp_path: Path
) -> None:
    run = Path(shutil.copytree(source, tmp_path / "run"))
    message = Message(author="user", text="?")
    call = Call(
        session=0,
        role="coder",
        purpose="",
        model="m",
        messages=[message],
        usd=0.1,
        input_tokens=7,
        output_tokens=1,
    )
    ours = config(fakes, seeds)
    with EvolutionTree(run, RunFile.load(run).config) as tree:
        tree.tape(0).keep(call)
        tree.tape(1).keep(call.model_copy(update={"session": 1, "usd": 0.2}))
    for name in ("one", "two"):  # a fork of a fork, too
        fork(run, tmp_path / name, ours, NOW)
        run = tmp_path / name
        assert overview(run).usd == 0.0
        with EvolutionTree(run, RunFile.load(run).config) as tree:
            assert (tree.purse.usd, tree.purse.tokens) == (0.0, 0)
            assert Tally(tree.ledger.entries).device_seconds == 0.0
            assert tree.tape(0).calls == [call]
            tree.tape(2).keep(call.model_copy(update={"session": 2, "usd": 0.4}))
            assert tree.purse.usd == 0.4
        with EvolutionTree(run, RunFile.load(run).config) as tree:
            assert tree.purse.usd == pytest.approx(0.4)
            assert tree.purse.tokens == 8


def test_sessions_under_way_go_on_if_later_ones_have_ended(
    fakes: ModuleType, seeds: list[str], source: Path, tmp_path: Path
) -> None:
    """As in a parallel run: session 1 is under way while 2 has ended, 4 is the last begun."""
    run = Path(shutil.copytree(source, tmp_path / "run"))
    entries = [e for e in Ledger.read(run) if e.work is JobKind.SESSION]
    lines = []
    for entry in entries:
        ended = entry.kind is EntryKind.ENDED
        if entry.session in (0, 2) or (entry.session in (1, 4) and not ended):
            lines.append(entry.model_dump_json(exclude_defaults=True) + "\n")
    (run / LEDGER).write_text("".join(lines))
    population = EvolutionTree.read(source)
    held = [s for s in population.sessions if s.index in (0, 2)]
    shutil.rmtree(run / "tree")
    with EvolutionTree(run, RunFile.load(run).config) as tree:
        for seed in population.seeds:
            tree.add_seed(seed)
        for session in held:
            design = population.by_name.get(session.design)
            tree.commit_session(session, design)
    fork(run, tmp_path / "fork", config(fakes, seeds), NOW)
    begun = [e.session for e in Ledger.read(tmp_path / "fork") if e.kind is EntryKind.BEGUN]
    assert begun == [0, 1, 2]
    assert [s.index for s in EvolutionTree.read(tmp_path / "fork").sessions] == [0, 2]


def test_what_ended_while_it_was_forked_is_left_out(
    fakes: ModuleType, seeds: list[str], source: Path, tmp_path: Path
) -> None:
    run = Path(shutil.copytree(source, tmp_path / "run"))
    lines = (run / LEDGER).read_text().splitlines(keepends=True)
    (run / LEDGER).write_text("".join(lines[: len(lines) // 2]))  # as it was a moment ago
    fork(run, tmp_path / "fork", config(fakes, seeds), NOW)
    begun = {e.session for e in map(Entry.model_validate_json, lines[: len(lines) // 2])}
    forked = EvolutionTree.read(tmp_path / "fork")
    assert {s.index for s in forked.sessions} <= begun
    assert {r.design for r in forked.reports} <= set(forked.by_name)


@pytest.mark.parametrize(
    ("moment", "message"),
    [
        (Moment(designs=99), "not come so far: it has .* new designs"),
        (Moment(generation=3), "not come so far: it has 2 generations"),
    ],
)
def test_moments_that_never_were(
    moment: Moment,
    message: str,
    fakes: ModuleType,
    seeds: list[str],
    source: Path,
    tmp_path: Path,
) -> None:
    with pytest.raises(StoreError, match=message):
        fork(source, tmp_path / "fork", config(fakes, seeds), moment)
    assert list(tmp_path.iterdir()) == []


def test_runs_that_cannot_be_forked(
    fakes: ModuleType, seeds: list[str], source: Path, tmp_path: Path
) -> None:
    ours = config(fakes, seeds)
    run = Path(shutil.copytree(source, tmp_path / "run"))
    lines = (run / LEDGER).read_text().splitlines(keepends=True)
    (run / LEDGER).write_text("".join(line for line in lines if '"generation"' not in line))
    with pytest.raises(StoreError, match="does not say when its generations began"):
        fork(run, tmp_path / "fork", ours, Moment(generation=2))
    (run / LEDGER).unlink()
    with pytest.raises(StoreError, match="can only be forked as it is"):
        fork(run, tmp_path / "fork", ours, Moment(designs=1))
    fork(run, tmp_path / "fork", ours, NOW)
    assert len(EvolutionTree.read(tmp_path / "fork").designs) > 4
    with pytest.raises(StoreError, match="is not empty"):
        fork(run, tmp_path / "fork", ours, NOW)
    with pytest.raises(ConfigError, match="A fork has the seeds of its run"):
        fork(run, tmp_path / "other", config(fakes, seeds[:1]), NOW)
    with pytest.raises(StoreError, match="is no run folder"):
        fork(tmp_path / "nowhere", tmp_path / "other", ours, NOW)


def test_a_fork_says_how_it_was_left(
    fakes: ModuleType, seeds: list[str], source: Path, tmp_path: Path
) -> None:
    run = Path(shutil.copytree(source, tmp_path / "run"))
    with Ledger(run) as ledger:
        ledger.append(Entry(time=0.0, kind=EntryKind.OPENED))
        ledger.append(Entry(time=0.0, kind=EntryKind.CLOSED))
    fork(run, tmp_path / "fork", config(fakes, seeds), NOW)
    assert overview(tmp_path / "fork").state is State.FORKED
    written = json.loads((tmp_path / "fork" / "run.json").read_text())
    assert written["forked_from"]["run"] == str(run)
