"""``genesys ledger``: what a run has decided and done, and why, an entry a line."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

from rich.console import Console, OverflowMethod
from rich.text import Text

from genesys.cli.leaderboard import descent
from genesys.cli.text import duration, gist, usd
from genesys.population.ledger import Entry, EntryKind, JobKind, Ledger
from genesys.population.run_file import RunFile
from genesys.records import Outcome, SessionEnd
from genesys.text import one_line

POLL = 0.5  # seconds between two looks for what is new
_GOOD = {Outcome.OK.value, SessionEnd.ACCEPTED.value}


def ledger(
    run: Path,
    last: int = 40,
    follow: bool = False,
    as_json: bool = False,
    console: Console | None = None,
    wait: Callable[[float], None] = time.sleep,
) -> None:
    """Print the entries of a run's ledger, newest last.

    Args:
        run: The run's folder.
        last: So many of those that there are; 0 for all.
        follow: Go on with what is appended, until interrupted.
        as_json: Print JSON, an object a line.
        console: Where to print; standard output when not given.
        wait: Waits so many seconds, in between.

    Raises:
        StoreError: The folder holds no run, or its ledger cannot be read.
    """
    RunFile.load(run)
    console = console or Console()
    entries = Ledger.read(run)
    if not entries and not (follow or as_json):
        console.print("The run has no ledger: it was made by an earlier version.")
    _print(entries[-last:], as_json, console)
    seen = len(entries)
    try:
        while follow:
            wait(POLL)
            entries = Ledger.read(run, seen)
            _print(entries, as_json, console)
            seen += len(entries)
    except KeyboardInterrupt:
        return


def line(entry: Entry) -> Text:
    """An entry as a person reads it."""
    when = datetime.fromtimestamp(entry.time).strftime("%m-%d %H:%M:%S")
    job = "" if entry.job is None else str(entry.job)
    text = Text(f"{when} ", "dim").append(f"{job:>5} ", "cyan")
    text.append(f"{entry.kind.value:<10} ", _style(entry)).append(one_line(_what(entry), 200))
    return text


def _print(entries: Sequence[Entry], as_json: bool, console: Console) -> None:
    for entry in entries:
        if as_json:
            # ASCII only: what a design put into a message cannot reach the terminal as it is.
            told = entry.model_dump_json(exclude_defaults=True, ensure_ascii=True)
            console.out(told, highlight=False)
        else:
            # A terminal has a line for each; files and grep have them whole.
            cut: OverflowMethod = "ellipsis" if console.is_terminal else "ignore"
            whole = not console.is_terminal
            console.print(line(entry), no_wrap=True, overflow=cut, soft_wrap=whole)


def _what(entry: Entry) -> str:
    """Of which job, who, how it ended, and why."""
    parts = [_job(entry)]
    if entry.worker:
        parts.append(entry.worker)
    if entry.outcome:
        parts.append(entry.outcome.replace("_", " "))
    if entry.seconds:
        parts.append(duration(entry.seconds))
    if entry.usd:
        parts.append(usd(entry.usd))
    told = ", ".join(filter(None, parts))
    return ": ".join(filter(None, [told, gist(entry.why)]))


def _job(entry: Entry) -> str:
    if entry.work is JobKind.VERIFICATION:
        return f"{entry.design} at {entry.scale}"
    if entry.work is JobKind.SESSION:
        made = f" → {entry.design}" if entry.design else ""
        chosen = entry.selection
        how = f", {descent(chosen.operator, chosen.designs)}" if chosen else ""
        return f"session {entry.session}{how}{made}"
    return ""


def _style(entry: Entry) -> str:
    if entry.kind is EntryKind.FAILED or (entry.outcome and entry.outcome not in _GOOD):
        return "red"
    return "green" if entry.outcome in _GOOD else "default"
