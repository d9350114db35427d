"""What the symbolic checker can be told, on its way into the worker."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from genesys.records import CheckResult, Issue, Record

Positive = Annotated[int, Field(ge=1)]


class Settings(Record):
    """Sizes and bounds of the runtime checks; see :class:`genesys_checkers.SymbolicChecker`."""

    lengths: Annotated[list[Positive], Field(min_length=1)]
    widths: Annotated[list[Positive], Field(min_length=1)]
    blocks: Positive
    steps: Annotated[int, Field(ge=4)]
    step_time_ratio: Annotated[float, Field(gt=0)]
    flop_ratio: Annotated[float, Field(gt=0)]
    max_grad_norm: Annotated[float, Field(gt=0)]


class UnitTest(Record):
    """A test of a unit: its name there, and what the composed block calls it."""

    unit: str
    name: str
    function: str


class Request(Record):
    """What the worker is given.

    Attributes:
        code: The composed block.
        reference: The composed block of the GPT seed, to measure against.
        tests: The units' own tests.
        settings: Sizes and bounds.
    """

    code: str
    reference: str
    tests: list[UnitTest]
    settings: Settings


class Outcome(Record):
    """What the worker returns: the checks that ended, and what they found."""

    results: list[CheckResult]
    issues: list[Issue]
