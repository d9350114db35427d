"""Plugins that begin something and wait until a test lets them go on."""

from __future__ import annotations

import os
import time
from pathlib import Path

import fake_run

from genesys.markers import hookimpl
from genesys.sandbox import Job
from genesys.tape import Call


def wait_for(path: Path) -> None:
    while not path.exists():
        time.sleep(0.01)


class Verifier(fake_run.Verifier):
    """Leaves a file with its process id, and waits for the file ``go``."""

    def __init__(self, folder: str, guest: bool = False) -> None:
        self._folder, self._guest = Path(folder), guest

    @hookimpl
    def verify(self, design, scale, seed, sandbox, progress):
        if self._guest:
            with sandbox.open(Job(entry="sleeper:Sleeper")):
                self._stop(design)
        self._stop(design)
        return super().verify(design, scale, seed, progress)

    def _stop(self, design):
        (self._folder / f"{design.name}.{os.getpid()}").touch()
        wait_for(self._folder / "go")


class Agent(fake_run.Agent):
    """Asks a model once a session, by its tape; then as the verifier."""

    def __init__(self, folder: str) -> None:
        self._folder = Path(folder)

    @hookimpl
    def propose(self, context):
        call = Call(session=context.index, role="proposer", purpose="p", model="m", messages=[])
        if context.tape.recall(call) is None:
            context.tape.keep(call.model_copy(update={"usd": 0.5}))
        (self._folder / f"{context.index}.{os.getpid()}").touch()
        wait_for(self._folder / "go")
        return super().propose(context)
