"""A worker: does one job after the other."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING

from genesys.errors import GenesysError
from genesys.evolution.designer import Designer
from genesys.evolution.events import Observer
from genesys.evolution.jobs import Done, Faulty, Task
from genesys.evolution.settings import EvolutionSettings
from genesys.evolution.verifier import Verifier

if TYPE_CHECKING:
    from genesys.plugins import Plugins
    from genesys.sandbox import Sandbox


class Worker:
    """Holds sessions and verifies designs.

    Args:
        plugins: Of the run.
        sandbox: Where generated code runs.
        settings: Of the run.
        observe: Is told of everything that happens.
        name: Of the worker, in the run.
    """

    def __init__(
        self,
        plugins: Plugins,
        sandbox: Sandbox,
        settings: EvolutionSettings,
        observe: Observer,
        name: str,
    ) -> None:
        self.name = name
        self._designer = Designer(plugins, sandbox, settings, observe)
        self._verifier = Verifier(plugins, sandbox, settings, observe)

    def do(self, task: Task) -> Done | Faulty:
        """Do a job; what would end every further one too comes back as a fault."""
        started = monotonic()
        job = task.job
        try:
            if task.design and task.scale:
                report = self._verifier.verify(task.design, task.scale)
                return Done(job, self.name, monotonic() - started, report=report)
            assert task.tape is not None and job.selection is not None
            session, design = self._designer.run(task.population, task.tape, job.selection)
            return Done(job, self.name, monotonic() - started, session=session, design=design)
        except GenesysError as error:
            return Faulty(job, self.name, error)
