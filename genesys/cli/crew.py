"""Several workers at a time: a line for each, or one for all."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from itertools import groupby

from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from genesys.cli.activity import Activity
from genesys.cli.text import clock, usd
from genesys.text import one_line

_BAR = 12


def crew(workers: Mapping[str, Activity], most: int) -> Table:
    """A line for each worker, in order: what it does, how far it is, and for how long.

    Args:
        workers: What they do, by name.
        most: Lines; of more workers those that are busy come first.
    """
    grid = Table.grid(padding=(0, 1), expand=True)
    grid.add_column(no_wrap=True, overflow="ellipsis", max_width=16)
    grid.add_column(no_wrap=True, width=9, overflow="ellipsis")
    grid.add_column(ratio=1, no_wrap=True, overflow="ellipsis")
    grid.add_column(width=_BAR)
    grid.add_column(justify="right", no_wrap=True, width=7)
    names = sorted(workers, key=_by_number)
    if len(names) > most:
        names.sort(key=lambda name: not workers[name].busy)
    for name in names[:most]:
        grid.add_row(Text(one_line(name, 24), "cyan"), *_line(workers[name]))
    if rest := names[most:]:
        busy = sum(workers[name].busy for name in rest)
        grid.add_row("", "", Text(f"and {len(rest)} more, {busy} of them busy", "dim"))
    return grid


def in_short(workers: Mapping[str, Activity]) -> str:
    """What all do together, e.g. ``8 workers: 5 verify (12% to 93%), 2 coder, 1 idle``."""
    doing = sorted(workers.values(), key=lambda activity: activity.stage)
    parts = []
    for stage, group in groupby(doing, key=lambda activity: activity.stage):
        activities = list(group)
        done = sorted(a.fraction for a in activities if a.fraction is not None)
        ends = " to ".join(dict.fromkeys(f"{done[place]:.0%}" for place in (0, -1) if done))
        parts.append(f"{len(activities)} {one_line(stage, 16)}{ends and f' ({ends})'}")
    return f"{len(workers)} worker{'s' * (len(workers) != 1)}: {', '.join(parts)}"


def changed(before: Collection[str], workers: Collection[str]) -> str | None:
    """Who has joined or left, and how many there are now; None if nobody has."""
    joined, left = sorted({*workers} - {*before}), sorted({*before} - {*workers})
    told = [f"{', '.join(joined)} joined"] if joined else []
    told += [f"{', '.join(left)} left"] if left else []
    if not told:
        return None
    return f"· {one_line('; '.join(told), 400)}: {len(workers)} worker{'s' * (len(workers) != 1)}"


def _line(activity: Activity) -> tuple[Text, Text, ProgressBar | Text, Text]:
    fraction = activity.fraction
    how_far: ProgressBar | Text = Text(usd(activity.usd) if activity.usd else "", "dim")
    if fraction is not None:
        how_far = ProgressBar(1.0, fraction, width=_BAR)
    style = "bold magenta" if activity.busy else "dim"
    stage = Text(one_line(activity.stage, 16), style)
    return stage, Text(one_line(activity.detail)), how_far, Text(clock(activity.seconds), "dim")


def _by_number(name: str) -> tuple[str, int]:
    """``verifier-10`` comes after ``verifier-9``."""
    head, _, tail = name.rpartition("-")
    return (head, int(tail)) if tail.isdecimal() else (name, 0)
