"""How designs behave: by which mechanisms they mix positions, and at what expense."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

import numpy as np

from genesys.population.population import Population
from genesys.population.terms import TERMS
from genesys.records import Design
from genesys_selectors.expectation import expected

# What code that has the mechanism says. A rough reading: nothing here runs generated code.
MECHANISMS = {
    "attention": r"scaled_dot_product_attention|softmax\(",
    "convolution": r"conv1d|Conv1d",
    "experts": r"\btopk\(",
    "recurrence": r"cumsum|cumprod|logcumsumexp|\bunbind\(|\bscan\b|\bchunk",
    "spectrum": r"\bfft\b|\brfft|\birfft",
}
Cell = tuple[frozenset[str], int]


def mechanisms(design: Design) -> frozenset[str]:
    """The mechanisms in a design's code."""
    return frozenset(tag for unit in design.units for tag in _in_code(unit.code))


def cells(population: Population, names: Iterable[str], levels: int) -> dict[Cell, list[str]]:
    """Designs by cell: their mechanisms, and how many operations a parameter costs.

    Args:
        population: Of the designs.
        names: Of those that are wanted.
        levels: Into how many equal parts the population is cut by its operations.

    Returns:
        The cells that hold any, each with its designs in the order of ``names``.
    """
    wanted = list(names)
    expense = expected(population, lambda name: _operations(population, name), wanted)
    edges = np.quantile(list(expense.values()) or [0.0], np.linspace(0, 1, levels + 1)[1:-1])
    found: dict[Cell, list[str]] = {}
    for name in wanted:
        level = int(np.searchsorted(edges, expense[name], side="left"))
        found.setdefault((mechanisms(population.design(name)), level), []).append(name)
    return found


@lru_cache(maxsize=100_000)
def _in_code(code: str) -> frozenset[str]:
    return frozenset(tag for tag, pattern in MECHANISMS.items() if re.search(pattern, code))


def _operations(population: Population, name: str) -> float | None:
    values = [TERMS["flops"](report) for report in population.reports_of(name)]
    known = [value for value in values if value is not None]
    return known[-1] if known else None
