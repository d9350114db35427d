"""Which runs there are, and what each is doing."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from genesys.errors import StoreError
from genesys.evolution.control import Control, Wish
from genesys.evolution.overview import Overview, State, find_runs, live, overview
from genesys.population.evolution_tree import HOLDER, EvolutionTree
from genesys.population.holder import holder_of
from genesys.population.ledger import FILE as LEDGER
from genesys.population.ledger import Entry, EntryKind, Ledger
from genesys.population.run_file import FILE
from genesys.records import Record, VerificationReport
from genesys.tape import Call, Message


@pytest.fixture(scope="module")
def finished(fakes: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A whole run; its ledger does not say who took it on."""
    folder = tmp_path_factory.mktemp("finished")
    fakes.run(folder / "run", fakes.write_seeds(folder / "seeds"))
    return folder / "run"


@pytest.fixture
def run(finished: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(finished, tmp_path / "runs" / "deep" / "run"))


def note(folder: Path, *kinds: EntryKind) -> None:
    with Ledger(folder) as ledger:
        for kind in kinds:
            ledger.append(Entry(time=0.0, kind=kind))


def test_a_run_in_figures(run: Path) -> None:
    population = EvolutionTree.read(run)
    told = [Message(author="user", text="")]
    call = Call(session=0, role="coder", purpose="", model="m", messages=told, usd=0.25)
    with EvolutionTree(run, json.loads((run / FILE).read_text())["config"]) as tree:
        tree.tape(0).keep(call)
    found = overview(run)
    best = [v for d in population.children if (v := population.fitness(d.name)) is not None]
    assert found == Overview(
        folder=str(run),
        state=State.ENDED,
        generation=1,
        sessions=len(population.sessions),
        designs=len(population.children),
        verified=sum(population.confidence(d.name) > 0 for d in population.designs),
        fitness=max(best),
        usd=0.25,
        active=found.active,
    )
    assert found.active >= (run / FILE).stat().st_mtime


def test_a_simulation_is_told(run: Path) -> None:
    assert not overview(run).simulated
    report = VerificationReport(design="seed1001", scale="s2", simulated=True)
    with EvolutionTree(run, json.loads((run / FILE).read_text())["config"]) as tree:
        tree.commit_report(report)
    assert overview(run).simulated


def test_other_terms_of_the_fitness_count(run: Path) -> None:
    data = json.loads((run / FILE).read_text())
    data["config"]["fitness.terms.accuracy"] = 2.0
    before = overview(run).fitness
    (run / FILE).write_text(json.dumps(data))
    assert before is not None
    assert overview(run).fitness == pytest.approx(2 * before)


@pytest.mark.parametrize(
    ("kinds", "wish", "state"),
    [
        ([], Wish.RUN, State.ENDED),
        ([EntryKind.OPENED], Wish.STOP, State.INTERRUPTED),
        ([EntryKind.OPENED, EntryKind.CLOSED], Wish.RUN, State.FINISHED),
        ([EntryKind.OPENED, EntryKind.CLOSED], Wish.STOP, State.STOPPED),
        ([EntryKind.OPENED, EntryKind.CLOSED, EntryKind.OPENED], Wish.RUN, State.INTERRUPTED),
    ],
)
def test_how_a_run_was_left(kinds: list[EntryKind], wish: Wish, state: State, run: Path) -> None:
    note(run, *kinds)
    Control(wish=wish).save(run)
    assert overview(run).state is state
    with pytest.raises(StoreError, match=r"Nobody works on .*genesys resume"):
        live(run)


def test_who_works_on_a_run(run: Path) -> None:
    code = (
        "import json, sys\nfrom pathlib import Path\n"
        "from genesys.population.evolution_tree import EvolutionTree\n"
        f"run = Path({str(run)!r})\n"
        "with EvolutionTree(run, json.loads((run / 'run.json').read_text())['config']):\n"
        "    print('open', flush=True); sys.stdin.read()\n"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "open\n"
        for wish, state in (
            (Wish.RUN, State.RUNNING),
            (Wish.PAUSE, State.PAUSED),
            (Wish.STOP, State.STOPPING),
        ):
            Control(wish=wish).save(run)
            found = overview(run)
            assert (found.state, found.holder) == (state, live(run))
            assert str(found.holder).startswith(f"process {holder.pid} on ")
        for text in ("", "process 1 on \udcff", f"process {os.getpid()} on elsewhere"):
            (run / HOLDER).write_bytes(text.encode("utf-8", "surrogateescape"))
            assert holder_of(run) is not None
        holder.communicate()
    assert holder_of(run) is None


def test_a_run_that_has_just_been_started(tmp_path: Path) -> None:
    with EvolutionTree(tmp_path, {}):
        shutil.rmtree(tmp_path / "tree")
        assert overview(tmp_path).state is State.RUNNING
    assert overview(tmp_path).sessions == 0


@pytest.mark.parametrize(
    ("spoil", "problem"),
    [
        (lambda run: (run / FILE).write_text("{"), "damaged"),
        (lambda run: (run / FILE).write_text('{"format": 2, "genesys": "0.1"}'), "in format 2"),
        (lambda run: (run / FILE).unlink(), "no run folder"),
        (lambda run: (run / LEDGER).write_text("{}\n"), "no entry of a ledger"),
        (lambda run: shutil.rmtree(run / "tree" / "reports.lance"), "Cannot read"),
    ],
)
def test_what_cannot_be_read_is_listed_with_why(spoil, problem: str, run: Path) -> None:
    good = Path(shutil.copytree(run, run.parent / "good"))
    spoil(run)
    found = {Path(each.folder): each for each in map(overview, find_runs(run.parents[1]))}
    assert found.keys() == {run, good}
    assert found[run].state is State.UNREADABLE
    assert problem in found[run].problem
    assert found[good].problem == ""


def test_runs_are_found_and_what_is_in_them_is_not_searched(run: Path, finished: Path) -> None:
    shutil.copytree(finished, run / "designs" / "nested")
    assert list(find_runs(run.parents[1])) == [run]
    assert list(find_runs(run.parents[1] / "nowhere")) == []


def test_an_overview_is_a_record(run: Path) -> None:
    assert isinstance(overview(run), Record)
