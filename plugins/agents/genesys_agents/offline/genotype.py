"""Genotypes: typed expression trees over the library of building blocks."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict

OPAQUE = "unit"
PUBLISHED = "reference"

Param = bool | int | float | str


class Role(StrEnum):
    """What a block does, and so where it may stand."""

    BLOCK = "block"
    TOKEN = "token"
    CHANNEL = "channel"
    NORM = "norm"


class Gene(BaseModel):
    """A building block with its parameters and the blocks in its slots.

    Attributes:
        block: Name of a library block, or ``unit`` for a unit of a parent that is taken as it is;
            its parameters are then the names ``design`` and ``unit``. Or ``reference`` for a
            reference unit, with the name ``unit``.
        params: Value of each of the block's choices.
        slots: One gene for each of the block's slots.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    block: str
    params: dict[str, Param] = {}
    slots: dict[str, Gene] = {}

    @property
    def opaque(self) -> bool:
        """Whether this is a unit that is taken as it is: a parent's, or a reference unit."""
        return self.block in {OPAQUE, PUBLISHED}

    @property
    def published(self) -> bool:
        """Whether this is a reference unit."""
        return self.block == PUBLISHED

    def canonical(self) -> str:
        """The gene as JSON; equal for equal genes."""
        return canonical_json(self.model_dump())

    def digest(self) -> str:
        """Four hexadecimal digits that tell genes apart in the names of their units."""
        return hashlib.sha256(self.canonical().encode()).hexdigest()[:4]

    def walk(self, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Gene]]:
        """All genes from here down with the slots that lead to them."""
        yield path, self
        for slot, child in self.slots.items():
            yield from child.walk((*path, slot))

    def at(self, path: tuple[str, ...]) -> Gene:
        """The gene that the slots in ``path`` lead to."""
        return self.slots[path[0]].at(path[1:]) if path else self

    def put(self, path: tuple[str, ...], gene: Gene) -> Gene:
        """A copy with another gene at ``path``."""
        if not path:
            return gene
        child = self.slots[path[0]].put(path[1:], gene)
        return self.model_copy(update={"slots": {**self.slots, path[0]: child}})

    def set(self, name: str, value: Param) -> Gene:
        """A copy with one parameter changed."""
        return self.model_copy(update={"params": {**self.params, name: value}})


def unit_gene(design: str, unit: str) -> Gene:
    """The gene of a parent's unit that is taken as it is, with all units below it."""
    return Gene(block=OPAQUE, params={"design": design, "unit": unit})


def reference_gene(unit: str) -> Gene:
    """The gene of a reference unit, with all units below it."""
    return Gene(block=PUBLISHED, params={"unit": unit})


def canonical_json(value: Mapping[str, Any]) -> str:
    """JSON with sorted keys on one line."""
    return json.dumps(value, sort_keys=True, separators=(", ", ": "))
