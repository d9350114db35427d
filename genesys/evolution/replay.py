"""Runs a run again from what its tapes hold: no network, no key, no sandbox."""

from __future__ import annotations

import filecmp
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from genesys.errors import GenesysError, RepeatedFaultError, StoreError
from genesys.evolution.coordinator import Coordinator
from genesys.evolution.events import Observer, RunEnded
from genesys.evolution.executors.base import Outfit
from genesys.evolution.executors.inline import InlineExecutor
from genesys.evolution.jobs import Ended, Task
from genesys.evolution.ladder import Ladder
from genesys.evolution.run import CONFIG_FILE, ladder_of, sandbox_of
from genesys.evolution.settings import EvolutionSettings
from genesys.markers import hookimpl
from genesys.population.evolution_tree import EvolutionTree, tree_digest
from genesys.population.files import storing
from genesys.population.ledger import Entry, EntryKind, JobKind, Ledger
from genesys.population.run_file import RunFile
from genesys.records import CheckReport, Design, Outcome, Scale, VerificationReport
from genesys.registry import load
from genesys.tape import Tape

if TYPE_CHECKING:
    from genesys.population.population import Population

DESIGNS = "designs"
BEGUN = EntryKind.BEGUN
# Asked again; what all others gave is taken from the run.
THINKERS = ("selector", "agent")


class _RunEndsError(GenesysError):
    """The run went no further."""


class Recorded:
    """Answers for the checkers and the verifier of a run, from its evolution tree."""

    def __init__(self, population: Population) -> None:
        self._population = population
        self._reports = iter(population.reports)

    @hookimpl
    def check(self, design: Design) -> CheckReport:
        """The report on a seed; those on drafts are on the tapes."""
        seed = next((s for s in self._population.seeds if s.name == design.name), None)
        if seed is None or seed.check is None:
            raise StoreError(f"The run never checked {design.name}.")
        return seed.check

    @hookimpl
    def verify(self, design: Design, scale: Scale, seed: int) -> VerificationReport:
        """The run's next report, which must be on this."""
        report = next(self._reports, None)
        if report is None:
            raise _RunEndsError
        if (report.design, report.scale, report.seed) != (design.name, scale.name, seed):
            raise StoreError(
                f"The replay verifies {design.name} at {scale.name}, where the run verified "
                f"{report.design} at {report.scale}: code or config are not those of the run."
            )
        return report


class _ReplayedTree(EvolutionTree):
    """A tree whose sessions have the tapes of another run, and nothing else."""

    def __init__(self, folder: Path, config: Mapping[str, Any], run: Path) -> None:
        super().__init__(folder, config)
        self._of = run

    def tape(self, session: int) -> Tape:
        """The tape that this session had in the run."""
        calls, answers = EvolutionTree.read_tape(self._of, session)
        return Tape(session, calls, answers, live=False)


class ReplayExecutor(InlineExecutor):
    """Begins and ends jobs in the order in which the run did.

    Args:
        entries: Of the run's ledger.
    """

    def __init__(self, entries: Iterable[Entry]) -> None:
        super().__init__()
        self._steps = deque(entry for entry in entries if _is_step(entry))
        self._given: dict[int, Task] = {}

    @property
    def left(self) -> int:
        """How many jobs the run began or ended that are still to come."""
        return len(self._steps)

    def room(self, kind: JobKind) -> int:
        """One where the run began such a job next."""
        following = self._steps[0] if self._steps else None
        return int(following is not None and (following.kind, following.work) == (BEGUN, kind))

    def submit(self, task: Task) -> None:
        """Keep a job until the run ended it.

        Raises:
            StoreError: The run began another one.
        """
        job = task.job
        if job.number not in self._given:
            begun = self._steps.popleft()
            theirs = (begun.job, begun.selection, begun.design, begun.scale)
            if (job.number, job.selection, job.design, job.scale) != theirs:
                raise StoreError(
                    f"The replay decides on another job {job.number} than the run did: code or "
                    "config are not those of the run."
                )
        self._given[job.number] = task

    def wait(self, seconds: float) -> Sequence[Ended]:
        """Do what the run ended next.

        Raises:
            StoreError: The run began another job first.
        """
        if not self._steps:
            raise _RunEndsError
        step = self._steps.popleft()
        if step.kind is BEGUN or step.job not in self._given:
            raise StoreError(
                f"The replay does not begin job {step.job}, as the run did: code or config are not "
                "those of the run."
            )
        super().submit(self._given[step.job])
        return super().wait(seconds)


def _is_step(entry: Entry) -> bool:
    """Whether an entry tells that a job was begun, or that a report or session was committed."""
    failed = entry.kind is EntryKind.FAILED and entry.outcome == Outcome.MACHINE_ERROR
    return entry.kind in (BEGUN, EntryKind.ENDED) or failed


def replay(run: Path, out: Path, observe: Observer) -> list[str]:
    """Hold every session of a run again, and compare.

    The selector and the agents decide anew; language models, searches, checkers and the verifier
    answer what they answered in the run.

    Args:
        run: Folder of the run.
        out: Folder for the replay, new or empty.
        observe: Is told of everything that happens.

    Returns:
        What differs: nothing where the two trees are equal.

    Raises:
        GenesysError: There is no run, or the replay asks what the run never asked.
    """
    population = EvolutionTree.read(run)
    run_file = RunFile.load(run)
    with storing("read", run):
        config = yaml.safe_load((run / CONFIG_FILE).read_text(encoding="utf-8"))
    if out.exists() and any(out.iterdir()):
        raise StoreError(f"{out} is not empty. Choose an empty or a new folder.")
    plugins = load(config, THINKERS, {"replay": Recorded(population)})
    executor = ReplayExecutor(Ledger.read(run))
    with _ReplayedTree(out, run_file.config, run) as tree:
        sandbox = sandbox_of(config["sandbox"])
        # Jobs are begun where the run began them, which its ledger knows.
        settings = EvolutionSettings.of({**config["evolution"], "ahead": None})
        ladder = ladder_of(config["ladder"])
        outfit = Outfit(config, out, observe, _unnoted, plugins, sandbox, settings)
        held_again(tree, ladder, outfit, executor, run_file.generation)
        return [*_records(population, tree.population()), *_files(run / DESIGNS, out / DESIGNS)]


def held_again(
    tree: EvolutionTree, ladder: Ladder, outfit: Outfit, executor: ReplayExecutor, generations: int
) -> None:
    """Go on until the run's ledger has no further job; where the run had failed, somebody went on.

    Raises:
        StoreError: The replay is not the run.
    """
    observe, left = outfit.observe, 0
    with executor.open(outfit):
        while executor.left != left:
            left = executor.left
            parts = (outfit.plugins, ladder, outfit.sandbox, outfit.settings)
            try:
                Coordinator(tree, *parts, executor, observe).run(generations)
            except (_RunEndsError, RepeatedFaultError):
                observe(RunEnded(tree.population()))


def _unnoted(worker: str, joined: bool, why: str) -> None:
    """Workers of a replay are in no ledger."""


def _records(run: Population, again: Population) -> Iterator[str]:
    """The kinds of records that differ, but for times."""
    for name in ("designs", "sessions", "reports"):
        ours, theirs = (type(run)(**{name: getattr(p, name)}) for p in (again, run))
        if tree_digest(ours) != tree_digest(theirs):
            counts = f"{len(getattr(again, name))} for {len(getattr(run, name))}"
            yield f"The {name} differ ({counts})."


def _files(run: Path, again: Path) -> Iterator[str]:
    """Files of designs that are not the same, byte for byte."""
    ours, theirs = (
        {p.relative_to(top): p for p in sorted(top.rglob("*")) if p.is_file()}
        for top in (again, run)
    )
    for name in sorted(ours.keys() | theirs.keys()):
        if name not in ours or name not in theirs:
            yield f"{name} is in only one of the two."
        elif not filecmp.cmp(ours[name], theirs[name], shallow=False):
            yield f"{name} differs."
