"""Quadrant selection with restarts from the seeds (sec. 4.3, alg. 4, table 13)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random
from typing import Annotated

from pydantic import Field

from genesys.population.population import Population
from genesys.records import Role
from genesys_selectors.breeding import Breeding
from genesys_selectors.expectation import expected_fitness
from genesys_selectors.parameters import Count, Share, parameters
from genesys_selectors.quadrants import Quadrant, quadrants

EXPLOIT = {Role.DESIGNER: Quadrant.GOOD_CONFIDENT, Role.VERIFIER: Quadrant.GOOD_UNCONFIDENT}
EXPLORE = {Role.DESIGNER: Quadrant.POOR_CONFIDENT, Role.VERIFIER: Quadrant.POOR_UNCONFIDENT}

SEED_WEIGHTS = {"gpt2": 0.3, "mamba2": 0.25, "retnet": 0.15, "rwkv6": 0.15, "ttt": 0.15}


@parameters
class QuadrantSelector(Breeding):
    """Balances exploitation and exploration over fitness and confidence.

    The defaults are those of table 13. The cut-offs of sec. 4.3 are quartiles; alg. 4 has medians,
    which a cut-off of 0.5 gives.

    Attributes:
        fitness_cutoff: Upper part of the population that is good, by fitness.
        confidence_cutoff: Upper part of it that is confident, by verified scales.
        explore: Probability of taking from the exploration quadrant.
        topk_noise: Probability of taking any design of a quadrant, whatever its rank.
        restart: Probability, in the end, that a designer starts from seeds.
        restart_anneal: Sessions over which that probability falls from 1, in a straight line.
        seed_weights: How likely each seed is in a restart; others weigh as the lightest one.
    """

    fitness_cutoff: Share = 0.25
    confidence_cutoff: Share = 0.25
    explore: Share = 0.15
    topk_noise: Share = 0.05
    restart: Share = 0.05
    restart_anneal: Count = 10
    seed_weights: Mapping[str, Annotated[float, Field(gt=0)]] = Field(
        default_factory=SEED_WEIGHTS.copy
    )

    def parents(
        self, population: Population, candidates: Sequence[str], count: int, rng: Random
    ) -> list[str]:
        """From the quadrants, or in a restart from the seeds."""
        allowed = set(candidates)
        seeds = [seed.name for seed in population.seeds if seed.name in allowed]
        restart = rng.random() < self.restart_probability(len(population.sessions))
        if restart and len(seeds) >= count:
            return self._draw_seeds(seeds, count, rng)
        return self.pick(population, Role.DESIGNER, candidates, count, rng)

    def restart_probability(self, session: int) -> float:
        """The probability that a session starts from seeds: linear from 1 to ``restart``."""
        if session >= self.restart_anneal:
            return self.restart
        return 1 - (1 - self.restart) * session / self.restart_anneal

    def pick(
        self,
        population: Population,
        role: Role,
        candidates: Sequence[str],
        count: int,
        rng: Random,
    ) -> list[str]:
        """Out of the drawn quadrant, and out of the next when it is empty."""
        picked: list[str] = []
        for part in self._parts(population, role, candidates, rng):
            while part and len(picked) < count:
                picked.append(part.pop(self._position(len(part), rng)))
        return picked

    def _draw_seeds(self, seeds: Sequence[str], count: int, rng: Random) -> list[str]:
        lightest = min(self.seed_weights.values(), default=1.0)
        weights = {name: self.seed_weights.get(name, lightest) for name in seeds}
        drawn: list[str] = []
        for _ in range(count):
            name = rng.choices(list(weights), list(weights.values()))[0]
            drawn.append(name)
            del weights[name]
        return drawn

    def _position(self, size: int, rng: Random) -> int:
        """Favours the front in proportion to the rank (sec. 4.3), but for occasional noise."""
        if rng.random() < self.topk_noise:
            return rng.randrange(size)
        return rng.choices(range(size), range(size, 0, -1))[0]

    def _parts(
        self, population: Population, role: Role, candidates: Sequence[str], rng: Random
    ) -> list[list[str]]:
        """The candidates by quadrant, best first; the role's quadrants come first.

        Quadrants are cut over the whole population, so that a candidate is judged against all.
        """
        names = [design.name for design in population.designs]
        fitness = expected_fitness(population, names)
        confidence = {name: population.confidence(name) for name in names}
        parts = quadrants(fitness, confidence, self.fitness_cutoff, self.confidence_cutoff)
        first, second = EXPLOIT[role], EXPLORE[role]
        if rng.random() < self.explore:
            first, second = second, first
        order = [first, second, *(q for q in Quadrant if q not in {first, second})]
        allowed = set(candidates)
        return [[name for name in parts[quadrant] if name in allowed] for quadrant in order]
