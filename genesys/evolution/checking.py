"""Asks the checkers, each design once, and tells the machine's faults from the design's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from genesys.errors import SandboxError
from genesys.records import Argument, CheckReport, Design, Issue, Severity, Unit

if TYPE_CHECKING:
    from genesys.plugins import Plugins
    from genesys.sandbox import Sandbox

# Machine faults are often passing ones (app. B.1.4).
MACHINE_ATTEMPTS = 3


class Checks:
    """The checkers of the run, with a memory: an agent's drafts come back as its design.

    Args:
        plugins: Of the run.
        sandbox: Where the design's code runs.
    """

    def __init__(self, plugins: Plugins, sandbox: Sandbox) -> None:
        self._plugins = plugins
        self._sandbox = sandbox
        self._known: dict[tuple[str, tuple[Unit, ...], tuple[Argument, ...]], CheckReport] = {}

    def __call__(self, design: Design) -> CheckReport:
        """The joined report of all checkers.

        Raises:
            SandboxError: The machine kept the design from being checked.
        """
        key = (design.root, tuple(design.units), tuple(design.args))
        if key not in self._known:
            self._known[key] = self._ask(design)
        return self._known[key]

    def _ask(self, design: Design) -> CheckReport:
        for _ in range(MACHINE_ATTEMPTS):
            report = self._plugins.check(design, self._sandbox)
            if report.checked:
                return report
        raise SandboxError(
            f"{design.name} could not be checked in {MACHINE_ATTEMPTS} attempts: "
            f"{summary(report)}. Nothing is lost; run the same command again."
        )


def summary(report: CheckReport) -> str:
    """The first error of a report in one line: check, unit, line, message, expectation."""
    errors = [issue for issue in report.issues if issue.severity is Severity.ERROR]
    return _line(errors[0]) if errors else "no reason was given"


def _line(issue: Issue) -> str:
    where = f" in unit {issue.unit}" if issue.unit else ""
    where += f", line {issue.line}" if issue.line else ""
    hint = f" ({issue.hint})" if issue.hint else ""
    return f"check {issue.check!r}{where}: {issue.message}{hint}".rstrip(".")
