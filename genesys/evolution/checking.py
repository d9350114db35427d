"""Asks the checkers, each design once, and tells the machine's faults from the design's."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from genesys.errors import SandboxError
from genesys.records import Argument, CheckReport, Design, Unit

if TYPE_CHECKING:
    from genesys.plugins import Plugins
    from genesys.sandbox import Sandbox
    from genesys.tape import Tape

# Machine faults are often passing ones (app. B.1.4).
MACHINE_ATTEMPTS = 3


class Checks:
    """The checkers of the run, with a memory: an agent's drafts come back as its design.

    Args:
        plugins: Of the run.
        sandbox: Where the design's code runs.
        tape: Of the session, which remembers reports when the process is killed.
    """

    def __init__(self, plugins: Plugins, sandbox: Sandbox, tape: Tape | None = None) -> None:
        self._plugins = plugins
        self._sandbox = sandbox
        self._tape = tape
        self._known: dict[tuple[str, tuple[Unit, ...], tuple[Argument, ...]], CheckReport] = {}

    def __call__(self, design: Design) -> CheckReport:
        """The joined report of the checkers on the design as it is given.

        Raises:
            SandboxError: The machine kept the design from being checked.
        """
        key = (design.root, tuple(design.units), tuple(design.args))
        if key not in self._known:
            self._known[key] = self._recorded(design)
        return self._known[key]

    def _recorded(self, design: Design) -> CheckReport:
        ask = partial(self._ask, design)
        if self._tape is None:
            return ask()
        asked = design.model_dump(mode="json", include={"root", "units", "args"})
        return self._tape.answer("check", asked, CheckReport, ask)

    def _ask(self, design: Design) -> CheckReport:
        for _ in range(MACHINE_ATTEMPTS):
            report = self._plugins.check(design, self._sandbox)
            if report.checked:
                return report
        raise SandboxError(
            f"{design.name} could not be checked in {MACHINE_ATTEMPTS} attempts: "
            f"{report.summary}. Nothing is lost; run the same command again."
        )
