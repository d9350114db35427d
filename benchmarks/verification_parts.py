"""Where the time of a verification goes, and how long it takes to begin.

One worker verifies seeds at rungs of the nano ladder as the demo does, after one at each rung that
warms it up; corpus and reference are there, and no score that is kept is read. Prints a Markdown
table of medians: wall time, and processor time of all processes together, of which a busy machine
changes less. `share` is that of all that scores: before training, after it, and the audit.
`first step` is the wall time from the call to the first step of training.

    python benchmarks/verification_parts.py [--designs gpt2] [--scales 0.1M 0.3M] [--items 400]
        [--repeats 3]
"""

from __future__ import annotations

import argparse
import logging
import statistics
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from unittest.mock import patch

import psutil
from nano import Nano, seed_design

from genesys.measurements import Measurement
from genesys.sandbox import Guest, Job, Sandbox
from genesys_verifiers import opening, verification
from genesys_verifiers.evaluation.kept import Scores

PARTS = {
    "loading": "preparing",
    "tuning": "tuning",
    "evaluation before training": "untrained",
    "training": "training",
    "evaluation": "evaluation",
    "audit": "audit",
    "guest": "starting guests",
}
EVALUATION = ("untrained", "evaluation", "audit")
Seconds = dict[str, tuple[float, float]]


class Clock:
    """Adds up wall and processor seconds by part."""

    def __init__(self) -> None:
        self._spent: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0])
        self.part, self._since, self.guests = "loading", self._now(), 0

    def enter(self, part: str) -> None:
        """What follows belongs to this part."""
        now = self._now()
        for index, (before, after) in enumerate(zip(self._since, now, strict=True)):
            self._spent[self.part][index] += after - before
        self.part, self._since = part, now

    def seconds(self) -> Seconds:  # noqa: D102
        self.enter(self.part)
        return {name: tuple(self._spent[part]) for part, name in PARTS.items()}

    def _now(self) -> tuple[float, float]:
        me = psutil.Process()
        times = [p.cpu_times() for p in [me, *me.children(recursive=True)]]
        return time.perf_counter(), sum(
            t.user + t.system + t.children_user + t.children_system for t in times
        )


class Nowhere(Measurement[Scores]):
    """Keeps no scores."""

    def read(self) -> None:  # noqa: D102
        return None

    def keep(self, found: Scores) -> None:  # noqa: D102
        return None


@contextmanager
def watched(clock: Clock) -> Iterator[None]:
    """Tell the clock what a verification is at."""
    started = opening.started

    @contextmanager
    def start(sandbox: Sandbox, job: Job) -> Iterator[Guest]:
        part = clock.part
        clock.enter("guest")
        with started(sandbox, job) as guest:
            clock.guests += 1
            clock.enter("audit" if clock.guests == 4 else part)
            yield guest

    class Watched(verification.Verification):
        @property
        def stage(self) -> str:
            return self._stage

        @stage.setter
        def stage(self, stage: str) -> None:
            self._stage = stage
            part = stage.partition(",")[0]
            if part == "loading":  # guests so far have measured the reference
                clock.guests = 0
            if part != clock.part:
                clock.enter(part)

    with ExitStack() as stack:
        stack.enter_context(patch.object(opening, "started", start))
        stack.enter_context(patch.object(verification, "Verification", Watched))
        stack.enter_context(patch.object(verification, "kept", lambda *_: Nowhere(Scores, {})))
        yield


class Bench:
    """Verifies with the demo's settings."""

    def __init__(self, sandbox: Sandbox, items: int | None) -> None:
        self._nano = Nano(sandbox, [f"tasks.items={items}"] if items else [])

    def parts(self, name: str, scale: str) -> tuple[Seconds, float]:
        """Seconds per part, and until the first step of training."""
        first: list[float] = []
        clock, started = Clock(), time.perf_counter()
        with watched(clock):
            self._nano.verify(
                seed_design(name),
                self._nano.scales[scale],
                progress=lambda point: first.append(time.perf_counter() - started),
            )
        return clock.seconds(), first[0]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--designs", nargs="+", default=["gpt2"])
    parser.add_argument("--scales", nargs="+", default=["0.1M", "0.3M"])
    parser.add_argument("--items", type=int, help="most of a task")
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    logging.disable(logging.WARNING)
    print(f"| design | scale | | {' | '.join(PARTS.values())} | share | first step |")
    print(f"|{'---|' * (len(PARTS) + 5)}")
    with Sandbox() as sandbox:
        bench = Bench(sandbox, options.items)
        for scale in options.scales:
            bench.parts("gpt2", scale)
        for name in options.designs:
            for scale in options.scales:
                rounds = [bench.parts(name, scale) for _ in range(options.repeats)]
                first = statistics.median(seconds for _, seconds in rounds)
                for index, kind in enumerate(("wall", "processor")):
                    row = {
                        part: statistics.median(parts[part][index] for parts, _ in rounds)
                        for part in PARTS.values()
                    }
                    share = sum(row[part] for part in EVALUATION) / sum(row.values())
                    told = " | ".join(f"{seconds:.2f}" for seconds in row.values())
                    at = f"{first:.2f}" if kind == "wall" else ""
                    print(
                        f"| {name} | {scale} | {kind} | {told} | {share:.0%} | {at} |", flush=True
                    )


if __name__ == "__main__":
    main()
