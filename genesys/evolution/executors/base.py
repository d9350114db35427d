"""What every executor is to the coordinator."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from genesys.evolution.events import Observer
from genesys.evolution.jobs import Ended, Task
from genesys.evolution.settings import EvolutionSettings
from genesys.population.ledger import JobKind

if TYPE_CHECKING:
    from genesys.plugins import Plugins
    from genesys.sandbox import Sandbox


@dataclass(frozen=True)
class Outfit:
    """What workers are made from.

    Attributes:
        config: Of the run, as composed from ``configs/evolve.yaml``, as plain data.
        folder: Of the run, where an executor may keep what it needs; nothing of the tree.
        observe: Is told what workers do.
        note: Is told for the ledger: a worker's name, whether it has joined or left, and why.
        plugins: Of the run, as the coordinator's process has them.
        sandbox: Of the coordinator's process.
        settings: Of the run.
    """

    config: Mapping[str, Any]
    folder: Path
    observe: Observer
    note: Callable[[str, bool, str], None]
    plugins: Plugins
    sandbox: Sandbox
    settings: EvolutionSettings


class Executor(Protocol):
    """Gives jobs to workers. Everything is called from the coordinator's one thread.

    A session's worker keeps what it is told on ``task.tape``, so that each call of a language model
    is committed before the worker goes on with its answer.
    """

    def open(self, outfit: Outfit) -> AbstractContextManager[None]:
        """Have workers while the context lasts; at its end none is left, whatever it was doing.

        Raises:
            GenesysError: There can be none, with what to do about it.
        """

    def room(self, kind: JobKind) -> int:
        """How many more jobs of this kind would be begun at once."""

    def submit(self, task: Task) -> None:
        """Have a job done. One that finds no free worker waits for one."""

    def wait(self, seconds: float) -> Sequence[Ended]:
        """What has ended since; waits up to so long for the first.

        Raises:
            GenesysError: There will be no workers any more.
        """

    def size(self, kind: JobKind) -> int:
        """How many workers there are to be for this kind of job, now busy or not."""
