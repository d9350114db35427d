"""A verification report as a person reads it."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from genesys.cli.efficiency import table as efficiency
from genesys.cli.leaderboard import SIMULATED, number
from genesys.cli.text import count, duration, plain
from genesys.population.uncertainty import standard_error
from genesys.records import Outcome, Score, VerificationReport
from genesys.text import one_line


def scores(report: VerificationReport) -> RenderableType:
    """Size, speed and one row per task; for a verification that failed, the reason."""
    head = Text(f"{report.scale}", "bold")
    if report.simulated:
        head.append(f"  {SIMULATED}", "yellow")
    if report.outcome is not Outcome.OK:
        blame = report.outcome.value.replace("_", " ")
        head.append(f"  {blame}", "red")
        return Group(head, Padding(plain(report.error.strip()), (0, 0, 0, 2)))
    head.append(f"  accuracy {_accuracy(report)}", "default")
    size = f"{count(report.parameters)} parameters, "
    size += f"{report.n_block} blocks of width {report.embed_dim}"
    if report.tokens:
        size += f", {count(report.tokens)} tokens{_way(report)} at "
        size += f"{count(report.tokens_per_second)}/s"
    size += f", {plain(report.note)}" if report.note else ""
    about = Text(f"  {size}, {duration(report.seconds)}, {_seeds(report)}", "dim")
    measured = [efficiency(report.efficiency)] if report.efficiency else []
    return Group(head, about, Padding(_tasks(report.scores), (0, 0, 0, 2)), *measured)


def _accuracy(report: VerificationReport) -> str:
    value, error = report.fitness, standard_error([report])
    if value is None or error is None:
        return number(value)
    low, high = error.around(value)
    return f"{value:.3f} ± {error.value:.3f}, 95% interval {low:.3f} to {high:.3f}"


def _way(report: VerificationReport) -> str:
    """How the blocks computed in training."""
    if not report.precision:
        return ""
    return f" in {report.precision}" + (", compiled," if report.compiled else "")


def _seeds(report: VerificationReport) -> str:
    several = max((len(score.by_seed) for score in report.scores), default=0)
    return (
        f"seeds {report.seed} to {report.seed + several - 1}" if several else f"seed {report.seed}"
    )


def _tasks(rows: Sequence[Score]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    columns = ["task", "metric", "value", "untrained", "chance"]
    columns += ["over seeds"] if any(score.by_seed for score in rows) else []
    for column in columns:
        left = column in ("task", "metric")
        table.add_column(column, justify="left" if left else "right", no_wrap=not left)
    for score in rows:
        table.add_row(*_score(score)[: len(columns)])
    return table


def _score(score: Score) -> list[Text]:
    error = "" if score.stderr is None else f" ± {score.stderr:.3f}"
    return [
        Text(one_line(score.task, 40)),
        Text(one_line(score.metric, 20), "dim"),
        Text(f"{score.value:.3f}{error}"),
        Text(number(score.untrained), "dim"),
        Text(number(score.chance), "dim"),
        Text(f"± {score.seed_error:.3f}", "dim"),
    ]
