"""A selector that needs three lines."""

from __future__ import annotations

from collections.abc import Sequence

from genesys.markers import hookimpl
from genesys.population.population import Population
from genesys.records import Operator, Role, Selection


class NewestSelector:
    """Takes the newest candidate.

    Args:
        references: Further designs to show the designer.
    """

    def __init__(self, references: int = 0) -> None:
        self.references = references

    @hookimpl
    def select(
        self, population: Population, role: Role, candidates: Sequence[str]
    ) -> Selection | None:
        """Pick the newest candidate, or nothing when there is none."""
        ranked = [d.name for d in reversed(population.designs) if d.name in candidates]
        if not ranked:
            return None
        operator = Operator.MUTATION if role is Role.DESIGNER else Operator.SEED
        return Selection(
            operator=operator, designs=ranked[:1], references=ranked[1 : 1 + self.references]
        )
