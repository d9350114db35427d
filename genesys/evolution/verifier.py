"""The verifier: picks a design and a scale, and has it trained and evaluated (sec. 4.3)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING

from genesys.errors import PluginError
from genesys.evolution.events import Observer, TrainingProgress, VerificationStarted
from genesys.evolution.ladder import Ladder
from genesys.evolution.selection import select
from genesys.evolution.settings import EvolutionSettings, derive_seed
from genesys.records import Design, Operator, Role, Scale, VerificationReport

if TYPE_CHECKING:
    from genesys.plugins import Plugins
    from genesys.population.population import Population
    from genesys.sandbox import Sandbox


@dataclass(frozen=True)
class Verification:
    """What a verifier takes on: one design at one scale."""

    design: Design
    scale: Scale


class Verifier:
    """Verifies designs. What it takes next follows from the population and the run's seed.

    Args:
        plugins: Of the run.
        sandbox: Where designs are trained.
        settings: Of the run.
        observe: Is told of progress.
    """

    def __init__(
        self,
        plugins: Plugins,
        sandbox: Sandbox,
        settings: EvolutionSettings,
        observe: Observer,
    ) -> None:
        self._plugins = plugins
        self._sandbox = sandbox
        self._settings = settings
        self._observe = observe

    def pick(self, population: Population, ladder: Ladder) -> Verification | None:
        """The next verification: seeds first, then what the selector picks.

        Seeds are verified on the first rung in order. On a higher rung the best of them comes first
        of all, so that new designs have a rival there.

        None when the budget allows nothing, or the selector finds nothing worth it.
        """
        open_ = self._candidates(population, ladder)
        seeds = [seed.name for seed in population.seeds if not population.confidence(seed.name)]
        for name in [*seeds, *_rivals(population, open_)]:
            if name in open_:
                return Verification(population.design(name), open_[name])
        if not open_:
            return None
        spent = ladder.used(population)
        rng = Random(derive_seed(self._settings.seed, "verification", spent))
        selection = select(self._plugins, population, Role.VERIFIER, list(open_), rng)
        if selection is None:
            return None
        name = selection.designs[0]
        return Verification(population.design(name), open_[name])

    def verify(self, verification: Verification) -> VerificationReport:
        """Train and evaluate; nothing is committed.

        All designs of a scale share one seed, so that they see the same data in the same order.

        Raises:
            PluginError: The report is about something else.
        """
        design, scale = verification.design, verification.scale
        self._observe(VerificationStarted(design.name, scale))
        seed = derive_seed(self._settings.seed, "training", scale.name)
        report = self._plugins.verify(
            design, scale, seed, self._sandbox, lambda point: self._observe(TrainingProgress(point))
        )
        if (report.design, report.scale) != (design.name, scale.name):
            raise PluginError(
                f"The verifier was given {design.name!r} at {scale.name!r} and reports on "
                f"{report.design!r} at {report.scale!r}."
            )
        return report

    def _candidates(self, population: Population, ladder: Ladder) -> dict[str, Scale]:
        found: dict[str, Scale] = {}
        for design in population.designs:
            scale = ladder.next_scale(population, design.name)
            if scale is None:
                continue
            climbing_seed = design.operator is Operator.SEED and scale != ladder.scales[0]
            if not climbing_seed or self._open_to_seeds(population, scale):
                found[design.name] = scale
        return found

    def _open_to_seeds(self, population: Population, scale: Scale) -> bool:
        """Whether seeds have not had their share of a higher rung; it is there for discoveries."""
        spent = population.used(scale.name, {seed.name for seed in population.seeds})
        return spent < int(scale.trials * self._settings.seed_share)


def _rivals(population: Population, open_: Mapping[str, Scale]) -> list[str]:
    """Seeds, best first, that could go where no seed was yet and a new design could go too."""
    children = {design.name for design in population.children}
    wanted = {scale.name for name, scale in open_.items() if name in children}
    for seed in population.seeds:
        wanted -= population.verified_scales(seed.name)
    rivals = [seed.name for seed in population.seeds if seed.name in open_]
    rivals = [name for name in rivals if open_[name].name in wanted]
    return sorted(rivals, key=lambda name: population.fitness(name) or 0.0, reverse=True)
