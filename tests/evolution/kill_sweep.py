"""Dies at one write after the other: ``python kill_sweep.py <folder>``.

Each process goes on with the run and kills itself at its n-th touch of the run folder (a Python
file operation, or either side of a table's commit), with n growing by one. Processes are forked
from one that has the libraries loaded, which makes a hundred deaths affordable.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import traceback
from functools import partial
from pathlib import Path

import fake_run

from genesys.population import store
from genesys.population.evolution_tree import tree_digest

EVENTS = {"open", "os.rename", "os.mkdir", "os.remove", "os.rmdir"}


def arm(folder, last):
    """Let this process kill itself at its ``last``-th touch of the folder."""
    touches = 0

    def touch():
        nonlocal touches
        touches += 1
        if touches == last:
            os.kill(os.getpid(), signal.SIGKILL)

    def on_event(event, arguments):
        if event in EVENTS and str(arguments[0]).startswith(str(folder)):
            touch()

    def guard(method):
        def guarded(*arguments, **options):
            touch()
            result = method(*arguments, **options)
            touch()
            return result

        return guarded

    sys.addaudithook(on_event)
    for name in ("__init__", "append", "settle", "delete_index"):
        setattr(store.RecordTable, name, guard(getattr(store.RecordTable, name)))


def in_child(work):
    """Run ``work`` in a fork; whether it was killed."""
    child = os.fork()
    if child == 0:
        try:
            work()
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    status = os.waitpid(child, 0)[1]
    if not os.WIFSIGNALED(status) and os.WEXITSTATUS(status):
        sys.exit("a process failed")
    return os.WIFSIGNALED(status)


def main():
    base = Path(sys.argv[1])
    seeds = fake_run.write_seeds(base / "seeds")

    def go_on(name, last=None):
        if last:
            arm(base / name, last)
        population = fake_run.run(base / name, seeds)
        (base / f"{name}.digest").write_text(tree_digest(population))

    in_child(partial(go_on, "undisturbed"))
    deaths = 0
    while in_child(partial(go_on, "killed", deaths + 1)):
        deaths += 1
    digests = [(base / f"{name}.digest").read_text() for name in ("undisturbed", "killed")]
    print(json.dumps({"deaths": deaths, "same": digests[0] == digests[1]}))


if __name__ == "__main__":
    main()
