"""Quadrant selection with restarts from the seeds (sec. 4.3, alg. 4, table 13)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random

from genesys.markers import hookimpl
from genesys.population.population import Population
from genesys.records import Operator, Role, Selection
from genesys_selectors.operators import PARENTS, OperatorChoice
from genesys_selectors.quadrants import Quadrant, expected_fitness, quadrants

EXPLOIT = {Role.DESIGNER: Quadrant.GOOD_CONFIDENT, Role.VERIFIER: Quadrant.GOOD_UNCONFIDENT}
EXPLORE = {Role.DESIGNER: Quadrant.POOR_CONFIDENT, Role.VERIFIER: Quadrant.POOR_UNCONFIDENT}

SEED_WEIGHTS = {"gpt2": 0.3, "mamba2": 0.25, "retnet": 0.15, "rwkv6": 0.15, "ttt": 0.15}


class QuadrantSelector:
    """Balances exploitation and exploration over fitness and confidence.

    The defaults are those of table 13. The cut-offs of sec. 4.3 are quartiles; alg. 4 has medians,
    which a cut-off of 0.5 gives.

    Args:
        fitness_cutoff: Upper part of the population that is good, by fitness.
        confidence_cutoff: Upper part of it that is confident, by verified scales.
        explore: Probability of taking from the exploration quadrant.
        topk_noise: Probability of taking any design of a quadrant, whatever its rank.
        restart: Probability, in the end, that a designer starts from seeds.
        restart_anneal: Sessions over which that probability falls from 1, in a straight line.
        seed_weights: How likely each seed is in a restart; others weigh as the lightest one.
        mutation: Weight of mutation.
        crossover: Weight of crossover.
        scratch: Weight of starting from scratch.
        crossover_warmup: Sessions before the first crossover.
        scratch_warmup: Sessions before the first start from scratch.
        references: Other designs, drawn at random, to show a designer.

    Raises:
        ValueError: A parameter is out of bounds.
    """

    def __init__(
        self,
        fitness_cutoff: float = 0.25,
        confidence_cutoff: float = 0.25,
        explore: float = 0.15,
        topk_noise: float = 0.05,
        restart: float = 0.05,
        restart_anneal: int = 10,
        seed_weights: Mapping[str, float] = SEED_WEIGHTS,
        mutation: float = 0.75,
        crossover: float = 0.2,
        scratch: float = 0.05,
        crossover_warmup: int = 20,
        scratch_warmup: int = 30,
        references: int = 2,
    ) -> None:
        shares = {
            "fitness_cutoff": fitness_cutoff,
            "confidence_cutoff": confidence_cutoff,
            "explore": explore,
            "topk_noise": topk_noise,
            "restart": restart,
        }
        for name, share in shares.items():
            if not 0 <= share <= 1:
                raise ValueError(f"{name} must lie in 0..1, got {share}")
        if any(weight <= 0 for weight in seed_weights.values()):
            raise ValueError("seed_weights must be positive")
        if restart_anneal < 0 or references < 0:
            raise ValueError("restart_anneal and references cannot be negative")
        self._cutoffs = (fitness_cutoff, confidence_cutoff)
        self._explore, self._topk_noise = explore, topk_noise
        self._restart, self._restart_anneal = restart, restart_anneal
        self._seed_weights = dict(seed_weights)
        self._operators = OperatorChoice(
            mutation, crossover, scratch, crossover_warmup, scratch_warmup
        )
        self._references = references

    @hookimpl
    def select(
        self, population: Population, role: Role, candidates: Sequence[str], rng: Random
    ) -> Selection | None:
        """See ``genesys.hookspecs.select``."""
        if role is Role.VERIFIER:
            picked = self._pick(population, role, candidates, 1, rng)
            return Selection(operator=Operator.SEED, designs=picked) if picked else None
        session = len(population.sessions)
        operator = self._operators.draw(session, len(candidates), rng)
        count = PARENTS[operator]
        seeds = [seed.name for seed in population.seeds if seed.name in candidates]
        if rng.random() < self.restart_probability(session) and len(seeds) >= count:
            parents = self._draw_seeds(seeds, count, rng)
        else:
            parents = self._pick(population, role, candidates, count, rng)
        rest = [name for name in candidates if name not in parents]
        references = rng.sample(rest, min(self._references, len(rest)))
        return Selection(operator=operator, designs=parents, references=references)

    def restart_probability(self, session: int) -> float:
        """The probability that a session starts from seeds: linear from 1 to ``restart``."""
        if session >= self._restart_anneal:
            return self._restart
        return 1 - (1 - self._restart) * session / self._restart_anneal

    def _draw_seeds(self, seeds: Sequence[str], count: int, rng: Random) -> list[str]:
        lightest = min(self._seed_weights.values(), default=1.0)
        weights = {name: self._seed_weights.get(name, lightest) for name in seeds}
        drawn: list[str] = []
        for _ in range(count):
            name = rng.choices(list(weights), list(weights.values()))[0]
            drawn.append(name)
            del weights[name]
        return drawn

    def _pick(
        self,
        population: Population,
        role: Role,
        candidates: Sequence[str],
        count: int,
        rng: Random,
    ) -> list[str]:
        """``count`` candidates out of the drawn quadrant, and out of the next when it is empty."""
        picked: list[str] = []
        for part in self._parts(population, role, candidates, rng):
            while part and len(picked) < count:
                picked.append(part.pop(self._position(len(part), rng)))
        return picked

    def _position(self, size: int, rng: Random) -> int:
        """Favours the front in proportion to the rank (sec. 4.3), but for occasional noise."""
        if rng.random() < self._topk_noise:
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
        parts = quadrants(fitness, confidence, *self._cutoffs)
        first, second = EXPLOIT[role], EXPLORE[role]
        if rng.random() < self._explore:
            first, second = second, first
        order = [first, second, *(q for q in Quadrant if q not in {first, second})]
        allowed = set(candidates)
        return [[name for name in parts[quadrant] if name in allowed] for quadrant in order]
