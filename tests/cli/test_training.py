"""What a person sees of one verification while it goes on."""

from __future__ import annotations

from io import StringIO

import pytest
from rich.console import Console

from genesys.cli.training import Pace, TrainingDisplay
from genesys.records import CurvePoint


class Clock:
    """A clock that stands until it is turned."""

    now = 0.0

    def __call__(self):
        return self.now


def point(tokens):
    return CurvePoint(step=tokens // 1000, tokens=tokens, loss=5.25, grad_norm=1.0)


def shown(terminal):
    file, clock = StringIO(), Clock()
    console = Console(file=file, width=100, force_terminal=terminal, _environ={"TERM": "xterm"})
    with TrainingDisplay(console, "evil[red]\x1b[2J at 1M", 100_400, clock) as display:
        display.enter("checking")
        clock.now = 5
        display(point(10_000))
        clock.now = 6
        display(point(20_000))
        clock.now = 65
        display(point(50_000))
        display._bar.refresh()
        clock.now = 100
        display(point(100_000))
    return file.getvalue()


def test_plain_lines_without_a_terminal():
    assert [line.split(": ", 1) for line in shown(False).splitlines()] == [
        ["   0:00 evil[red] at 1M", "checking"],
        ["   0:05 evil[red] at 1M", "training"],
        ["   1:05 evil[red] at 1M", "50%, loss 5.25, 667 tokens/s, 1:16 left"],
        ["   1:40 evil[red] at 1M", "100%, loss 5.25, 947 tokens/s"],
        ["   1:40 evil[red] at 1M", "evaluating"],
    ]


def test_a_bar_in_a_terminal_that_is_gone_at_the_end():
    text = shown(True)
    assert "evil[red] at 1M: training" in text and "\x1b[2J" not in text
    assert "50%, loss 5.25, 667 tokens/s, 1:16 left" in text
    assert text.endswith("\x1b[2K")


@pytest.mark.parametrize("tokens", [1, 900, 1000])
def test_a_training_of_one_step_ends(tokens):
    file = StringIO()
    with TrainingDisplay(Console(file=file, width=100), "x", tokens) as display:
        display(point(1000))
    assert "100%, loss 5.25" in file.getvalue() and file.getvalue().endswith("evaluating\n")


def test_the_past_of_a_training_that_goes_on_is_no_measure_of_its_pace():
    clock = Clock()
    pace = Pace(100_000, clock)
    clock.now = 30
    pace(point(30_000))
    assert str(pace) == "30%, loss 5.25"
    clock.now = 40
    pace(point(40_000))
    assert pace.tokens_per_second == 1000
    assert str(pace) == "40%, loss 5.25, 1k tokens/s, 1:00 left"
