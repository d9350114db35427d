"""The coordinator: alg. 6, jobs begun and ended one committed step after the other."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from genesys.errors import (
    BudgetError,
    ConfigError,
    GenesysError,
    RepeatedFaultError,
    StoreError,
)
from genesys.evolution.admission import admitted
from genesys.evolution.budget import Budget
from genesys.evolution.checking import MACHINE_ATTEMPTS, Checks
from genesys.evolution.control import Control, Wish
from genesys.evolution.designer import session_seed
from genesys.evolution.events import (
    Held,
    Observer,
    Plan,
    RunEnded,
    RunOpened,
    SessionEnded,
    StageEntered,
    VerificationEnded,
)
from genesys.evolution.executors.base import Executor
from genesys.evolution.jobs import Done, Ended, Faulty, Job, Lost, Task
from genesys.evolution.ladder import Ladder
from genesys.evolution.scheduler import Scheduler
from genesys.evolution.seeds import load_seed
from genesys.evolution.settings import EvolutionSettings
from genesys.evolution.underway import UnderWay
from genesys.evolution.verifier import training_seed
from genesys.population.evolution_tree import EvolutionTree
from genesys.population.ledger import JobKind
from genesys.population.population import Population
from genesys.records import Design, Outcome, Session, SessionEnd, VerificationReport
from genesys.tape import Tape

if TYPE_CHECKING:
    from genesys.plugins import Plugins
    from genesys.sandbox import Sandbox

# An agent that fails so often in a row will not get better by itself.
MAX_FAILURES = 5
# A design has failed once so many different workers have failed at it (app. B.1.4).
ERRORS = 3
LOST = "lost"
# How long to wait for something to end before looking whether a person wants something.
PATIENCE = 0.5
HELD = {
    Wish.RUN: "",
    Wish.PAUSE: "paused: no job is begun until genesys resume",
    Wish.STOP: "stopping: the run ends once what is under way is committed",
}


class Coordinator:
    """Runs the evolution, and is the only one that writes to its tree.

    What is to be done is decided from what is committed and the run's seed, and written down in
    the ledger before it is begun; what came of it is committed in one step. So a run that is killed
    at any instant goes on with the jobs that were under way, as if nothing had happened.

    Args:
        tree: Open for writing.
        plugins: Of the run.
        ladder: Of the run.
        sandbox: Where seeds are checked.
        settings: Of the run.
        executor: Does the jobs; open while the run goes on.
        observe: Is told of everything that happens.
        budget: Says for which jobs there is enough left; None for no caps.
    """

    def __init__(
        self,
        tree: EvolutionTree,
        plugins: Plugins,
        ladder: Ladder,
        sandbox: Sandbox,
        settings: EvolutionSettings,
        executor: Executor,
        observe: Observer,
        budget: Budget | None = None,
    ) -> None:
        self._tree = tree
        self._plugins = plugins
        self._sandbox = sandbox
        self._settings = settings
        self._executor = executor
        self._observe = observe
        self._ladder = ladder
        self._budget = budget or Budget.without_caps(tree.ledger.entries, ladder.scales)
        self._scheduler = Scheduler(plugins, ladder, settings, self._budget.refuses)
        self._wish = Wish.RUN
        self._over_budget: dict[int, BudgetError] = {}
        self._tapes: dict[int, Tape] = {}
        self._failures = 0
        self._machine_errors: dict[int, int] = defaultdict(int)

    def run(self, generations: int | None = 1) -> Population:
        """Go on until the generations asked for are over.

        Each makes ``settings.designs`` more designs, holds up to ``settings.max_sessions`` more
        sessions and adds the ladder's trials once more.

        Args:
            generations: Of the whole run. None means to the end of the one under way, or one
                more if that is over.

        Raises:
            BudgetError: The budget does not allow more.
            GenesysError: What keeps the run from going on; what was committed stays, and the
                next run goes on from there.
        """
        self._plant()
        self._under_way = UnderWay(
            self._tree.ledger, self._tree.population(), self._settings.ahead is not None
        )
        if generations is None:
            generations = self._tree.generation + self._is_over()
        self._observe(self._opened(generations))
        for job in self._under_way:
            self._submit(job)
        while self._tree.generation <= generations:
            self._work()
            if self._tree.generation == generations or self._wish is Wish.STOP:
                break
            self._tree.begin_generation()
        population = self._tree.population()
        self._observe(RunEnded(population))
        return population

    def _opened(self, generations: int) -> RunOpened:
        scales, goal = self._ladder.times(generations).scales, self._settings.times(generations)
        plan = Plan(
            self._budget.settings,
            goal.max_sessions,
            goal.verifications_per_design,
            self._tree.ledger.entries,
        )
        return RunOpened(self._tree.population(), scales, goal.designs, plan)

    def _work(self) -> None:
        """Go on until the generation is over, or a person wants the run to stop."""
        self._fill()
        while not self._is_over():
            for ended in self._executor.wait(PATIENCE):
                self._under_way.hold(ended)
            while (countable := self._under_way.countable()) is not None:
                self._settle(countable)
                self._fill()
            self._ask()
            self._fill()
        if self._over_budget:
            raise min(self._over_budget.items())[1]
        if self._scheduler.refused and self._wish is not Wish.STOP:
            raise BudgetError(
                f"The run goes no further: {self._scheduler.refused}. Nothing is lost: the same "
                "command with a larger cap goes on."
            )

    def _is_over(self) -> bool:
        """Whether nothing of the generation is under way or left to begin."""
        if len(self._under_way) > len(self._over_budget):
            return False
        if self._wish is Wish.PAUSE:
            return False
        return self._ends() or self._next(list(JobKind)) is None

    def _ends(self) -> bool:
        """Whether no job is to be begun any more."""
        return bool(self._over_budget) or self._wish is Wish.STOP

    def _ask(self) -> None:
        """Look what a person wants of the run now."""
        wish = Control.read(self._tree.folder).wish
        if wish is not self._wish:
            self._wish = wish
            self._observe(Held(HELD[wish]))

    def _fill(self) -> None:
        """Begin all jobs that can be begun now."""
        while (free := self._free()) and (job := self._next(free)):
            self._under_way.begin(job)
            self._submit(job)

    def _free(self) -> list[JobKind]:
        """The kinds of jobs that may be begun."""
        if self._ends() or self._wish is Wish.PAUSE:
            return []
        if self._settings.ahead is None:
            return [kind for kind in JobKind if self._executor.room(kind)]
        return list(JobKind) if len(self._under_way) < self._settings.ahead else []

    def _next(self, free: list[JobKind]) -> Job | None:
        return self._scheduler.next(
            self._tree.population(),
            list(self._under_way),
            self._tree.generation,
            free,
            self._under_way.number,
        )

    def _submit(self, job: Job) -> None:
        """Hand a job to the executor, with all that it needs."""
        avoid = frozenset(entry.worker for entry in self._under_way.failures(job))
        population = self._tree.population()
        if job.kind is JobKind.SESSION:
            assert job.session is not None
            tape = self._tapes[job.number] = self._tree.tape(job.session)
            task = Task(job, job.extent.part(population), tape, avoid=avoid)
        else:
            scales = {scale.name: scale for scale in self._ladder.scales}
            design, scale = population.design(job.design), scales[job.scale]
            task = Task(job, population, design=design, scale=scale, avoid=avoid)
        self._executor.submit(task)

    def _settle(self, ended: Ended) -> None:
        """Commit what came of a job, or have it done again."""
        match ended:
            case Faulty(job=job, error=BudgetError() as error) if self._settings.ahead is None:
                # What is under way is paid for: the run ends once it is committed.
                self._over_budget[job.number] = error
            case Faulty(error=error):
                raise error
            case Lost(reason=reason):
                self._lost(ended, reason)
            case Done(session=Session() as session, design=design):
                self._commit_session(ended, session, design)
            case Done(report=VerificationReport() as report):
                self._commit_report(ended, report)

    def _commit_session(self, done: Done, session: Session, design: Design | None) -> None:
        session, design = admitted(session, design, self._tree.population())
        self._tree.commit_session(session, design)
        calls = self._tapes.pop(done.job.number).calls
        self._under_way.end(
            done,
            session.end.value,
            session.note,
            design=session.design,
            usd=sum(call.usd for call in calls),
            tokens=sum(call.input_tokens + call.output_tokens for call in calls),
        )
        self._observe(SessionEnded(session, design))
        self._failures = self._failures + 1 if session.end is SessionEnd.FAILED else 0
        if self._failures == MAX_FAILURES:
            raise RepeatedFaultError(
                f"{MAX_FAILURES} sessions in a row failed, the last one so: {session.note}. "
                "Fix that and run the same command again."
            )

    def _commit_report(self, done: Done, report: VerificationReport) -> None:
        if report.outcome is Outcome.MACHINE_ERROR:
            self._machine_failed(done, report)
        elif report.outcome is Outcome.DESIGN_ERROR and not self._is_proven(done):
            self._under_way.fail(done, report.outcome.value, _last_line(report.error))
            self._submit(done.job)
        else:
            self._end_verification(done, report, _last_line(report.error))

    def _end_verification(self, done: Done, report: VerificationReport, why: str) -> None:
        self._tree.commit_report(report)
        self._under_way.end(done, report.outcome.value, why)
        self._observe(VerificationEnded(report))

    def _is_proven(self, done: Done) -> bool:
        """Whether enough different workers have failed at a design, or one again and again."""
        failures = self._under_way.failures(done.job, Outcome.DESIGN_ERROR)
        workers = {done.worker, *(entry.worker for entry in failures)}
        needed = min(ERRORS, self._executor.size(JobKind.VERIFICATION))
        return len(workers) >= needed or len(failures) + 1 >= 2 * ERRORS

    def _machine_failed(self, done: Done, report: VerificationReport) -> None:
        """Have it verified again; a machine that fails at one design again and again is broken."""
        self._tree.commit_report(report)
        self._observe(VerificationEnded(report))
        cause = _last_line(report.error)
        self._under_way.fail(done, report.outcome.value, cause)
        self._machine_errors[done.job.number] += 1
        if self._machine_errors[done.job.number] == MACHINE_ATTEMPTS:
            raise RepeatedFaultError(
                f"The machine failed {MACHINE_ATTEMPTS} times to verify {report.design} at "
                f"{report.scale}: {cause}. Fix that and run the same command again."
            )
        self._submit(done.job)

    def _lost(self, ended: Lost, why: str) -> None:
        """Have it done again by another worker, unless it has cost too many already."""
        self._under_way.fail(ended, LOST, why)
        job = ended.job
        if len(self._under_way.failures(job, LOST)) < ERRORS:
            self._submit(job)
            return
        note = f"{ERRORS} workers were lost with it, the last one so: {why}"
        given_up = Done(job, ended.worker, 0.0)
        if job.kind is JobKind.VERIFICATION:
            report = VerificationReport(
                design=job.design,
                scale=job.scale,
                seed=training_seed(self._settings, job.scale),
                outcome=Outcome.DESIGN_ERROR,
                error=note,
            )
            self._end_verification(given_up, report, note)
        else:
            assert job.session is not None and job.selection is not None
            seed = session_seed(self._settings, job.session)
            session = Session(
                index=job.session,
                seed=seed,
                selection=job.selection,
                end=SessionEnd.FAILED,
                note=note,
            )
            self._commit_session(given_up, session, None)

    def _plant(self) -> None:
        """Check and add the seeds that are not in the tree yet."""
        seeds = [load_seed(where) for where in self._settings.seeds]
        if len({seed.name for seed in seeds}) < len(seeds):
            raise ConfigError(f"Two seeds have one name: {', '.join(s.name for s in seeds)}.")
        planted = {seed.name: seed for seed in self._tree.population().seeds}
        checks = Checks(self._plugins, self._sandbox)
        for index, seed in enumerate(seeds):
            if seed.name not in planted:
                self._tree.add_seed(self._checked_seed(seed, index, checks))
            elif planted[seed.name].structural_hash != seed.structural_hash:
                raise StoreError(
                    f"The seed {seed.name!r} has changed since the run in {self._tree.folder} "
                    "started. Restore it, or start a new run in another folder."
                )

    def _checked_seed(self, seed: Design, index: int, checks: Checks) -> Design:
        self._observe(StageEntered("check", seed.name))
        report = checks(seed)
        if not report.valid:
            raise GenesysError(f"The seed {seed.name!r} is not valid: {report.summary}.")
        if report.repairs:
            raise GenesysError(
                f"The seed {seed.name!r} needs repairs ({report.repairs[0].reason}): make them "
                "with genesys check --repair."
            )
        return seed.model_copy(update={"check": report, "index": index})


def _last_line(text: str) -> str:
    """What went wrong; the traceback before it is in the report."""
    return text.strip().rsplit("\n", 1)[-1].rstrip(".")
