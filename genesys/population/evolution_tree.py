"""The evolution tree: all designs with parent edges, committed to disk event by event."""

from __future__ import annotations

import hashlib
import json
import os
import socket
import time
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from pathlib import Path
from threading import Lock
from typing import Any, TypeVar

from filelock import FileLock, Timeout

from genesys.errors import RunLockedError, StoreError
from genesys.files import write_text
from genesys.population.accuracies import COLUMNS, accuracies
from genesys.population.files import storing
from genesys.population.folders import DesignFolders
from genesys.population.integrity import check_references
from genesys.population.ledger import FILE as LEDGER
from genesys.population.ledger import Entry, EntryKind, Ledger
from genesys.population.population import Population
from genesys.population.purse import Purse
from genesys.population.run_file import FILE, RunFile
from genesys.population.unread import uncollected
from genesys.records import Design, Operator, Record, Session, VerificationReport
from genesys.tape import Answer, Call, Tape

R = TypeVar("R", bound=Record)

TABLES = "tree"
LOCK = "run.lock"
HOLDER = "run.holder"
# Fields that are read when a folder is opened; the others once they are asked for.
OF_DESIGNS = ("name", "root", "operator", "parents", "structural_hash", "index")
OF_REPORTS = ("design", "scale", "outcome", "simulated", "parameters", "flops", "tokens", "seconds")
OF_SESSIONS = ("index", "seed", "end", "design", "seconds")
# Properties of reports that are computed for all of them once one is asked.
DERIVED = {"fitness": (COLUMNS, accuracies)}
# What differs between equal runs: what is measured, and what code printed or where it raised.
INCIDENTAL = frozenset({"seconds", "tokens_per_second", "efficiency", "output"})


class EvolutionTree:
    """The one writer of a run folder. Use it as a context manager.

    A session's last write is its row in ``sessions``: a design without one is what a killed
    process left behind, and is dropped when the folder is opened again.

    Args:
        folder: Of the run; made when absent.
        config: Everything that decides the run's results, its seed included. Once a design is
            committed, the folder is only opened again with an equal one.
        purse: What calls of language models may cost; no cap by default.

    Attributes:
        ledger: What was decided, and what came of it; open while the tree is.

    Raises:
        RunLockedError: On entering, when another process has the folder open.
        StoreError: The folder belongs to another version or config or holds something else, or
            the disk refuses. What was committed stays whole.
    """

    def __init__(self, folder: Path, config: Mapping[str, Any], purse: Purse | None = None) -> None:
        self.folder = folder.absolute()
        self.purse = purse or Purse()
        self.ledger = Ledger(self.folder)
        self._config = config
        self._closing = ExitStack()
        self._recording = Lock()
        self._population = Population()

    def __enter__(self) -> EvolutionTree:
        try:
            with storing("open", self.folder), uncollected():
                self._open()
        except BaseException:
            self._closing.close()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        with self._closing:
            if kind is None:
                with storing("write to", self.folder):
                    for table in self._tables:
                        table.settle()

    @staticmethod
    def read(folder: Path) -> Population:
        """The population of a run folder, also while another process writes to it.

        Raises:
            StoreError: The folder holds no run, or one of another version.
        """
        from genesys.population.store import RecordTable

        with storing("read", folder), uncollected():
            weights = RunFile.load(folder).weights
            tables = folder / TABLES
            # Designs are written first, so they are read last: every session finds its own.
            reports = RecordTable(tables, "reports", VerificationReport, False).skim(
                OF_REPORTS, DERIVED
            )
            sessions = RecordTable(tables, "sessions", Session, False).skim(OF_SESSIONS)
            designs = RecordTable(tables, "designs", Design, False).skim(OF_DESIGNS)
            return Population(_committed(designs, sessions), reports, sessions, weights)

    @staticmethod
    def read_tape(folder: Path, session: int | None = None) -> tuple[list[Call], list[Answer]]:
        """What a session of a run was told, or all of them, in the order in which it was committed.

        Raises:
            StoreError: The folder holds no run, or one of another version.
        """
        from genesys.population.store import RecordTable

        with storing("read", folder):
            RunFile.load(folder)
            tables = folder / TABLES
            which = {} if session is None else {"session": session}
            calls = RecordTable(tables, "calls", Call, writable=False).read(**which)
            answers = RecordTable(tables, "answers", Answer, writable=False).read(**which)
        return calls, answers

    def population(self) -> Population:
        """Everything committed so far."""
        return self._population

    @property
    def generation(self) -> int:
        """The generation under way, from 1."""
        return self._run_file.generation

    def begin_generation(self) -> None:
        """Commit that the next generation is under way.

        Raises:
            StoreError: The disk refuses.
        """
        grown = self._run_file.model_copy(update={"generation": self.generation + 1})
        with storing("write to", self.folder):
            grown.save(self.folder)
        self._run_file: RunFile = grown
        self.ledger.append(Entry(time=time.time(), kind=EntryKind.GENERATION))

    def add_seed(self, design: Design) -> None:
        """Commit a seed.

        Raises:
            StoreError: The disk refuses.
        """
        with storing("write to", self.folder):
            design = _revalidated(design)
            self._design_table.append(design)
            self._population = self._population.grown([design])
            self._folders.write_design(design)

    def commit_session(self, session: Session, design: Design | None) -> None:
        """Commit a session with the design it made, if it made one.

        Raises:
            StoreError: The disk refuses; the session counts as never made.
        """
        with storing("write to", self.folder):
            session = _revalidated(session)
            if design is not None:
                design = _revalidated(design)
                self._design_table.append(design)
            self._session_table.append(session)
            self._population = self._population.grown([design] if design else [], [], [session])
            if design is not None:
                self._folders.write_design(design)

    def commit_report(self, report: VerificationReport) -> None:
        """Commit a verification.

        Raises:
            StoreError: The disk refuses.
        """
        with storing("write to", self.folder):
            report = _revalidated(report)
            self._report_table.append(report)
            self._population = self._population.grown(reports=[report])
            self._folders.write_report(report)

    def tape(self, session: int) -> Tape:
        """The tape of a session, which commits what is recorded on it; see :class:`Tape`."""
        begun = session in self._begun
        return Tape(
            session,
            calls=self._call_table.read(session=session) if begun else (),
            answers=self._answer_table.read(session=session) if begun else (),
            keep_call=self._keep_call,
            keep_answer=self._keep_answer,
            usd_of_run=lambda: self.purse.usd,
            reserve=self.purse.reserve,
            release=self.purse.release,
        )

    def _keep_call(self, call: Call) -> None:
        with storing("write to", self.folder), self._recording:
            self._call_table.append(_revalidated(call))
            self.purse.pay(call)
            self._begun.add(call.session)

    def _keep_answer(self, answer: Answer) -> None:
        with storing("write to", self.folder), self._recording:
            self._answer_table.append(_revalidated(answer))
            self._begun.add(answer.session)

    def _open(self) -> None:
        from genesys.population.store import RecordTable

        self.folder.mkdir(parents=True, exist_ok=True)
        self._reject_strangers()
        self._lock()
        self._run_file = self._identity()
        self._closing.enter_context(self.ledger)
        tables = self.folder / TABLES
        self._design_table = RecordTable(tables, "designs", Design, writable=True)
        self._session_table = RecordTable(tables, "sessions", Session, writable=True)
        self._report_table = RecordTable(tables, "reports", VerificationReport, writable=True)
        self._call_table = RecordTable(tables, "calls", Call, writable=True)
        self._answer_table = RecordTable(tables, "answers", Answer, writable=True)
        self._tables: list[RecordTable[Any]] = [
            self._design_table,
            self._session_table,
            self._report_table,
            self._call_table,
            self._answer_table,
        ]
        sessions = self._session_table.skim(OF_SESSIONS)
        reports = self._report_table.skim(OF_REPORTS, DERIVED)
        # Those with something on their tapes already.
        self._begun: set[int] = {
            *self._call_table.column("session"),
            *self._answer_table.column("session"),
        }
        spent = self._call_table.columns(["usd", "input_tokens", "output_tokens"]).to_pydict()
        tokens = sum(spent["input_tokens"]) + sum(spent["output_tokens"])
        before = self._run_file.forked_from
        self.purse.spend(sum(spent["usd"]), tokens)
        if before:
            self.purse.spend(-before.usd, -before.tokens)
        written = self._design_table.skim(OF_DESIGNS)
        if written or sessions:
            self._run_file.check_same(self.folder, self._config)
        else:  # nothing came of the config that the folder was made with; it may have been wrong
            self._run_file = self._begin()
        designs = _committed(written, sessions)
        kept = {design.index for design in designs}
        for design in written:
            if design.index not in kept:
                self._design_table.delete_index(design.index)
        self._population = Population(designs, reports, sessions, self._run_file.weights)
        check_references(self._population, self.folder)
        self._folders = DesignFolders(self.folder / "designs")
        recent = max(1, self._report_table.recovered)
        self._folders.restore(self._population, reports[-recent:])

    def _lock(self) -> None:
        lock = FileLock(self.folder / LOCK, timeout=0)
        try:
            lock.acquire()
        except Timeout:
            raise RunLockedError(
                f"Another process works on {self.folder}: {self._holder()}. Wait for it to end, "
                "stop it, or choose another folder."
            ) from None
        self._closing.callback(lock.release)
        write_text(self.folder / HOLDER, f"process {os.getpid()} on {socket.gethostname()}\n")

    def _holder(self) -> str:
        try:
            return (self.folder / HOLDER).read_text(encoding="utf-8").strip()
        except OSError:
            return "one that has just started"

    def _reject_strangers(self) -> None:
        """Leave a folder that holds something else as it is."""
        own = {FILE, LOCK, HOLDER, LEDGER}
        names = {path.name for path in self.folder.iterdir() if path.suffix != ".tmp"}
        if FILE not in names and (strangers := sorted(names - own)):
            raise StoreError(
                f"{self.folder} is no run folder and not empty ({', '.join(strangers[:5])}). "
                "Choose an empty or a new folder."
            )

    def _identity(self) -> RunFile:
        return RunFile.load(self.folder) if (self.folder / FILE).exists() else self._begin()

    def _begin(self) -> RunFile:
        run_file = RunFile.of(self._config)
        run_file.save(self.folder)
        return run_file


def tree_digest(population: Population) -> str:
    """A hash over a population but for times and captured output: equal for equal runs."""
    parts = (population.designs, population.sessions, population.reports)
    content = [[_essence(record.model_dump(mode="json")) for record in part] for part in parts]
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _revalidated(record: R) -> R:
    """The record as it will be read again: ``model_copy``, which plugins use, validates nothing."""
    return type(record).model_validate(record.model_dump())


def _essence(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _essence(v) for k, v in value.items() if k not in INCIDENTAL}
    if isinstance(value, list):
        return [_essence(v) for v in value]
    return value


def _committed(designs: Iterable[Design], sessions: Iterable[Session]) -> list[Design]:
    """Seeds, and the designs that a session ended with."""
    made = {session.design for session in sessions}
    return [d for d in designs if d.operator is Operator.SEED or d.name in made]
