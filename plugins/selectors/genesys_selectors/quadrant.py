"""Quadrant selection with restarts from the seeds (sec. 4.3, alg. 4, table 13)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from random import Random
from typing import Annotated

import numpy as np
from pydantic import Field

from genesys.errors import UnknownNameError
from genesys.evolution.seeds import seed_names
from genesys.population.population import Population
from genesys.records import Role, Selection
from genesys_selectors.breeding import Breeding, Picked
from genesys_selectors.expectation import expected_fitness, named, places
from genesys_selectors.operators import PARENTS
from genesys_selectors.parameters import Count, Share, parameters
from genesys_selectors.quadrants import Quadrant, Quadrants

EXPLOIT = {Role.DESIGNER: Quadrant.GOOD_CONFIDENT, Role.VERIFIER: Quadrant.GOOD_UNCONFIDENT}
EXPLORE = {Role.DESIGNER: Quadrant.POOR_CONFIDENT, Role.VERIFIER: Quadrant.POOR_UNCONFIDENT}

SEED_WEIGHTS = {"gpt2": 0.3, "mamba2": 0.25, "retnet": 0.15, "rwkv6": 0.15, "ttt": 0.15}

_shipped = cache(seed_names)


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
        restart: Probability, in the end, that a designer starts from seeds; with 1 it always does.
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

    def bred(self, population: Population, candidates: Sequence[str], rng: Random) -> Selection:
        """A child of what the quadrants give, or in a restart of seeds.

        Raises:
            UnknownNameError: A weight is for what is neither a seed of the run nor a shipped one.
        """
        seeds = [seed.name for seed in population.seeds]
        self._check_weights(seeds)
        probability = self.restart_probability(len(population.sessions))
        if rng.random() >= probability:
            return super().bred(population, candidates, rng)
        allowed = set(candidates)
        seeds = [name for name in seeds if name in allowed]
        operator, how = self.operator(population, len(seeds), rng)
        drawn = self._draw_seeds(seeds, PARENTS[operator], rng)
        why = f"in a restart (probability {probability:.2g}) parents are seeds, drawn by weight"
        return self.selection(operator, how, Picked(drawn, why if drawn else ""), candidates, rng)

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
    ) -> Picked:
        """Out of the drawn quadrant, and out of the next when it is empty."""
        explores = rng.random() < self.explore
        picked, reasons = list[int](), list[str]()
        for quadrant, part in self._parts(population, role, explores, candidates):
            left = part.tolist()
            while left and len(picked) < count:
                position, noise = self._position(len(left), rng)
                reasons.append(
                    f"number {position + 1} of {len(left)} {quadrant}{' by noise' if noise else ''}"
                )
                picked.append(left.pop(position))
            if len(picked) == count:
                break
        verb = "explores" if explores else "exploits"
        return Picked(named(population, picked), f"the {role} {verb}: {', '.join(reasons)}")

    def _check_weights(self, seeds: Sequence[str]) -> None:
        known = {*seeds, *_shipped()}
        if unknown := self.seed_weights.keys() - known:
            raise UnknownNameError("seed of selector.seed_weights", min(unknown), sorted(known))

    def _draw_seeds(self, seeds: Sequence[str], count: int, rng: Random) -> list[str]:
        lightest = min(self.seed_weights.values(), default=1.0)
        weights = {name: self.seed_weights.get(name, lightest) for name in seeds}
        drawn: list[str] = []
        for _ in range(count):
            name = rng.choices(list(weights), list(weights.values()))[0]
            drawn.append(name)
            del weights[name]
        return drawn

    def _position(self, size: int, rng: Random) -> tuple[int, bool]:
        """Favours the front in proportion to the rank (sec. 4.3), but for occasional noise."""
        if rng.random() < self.topk_noise:
            return rng.randrange(size), True
        return rng.choices(range(size), range(size, 0, -1))[0], False

    def _parts(
        self, population: Population, role: Role, explores: bool, candidates: Sequence[str]
    ) -> Iterator[tuple[Quadrant, np.ndarray]]:
        """The candidates by quadrant, best first; the role's quadrants come first.

        Quadrants are cut over the whole population, so that a candidate is judged against all.
        """
        quadrants = Quadrants.of(
            expected_fitness(population),
            population.confidences,
            self.fitness_cutoff,
            self.confidence_cutoff,
        )
        first, second = EXPLOIT[role], EXPLORE[role]
        if explores:
            first, second = second, first
        allowed = np.zeros(len(population.designs), bool)
        allowed[places(population, candidates)] = True
        for quadrant in (first, second, *(q for q in Quadrant if q not in {first, second})):
            yield quadrant, quadrants.best_first(quadrant, allowed)
