"""What a reader should know after ten seconds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from genesys.cli.ranking import Ranking
from genesys.cli.text import count, duration
from genesys.population.population import Population
from genesys.records import Outcome, SessionEnd


@dataclass(frozen=True)
class Tile:
    """A figure with what it counts and a note."""

    value: str
    label: str
    note: str


def headline(population: Population, rankings: Sequence[Ranking]) -> str:
    """The run's result in a sentence."""
    seeds, made = len(population.seeds), len(population.children)
    start = f"{made} new decoder block{'s' * (made != 1)} from {seeds} seed{'s' * (seeds != 1)}."
    best = next((r for r in reversed(rankings) if r.best_child and r.best_seed), None)
    if best is None or best.best_child is None or best.best_seed is None:
        return f"{start} None is verified beside a seed yet."
    child, seed = best.best_child, best.best_seed
    if child.gain is None or child.accuracy is None:
        return start
    side = "ahead of" if child.gain > 0 else "behind" if child.gain < 0 else "level with"
    gap = f"{abs(100 * child.gain):.1f} points {side}" if child.gain else side
    rivals = sum(row.is_seed for row in best.rows)
    whom = (
        f"{seed.design}, the best of {rivals} seeds" if rivals > 1 else f"{seed.design}, the seed"
    )
    result = f"{child.accuracy:.1%} accuracy at {best.scale}, {gap} {whom} verified there"
    result += " (a difference that is not told from chance)" if child.like_seed else ""
    return f"{start} The best of them, {child.design}, reaches {result}."


def tiles(population: Population, rankings: Sequence[Ranking], usd: float = 0.0) -> list[Tile]:
    """The figures at the top of the report; ``usd`` is what language models cost."""
    sessions = population.sessions
    accepted = sum(s.end is SessionEnd.ACCEPTED for s in sessions)
    good = [r for r in population.reports if r.outcome is Outcome.OK]
    failed = sum(r.outcome is Outcome.DESIGN_ERROR for r in population.reports)
    ahead = [row for r in rankings[:1] for row in r.rows if not row.is_seed and (row.gain or 0) > 0]
    ranked = sum(not row.is_seed for r in rankings[:1] for row in r.rows)
    first = f"of {ranked} at {rankings[0].scale}" if rankings else "none is verified"
    share = (
        f"{accepted / len(sessions):.0%} of {len(sessions)} sessions" if sessions else "no session"
    )
    seconds = sum(s.seconds for s in sessions) + sum(r.seconds for r in population.reports)
    scales = f"over {len(rankings)} scale{'s' * (len(rankings) != 1)}"
    return [
        Tile(str(len(population.children)), "new designs", share),
        Tile(str(len(ahead)), "ahead of every seed", first),
        Tile(str(len(good)), "verifications", f"{scales}, {failed} failed"),
        Tile(count(sum(r.tokens for r in good)), "tokens trained on", "all verifications"),
        Tile(duration(seconds), "of work", "designing and verifying"),
        *_cost(usd, accepted),
    ]


def _cost(usd: float, designs: int) -> list[Tile]:
    if not usd:
        return []
    note = f"{usd / designs:.2f} USD per new design" if designs else "for no new design"
    return [Tile(f"{usd:.2f}", "USD for language models", note)]
