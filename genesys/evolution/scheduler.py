"""The scheduler: decides what is done next, a session or a verification (sec. 4.3, alg. 4 to 6)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from functools import cached_property
from random import Random
from typing import TYPE_CHECKING

from genesys.errors import PluginError
from genesys.evolution.designer import session_seed
from genesys.evolution.jobs import Extent, Job
from genesys.evolution.ladder import Ladder
from genesys.evolution.selection import select
from genesys.evolution.settings import EvolutionSettings, derive_seed
from genesys.population.ledger import JobKind
from genesys.population.population import Population
from genesys.records import Role, Scale

if TYPE_CHECKING:
    from genesys.plugins import Plugins

Refuses = Callable[[JobKind, str], str]
# So many designs may wait for their first verification before designers wait for verifiers.
SLACK = 2


class Scheduler:
    """Decides on jobs, by what is committed, what is under way and the seed alone.

    Args:
        plugins: Of the run.
        ladder: Of one generation.
        settings: Of one generation.
        refuses: Why the budget allows no job of a kind, at a scale; empty if it does.

    Attributes:
        refused: Why the budget allowed less than was wanted when it was asked last; else empty.
    """

    def __init__(
        self,
        plugins: Plugins,
        ladder: Ladder,
        settings: EvolutionSettings,
        refuses: Refuses = lambda kind, scale: "",
    ) -> None:
        self._plugins = plugins
        self._ladder = ladder
        self._settings = settings
        self._refuses = refuses
        self.refused = ""

    def next(
        self,
        population: Population,
        under_way: Sequence[Job],
        generation: int,
        free: Collection[JobKind],
        number: int,
    ) -> Job | None:
        """The job to begin now; None if there is none, or none that somebody is free for.

        Args:
            population: All that is committed.
            under_way: Jobs that were begun and have not ended.
            generation: The one under way, from 1.
            free: Kinds of jobs that may be begun.
            number: That the job is to have.
        """
        moment = _Moment(
            population, under_way, self._ladder.times(generation), self._settings.times(generation)
        )
        self.refused = ""
        kinds = [JobKind.SESSION, JobKind.VERIFICATION]
        if not moment.designing or moment.verification_due:
            kinds.reverse()
        for kind in kinds:
            decide = self._session if kind is JobKind.SESSION else self._verification
            if kind in free and (job := decide(moment, number)):
                return job
        return None

    def _session(self, moment: _Moment, number: int) -> Job | None:
        """A session, unless no more designs are wanted or too many wait for verifiers already."""
        if not moment.designing or moment.designs_wait or self._too_dear(JobKind.SESSION):
            return None
        population = moment.population
        index = len(population.sessions) + moment.sessions
        rng = Random(derive_seed(session_seed(self._settings, index), "select"))
        selection = select(self._plugins, population, Role.DESIGNER, moment.sound, rng)
        if selection is None:
            raise PluginError("The selector found no parents for a designer; it must find some.")
        return Job(
            number=number,
            kind=JobKind.SESSION,
            extent=Extent.of(population),
            session=index,
            selection=selection,
            why=selection.why,
        )

    def _verification(self, moment: _Moment, number: int) -> Job | None:
        """Seeds first, then what the selector picks.

        Seeds are verified on the first rung in order. On a higher rung the best of them comes first
        of all, so that new designs have a rival there. None when the budget allows nothing, or the
        selector finds nothing worth it.
        """
        for scale in {scale.name for scale in moment.open.values()}:
            if self._too_dear(JobKind.VERIFICATION, scale):
                moment.close(scale)
        picked = self._first(moment) or self._selected(moment)
        if picked is None:
            return None
        name, why = picked
        return Job(
            number=number,
            kind=JobKind.VERIFICATION,
            extent=Extent.of(moment.population),
            design=name,
            scale=moment.open[name].name,
            why=why,
        )

    def _too_dear(self, kind: JobKind, scale: str = "") -> bool:
        why = self._refuses(kind, scale)
        self.refused = why or self.refused
        return bool(why)

    def _first(self, moment: _Moment) -> tuple[str, str] | None:
        """A seed that goes before all others, if there is one, and why."""
        population = moment.population
        for seed in population.seeds:
            if seed.name in moment.open and not population.confidence(seed.name):
                return seed.name, "seeds are verified first"
        for name in moment.rivals:
            return name, f"the best seed leads the way to {moment.open[name].name}"
        return None

    def _selected(self, moment: _Moment) -> tuple[str, str] | None:
        if not moment.open:
            return None
        rng = Random(derive_seed(self._settings.seed, "verification", moment.spent))
        candidates = list(moment.open)
        selection = select(self._plugins, moment.population, Role.VERIFIER, candidates, rng)
        return (selection.designs[0], selection.why) if selection else None


class _Moment:
    """What a decision rests on."""

    def __init__(
        self,
        population: Population,
        under_way: Sequence[Job],
        ladder: Ladder,
        settings: EvolutionSettings,
    ) -> None:
        self.population = population
        self._ladder, self._settings = ladder, settings
        self.sessions = sum(job.kind is JobKind.SESSION for job in under_way)
        self._verifying = {
            job.design: job.scale for job in under_way if job.kind is JobKind.VERIFICATION
        }
        self.spent = ladder.used(population) + len(self._verifying)

    @cached_property
    def sound(self) -> list[str]:
        """Designs that have not failed by their own fault."""
        return list(self.population.sound)

    @cached_property
    def open(self) -> dict[str, Scale]:
        """Designs that may be verified now, with the scale; seeds have their share of a rung only.

        The first rung verifies all seeds; a higher one is there for discoveries.
        """
        found = self._ladder.open(self.population, self._verifying)
        climbing = [
            seed.name
            for seed in self.population.seeds
            if seed.name in found and found[seed.name] != self._ladder.scales[0]
        ]
        for name in climbing:
            if not self._open_to_seeds(found[name]):
                del found[name]
        return found

    def close(self, scale: str) -> None:
        """Leave out the designs that would be verified at a scale."""
        self.open = {name: at for name, at in self.open.items() if at.name != scale}

    @property
    def rivals(self) -> list[str]:
        """Seeds, best first, that could go where no seed was yet and a new design could go too."""
        population = self.population
        ready = [seed.name for seed in population.seeds if seed.name in self.open]
        if not ready:
            return []
        wanted = {scale.name for name, scale in self.open.items() if name not in ready}
        for seed in population.seeds:
            wanted -= {*population.verified_scales(seed.name), self._verifying.get(seed.name)}
        rivals = [name for name in ready if self.open[name].name in wanted]
        return sorted(rivals, key=lambda name: population.fitness(name) or 0.0, reverse=True)

    @property
    def designing(self) -> bool:
        """Whether more designs are wanted than there are, with those that may be under way."""
        population, goal = self.population, self._settings
        held = len(population.sessions) + self.sessions
        return population.sound_children + self.sessions < goal.designs and held < goal.max_sessions

    @property
    def verification_due(self) -> bool:
        """Whether fewer verifications were begun than go with the designs that there are."""
        return self.spent < self._wanted

    @property
    def designs_wait(self) -> bool:
        """Whether designers are so far ahead of verifiers that they should wait for them."""
        return bool(self._verifying) and self.spent + SLACK < self._wanted

    @property
    def _wanted(self) -> float:
        """Verifications that go with the designs that there are."""
        ratio, population = self._settings.verifications_per_design, self.population
        return len(population.seeds) + ratio * len(population.children)

    def _open_to_seeds(self, scale: Scale) -> bool:
        seeds = {seed.name for seed in self.population.seeds}
        under_way = sum(at == scale.name and name in seeds for name, at in self._verifying.items())
        spent = self.population.used(scale.name, seeds) + under_way
        return spent < int(scale.trials * self._settings.seed_share)
