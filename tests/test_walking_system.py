"""The whole of it, as its user runs it: discover, look, go on, and survive being killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from random import Random

import pytest

from genesys.population.evolution_tree import EvolutionTree, tree_digest
from genesys.records import Outcome

RUN = Path("runs/smoke")
# As small as the parts allow; every part is real.
TINY = [
    "experiment=smoke",
    "evolution.seeds=[gpt2]",
    "evolution.designs=2",
    "corpus.speeches_mb=0.5",
    "corpus.prose_mb=0.1",
    "corpus.code_mb=0.1",
    "corpus.items_per_task=20",
    "ladder.scales=["
    "{name: S, n_block: 1, d_model: 48, tokens: 8000, learning_rate: 0.006, trials: 3}, "
    "{name: M, n_block: 2, d_model: 48, tokens: 8000, learning_rate: 0.006, trials: 1}]",
]


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    """One corpus for all runs."""
    return tmp_path_factory.mktemp("cache")


def start(cwd: Path, cache: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "genesys.cli.main", *arguments],
        cwd=cwd,
        env={**os.environ, "GENESYS_CACHE": str(cache)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def finish(cwd: Path, cache: Path, *arguments: str) -> str:
    process = start(cwd, cache, *arguments)
    output = process.communicate()[0]
    assert process.returncode == 0, output
    return output


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory, cache):
    """A folder with a finished run, and what it printed."""
    cwd = tmp_path_factory.mktemp("undisturbed")
    return cwd, finish(cwd, cache, "evolve", *TINY)


@pytest.mark.slow
def test_discovers_designs(undisturbed):
    cwd, output = undisturbed
    population = EvolutionTree.read(cwd / RUN)
    assert len(population.children) == 2
    assert all(design.check.valid for design in population.designs)
    assert [r.outcome for r in population.reports] == [Outcome.OK] * 4
    assert [r.scale for r in population.reports].count("M") == 1
    for design in population.designs:
        assert design.name in output
        assert (cwd / RUN / "designs" / design.name / "gab.py").is_file()
    assert "untrained" in output
    assert (cwd / RUN / "report.html").stat().st_size > 100_000


@pytest.mark.slow
def test_shows_what_it_made(undisturbed, cache):
    cwd, _ = undisturbed
    child = EvolutionTree.read(cwd / RUN).children[0]
    assert child.proposal.abstract[:30] in finish(cwd, cache, "show", child.name)
    assert child.name in finish(cwd, cache, "leaderboard")
    assert "Valid" in finish(cwd, cache, "check", str(RUN / "designs" / child.name))
    # An exported design is a seed.
    exported = f"evolution.seeds=[gpt2,{RUN}/designs/{child.name}]"
    finish(cwd, cache, "evolve", *TINY, exported, "name=next", "evolution.designs=0")
    assert len(EvolutionTree.read(cwd / "runs/next").seeds) == 2


@pytest.mark.slow
def test_a_finished_run_is_not_repeated(undisturbed, cache):
    cwd, _ = undisturbed
    before = tree_digest(EvolutionTree.read(cwd / RUN))
    finish(cwd, cache, "evolve", *TINY)
    assert tree_digest(EvolutionTree.read(cwd / RUN)) == before
    changed = start(cwd, cache, "evolve", *TINY, "selector=random")
    assert "started with another config" in " ".join(changed.communicate()[0].split())
    assert changed.returncode == 1


@pytest.mark.slow
def test_a_replay_gives_the_same_tree(undisturbed, cache):
    cwd, _ = undisturbed
    assert "the same tree" in finish(cwd, cache, "replay", "--run", str(RUN))
    again = cwd / "runs/smoke-replay"
    assert tree_digest(EvolutionTree.read(again)) == tree_digest(EvolutionTree.read(cwd / RUN))
    assert _files(again / "designs") == _files(cwd / RUN / "designs")
    refused = start(cwd, cache, "replay", "--run", str(RUN))
    assert "is not empty" in refused.communicate()[0]
    assert refused.returncode == 1


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_killed_at_ten_random_moments(undisturbed, cache, tmp_path):
    rng = Random(0)
    for _ in range(10):
        process = start(tmp_path, cache, "evolve", *TINY)
        time.sleep(rng.uniform(0.5, 5))
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
    finish(tmp_path, cache, "evolve", *TINY)
    survived, whole = (EvolutionTree.read(folder / RUN) for folder in (tmp_path, undisturbed[0]))
    assert tree_digest(survived) == tree_digest(whole)
    assert _files(tmp_path / RUN / "designs") == _files(undisturbed[0] / RUN / "designs")


def _files(folder: Path) -> dict[str, bytes]:
    """All files below a folder, but for the reports: they hold timings."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.parent.name != "reports" and path.name != "design.yaml"
    }
