"""What becomes of runs: which there are, who works on them, and how far they are."""

from __future__ import annotations

import os
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path

from pydantic import Field, FiniteFloat

from genesys.errors import GenesysError, StoreError
from genesys.evolution.control import Control, Wish
from genesys.population.evolution_tree import TABLES
from genesys.population.files import storing
from genesys.population.fitness import EQUATION_1
from genesys.population.holder import Holder, holder_of
from genesys.population.ledger import FILE as LEDGER
from genesys.population.ledger import EntryKind, Ledger
from genesys.population.population import Population
from genesys.population.run_file import FILE, RunFile
from genesys.records import Design, Operator, Outcome, Record, Session, VerificationReport
from genesys.tape import Call

# What the terms of the fitness are made of, and what they are made of if accuracy is all.
TERMS = sorted(set(VerificationReport.model_fields) - {"curve"})
ACCURACY = ["design", "outcome", "scale", "scores", "simulated"]
LAST = "answers.lance"  # of the tables that a run begins with


class State(StrEnum):
    """What a run is doing.

    ``STOPPED`` by a person, and ``INTERRUPTED`` in any other way than by having done all that its
    config asks for, which is ``FINISHED``. ``FORKED``: nobody has gone on with it yet. ``ENDED``:
    an earlier release left it, or it is a single session, and nobody wrote down which of these it
    is. ``UNREADABLE``: it is damaged, or of another format.
    """

    RUNNING = "running"
    PAUSED = "paused"
    STOPPING = "stopping"
    STOPPED = "stopped"
    INTERRUPTED = "interrupted"
    FINISHED = "finished"
    FORKED = "forked"
    ENDED = "ended"
    UNREADABLE = "unreadable"


LIVE = {Wish.RUN: State.RUNNING, Wish.PAUSE: State.PAUSED, Wish.STOP: State.STOPPING}


class Overview(Record):
    """How far a run is.

    Attributes:
        folder: Of the run.
        state: What it is doing.
        holder: The process that works on it; None if nobody does.
        generation: The one under way or the last, from 1.
        sessions: That have ended.
        designs: New ones.
        verified: Designs, seeds included, that were verified at some scale.
        fitness: Of the best new design; None without one.
        usd: That language models cost, but for what was spent before the run was forked.
        forked_from: Folder of the run that it was forked from; empty if it was not.
        active: When something was committed last, in seconds since 1970.
        simulated: Whether verifications were simulated, so that nothing was trained.
        problem: Why it cannot be read; else empty.
    """

    folder: str
    state: State
    holder: Holder | None = None
    generation: int = 0
    sessions: int = 0
    designs: int = 0
    verified: int = 0
    fitness: FiniteFloat | None = None
    usd: FiniteFloat = 0.0
    forked_from: str = ""
    active: FiniteFloat = Field(default=0.0)
    simulated: bool = False
    problem: str = ""


def find_runs(top: Path) -> Iterator[Path]:
    """The run folders below a folder, those that cannot be read included."""
    if (top / FILE).is_file() or (top / TABLES / "designs.lance").is_dir():
        yield top
        return
    try:
        below = sorted(entry.path for entry in os.scandir(top) if entry.is_dir())
    except OSError:
        return
    for path in below:
        yield from find_runs(Path(path))


def overview(folder: Path) -> Overview:
    """Look at a run, also while another process writes to it. Costs no more than counts take."""
    try:
        with storing("read", folder):
            return _overview(folder)
    except GenesysError as error:
        return Overview(
            folder=str(folder), state=State.UNREADABLE, active=_active(folder), problem=str(error)
        )


def live(folder: Path) -> Holder:
    """The process that works on a run.

    Raises:
        StoreError: There is no such run, or nobody works on it.
    """
    RunFile.load(folder)
    holder = holder_of(folder)
    if holder is None:
        raise StoreError(f"Nobody works on {folder}. `genesys resume {folder}` goes on with it.")
    return holder


def _overview(folder: Path) -> Overview:
    from genesys.population.store import RecordTable

    run_file, tables = RunFile.load(folder), folder / TABLES
    holder, before = holder_of(folder), run_file.forked_from
    known = Overview(
        folder=str(folder),
        state=LIVE[Control.read(folder).wish] if holder else _left(folder),
        holder=holder,
        generation=run_file.generation,
        forked_from=before.run if before else "",
        active=_active(folder),
    )
    if not (tables / LAST).is_dir():  # it has just been started, or that is as far as it came
        return known
    made = RecordTable(tables, "sessions", Session, writable=False).column("design")
    seeds = RecordTable(tables, "designs", Design, writable=False).columns(["name", "operator"])
    calls = RecordTable(tables, "calls", Call, writable=False).column("usd")
    fields = ACCURACY if run_file.weights == EQUATION_1 else TERMS
    rows = RecordTable(tables, "reports", VerificationReport, writable=False).columns(fields)
    reports = [VerificationReport.model_validate(row) for row in rows.to_pylist()]
    names = {r["name"] for r in seeds.to_pylist() if r["operator"] == Operator.SEED}
    measured = Population(reports=reports, weights=run_file.weights)
    children = {report.design for report in reports} - names
    values = [v for name in children if (v := measured.fitness(name)) is not None]
    found = {
        "sessions": len(made),
        "designs": sum(name != "" for name in made),
        "verified": len({r.design for r in reports if r.outcome is Outcome.OK}),
        "fitness": max(values, default=None),
        "simulated": any(report.simulated for report in reports),
        "usd": max(0.0, sum(calls) - (before.usd if before else 0.0)),
    }
    return known.model_copy(update=found)


def _left(folder: Path) -> State:
    """How the last process left a run."""
    told = (EntryKind.OPENED, EntryKind.CLOSED, EntryKind.FORKED)
    match [entry.kind for entry in Ledger.read(folder) if entry.kind in told][-1:]:
        case []:
            return State.ENDED
        case [EntryKind.OPENED]:
            return State.INTERRUPTED
        case [EntryKind.FORKED]:
            return State.FORKED
    return State.STOPPED if Control.read(folder).wish is Wish.STOP else State.FINISHED


def _active(folder: Path) -> float:
    """When the files of a run changed last."""
    paths = [folder / FILE, folder / LEDGER, folder / TABLES]
    paths += (folder / TABLES).glob("*.jsonl")
    paths += (folder / TABLES).glob("*.lance/_versions")
    return max((path.stat().st_mtime for path in paths if path.exists()), default=0.0)
