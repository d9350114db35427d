"""Killed at any instant, a run goes on where it was and ends in the same tree."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from random import Random
from types import ModuleType

import pytest

from genesys.population.evolution_tree import EvolutionTree, tree_digest

HERE = Path(__file__).parent
PAUSE = 0.03


def start(folder: Path) -> subprocess.Popen[str]:
    """The run as a process group of its own; returns when its folder is open."""
    command = [sys.executable, str(HERE / "fake_run.py"), str(folder), str(PAUSE)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True)


def finish(folder: Path) -> tuple[str, float]:
    """Let the run end; its digest, and seconds since the folder was open."""
    process = start(folder)
    assert process.stdout is not None
    assert process.stdout.readline() == "opened\n"
    opened = time.perf_counter()
    digest = process.communicate()[0].strip()
    assert process.returncode == 0
    return digest, time.perf_counter() - opened


@pytest.mark.slow
def test_killed_at_ten_random_moments(fakes: ModuleType, seeds: list[str], tmp_path: Path) -> None:
    undisturbed, seconds = finish(tmp_path / "undisturbed")
    rng = Random(0)
    kills = progress = 0
    for kill in range(10):
        process = start(tmp_path / "killed")
        assert process.stdout is not None
        if kill % 4 < 3:
            process.stdout.readline()
            time.sleep(rng.uniform(0, seconds / 6))
        else:  # while it starts and opens the folder
            time.sleep(rng.uniform(0.3, 1.5))
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        kills += process.returncode == -signal.SIGKILL
        if kill % 4 < 3:
            population = EvolutionTree.read(tmp_path / "killed")
            assert len(population.sessions) + len(population.reports) >= progress
            progress = len(population.sessions) + len(population.reports)
    assert kills == 10
    assert finish(tmp_path / "killed")[0] == undisturbed
    assert tree_digest(EvolutionTree.read(tmp_path / "killed")) == undisturbed


def test_killed_at_one_write_after_the_other(tmp_path: Path) -> None:
    # The sweep forks before the database is used, the one moment at which that is sound.
    done = subprocess.run(
        [sys.executable, "-W", "ignore", str(HERE / "kill_sweep.py"), str(tmp_path)],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    outcome = json.loads(done.stdout)
    assert outcome["same"]
    assert outcome["deaths"] > 20


LIMITED = """
import resource, sys
sys.path.insert(0, {here!r})
import fake_run
from genesys.errors import StoreError
from pathlib import Path

events = []

def limit(event):
    events.append(event)
    if len(events) > {after}:
        resource.setrlimit(resource.RLIMIT_FSIZE, ({size}, resource.RLIM_INFINITY))

try:
    fake_run.run(Path({folder!r}), {seeds!r}, limit)
except StoreError as error:
    print(error)
    sys.exit(1)
"""


def test_writes_that_fail_leave_the_data_whole(
    fakes: ModuleType, seeds: list[str], tmp_path: Path
) -> None:
    """A limit on the size of files stands for a full disk: the same calls fail, half done."""
    folder = tmp_path / "run"
    for size, after in ((300, 0), (1500, 20), (800, 50)):
        code = LIMITED.format(
            here=str(HERE), size=size, after=after, folder=str(folder), seeds=seeds
        )
        done = subprocess.run(
            [sys.executable, "-c", code], check=False, capture_output=True, text=True
        )
        assert done.returncode == 1, done.stderr
        assert done.stdout.startswith(f"Cannot write to the run folder {folder}: ")
        assert re.search("File too large|only a part", done.stdout)
        assert "run the same command again" in done.stdout
        assert done.stdout.count("\n") == 1
        EvolutionTree.read(folder)
    whole = fakes.run(tmp_path / "whole", seeds)
    assert tree_digest(fakes.run(folder, seeds)) == tree_digest(whole)
