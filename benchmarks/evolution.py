"""Time of an event in a run of 10,000 designs, and of opening a run of 100,000.

The designs are made up: those of the shipped seeds with a proposal, a review and a report of the
checkers, 15 to 30 kB each. One report for each and a second one for three of ten have 9 to 30
scores and a curve of 50 points. A few hundred are committed as in a run, and the tables then hold
them many times under other names.

An event is everything that the coordinator does between a job that has ended and the next one that
is begun: commit, design folder, ledger, new population, candidates and selection. The worker is
one that takes no time. Tables are settled meanwhile, which the most that an event takes shows.
Times are those of the wall and, in brackets, of the processor; they grow while other work shares
the cores and the disk. The script fails if an event takes 20 ms or opening 3 s of the processor,
or an event 2% of a nano trial of 5 s.

    OPENBLAS_NUM_THREADS=1 python benchmarks/evolution.py [--designs 10000] [--events 500]
        [--opened 100000]
"""

from __future__ import annotations

import argparse
import statistics
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from time import perf_counter, process_time

import lancedb
import pyarrow as pa
import pyarrow.compute as pc

from genesys.errors import GenesysError
from genesys.evolution.coordinator import Coordinator
from genesys.evolution.executors.base import Outfit
from genesys.evolution.jobs import Done, Task
from genesys.evolution.ladder import Ladder
from genesys.evolution.seeds import load_seed, seed_names
from genesys.evolution.settings import EvolutionSettings
from genesys.plugins import Plugins
from genesys.population.evolution_tree import EvolutionTree
from genesys.population.ledger import JobKind
from genesys.records import (
    CheckReport,
    CheckResult,
    CurvePoint,
    Design,
    Operator,
    Proposal,
    Review,
    Scale,
    Score,
    Selection,
    Session,
    SessionEnd,
    VerificationReport,
)
from genesys_selectors.quadrant import QuadrantSelector

EVENT_MS, OPENING_S, NANO_TRIAL_S, SHARE = 20.0, 3.0, 5.0, 0.02
BASE = 250  # designs that are made one by one
CONFIG = {"evolution": {"seed": 1}}
SHAPE = {"n_block": 2, "d_model": 64, "learning_rate": 1e-3}
SCALES = [
    Scale(name=name, tokens=tokens, trials=trials, **SHAPE)
    for name, tokens, trials in (("s", 10**5, 10**6), ("m", 10**6, 10**6))
]
SEEDS = [load_seed(name) for name in seed_names()]
WORDS = ["a", "block", "mixes", "tokens", "with", "gates", "that", "decay", "over", "time"]


def child(index: int, parent: str, rng: Random) -> Design:
    """A seed with one unit changed, and with all that a session gives it."""
    like, name = rng.choice(SEEDS), f"made-{index}"
    code = f"{like.units[0].code}\n# {index}\n"
    proposal = Proposal(
        name=name,
        abstract=prose(30, rng),
        text=prose(800, rng),
        operator=Operator.MUTATION,
        parents=[parent],
        target=like.root,
        plan=prose(300, rng),
    )
    return Design(
        name=name,
        root=like.root,
        units=[like.units[0].model_copy(update={"code": code}), *like.units[1:]],
        args=like.args,
        operator=Operator.MUTATION,
        parents=[parent],
        structural_hash=f"{index:064x}",
        proposal=proposal,
        review=Review(rating=4, text=prose(250, rng)),
        check=CheckReport(
            results=[CheckResult(check=f"check-{i}", passed=True, seconds=0.1) for i in range(12)]
        ),
        index=index,
    )


def prose(words: int, rng: Random) -> str:
    """So many words."""
    return " ".join(rng.choices(WORDS, k=words))


def session(index: int, picked: Selection, design: str) -> Session:
    """One that ended with a design."""
    end = SessionEnd.ACCEPTED
    return Session(index=index, seed=1, selection=picked, end=end, design=design, seconds=9.0)


def report(design: str, scale: str, rng: Random) -> VerificationReport:
    """One that ended well."""
    error = {"stderr": 0.01, "chance": 0.5, "untrained": 0.5, "overlap": 0.0}
    return VerificationReport(
        design=design,
        scale=scale,
        parameters=10**5,
        flops=3 * 10**5,
        tokens=10**6,
        scores=[
            *(
                Score(task=f"task-{i}", metric="acc", value=rng.uniform(0.4, 0.8), **error)
                for i in range(rng.randint(8, 29))
            ),
            Score(task="held-out", metric="bits_per_byte", value=rng.uniform(2, 3)),
        ],
        curve=[
            CurvePoint(step=i, tokens=1000 * i, loss=rng.uniform(2, 4), grad_norm=rng.random())
            for i in range(50)
        ],
        seconds=10.0,
    )


def write(folder: Path, designs: int) -> None:
    """A run folder of about so many designs."""
    rng = Random(0)
    with EvolutionTree(folder, CONFIG) as tree:
        for index, seed in enumerate(SEEDS):
            tree.add_seed(seed.model_copy(update={"index": index}))
        for index in range(len(SEEDS), BASE):
            parent = rng.choice(tree.population().designs).name
            made = child(index, parent, rng)
            picked = Selection(operator=Operator.MUTATION, designs=[parent])
            tree.commit_session(session(index - len(SEEDS), picked, made.name), made)
        for design in tree.population().designs:
            tree.commit_report(report(design.name, "s", rng))
            if design.index % 10 < 3:
                tree.commit_report(report(design.name, "m", rng))
    repeat(folder, designs // BASE)


def repeat(folder: Path, times: int) -> None:
    """Have all but the seeds so many times in the tables, under other names; folders are empty."""
    database = lancedb.connect(folder / "tree")
    tables = {name: database.open_table(name) for name in ("designs", "sessions", "reports")}
    rows = {name: table.to_arrow() for name, table in tables.items()}
    for name, key in (("designs", "name"), ("sessions", "design"), ("reports", "design")):
        rows[name] = rows[name].filter(pc.starts_with(rows[name][key], "made-"))
    for first in range(1, times, 2):
        copies = [again(rows, number) for number in range(first, min(first + 2, times))]
        for name, table in tables.items():
            table.add(pa.concat_tables(copy[name] for copy in copies).combine_chunks())
        for copy in copies:
            for name in copy["designs"]["name"].to_pylist():
                (folder / "designs" / name / "reports").mkdir(parents=True)


def again(rows: dict[str, pa.Table], number: int) -> dict[str, pa.Table]:
    """The rows of the designs under other names."""
    count = rows["designs"].num_rows
    changes: dict[str, dict[str, Callable[[pa.Array], pa.Array]]] = {
        "designs": {"name": _named(number), "structural_hash": _named(number)},
        "sessions": {"design": _named(number), "index": lambda i: pc.add(i, number * count)},
        "reports": {"design": _named(number)},
    }
    changes["designs"]["index"] = changes["sessions"]["index"]
    copies = dict(rows)
    for name, columns in changes.items():
        for column, change in columns.items():
            place, table = copies[name].schema.get_field_index(column), copies[name]
            copies[name] = table.set_column(place, table.field(place), change(table[column]))
    return copies


def _named(number: int) -> Callable[[pa.Array], pa.Array]:
    return lambda names: pc.binary_join_element_wise(names, f"{number}", "-")


class EnoughError(GenesysError):
    """As many events as wanted were timed."""


class Instant:
    """An executor of one worker, which takes no time; it times what is done between its jobs."""

    def __init__(self, events: int) -> None:
        self._left, self._rng, self._number = events, Random(1), 10**6
        self._tasks: list[Task] = []
        self.times: dict[JobKind, list[tuple[float, float]]] = {kind: [] for kind in JobKind}
        self._begun: tuple[JobKind, float, float] | None = None

    def open(self, outfit: Outfit) -> nullcontext[None]:
        """Nothing to open."""
        return nullcontext()

    def room(self, kind: JobKind) -> int:
        """One job at a time."""
        return 1 - len(self._tasks)

    def size(self, kind: JobKind) -> int:
        """One worker."""
        return 1

    def submit(self, task: Task) -> None:
        """Keep the job until it is waited for."""
        self._tasks.append(task)

    def wait(self, seconds: float) -> Sequence[Done]:
        """The job is done; the clock runs until the next call."""
        if self._begun:
            kind, wall, processor = self._begun
            self.times[kind].append((perf_counter() - wall, process_time() - processor))
        if not self._left:
            raise EnoughError
        self._left -= 1
        done = self._done(self._tasks.pop())
        self._begun = done.job.kind, perf_counter(), process_time()
        return [done]

    def _done(self, task: Task) -> Done:
        job, self._number = task.job, self._number + 1
        if task.design is not None and task.scale is not None:
            found = report(task.design.name, task.scale.name, self._rng)
            return Done(job, "instant", 9.0, report=found)
        assert job.session is not None and job.selection is not None
        made = child(self._number, (job.selection.designs or ["gpt2"])[0], self._rng)
        held = session(job.session, job.selection, made.name)
        return Done(job, "instant", 9.0, session=held, design=made)


def events(folder: Path, count: int) -> dict[JobKind, list[tuple[float, float]]]:
    """Seconds of the wall and the processor that events take, by what has ended."""
    executor = Instant(count)
    settings = EvolutionSettings(
        seeds=seed_names(),
        designs=10**6,
        max_sessions=10**6,
        verifications_per_design=1.3,
    )
    plugins = Plugins({"selector": QuadrantSelector()})
    with EvolutionTree(folder, CONFIG) as tree:
        coordinator = Coordinator(
            tree, plugins, Ladder(SCALES), None, settings, executor, lambda event: None
        )
        try:
            coordinator.run()
        except EnoughError:
            return executor.times
    raise AssertionError("the run ended by itself")


@contextmanager
def timed(what: str, limit: float) -> Iterator[None]:
    """Print how long something takes, and fail if it takes too long."""
    wall, processor = perf_counter(), process_time()
    yield
    wall, processor = perf_counter() - wall, process_time() - processor
    print(f"{what:34} {wall:6.2f} s ({processor:.2f} s)")
    if processor >= limit:
        sys.exit(f"{what} takes {processor:.2f} s of the processor; it should take {limit:g} s.")


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--designs", type=int, default=10_000)
    parser.add_argument("--events", type=int, default=500)
    parser.add_argument("--opened", type=int, default=100_000)
    asked = parser.parse_args()
    with TemporaryDirectory() as base:
        folder = Path(base) / "events"
        write(folder, asked.designs)
        found = events(folder, asked.events)
        print(f"{'event':14} {'median':>18} {'99%':>18} {'most':>18}   at {asked.designs} designs")
        for kind, times in found.items():
            walls, processors = (
                sorted(1000 * t for t in part) for part in zip(*times, strict=True)
            )
            at = (len(walls) // 2, int(0.99 * len(walls)), -1)
            row = "".join(f"{walls[i]:8.1f} ({processors[i]:5.1f}) ms" for i in at)
            print(f"{kind.value:14} {row}")
        middle = statistics.median(t for times in found.values() for _, t in times)
        share = middle / NANO_TRIAL_S
        print(f"{share:.2%} of a nano trial of {NANO_TRIAL_S:g} s")
        if 1000 * middle >= EVENT_MS or share >= SHARE:
            sys.exit(f"An event takes {1000 * middle:.1f} ms; it should take {EVENT_MS:g} ms.")
        folder = Path(base) / "opening"
        write(folder, asked.opened)
        with timed(f"reading {asked.opened} designs", OPENING_S):
            EvolutionTree.read(folder)
        with timed(f"opening {asked.opened} designs", OPENING_S):
            tree = EvolutionTree(folder, CONFIG).__enter__()
        tree.__exit__(None, None, None)


if __name__ == "__main__":
    main()
