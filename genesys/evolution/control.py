"""``control.json``: what a person wants of a run that another process works on.

Commands write it, the run's coordinator and its executor read it about once a second. It is no part
of the evolution tree: whoever opens a run for writing begins with the wish to run.
"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

from pydantic import Field, ValidationError

from genesys.files import write_text
from genesys.population.files import storing
from genesys.records import Record

FILE = "control.json"


class Wish(StrEnum):
    """What is wanted of a run.

    ``PAUSE``: begin no further job; those under way go on and are committed. ``STOP``: the same,
    and end once they are. ``RUN``: go on.
    """

    RUN = "run"
    PAUSE = "pause"
    STOP = "stop"


class Control(Record):
    """What is wanted of a run now.

    Attributes:
        wish: Run, pause or stop.
        designers: Workers that design; None for as many as the config says.
        verifiers: Workers that verify; None for as many as the config says.
    """

    wish: Wish = Wish.RUN
    designers: Annotated[int, Field(ge=0)] | None = None
    verifiers: Annotated[int, Field(ge=0)] | None = None

    @classmethod
    def read(cls, folder: Path) -> Control:
        """What stands in a run folder; where nothing readable does, to run as configured."""
        try:
            return cls.model_validate_json((folder / FILE).read_bytes())
        except (OSError, ValidationError):
            return cls()

    @staticmethod
    def clear(folder: Path) -> None:
        """Have a run go on as configured; OSError if the disk refuses."""
        (folder / FILE).unlink(missing_ok=True)

    def save(self, folder: Path) -> None:
        """Write the file in one step.

        Raises:
            StoreError: The disk refuses. What was wanted before stands.
        """
        with storing("write to", folder):
            write_text(folder / FILE, self.model_dump_json(indent=2) + "\n")
