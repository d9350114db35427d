"""What the symbolic checker can be told, on its way into the worker."""

from __future__ import annotations

import math
from typing import Annotated, Self

from pydantic import Field, model_validator

from genesys.records import CheckResult, Issue, Record, Severity

RUNTIME_CHECKS = (
    "initialization",
    "forward",
    "unit_tests",
    "backward",
    "causality",
    "differentiability",
    "effectiveness",
)

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
    """What the worker returns: the checks that ended, and what they found.

    It has run the design, so it is believed only when it is whole: the checks in their order, and
    either all passed or the last one failed and says why.
    """

    results: list[CheckResult]
    issues: Annotated[list[Issue], Field(max_length=len(RUNTIME_CHECKS))]

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        names = tuple(result.check for result in self.results)
        passed = [result.passed for result in self.results]
        if not names or names != RUNTIME_CHECKS[: len(names)] or not all(passed[:-1]):
            raise ValueError("the checks that ran are not those that were asked for")
        if any(issue.check != names[-1] for issue in self.issues):
            raise ValueError("an issue belongs to no failed check")
        if any(issue.severity is not Severity.ERROR for issue in self.issues):
            raise ValueError("a check that failed is an error")
        if not all(0 <= result.seconds < math.inf for result in self.results):
            raise ValueError("a check took no time that there is")
        complete = len(names) == len(RUNTIME_CHECKS) and all(passed)
        if complete == bool(self.issues):
            raise ValueError("results and issues contradict each other")
        return self
