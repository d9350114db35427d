"""The coordinator: alg. 6 in sequence, one committed step after the other."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from genesys.errors import ConfigError, GenesysError, StoreError
from genesys.evolution.checking import MACHINE_ATTEMPTS, Checks
from genesys.evolution.designer import Designer
from genesys.evolution.events import (
    Observer,
    RunEnded,
    RunOpened,
    SessionEnded,
    StageEntered,
    VerificationEnded,
)
from genesys.evolution.ladder import Ladder
from genesys.evolution.seeds import load_seed
from genesys.evolution.settings import EvolutionSettings
from genesys.evolution.verifier import Verification, Verifier
from genesys.population.evolution_tree import EvolutionTree
from genesys.population.population import Population
from genesys.records import Design, Outcome, SessionEnd

if TYPE_CHECKING:
    from genesys.plugins import Plugins
    from genesys.sandbox import Sandbox

# An agent that fails so often in a row will not get better by itself.
MAX_FAILURES = 5


class Coordinator:
    """Runs the evolution, and is the only one that writes to its tree.

    Every step is a function of what is committed and of the run's seed, and ends with one commit.
    So a run that is killed at any instant repeats the step it was in, and goes on as if nothing
    had happened.

    Args:
        tree: Open for writing.
        plugins: Of the run.
        ladder: Of the run.
        sandbox: Where generated code runs.
        settings: Of the run.
        observe: Is told of everything that happens.
    """

    def __init__(
        self,
        tree: EvolutionTree,
        plugins: Plugins,
        ladder: Ladder,
        sandbox: Sandbox,
        settings: EvolutionSettings,
        observe: Observer,
    ) -> None:
        self._tree = tree
        self._plugins = plugins
        self._sandbox = sandbox
        self._settings = settings
        self._observe = observe
        self._ladder = ladder
        self._designer = Designer(plugins, sandbox, settings, observe)
        self._verifier = Verifier(plugins, sandbox, settings, observe)
        self._failures = 0

    def run(self, generations: int | None = 1) -> Population:
        """Go on until the generations asked for are over.

        Each makes ``settings.designs`` more designs, holds up to ``settings.max_sessions`` more
        sessions and adds the ladder's trials once more.

        Args:
            generations: Of the whole run. None means to the end of the one under way, or one
                more if that is over.

        Raises:
            GenesysError: What keeps the run from going on; what was committed stays, and the
                next run goes on from there.
        """
        self._plant()
        if generations is None:
            generations = self._tree.generation + (self._next_step() is None)
        scales = self._ladder.times(generations).scales
        designs = self._settings.times(generations).designs
        self._observe(RunOpened(self._tree.population(), scales, designs))
        while self._tree.generation <= generations:
            while step := self._next_step():
                step()
            if self._tree.generation == generations:
                break
            self._tree.begin_generation()
        population = self._tree.population()
        self._observe(RunEnded(population))
        return population

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

    def _next_step(self) -> Callable[[], None] | None:
        """A session or a verification; None when the generation is over."""
        population = self._tree.population()
        designing = self._wants_designs(population)
        if not designing or self._verification_due(population):
            ladder = self._ladder.times(self._tree.generation)
            verification = self._verifier.pick(population, ladder)
            if verification:
                return partial(self._verify, verification)
        return partial(self._design, population) if designing else None

    def _wants_designs(self, population: Population) -> bool:
        goal = self._settings.times(self._tree.generation)
        sound = [d for d in population.children if not population.is_erroneous(d.name)]
        return len(sound) < goal.designs and len(population.sessions) < goal.max_sessions

    def _verification_due(self, population: Population) -> bool:
        ratio = self._settings.verifications_per_design
        return self._ladder.used(population) < len(population.seeds) + ratio * len(
            population.children
        )

    def _design(self, population: Population) -> None:
        tape = self._tree.tape(len(population.sessions))
        session, design = self._designer.run(population, tape)
        self._tree.commit_session(session, design)
        self._observe(SessionEnded(session, design))
        self._failures = self._failures + 1 if session.end is SessionEnd.FAILED else 0
        if self._failures == MAX_FAILURES:
            raise GenesysError(
                f"{MAX_FAILURES} sessions in a row failed, the last one so: {session.note}. "
                "Fix that and run the same command again."
            )

    def _verify(self, verification: Verification) -> None:
        for _ in range(MACHINE_ATTEMPTS):
            report = self._verifier.verify(verification)
            self._tree.commit_report(report)
            self._observe(VerificationEnded(report))
            if report.outcome is not Outcome.MACHINE_ERROR:
                return
        # The last line says what, the traceback before it is in the report.
        cause = report.error.strip().rsplit("\n", 1)[-1].rstrip(".")
        raise GenesysError(
            f"The machine failed {MACHINE_ATTEMPTS} times to verify {report.design} at "
            f"{report.scale}: {cause}. Fix that and run the same command again."
        )
