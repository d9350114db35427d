"""Kills the processes of a run again and again: ``python chaos.py FOLDER DESIGNS [KEY=VALUE]...``

Workers die every other second, the coordinator now and then, all by SIGKILL; the same command is
given again until the run is over. Prints how often each was killed.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections import Counter
from itertools import pairwise
from pathlib import Path
from random import Random

import psutil

from genesys.population.evolution_tree import EvolutionTree
from genesys.population.ledger import EntryKind, JobKind, Ledger
from genesys.records import Outcome, SessionEnd

KILLS = (1.0, 3.0)  # seconds from one to the next
COORDINATOR = 0.12  # part of them that hits the coordinator
CALM = 15.0  # seconds that a coordinator lives at least, so that the run gets on


def command(folder: Path, designs: int, overrides: list[str]) -> list[str]:
    """Of the run."""
    return [
        *(sys.executable, "-W", "ignore", "-m", "genesys.cli.main", "evolve"),
        "experiment=simulation",
        f"hydra.run.dir={folder}",
        "generations=1",
        f"evolution.designs={designs}",
        f"evolution.max_sessions={3 * designs}",
        "verifier.machine_error_rate=0.01",
        *overrides,
    ]


def disturbed(folder: Path, designs: int, overrides: list[str], seed: int = 0) -> Counter[str]:
    """Go on with the run until it is over; how often each kind of process was killed."""
    rng, kills = Random(seed), Counter[str]()
    while True:
        with (folder.parent / "output.txt").open("ab") as output:
            run = subprocess.Popen(
                command(folder, designs, overrides),
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        status = _live(run, rng, kills)
        if status == 0:
            return kills
        if status > 0:
            sys.exit(f"the run ended with status {status}; see output.txt")


def _live(run: subprocess.Popen[bytes], rng: Random, kills: Counter[str]) -> int:
    """Kill around until the coordinator has ended; its status."""
    begun = time.monotonic()
    while run.poll() is None:
        time.sleep(rng.uniform(*KILLS))
        try:
            workers = psutil.Process(run.pid).children()
        except psutil.NoSuchProcess:
            continue
        if rng.random() < COORDINATOR and time.monotonic() - begun > CALM:
            kills["coordinator"] += 1
            run.kill()
        elif workers:
            kills["worker"] += 1
            os.kill(rng.choice(workers).pid, 9)
    return run.wait()


def faults(folder: Path, designs: int) -> list[str]:
    """What a run lacks, has twice or has overspent."""
    population, entries = EvolutionTree.read(folder), Ledger.read(folder)
    scales = json.loads((folder / "run.json").read_text())["config"]
    found: list[str] = []

    def expect(holds: bool, what: str) -> None:
        if not holds:
            found.append(what)

    names = [design.name for design in population.designs]
    expect(len(set(names)) == len(names), "a name comes twice")
    hashes = {design.structural_hash for design in population.designs}
    expect(len(hashes) == len(names), "a structure comes twice")
    expect([d.index for d in population.designs] == list(range(len(names))), "indexes")
    made = [s.design for s in population.sessions if s.end is SessionEnd.ACCEPTED]
    expect(sorted(made) == sorted(d.name for d in population.children), "designs of sessions")
    expect({p.name for p in (folder / "designs").iterdir()} == set(names), "design folders")
    sound = [d for d in population.children if not population.is_erroneous(d.name)]
    expect(len(sound) == designs, f"{len(sound)} sound designs")

    done = [r for r in population.reports if r.outcome is not Outcome.MACHINE_ERROR]
    verified = Counter((report.design, report.scale) for report in done)
    expect(max(verified.values()) == 1, f"verified twice: {verified.most_common(3)}")
    used, trials = Counter(report.scale for report in done), _trials(scales)
    rungs = [(name, used[name], most) for name, most in trials]
    expect(all(spent <= most for _, spent, most in rungs), f"overspent: {rungs}")
    for (_, below, wide), (name, spent, narrow) in pairwise(rungs):
        expect(spent <= below * narrow // wide, f"{name} had more than was released: {rungs}")
        expect(spent >= below * narrow // wide - 1, f"{name} was starved: {rungs}")

    jobs = {entry.job: entry for entry in entries if entry.kind is EntryKind.BEGUN}
    begun = [entry.job for entry in entries if entry.kind is EntryKind.BEGUN]
    ended = [entry.job for entry in entries if entry.kind is EntryKind.ENDED]
    expect(begun == list(range(len(begun))), "numbers of jobs")
    expect(sorted(ended) == begun, "jobs that began and jobs that ended")
    sessions = [e.session for e in jobs.values() if e.work is JobKind.SESSION]
    expect(sessions == list(range(len(sessions))), "numbers of sessions")
    expect(sorted(s.index for s in population.sessions) == sessions, "sessions of jobs")
    tried = Counter((e.design, e.scale) for e in jobs.values() if e.work is JobKind.VERIFICATION)
    expect(tried == verified, "reports of jobs")
    return found


def _trials(config: dict[str, object]) -> list[tuple[str, int]]:
    rungs = sorted(
        key for key in config if key.startswith("ladder.scales.") and key.endswith("name")
    )
    found = [(str(config[key]), int(str(config[f"{key[:-4]}trials"]))) for key in rungs]
    return [(name, trials) for name, trials in found if trials]


if __name__ == "__main__":
    where, number = Path(sys.argv[1]).absolute(), int(sys.argv[2])
    where.parent.mkdir(parents=True, exist_ok=True)
    print(dict(disturbed(where, number, sys.argv[3:])))
    print(faults(where, number) or "nothing lost, nothing twice")
