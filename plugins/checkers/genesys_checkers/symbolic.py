"""The symbolic checker: every row of table 1, static and by running the block in a sandbox."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from pydantic import ValidationError

from genesys.errors import ConfigError, SandboxError, UnitError
from genesys.gau.compose import compose
from genesys.gau.folder import load_tree
from genesys.gau.parse import sections
from genesys.gau.tree import GAUTree
from genesys.markers import hookimpl
from genesys.records import CheckReport, CheckResult, Design, Issue, Severity, first_problem
from genesys.resources import resource
from genesys.sandbox import Job, JobResult, JobStatus, Sandbox
from genesys.sandbox.channel import printable
from genesys_checkers.format import check_format
from genesys_checkers.settings import RUNTIME_CHECKS, Outcome, Request, Settings, UnitTest

# Of each text that comes from the worker.
MAX_TEXT = 4000
ENTRY = "genesys_checkers.worker:run"


class SymbolicChecker:
    """Decides whether a design is valid, without training it (sec. 3.2, app. B.1.2).

    The checks run in the order of table 1 and stop at the first that fails: parser, formatter,
    initialization, forward, unit_tests, backward, causality, differentiability, effectiveness.

    Args:
        lengths: L of the sequences for forward and backward.
        widths: D of the models; the first serves all checks, the others forward only.
        blocks: Blocks of the models.
        steps: Training steps of the effectiveness check.
        step_time_ratio: Most time of a step, in steps of the GPT seed of the same width.
        flop_ratio: Most FLOPs of a step, likewise.
        max_grad_norm: Most gradient norm while training (table 8).
        seconds: Wall time of all checks that run the design.
        memory_mb: Memory of the worker, in MiB.
        placeholders: ``error`` or ``warning`` for units that are declared and not written.

    Raises:
        ConfigError: A value is out of range.
    """

    def __init__(
        self,
        lengths: Sequence[int] = (1, 7, 33, 64),
        widths: Sequence[int] = (64, 128),
        blocks: int = 2,
        steps: int = 10,
        step_time_ratio: float = 5.0,
        flop_ratio: float = 5.0,
        max_grad_norm: float = 1e4,
        seconds: float = 120.0,
        memory_mb: int = 4096,
        placeholders: str = "error",
    ) -> None:
        try:
            self._settings = Settings(
                lengths=list(lengths),
                widths=list(widths),
                blocks=blocks,
                steps=steps,
                step_time_ratio=step_time_ratio,
                flop_ratio=flop_ratio,
                max_grad_norm=max_grad_norm,
            )
            self._placeholders = Severity(placeholders)
        except ValidationError as error:
            raise ConfigError(f"checker.symbolic.{first_problem(error)}") from None
        except ValueError as error:
            raise ConfigError(f"checker.symbolic.placeholders: {error}") from None
        # One thread: the tensors are small, and threads that wait would count as CPU time.
        self._limits = {"seconds": seconds, "memory_mb": memory_mb, "threads": 1}

    @hookimpl
    def check(self, design: Design, sandbox: Sandbox) -> CheckReport:
        """Check a design; see the class.

        Returns:
            The report; ``checked`` is False when the sandbox could not run the design.
        """
        tree, report = check_format(design, self._placeholders)
        if tree is None or not report.valid:
            return report
        try:
            request = self._request(tree)
        except UnitError as error:
            issue = Issue(check="formatter", unit=error.unit, message=error.message)
            return report.model_copy(update={"issues": [*report.issues, issue]})
        found = self._run(request, sandbox)
        return CheckReport(
            results=[*report.results, *found.results],
            issues=[*report.issues, *found.issues],
            repairs=report.repairs,
            checked=found.checked,
        )

    def _request(self, tree: GAUTree) -> Request:
        code = compose(tree)
        renamed = {s.name: s.names for s in sections(code) if s.kind == "unit"}
        tests = [
            UnitTest(unit=name, name=test, function=renamed[name].get(test, test))
            for name in reversed(tree.order())
            if name in tree.units
            for test in tree.units[name].tests
        ]
        reference = _reference()
        return Request(code=code, reference=reference, tests=tests, settings=self._settings)

    def _run(self, request: Request, sandbox: Sandbox) -> CheckReport:
        begun: list[str] = []

        def on_event(event: dict[str, Any]) -> None:
            if event.get("check") in RUNTIME_CHECKS[len(begun) :]:
                begun.append(event["check"])

        limits = sandbox.limits.model_copy(update=self._limits)
        job = Job(entry=ENTRY, payload=request.model_dump(mode="json"), limits=limits)
        try:
            result = sandbox.run(job, on_event)
        except SandboxError as error:
            issue = Issue(check="sandbox", severity=Severity.WARNING, message=str(error))
            return CheckReport(issues=[issue], checked=False)
        if result.status is JobStatus.OK:
            try:
                outcome = Outcome.model_validate(result.value)
                issues = [_cleaned(issue, request) for issue in outcome.issues]
                return CheckReport(results=outcome.results, issues=issues)
            except ValidationError:
                result = JobResult(status=JobStatus.DIED, message="it returned no report")
        return _stopped(begun, result)


def _stopped(begun: list[str], result: JobResult) -> CheckReport:
    """What to say of a job that did not end by itself: the design's fault."""
    check = begun[-1] if begun else RUNTIME_CHECKS[0]
    what = {
        JobStatus.TIMEOUT: ("does not come to an end", "Look for loops without an end."),
        JobStatus.MEMORY: ("takes too much memory", "Compute in smaller pieces."),
        JobStatus.RAISED: ("stops the checker", "Raise plain exceptions only."),
        JobStatus.DIED: ("ends its process", "Compute tensors only; do not end the process."),
    }
    message, hint = what[result.status]
    first, _, rest = result.message.partition("\n")
    issue = Issue(
        check=check,
        message=f"The design {message}: {first[:1000]}.",
        hint=hint,
        output=f"{rest}\n{result.output}"[-4000:].strip(),
    )
    # The checks before it passed, or it would not have begun.
    passed = [CheckResult(check=name, passed=True, seconds=0.0) for name in begun[:-1]]
    failed = CheckResult(check=check, passed=False, seconds=result.seconds)
    return CheckReport(results=[*passed, failed], issues=[issue])


def _cleaned(issue: Issue, request: Request) -> Issue:
    """An issue from the worker, which may be anything, as one that can be shown and kept."""
    texts = {n: printable(getattr(issue, n)[:MAX_TEXT]) for n in ("message", "hint", "output")}
    unit = issue.unit if issue.unit in {test.unit for test in request.tests} else ""
    return issue.model_copy(update={**texts, "unit": unit})


@cache
def _reference() -> str:
    return compose(load_tree(resource("seeds") / "gpt2"))
