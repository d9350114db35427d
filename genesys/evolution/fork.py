"""A new run from a run's tree, as it is or as it was at an earlier moment."""

from __future__ import annotations

import shutil
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from itertools import takewhile
from pathlib import Path
from typing import Any, TypeVar

import yaml

from genesys.errors import ConfigError, StoreError
from genesys.evolution.run import CONFIG_FILE, identity_of
from genesys.files import write_text
from genesys.population.evolution_tree import TABLES, EvolutionTree
from genesys.population.files import storing
from genesys.population.ledger import FILE as LEDGER
from genesys.population.ledger import Entry, EntryKind, JobKind, Ledger
from genesys.population.population import Population
from genesys.population.run_file import Fork, RunFile
from genesys.records import (
    Design,
    Operator,
    Outcome,
    Record,
    Session,
    VerificationReport,
)
from genesys.tape import Answer, Call

R = TypeVar("R", bound=Record)


@dataclass(frozen=True)
class Moment:
    """A state that a run was in; None leaves it to what the run is now.

    Attributes:
        generation: As it was when this generation began.
        designs: As it was when so many new designs had been made.
    """

    generation: int | None = None
    designs: int | None = None


def fork(source: Path, out: Path, config: Mapping[str, Any], moment: Moment) -> RunFile:
    """Make a run of what another one has committed; that one is only read.

    It has the designs, sessions, reports and tapes of the other, its ledger, and a config of its
    own, under which it goes on. What the other had spent does not count against its budget. What
    was under way is decided on anew, unless later sessions had ended before it.

    Args:
        source: Folder of the run, which may be going on.
        out: Folder of the new run, new or empty; it appears whole or not at all.
        config: Of the new run, as composed from ``configs/evolve.yaml``.
        moment: The state to take.

    Returns:
        What the new run's ``run.json`` says.

    Raises:
        ConfigError: The config has other seeds than the run.
        StoreError: There is no such run or moment, ``out`` is not empty, or the disk refuses.
    """
    run_file = RunFile.load(source)
    _same_seeds(run_file, config)
    if out.exists() and any(out.iterdir()):
        raise StoreError(f"{out} is not empty. Choose an empty or a new folder.")
    # The ledger first: of all that it says has ended, the tables know.
    ledger = Ledger.read(source)
    entries = _until(ledger, run_file, moment, source)
    population = _population(source)
    calls, answers = EvolutionTree.read_tape(source)
    known = (EntryKind.ENDED, EntryKind.BEGUN) if moment == Moment() else (EntryKind.ENDED,)
    first = next((e.seen for e in ledger if e.kind is EntryKind.BEGUN), None)
    kept = _committed(population, entries, known, first)
    entries = _without_what_is_decided_anew(entries, kept)
    sessions = {s.index for s in kept.sessions} | {e.session for e in entries}
    calls = [call for call in calls if call.session in sessions]
    answers = [answer for answer in answers if answer.session in sessions]
    forked = RunFile(
        format=run_file.format,
        genesys=version("genesys"),
        config=identity_of(config, config.get("incidental", [])),
        generation=run_file.generation if moment == Moment() else _generation(entries),
        forked_from=Fork(
            run=str(source.absolute()),
            designs=len(kept.children),
            sessions=len(kept.sessions),
            reports=len(kept.reports),
            usd=sum(call.usd for call in calls),
            tokens=sum(call.input_tokens + call.output_tokens for call in calls),
        ),
    )
    with storing("write to", out):
        draft = out.with_name(f".{out.name}.tmp")
        shutil.rmtree(draft, ignore_errors=True)
        (draft / TABLES).mkdir(parents=True)
        try:
            _write_tables(draft / TABLES, kept, calls, answers)
            _write_ledger(draft, entries, source)
            write_text(draft / CONFIG_FILE, yaml.safe_dump(dict(config), sort_keys=False))
            forked.save(draft)
            draft.replace(out)
        finally:
            shutil.rmtree(draft, ignore_errors=True)
    return forked


def _same_seeds(run_file: RunFile, config: Mapping[str, Any]) -> None:
    key = "evolution.seeds"
    ours, theirs = (config.get("evolution") or {}).get("seeds"), run_file.config.get(key)
    if theirs is not None and ours != theirs:
        raise ConfigError(
            f"A fork has the seeds of its run, evolution.seeds={theirs}, and not {ours}. A run "
            "from other seeds is a new one."
        )


def _until(entries: list[Entry], run_file: RunFile, moment: Moment, source: Path) -> list[Entry]:
    """The ledger as it was at a moment."""
    if moment == Moment():
        return entries
    begins = [place for place, e in enumerate(entries) if e.kind is EntryKind.BEGUN]
    if not begins:
        raise StoreError(
            f"{source} has no ledger, so nothing is known of its earlier states: it can only be "
            "forked as it is."
        )
    if moment.designs is not None:
        ends = [p + 1 for p, e in enumerate(entries) if _made_a_design(e)]
        places, wanted, there = [begins[0], *ends], moment.designs, f"{len(ends)} new designs"
    else:
        generations = [p + 1 for p, e in enumerate(entries) if e.kind is EntryKind.GENERATION]
        if len(generations) + 1 < run_file.generation:
            raise StoreError(
                f"The ledger of {source} does not say when its generations began: fork it by "
                "--designs."
            )
        places, there = [begins[0], *generations], f"{len(generations) + 1} generations"
        wanted = (moment.generation or 1) - 1
    if not 0 <= wanted < len(places):
        raise StoreError(f"{source} has not come so far: it has {there}.")
    return entries[: places[wanted]]


def _made_a_design(entry: Entry) -> bool:
    ended = entry.kind is EntryKind.ENDED and entry.work is JobKind.SESSION
    return ended and entry.design != ""


def _generation(entries: Iterable[Entry]) -> int:
    return 1 + sum(entry.kind is EntryKind.GENERATION for entry in entries)


def _population(source: Path) -> Population:
    """All of a run; unlike for those who look at a part of it, whole from the start."""
    from genesys.population.store import RecordTable

    tables = source / TABLES
    with storing("read", source):
        # Designs are written first, so they are read last: every session finds its own.
        reports = RecordTable(tables, "reports", VerificationReport, writable=False).read()
        sessions = RecordTable(tables, "sessions", Session, writable=False).read()
        designs = RecordTable(tables, "designs", Design, writable=False).read()
    return Population(designs, reports, sessions)


def _committed(
    population: Population,
    entries: Sequence[Entry],
    known: tuple[EntryKind, ...],
    first: Sequence[int] | None,
) -> Population:
    """What had been committed by the last of the entries.

    It is what the tables begin with, so that the places of records are what they were.

    Args:
        population: Of the run.
        entries: Of its ledger.
        known: What entries a job must have for its result to be there.
        first: Designs, reports and sessions that there were before the ledger; None for all.
    """
    _, reports_before, sessions_before = first or (0, None, None)
    jobs = {entry.job: entry for entry in entries if entry.kind in known}.values()
    held = {entry.session for entry in jobs if entry.work is JobKind.SESSION}
    verified = Counter((e.design, e.scale) for e in jobs if e.work is JobKind.VERIFICATION)
    begun = {(e.design, e.scale) for e in entries if e.kind is EntryKind.BEGUN}

    def was_there(report: VerificationReport) -> bool:
        about = report.design, report.scale
        if report.outcome is Outcome.MACHINE_ERROR:
            return about in begun
        verified[about] -= 1
        return verified[about] >= 0

    sessions = list(population.sessions[:sessions_before])
    reports = list(population.reports[:reports_before])
    if first:
        later = population.sessions[sessions_before:]
        sessions += takewhile(lambda session: session.index in held, later)
        reports += takewhile(was_there, population.reports[reports_before:])
    made = {session.design for session in sessions}
    designs = [d for d in population.designs if d.operator is Operator.SEED or d.name in made]
    return Population(designs, reports, sessions)


def _without_what_is_decided_anew(entries: Sequence[Entry], kept: Population) -> list[Entry]:
    """The entries but those of jobs under way; sessions before the last that ended stay."""
    last = max((session.index for session in kept.sessions), default=-1)
    held = {session.index for session in kept.sessions}
    begun = {entry.job: entry for entry in entries if entry.kind is EntryKind.BEGUN}
    ended = {entry.job for entry in entries if entry.kind is EntryKind.ENDED}
    done = Counter((r.design, r.scale) for r in kept.reports)

    def stays(job: int | None) -> bool:
        entry = begun.get(job)
        if entry is None or job in ended:
            return True
        if entry.session is not None:
            return entry.session <= last or entry.session in held
        return done[entry.design, entry.scale] > 0

    return [entry for entry in entries if stays(entry.job)]


def _write_tables(
    folder: Path, kept: Population, calls: Sequence[Call], answers: Sequence[Answer]
) -> None:
    from genesys.population.store import RecordTable

    def write(name: str, kind: type[R], records: Sequence[R]) -> None:
        table = RecordTable(folder, name, kind, writable=True)
        table.extend(records)

    write("designs", Design, kept.designs)
    write("sessions", Session, kept.sessions)
    write("reports", VerificationReport, kept.reports)
    write("calls", Call, calls)
    write("answers", Answer, answers)


def _write_ledger(folder: Path, entries: Sequence[Entry], source: Path) -> None:
    mark = Entry(time=time.time(), kind=EntryKind.FORKED, why=f"forked from {source.absolute()}")
    lines = [entry.model_dump_json(exclude_defaults=True) + "\n" for entry in [*entries, mark]]
    write_text(folder / LEDGER, "".join(lines))
