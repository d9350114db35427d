"""A surrogate that foretells fitness from units, and ranks what is not verified yet."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Annotated

import numpy as np
from pydantic import Field

from genesys.population.population import Population
from genesys.records import Design, Role
from genesys_selectors.behaviour import mechanisms
from genesys_selectors.belief import WIDTH, Belief, row
from genesys_selectors.breeding import Breeding, Picked, at_random
from genesys_selectors.expectation import places
from genesys_selectors.kept import Kept, Rows
from genesys_selectors.parameters import parameters


@parameters
class SurrogateSelector(Breeding):
    """Picks by fitness that is foretold, with the doubt that there is about it.

    Units foretell fitness to a degree (app. E.3.3). Here a Bayesian regression over units,
    mechanisms and parents foretells each design's; a pick is the best in one draw of what the
    words may bring (Thompson sampling), so that designs of unknown units get their chance.

    Attributes:
        most: Verified designs that it learns from, the latest.
        least: Below so many verified designs, any candidate is picked.
        doubt: How far draws lie from what is most likely, in deviations.
    """

    most: Annotated[int, Field(ge=2)] = 1000
    least: Annotated[int, Field(ge=2)] = 8
    doubt: Annotated[float, Field(ge=0)] = 1.0

    def pick(
        self,
        population: Population,
        role: Role,
        candidates: Sequence[str],
        count: int,
        rng: Random,
    ) -> Picked:
        """The best in a draw."""
        known = np.flatnonzero(~np.isnan(population.fitnesses))
        if len(known) < self.least or not candidates:
            return at_random(candidates, count, rng)
        belief = learnt(population, known[-self.most :])
        asked, world = places(population, candidates), np.random.default_rng(rng.getrandbits(64))
        drawn = belief.draw(words(population), self.doubt, world)[asked]
        best = np.argsort(-drawn, kind="stable")[:count].tolist()
        mean, deviation = belief.foretell(words(population)[asked[best]])
        told = [
            f"foretold {m:.3f} ± {d:.3f}, drew {drawn[i]:.3f}"
            for i, m, d in zip(best, mean, deviation, strict=True)
        ]
        why = f"{'; '.join(told)}, the most of {len(candidates)}"
        return Picked([candidates[i] for i in best], why)


def learnt(population: Population, known: np.ndarray) -> Belief:
    """What the verified designs at these places teach."""
    return Belief.of(words(population)[known], population.fitnesses[known])


def words(population: Population) -> np.ndarray:
    """What designs are made of and where they come from, (n, WIDTH)."""
    return _matrix(_rows(population))


def _row(_: Population, design: Design) -> np.ndarray:
    units = [f"unit {unit.name}" for unit in design.units]
    return row([*units, *mechanisms(design), *(f"child of {name}" for name in design.parents)])


_rows, _matrix = Kept(_row), Rows(WIDTH)
