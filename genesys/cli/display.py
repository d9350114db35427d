"""Shows a run while it goes on: a live panel in a terminal, one line per event elsewhere."""

from __future__ import annotations

from collections import deque
from threading import RLock
from time import monotonic
from typing import Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from genesys.cli.cost import usd
from genesys.cli.leaderboard import number
from genesys.cli.narration import BAD, GOOD, narrate
from genesys.cli.progress import Clock, Progress
from genesys.cli.ranking import Ranking, Row
from genesys.cli.text import clock, count
from genesys.evolution.events import Event, RunEnded
from genesys.records import Scale
from genesys.text import clean, one_line

REFRESHES_PER_SECOND = 4
HEARTBEAT = 30.0  # seconds between lines about one training, without a terminal
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
        self._said = 0.0
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
            self._progress(event)
            line = narrate(event, self._progress.rankings, self._progress.session_usd)
        if line is not None:
            self._say(line)
        elif not self._live and self._progress.point:
            self._heartbeat()
        if self._live and isinstance(event, RunEnded):
            self._live.refresh()

    def render(self) -> RenderableType:
        """The live panel as of now."""
        with self._lock:
            parts: list[RenderableType] = [self._now(), self._counts(), self._session()]
            if self._progress.scales:
                parts += [self._ladder(), Text()]
            return Panel(
                Group(*parts, *self._recent),
                title=Text("Genesys", "bold"),
                title_align="left",
                subtitle=self._times(),
                subtitle_align="right",
                border_style="blue",
            )

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
        elapsed = self._progress.elapsed
        if elapsed - self._said < HEARTBEAT:
            return
        self._said = elapsed
        self._say(f"· {self._progress.detail}: {self._training()}")

    def _now(self) -> RenderableType:
        state = self._progress
        grid = Table.grid(padding=(0, 1), expand=True)
        grid.add_column(no_wrap=True)
        grid.add_column(ratio=1, no_wrap=True, overflow="ellipsis")
        grid.add_column(width=20)
        grid.add_column(justify="right", no_wrap=True)
        bar = "" if state.fraction is None else ProgressBar(1.0, state.fraction, width=20)
        stage = Text(one_line(state.stage, 16), "bold magenta")
        grid.add_row(stage, Text(one_line(state.detail)), bar, Text(self._training()))
        return grid

    def _training(self) -> str:
        point, speed = self._progress.point, self._progress.tokens_per_second
        if point is None:
            return ""
        rate = "" if speed is None else f", {count(speed)} tokens/s"
        return f"{self._progress.fraction or 0:.0%}, loss {point.loss:.2f}{rate}"

    def _counts(self) -> Text:
        state = self._progress
        goal = f" of {state.designs}" if state.designs else ""
        text = Text.assemble((f"{state.made}{goal}", "bold"), " designs made, ")
        text.append(str(state.verified), "bold green").append(" verified, ")
        text.append(str(state.rejected), "bold yellow").append(" rejected")
        if state.failed:
            text.append(", ").append(str(state.failed), "bold red").append(" failed in training")
        return text

    def _session(self) -> Text:
        """What the session has come to; an empty line where no language model is at work."""
        state = self._progress
        if not state.run_usd and not state.session_usd:
            return Text()
        spent = f"{usd(state.session_usd)} in this session, {usd(state.run_usd)} in all"
        rated = "" if state.rating is None else f", last rating {state.rating:g} of 5"
        return Text(f"{spent}{rated}\n")

    def _ladder(self) -> Table:
        table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
        for name in ("scale", "verified", "best so far", "best seed", "untrained"):
            table.add_column(name, no_wrap=True, overflow="ellipsis")
        for scale, ranking in zip(self._progress.scales, self._progress.rankings, strict=True):
            table.add_row(*self._rung(scale, ranking))
        return table

    def _rung(self, scale: Scale, ranking: Ranking) -> list[Text]:
        used = self._progress.population.used(scale.name)
        best, seed = ranking.best, ranking.best_seed
        ahead = best is not None and not best.is_seed
        return [
            Text(one_line(scale.name, 12)),
            Text(f"{used} of {scale.trials}"),
            Text(_score(best), "bold green" if ahead else ""),
            Text(_score(seed), "cyan"),
            Text(number(ranking.untrained.accuracy), "dim"),
        ]

    def _times(self) -> Text:
        left = self._progress.left
        ending = "" if left is None else f", about {clock(left)} left"
        if self._progress.stage == "done":
            ending = ", done"
        return Text(f"{clock(self._progress.elapsed)} elapsed{ending}")


def _score(row: Row | None) -> str:
    return "–" if row is None else f"{row.design} {number(row.accuracy)}"
