"""Shows a run while it goes on: a live panel in a terminal, one line per event elsewhere."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from threading import RLock
from time import monotonic
from typing import Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from genesys.cli.activity import Clock
from genesys.cli.crew import changed, crew, in_short
from genesys.cli.leaderboard import number
from genesys.cli.narration import BAD, GOOD, narrate
from genesys.cli.progress import Progress
from genesys.cli.prospects import foretold, spent
from genesys.cli.standing import Placed, Standing
from genesys.cli.text import clock, usd
from genesys.evolution.budget import BudgetSettings
from genesys.evolution.events import (
    Event,
    Reported,
    RunEnded,
    SessionEnded,
    VerificationEnded,
    WorkersChanged,
)
from genesys.records import Scale, VerificationReport
from genesys.text import clean, one_line

REFRESHES_PER_SECOND = 4
HEARTBEAT = 30.0  # seconds between lines about what goes on, without a terminal
_BELOW = 20  # lines of the panel that tell of other things than workers
_STYLES = {GOOD: "green", BAD: "red"}


class Display:
    """An observer of a run, and a context manager that leaves the terminal as it was.

    Args:
        console: Where to show it.
        timer: Seconds that only grow.
    """

    def __init__(self, console: Console, timer: Clock = monotonic) -> None:
        self._console = console
        self._progress = Progress(timer)
        self._recent: deque[Text] = deque(maxlen=6)
        self._lock = RLock()  # Live draws from a thread of its own
        self._told = 0.0
        self._live: Live | None = None
        if console.is_terminal and not console.is_dumb_terminal:
            self._live = Live(
                console=console,
                get_renderable=self.render,
                refresh_per_second=REFRESHES_PER_SECOND,
            )

    def __enter__(self) -> Self:
        if self._live:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live:
            self._live.stop()

    def __call__(self, event: Event) -> None:
        """Take an event into account. Never raises for what a design says of itself."""
        with self._lock:
            before = set(self._progress.workers)
            self._progress(event)
            line = self._line(event, before)
        if line is not None:
            self._say(line)
        elif not self._live:
            self._heartbeat()
        if self._live and isinstance(event, RunEnded):
            self._live.refresh()

    def render(self) -> RenderableType:
        """The live panel as of now."""
        with self._lock:
            state = self._progress
            parts: list[RenderableType] = [*self._doing(), *self._counts()]
            if state.scales:
                parts += [self._ladder(), Text()]
            return Panel(
                Group(*parts, *self._recent),
                title=Text("Genesys", "bold"),
                title_align="left",
                subtitle=self._times(),
                subtitle_align="right",
                border_style="blue",
            )

    def _line(self, event: Event, before: set[str]) -> str | None:
        state = self._progress
        if isinstance(event, WorkersChanged):
            return changed(before, event.workers)
        if isinstance(event, Reported):
            line = narrate(event.event)
            return line and f"{line[0]} {one_line(event.worker, 24)}: {line[2:]}"
        index = event.session.index if isinstance(event, SessionEnded) else -1
        place = self._place(event.report) if isinstance(event, VerificationEnded) else ""
        return narrate(event, place, state.session_usd(index))

    def _place(self, report: VerificationReport) -> str:
        standing = self._progress.standing(report.scale)
        place = standing.place(report.design)
        return "" if place is None else f"rank {place} of {len(standing)}"

    def _say(self, line: str) -> None:
        stamp = f"{clock(self._progress.elapsed):>7} "
        text = Text(stamp, style="dim", no_wrap=True, overflow="ellipsis")
        text.append(clean(line), _STYLES.get(line[0], "default"))
        if self._live:
            with self._lock:
                self._recent.append(text)
        else:
            # Plain lines are for files and grep: never wrapped or cut.
            text.no_wrap, text.overflow = True, "ignore"
            self._console.print(text, soft_wrap=True)

    def _heartbeat(self) -> None:
        """A line about what goes on, where nothing was worth one for long."""
        state = self._progress
        if state.elapsed - self._told < HEARTBEAT:
            return
        if state.workers:
            goal = f" of {state.designs}" if state.designs else ""
            made = f"{state.made}{goal} designs, {state.verified} verified"
            line = f"{in_short(state.workers)}; {made}"
        elif state.own.point:
            line = f"{state.own.detail}: {state.own.training}"
        else:
            return
        self._told = state.elapsed
        self._say(f"· {line}")

    def _doing(self) -> list[RenderableType]:
        """What is under way; of many workers as many as there is room for."""
        if not self._progress.workers:
            return [self._now()]
        room = max(4, self._console.height - _BELOW)
        return [crew(self._progress.workers, room), Text()]

    def _now(self) -> RenderableType:
        own = self._progress.own
        grid = Table.grid(padding=(0, 1), expand=True)
        grid.add_column(no_wrap=True)
        grid.add_column(ratio=1, no_wrap=True, overflow="ellipsis")
        grid.add_column(width=20)
        grid.add_column(justify="right", no_wrap=True)
        bar = "" if own.fraction is None else ProgressBar(1.0, own.fraction, width=20)
        stage = Text(one_line(own.stage, 16), "bold magenta")
        grid.add_row(stage, Text(one_line(own.detail)), bar, Text(own.training))
        return grid

    def _counts(self) -> list[RenderableType]:
        """What there is, what was spent, and what it will come to."""
        state = self._progress
        goal = f" of {state.designs}" if state.designs else ""
        text = Text.assemble((f"{state.made}{goal}", "bold"), " designs made, ")
        text.append(str(state.verified), "bold green").append(" verified, ")
        text.append(str(state.rejected), "bold yellow").append(" rejected")
        if state.failed:
            text.append(", ").append(str(state.failed), "bold red").append(" failed in training")
        parts: list[RenderableType] = [text]
        if state.held:
            parts.append(Text(f"waiting: {one_line(state.held)}", "yellow"))
        if session := self._session():
            parts.append(Text(session))
        table = Table.grid(padding=(0, 2, 0, 0))
        for what, told in self._prospects():
            table.add_row(Text(what, "dim"), Text(told))
        return [*parts, *([table] if table.row_count else []), Text()]

    def _prospects(self) -> Iterator[tuple[str, str]]:
        """What was spent next to the caps, how the run keeps pace, and the forecast."""
        state, plan = self._progress, self._progress.plan
        caps = plan.caps if plan else BudgetSettings(usd=None)
        if told := spent(state.run_usd, state.run_tokens, state.device_hours, caps):
            yield "spent", told
        if plan and state.ratio is not None:
            yield "pace", f"{state.ratio:.2g} verifications per design, target {plan.ratio:g}"
        if state.outlook and (told := foretold(state.outlook)):
            yield "forecast", told

    def _session(self) -> str:
        """What the session has come to; empty where no language model is at work."""
        own = self._progress.own
        if self._progress.workers or not own.usd:
            return ""
        rated = "" if own.rating is None else f", last rating {own.rating:g} of 5"
        return f"{usd(own.usd)} in this session{rated}"

    def _ladder(self) -> Table:
        table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
        for name in ("scale", "verified", "best so far", "best seed", "untrained"):
            table.add_column(name, no_wrap=True, overflow="ellipsis")
        for scale in self._progress.scales:
            table.add_row(*self._rung(scale, self._progress.standing(scale.name)))
        return table

    def _rung(self, scale: Scale, standing: Standing) -> list[Text]:
        used = self._progress.population.used(scale.name)
        best, seed = standing.best, standing.best_seed
        ahead = best is not None and not best.is_seed
        return [
            Text(one_line(scale.name, 12)),
            Text(f"{used} of {scale.trials}"),
            Text(_score(best), "bold green" if ahead else ""),
            Text(_score(seed), "cyan"),
            Text(number(standing.untrained), "dim"),
        ]

    def _times(self) -> Text:
        left = self._progress.left
        ending = "" if left is None else f", about {clock(left)} left"
        if self._progress.own.stage == "done":
            ending = ", done"
        return Text(f"{clock(self._progress.elapsed)} elapsed{ending}")


def _score(row: Placed | None) -> str:
    return "–" if row is None else f"{row.design} {number(row.accuracy)}"
