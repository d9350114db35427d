"""The leaderboard of seeds and new designs, one table per scale."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.box import SIMPLE_HEAD
from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from genesys.cli.ranking import Failure, Ranking, Row, rank, scales_of
from genesys.cli.text import count, gist, plain
from genesys.population.population import Population
from genesys.records import Operator, Outcome
from genesys.text import clean

MADE_BY = "made by"
FITNESS = "fitness"
COLUMNS = (
    *("#", "design", MADE_BY, "params", FITNESS, "accuracy", "vs\nseed", "bits\n/byte"),
    "tokens\n/s",
)
WIDE = 100  # characters; a narrower terminal has no room for who made a design
ALIKE = "≈"  # not told apart
SIMULATED = "simulated: nothing was trained"
NOTE = (
    "± one standard error over test items, and over training seeds where there are several. "
    "vs seed: accuracy against the best seed at that scale. "
    "≈ not told apart at 95%: a place from the first, a difference from that seed."
)


@dataclass(frozen=True)
class Leaderboard:
    """A table per scale that fits the terminal it is printed to."""

    rankings: Sequence[Ranking]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        hidden = {MADE_BY} if options.max_width < WIDE else set()
        if all(ranking.by_accuracy for ranking in self.rankings):
            hidden.add(FITNESS)
        columns = [c for c in COLUMNS if c not in hidden]
        for ranking in self.rankings:
            head = Text(f"Scale {clean(ranking.scale)}", "bold")
            yield head.append(f"  {SIMULATED}", "yellow") if ranking.simulated else head
            if ranking.rows:
                yield _table(ranking, columns)
            yield from map(_failure, ranking.failures)
            yield Text()
        if any(ranking.rows for ranking in self.rankings):
            yield Text(NOTE, style="dim")


def leaderboard(population: Population, scales: Sequence[str] | None = None) -> RenderableType:
    """A table per scale, the largest scale last, with baselines and the designs that failed.

    Args:
        population: What to rank.
        scales: Names of the scales; those with reports, smallest first, when not given.
    """
    names = scales_of(population) if scales is None else scales
    rankings = [r for r in (rank(population, name) for name in names) if r.rows or r.failures]
    if not rankings:
        return Text("No design has been verified yet.", style="dim")
    return Leaderboard(rankings)


def accuracy(row: Row) -> str:
    """A row's accuracy with its standard error, as in ``0.612 ± 0.004``."""
    if row.accuracy is None:
        return "–"
    return number(row.accuracy) + ("" if row.stderr is None else f" ± {row.stderr:.3f}")


def alike(mark: bool) -> str:
    """The mark of what is not told apart from something better."""
    return ALIKE if mark else ""


def number(value: float | None) -> str:
    """A score to three decimals, or a dash when there is none."""
    return "–" if value is None else f"{value:.3f}"


def origin(row: Row) -> str:
    """How a row's design came to be, as in ``mutation of gpt2``."""
    return descent(row.operator, row.parents)


def descent(operator: Operator, parents: Sequence[str]) -> str:
    """An operator with the parents it is applied to."""
    if not parents:
        return "from scratch" if operator is Operator.SCRATCH else operator.value
    return f"{operator.value} of {' × '.join(parents)}"


def blame(outcome: Outcome) -> str:
    """Whose fault it is that a verification gave no score, in words."""
    return "failed" if outcome is Outcome.DESIGN_ERROR else "stopped by the machine"


def _table(ranking: Ranking, columns: Sequence[str]) -> Table:
    table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    for name in columns:
        if name in ("design", MADE_BY):
            # Words give way when it is still too narrow, numbers do not.
            table.add_column(name, overflow="fold")
        else:
            table.add_column(name, justify="right", no_wrap=True)
    for row in ranking.rows:
        cells = _cells(row)
        table.add_row(*(cells[c] for c in columns), style="cyan" if row.is_seed else "")
    table.add_section()
    base = ranking.untrained
    for name, accurate, bits in (
        ("untrained", number(base.accuracy), number(base.bits_per_byte)),
        ("chance", number(ranking.chance), ""),
    ):
        texts = {"design": name, "accuracy": accurate, "bits\n/byte": bits}
        table.add_row(*(texts.get(c, "") for c in columns), style="dim")
    return table


def _cells(row: Row) -> dict[str, Text]:
    gain = Text("" if row.is_seed or row.gain is None else f"{alike(row.like_seed)}{row.gain:+.3f}")
    gain.stylize("green" if row.gain is not None and row.gain > 0 and not row.like_seed else "")
    cells = (
        Text(f"{alike(row.like_best)}{row.rank}"),
        plain(row.design, "bold" if row.rank == 1 else ""),
        Text(clean(origin(row))),
        Text(count(row.parameters)),
        Text(number(row.fitness)),
        Text(accuracy(row)),
        gain,
        Text(number(row.bits_per_byte)),
        Text(count(row.tokens_per_second)),
    )
    return dict(zip(COLUMNS, cells, strict=True))


def _failure(failure: Failure) -> Padding:
    times = f" {failure.times} times" if failure.times > 1 else ""
    text = Text.assemble((failure.design, "bold"), (f" {blame(failure.outcome)}{times}: ", "red"))
    return Padding(text.append(gist(failure.reason)), (0, 0, 0, 2))
