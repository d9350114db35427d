"""Killed at any instant, a run goes on where it was and ends in the same tree."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

from genesys.population.evolution_tree import EvolutionTree, tree_digest

HERE = Path(__file__).parent


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
    for size, after in ((300, 0), (5000, 4), (1500, 20)):
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
