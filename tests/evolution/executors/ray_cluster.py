"""A run on a Ray cluster, a node of which is lost: ``python ray_cluster.py FOLDER [DESIGNS]``

Three nodes on this machine, and one more later on. Prints as JSON the run's exit status, who was
there, and what a run should not have.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

from chaos import faults

from genesys.population.ledger import EntryKind, Ledger

os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
FEW = 16  # designs, if no number is given
MEMORY = {"object_store_memory": 80 * 2**20}


def ended(folder: Path) -> int:
    return sum(entry.kind is EntryKind.ENDED for entry in Ledger.read(folder))


def main(folder: Path, designs: int) -> None:
    from ray.cluster_utils import Cluster

    head = {"num_cpus": 1, "include_dashboard": False, **MEMORY}
    cluster = Cluster(initialize_head=True, head_node_args=head)
    try:
        lost = cluster.add_node(num_cpus=2, **MEMORY)
        cluster.add_node(num_cpus=2, **MEMORY)
        run = subprocess.Popen(command(folder, designs, cluster.address), stdout=sys.stderr)
        wait_for(run, lambda: ended(folder) >= designs // 2)
        cluster.remove_node(lost, allow_graceful=False)
        since = ended(folder)
        cluster.add_node(num_cpus=2, **MEMORY)
        status = run.wait(1800)
    finally:
        cluster.shutdown()
    entries = Ledger.read(folder)
    told = {
        "status": status,
        "before": since,
        "seconds": entries[-1].time - entries[0].time,
        "joined": [e.worker for e in entries if e.kind is EntryKind.JOINED],
        "left": [e.worker for e in entries if e.kind is EntryKind.LEFT],
        "failed": [e.outcome for e in entries if e.kind is EntryKind.FAILED],
        "jobs": ended(folder),
        "faults": faults(folder, designs),
    }
    print(json.dumps(told))


def command(folder: Path, designs: int, address: str) -> list[str]:
    """Of a run with five workers of one processor each, which is all that the cluster has."""
    rungs = [(designs * 14 // 10 + 5) // 2**rung for rung in range(4)]
    return [
        *(sys.executable, "-m", "genesys.cli.main", "evolve", "experiment=simulation"),
        *(f"hydra.run.dir={folder}", "generations=1"),
        *(f"evolution.designs={designs}", f"evolution.max_sessions={4 * designs}"),
        *(f"ladder.scales.{rung}.trials={trials}" for rung, trials in enumerate(rungs)),
        *(f"agent.time_scale={0.008 / designs}", f"verifier.time_scale={0.008 / designs}"),
        *("executor=ray", f"executor.address={address}"),
        *("executor.designers=2", "executor.verifiers=3"),
    ]


def wait_for(run: subprocess.Popen[bytes], happened: object) -> None:
    assert callable(happened)
    while not happened():
        assert run.poll() is None, "the run ended too early"
        time.sleep(0.05)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else FEW)
