"""Calls and tokens of unit-wise against direct generation, beside the formulas of app. A.1.

    python benchmarks/unit_wise.py --plot docs/unit-wise.svg

A double of a language model writes designs of N units and breaks each with probability 1 - p. An
oracle stands for the checkers, which is fast; with ``--real 10`` the real ones are asked in ten
sessions of N = 5 and p = 0.5, and nothing else is done. Both ways go on until the design is valid;
the last columns are shares of valid designs within the default limits (5 attempts a unit, 5 a
design), and for a single prompt.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from pathlib import Path
from statistics import mean, stdev

from unit_wise_plot import Curve, Panel, draw

from genesys.cli.config import compose
from genesys.registry import load
from genesys.sandbox import Sandbox
from genesys_agents.team.settings import TeamSettings
from genesys_agents.testing.unit_wise import (
    DIRECT,
    UNIT_WISE,
    UNIT_WISE_LIMITED,
    WHOLE,
    Check,
    calls_direct,
    calls_unit_wise,
    hold,
    share_valid,
)

UNITS = (1, 2, 3, 4, 5, 6)
SURE = (0.3, 0.5, 0.7, 0.9)
LONGEST = 150  # expected calls of a design, beyond which it is not measured
COLUMNS = (
    *("p", "N", "unit-wise: calls", "N/p", "direct: calls", "1/p^N"),
    *("unit-wise: tokens", "lemma 3", "direct: tokens", "lemma 3"),
    *("valid in limits", "formula", "valid direct", "formula"),
)
FEWEST = 60  # sessions of a measurement


@dataclass(frozen=True)
class Measured:
    """A mean with its standard error."""

    mean: float
    error: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Measured:
        """Of a sample."""
        return cls(mean(values), stdev(values) / sqrt(len(values)))

    def __str__(self) -> str:
        digits = 2 if self.mean < 10 else 1 if self.mean < 100 else 0
        return f"{self.mean:,.{digits}f} ± {self.error:,.{digits}f}"


@dataclass(frozen=True)
class Cell:
    """What one way took for designs of N units at p; None where it was not measured."""

    expected_calls: float
    expected_tokens: float
    calls: Measured | None
    tokens: Measured | None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("--calls", type=int, default=800, help="of a measurement, about")
    parser.add_argument("--plot", type=Path, help="an SVG to write")
    parser.add_argument(
        "--real",
        type=int,
        default=0,
        help="so many sessions with the real checkers, and nothing else",
    )
    args = parser.parse_args()
    if args.real:
        real(args.real)
        return
    cells: dict[tuple[float, int], tuple[Cell, Cell]] = {}
    print("| " + " | ".join(COLUMNS) + " |")
    print("|" + "---:|" * len(COLUMNS))
    for p in SURE:
        for units in UNITS:
            cells[p, units] = (
                measure(units, p, UNIT_WISE, calls_unit_wise(units, p), args.calls),
                measure(units, p, WHOLE, calls_direct(units, p), args.calls),
            )
            print(row(units, p, *cells[p, units], args.calls), flush=True)
    if args.plot:
        args.plot.write_text(draw(panels(cells)), encoding="utf-8")


def measure(units: int, p: float, way: TeamSettings, expected: float, calls: int) -> Cell:
    """Sessions until about so many calls are made."""
    faultless = hold(units, 1.0, 0, way)
    expected_tokens = faultless.tokens * expected / faultless.calls
    if expected > LONGEST:
        return Cell(expected, expected_tokens, None, None)
    count = max(FEWEST, round(calls / expected))
    outcomes = [hold(units, p, seed, way) for seed in range(count)]
    return Cell(
        expected,
        expected_tokens,
        Measured.of([outcome.calls for outcome in outcomes]),
        Measured.of([outcome.tokens for outcome in outcomes]),
    )


def row(units: int, p: float, unit_wise: Cell, direct: Cell, calls: int) -> str:
    limited = valid(units, p, UNIT_WISE_LIMITED, max(FEWEST, calls * p // units))
    single = valid(units, p, DIRECT, calls // 2)
    return (
        f"| {p} | {units} | {unit_wise.calls} | {unit_wise.expected_calls:.1f} "
        f"| {direct.calls or '-'} | {direct.expected_calls:,.1f} "
        f"| {unit_wise.tokens} | {unit_wise.expected_tokens:,.0f} "
        f"| {direct.tokens or '-'} | {direct.expected_tokens:,.0f} "
        f"| {limited} | {share_valid(units, p, 5, 5):.1%} "
        f"| {single} | {share_valid(units, p, 1, 1):.1%} |"
    )


def valid(units: int, p: float, way: TeamSettings, count: float, check: Check | None = None) -> str:
    """Share of valid designs, with its standard error."""
    shares = [float(hold(units, p, seed, way, check).valid) for seed in range(int(count))]
    measured = Measured.of(shares)
    return f"{measured.mean:.1%} ± {measured.error:.1%}"


def real(count: int) -> None:
    """One row with the real checkers: 5 units, p = 0.5."""
    checkers = load(compose([]), kinds=("checker",))
    with Sandbox() as sandbox:

        def check(design):
            return checkers.check(design, sandbox)

        limited = valid(5, 0.5, UNIT_WISE_LIMITED, count, check)
        single = valid(5, 0.5, DIRECT, count, check)
    print(f"\nReal checkers, N=5, p=0.5, {count} sessions each: valid are")
    print(f"{limited} unit-wise, {single} direct")


def panels(cells: dict[tuple[float, int], tuple[Cell, Cell]]) -> list[list[Panel]]:
    """Calls above tokens, a column for each p."""
    return [
        [
            Panel(
                f"p = {p}: {what}",
                [
                    Curve(
                        label,
                        [(n, getattr(cells[p, n][way], f"expected_{what}")) for n in UNITS],
                        [
                            (n, measured.mean, measured.error)
                            for n in UNITS
                            if (measured := getattr(cells[p, n][way], what))
                        ],
                    )
                    for way, label in enumerate(("unit-wise", "direct"))
                ],
            )
            for p in SURE
        ]
        for what in ("calls", "tokens")
    ]


if __name__ == "__main__":
    main()
