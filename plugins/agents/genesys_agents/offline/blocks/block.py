"""What the library knows of a building block; its code is a template of the same name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from genesys_agents.offline.genotype import Param, Role

Choices = Mapping[str, tuple[Param, ...]]


@dataclass(frozen=True)
class Block:
    """One building block.

    Attributes:
        name: Of the block and of its template.
        role: Where it may stand.
        title: Stem of the unit's class name, from the parameters.
        cost: Parameters in units of D^2, without those of the slots.
        choices: The values each parameter may take; the order carries no meaning.
        slots: What the block is built from.
        weight: How often it is drawn against others of its role.
        quadratic: Whether time grows with L^2 rather than L, from the parameters.
        share: Part of the width that each slot works on.
    """

    name: str
    role: Role
    title: Callable[[Mapping[str, Any]], str]
    cost: Callable[[Mapping[str, Any]], float]
    choices: Choices = field(default_factory=dict)
    slots: Mapping[str, Role] = field(default_factory=dict)
    weight: int = 1
    quadratic: Callable[[Mapping[str, Any]], bool] = lambda p: False
    share: Callable[[Mapping[str, Any]], float] = lambda p: 1.0
