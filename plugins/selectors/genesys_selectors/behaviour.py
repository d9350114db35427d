"""How designs behave: by which mechanisms they mix positions, and at what expense."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from math import exp, log

import numpy as np

from genesys.population.population import Population
from genesys.population.terms import flops
from genesys.records import Design, VerificationReport
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


def cells(population: Population, chosen: np.ndarray, levels: int) -> dict[Cell, np.ndarray]:
    """Designs by cell: their mechanisms, and how many operations a parameter costs.

    Args:
        population: Of the designs.
        chosen: (m,) places of those that are wanted.
        levels: Into how many equal parts, of at most 1,000, these are cut by their operations;
            where these are not known, they are expected to be like the parents'.

    Returns:
        The cells that hold any, each with the places of its designs in the order given.
    """
    if not len(chosen):
        return {}
    masks = population.values("mechanisms", _mask).astype(int)[chosen]
    expense = expected(population, population.values("operations", _operations))[chosen]
    edges = np.quantile(expense, np.linspace(0, 1, levels + 1)[1:-1])
    codes = masks * levels + np.searchsorted(edges, expense, side="left")
    order = np.argsort(codes.astype(np.int16), kind="stable")  # by radix
    starts = np.flatnonzero(np.diff(codes[order], prepend=-1))
    parts = np.split(chosen[order], starts[1:])
    return {
        (_of_mask(code // levels), code % levels): part
        for code, part in zip(codes[order][starts].tolist(), parts, strict=True)
    }


def kinds(sizes: list[int]) -> float:
    """How many kinds there are in effect, if so many designs are of each: Hill's number.

    The exponential of the entropy (Hill 1973): n if all of n kinds are as common, and less the more
    one of them prevails.
    """
    total = sum(sizes)
    return exp(-sum(n / total * log(n / total) for n in sizes if n)) if total else 0.0


@lru_cache(maxsize=100_000)
def _in_code(code: str) -> frozenset[str]:
    return frozenset(tag for tag, pattern in MECHANISMS.items() if re.search(pattern, code))


def _mask(design: Design, reports: Sequence[VerificationReport]) -> float:
    tags = mechanisms(design)
    return sum(1 << bit for bit, tag in enumerate(MECHANISMS) if tag in tags)


def _of_mask(mask: int) -> frozenset[str]:
    return frozenset(tag for bit, tag in enumerate(MECHANISMS) if mask >> bit & 1)


def _operations(design: Design, reports: Sequence[VerificationReport]) -> float | None:
    known = [value for report in reports if (value := flops(report)) is not None]
    return known[-1] if known else None
