"""How good a design is in a simulation: what its units add up to, and what they are together."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import lru_cache
from math import sqrt
from statistics import NormalDist

from genesys.gau.structure import running_code
from genesys.gau.unit import parse_unit
from genesys.records import Design

_STANDARD = NormalDist()


@dataclass(frozen=True)
class Landscape:
    """Gives each design a quality: standard normal over random designs, and never another one.

    A design counts as the bag of its units' code, with its arguments. Each unit has an effect of
    its own; their sum is what a child inherits with the units that it keeps. The rest is an effect
    of the whole bag, which no other bag shares. All effects are drawn by hashes of code, so that
    every process finds the same ones, whatever it was asked before.

    Attributes:
        number: Of the landscape; in another one the same code has other effects.
        heritability: Share of the quality's variance that comes from units one by one, in 0..1.
    """

    number: int
    heritability: float

    def quality(self, design: Design) -> float:
        """In standard deviations of random designs.

        Raises:
            UnitError: A unit does not follow the template.
        """
        bag = bag_of(design)
        own = sum(self._effect("unit", unit) for unit in bag[:-1]) / sqrt(len(bag) - 1)
        return sqrt(self.heritability) * own + sqrt(1 - self.heritability) * self._effect(
            "bag", *bag
        )

    def share(self, purpose: str, design: Design) -> float:
        """A number in 0..1 that is drawn once for each design and purpose."""
        return uniform(str(self.number), purpose, *bag_of(design))

    def _effect(self, *of: str) -> float:
        return normal(str(self.number), *of)


def bag_of(design: Design) -> tuple[str, ...]:
    """What a design counts as: a digest of each unit in a fixed order, and one of the arguments."""
    units = sorted(_digest(unit.code, unit.name) for unit in design.units)
    args = sorted((arg.name, arg.json_value) for arg in design.args)
    return *units, hashlib.sha256(json.dumps(args).encode()).hexdigest()


def normal(*parts: str) -> float:
    """A standard normal number that depends on all parts."""
    return _STANDARD.inv_cdf(uniform(*parts))


def uniform(*parts: str) -> float:
    """A number between 0 and 1, never one of them, that depends on all parts."""
    digest = hashlib.sha256(json.dumps(parts).encode()).digest()
    return (int.from_bytes(digest[:6], "big") + 0.5) / 2**48


@lru_cache(maxsize=100_000)
def _digest(code: str, name: str) -> str:
    text = running_code(parse_unit(code, name))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
