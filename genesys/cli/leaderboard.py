"""The leaderboard of seeds and new designs, one table per scale."""

from __future__ import annotations

from collections.abc import Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Group, JustifyMethod, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from genesys.cli.ranking import Failure, Ranking, Row, rank, scales_of
from genesys.cli.text import clean, count, gist, plain
from genesys.population.population import Population
from genesys.records import Operator, Outcome

COLUMNS = ("#", "design", "made by", "params", "accuracy", "vs\nseed", "bits\n/byte", "tokens\n/s")


def leaderboard(population: Population, scales: Sequence[str] | None = None) -> RenderableType:
    """A table per scale, the largest scale last, with baselines and the designs that failed.

    Args:
        population: What to rank.
        scales: Names of the scales; those with reports, smallest first, when not given.
    """
    names = scales_of(population) if scales is None else scales
    rankings = [rank(population, name) for name in names]
    shown = [_table(r) for r in rankings if r.rows or r.failures]
    if not shown:
        return Text("No design has been verified yet.", style="dim")
    if not any(ranking.rows for ranking in rankings):
        return Group(*shown)
    note = "± one standard error over test items; vs seed: against the best seed at that scale."
    return Group(*shown, Text(note, style="dim"))


def accuracy(row: Row) -> str:
    """A row's accuracy with its standard error, as in ``0.612 ± 0.004``."""
    if row.accuracy is None:
        return "–"
    return number(row.accuracy) + ("" if row.stderr is None else f" ± {row.stderr:.3f}")


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


def _table(ranking: Ranking) -> Group:
    table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for name in COLUMNS:
        left = name in ("design", "made by")
        # The words give way when the terminal is narrow, the numbers do not. Names stay whole:
        # other commands ask for them.
        justify: JustifyMethod = "left" if left else "right"
        least = 15 if name == "design" else None
        table.add_column(name, justify=justify, no_wrap=not left, overflow="fold", min_width=least)
    for row in ranking.rows:
        table.add_row(*_cells(row), style="cyan" if row.is_seed else "")
    table.add_section()
    base = ranking.untrained
    cells = ("untrained", "", "", number(base.accuracy), "", number(base.bits_per_byte), "")
    table.add_row("", *cells, style="dim")
    table.add_row("", "chance", "", "", number(ranking.chance), "", "", "", style="dim")
    title = Text(f"Scale {clean(ranking.scale)}", "bold")
    failures = [_failure(failure) for failure in ranking.failures]
    return Group(title, *([table] if ranking.rows else []), *failures, Text())


def _cells(row: Row) -> list[Text]:
    gain = Text("" if row.is_seed or row.gain is None else f"{row.gain:+.3f}")
    gain.stylize("green" if row.gain is not None and row.gain > 0 else "")
    name = plain(row.design, "bold" if row.rank == 1 else "")
    made_by = Text(clean(origin(row)))
    head = [Text(str(row.rank)), name, made_by, Text(count(row.parameters))]
    tail = [Text(number(row.bits_per_byte)), Text(count(row.tokens_per_second))]
    return [*head, Text(accuracy(row)), gain, *tail]


def _failure(failure: Failure) -> Padding:
    blame = "failed" if failure.outcome is Outcome.DESIGN_ERROR else "stopped by the machine"
    times = f" {failure.times} times" if failure.times > 1 else ""
    text = Text.assemble((failure.design, "bold"), (f" {blame}{times}: ", "red"))
    return Padding(text.append(gist(failure.reason)), (0, 0, 0, 2))
