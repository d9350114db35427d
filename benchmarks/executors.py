"""What worker processes cost: parallel efficiency on jobs that sleep, and the overhead of a job.

    python benchmarks/executors.py [--workers 1 2 4 8] [--seconds 0.5] [--jobs 80]

Jobs are verifications by a plugin that sleeps. Efficiency is the time that the jobs would take one
after the other, with nothing between them, over workers times the time that they took; starting the
workers is left out. The overhead is measured with jobs that do nothing, one after the other on one
worker: wall time, and processor time of the coordinator's process. The script fails below an
efficiency of 0.9 with the most workers.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from genesys.evolution.executors.base import Outfit
from genesys.evolution.executors.local import LocalExecutor
from genesys.evolution.jobs import Done, Extent, Job, Task
from genesys.evolution.settings import EvolutionSettings
from genesys.markers import hookimpl
from genesys.plugins import Plugins
from genesys.population.ledger import JobKind
from genesys.population.population import Population
from genesys.records import Design, Operator, Scale, VerificationReport
from genesys.sandbox import Sandbox

KIND = JobKind.VERIFICATION
SCALE = Scale(name="s0", n_block=1, d_model=16, tokens=1, learning_rate=1e-3, trials=1)
DESIGN = Design(name="d", root="D", units=[], operator=Operator.SEED, structural_hash="0")
LEAST = 0.9
IDLE_JOBS = 1000


class Sleeper:
    """A verifier that sleeps."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    @hookimpl
    def verify(self, design: Design, scale: Scale) -> VerificationReport:
        """See ``genesys.hookspecs.verify``."""
        time.sleep(self._seconds)
        return VerificationReport(design=design.name, scale=scale.name)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2, 4, 8])
    parser.add_argument("--seconds", type=float, default=0.5)
    parser.add_argument("--jobs", type=int, default=80)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        offer_sleeper(Path(folder) / "site")
        print("workers   seconds   efficiency")
        for workers in options.workers:
            with executor(Path(folder), workers, options.seconds) as local:
                wall, _ = do(local, options.jobs)
            efficiency = options.jobs * options.seconds / (workers * wall)
            print(f"{workers:7d}   {wall:7.2f}   {efficiency:10.3f}")
        with executor(Path(folder), 1, 0.0) as local:
            wall, processor = do(local, IDLE_JOBS)
    each = 1000 / IDLE_JOBS
    print(f"A job that does nothing: {wall * each:.2f} ms, {processor * each:.2f} ms of processor")
    sys.exit(efficiency < LEAST)


def offer_sleeper(site: Path) -> None:
    """Let workers find the plugin, as that of an installed distribution."""
    distribution = site / "sleeper-1.dist-info"
    distribution.mkdir(parents=True)
    (distribution / "METADATA").write_text("Metadata-Version: 2.1\nName: sleeper\nVersion: 1\n")
    (distribution / "entry_points.txt").write_text("[genesys]\nverifier.sleeper=executors:Sleeper")
    os.environ["PYTHONPATH"] = f"{site}:{Path(__file__).parent}"


@contextmanager
def executor(folder: Path, workers: int, seconds: float) -> Iterator[LocalExecutor]:
    """So many workers, all of them waiting for jobs."""
    verifier = {"name": "sleeper", "seconds": seconds}
    evolution = {"seeds": ["d"], "designs": 0, "max_sessions": 0}
    config = {"verifier": verifier, "evolution": evolution, "sandbox": {}}
    run = Path(tempfile.mkdtemp(dir=folder))
    settings = EvolutionSettings.of(evolution)
    local = LocalExecutor(designers=0, verifiers=workers)
    with Sandbox() as sandbox:
        here = Plugins({}), sandbox, settings
        outfit = Outfit(config, run, lambda event: None, lambda *about: None, *here)
        with local.open(outfit):
            while local.room(KIND) < workers:
                local.wait(0.1)
            yield local


def do(local: LocalExecutor, jobs: int) -> tuple[float, float]:
    """Have so many jobs done; wall and processor time of this process, in seconds."""
    population = Population([DESIGN])
    extent = Extent.of(population)
    wall, processor = time.perf_counter(), time.process_time()
    begun = ended = 0
    while ended < jobs:
        while begun < jobs and local.room(KIND):
            job = Job(number=begun, kind=KIND, extent=extent, design="d", scale="s0")
            local.submit(Task(job, population, design=DESIGN, scale=SCALE))
            begun += 1
        for done in local.wait(1):
            assert isinstance(done, Done), done
            ended += 1
    return time.perf_counter() - wall, time.process_time() - processor


if __name__ == "__main__":
    main()
