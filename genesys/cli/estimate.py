"""How long a run will still take, from how long its parts took so far."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean

from genesys.population.population import Population
from genesys.records import Outcome, Scale


def time_left(
    population: Population, scales: Sequence[Scale], designs: int | None = None
) -> float | None:
    """Seconds until nothing is left to do, or None while there is too little to tell from.

    Args:
        population: With the seconds that its sessions and reports took.
        scales: The ladder.
        designs: Sound new designs the run is to make; None if no number is set.
    """
    sound = [d for d in population.children if not population.is_erroneous(d.name)]
    wanted = max(0, (designs or 0) - len(sound))
    parts = [_designing(population, wanted)]
    for scale in scales:
        if left := _verifications_left(population, scale, wanted):
            each = _verifying(population, scale, scales)
            parts.append(None if each is None else left * each)
    known = [part for part in parts if part is not None]
    return sum(known) if len(known) == len(parts) else None


def _designing(population: Population, wanted: int) -> float | None:
    """Abandoned sessions are part of the price of an accepted design."""
    if not wanted:
        return 0.0
    made = len(population.children)
    return wanted * sum(s.seconds for s in population.sessions) / made if made else None


def _verifications_left(population: Population, scale: Scale, wanted: int) -> int:
    most = min(scale.trials, len(population.designs) + wanted)
    return max(0, most - population.used(scale.name))


def _verifying(population: Population, scale: Scale, scales: Sequence[Scale]) -> float | None:
    """Mean seconds of a verification here; scaled from other rungs while there is none."""
    good = [r for r in population.reports if r.outcome is Outcome.OK]
    here = [r.seconds for r in good if r.scale == scale.name]
    costs = {rung.name: _cost(rung) for rung in scales}
    scaled = [r.seconds * _cost(scale) / costs[r.scale] for r in good if r.scale in costs]
    return fmean(here or scaled) if here or scaled else None


def _cost(scale: Scale) -> float:
    """Training FLOPs up to a factor."""
    return float(scale.total_tokens) * scale.n_block * scale.d_model**2
