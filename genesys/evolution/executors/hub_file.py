"""``workers/hub.json``: how to join a run, for those who may read it in the run folder."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pydantic import ValidationError

from genesys.errors import ConfigError
from genesys.population.files import storing
from genesys.records import Record

FOLDER = "workers"
FILE = "hub.json"


class HubFile(Record):
    """How to join a run.

    Attributes:
        address: Path of a Unix socket, or ``host:port``.
        key: That workers have to know, in hexadecimal digits.
    """

    address: str
    key: str

    @classmethod
    def read(cls, run: Path) -> HubFile:
        """That of a run which is under way in a folder.

        Raises:
            ConfigError: There is none that workers can join.
        """
        path = run / FOLDER / FILE
        try:
            return cls.model_validate_json(path.read_bytes())
        except (OSError, ValidationError):
            raise ConfigError(
                f"No run that workers could join is under way in {run}: {path} cannot be read. "
                "Runs with executor=local or executor=ray can be joined."
            ) from None

    @contextmanager
    def published(self, run: Path) -> Iterator[None]:
        """Have the file while the context lasts; nobody but its owner can read it.

        Raises:
            StoreError: The disk refuses.
        """
        folder = run / FOLDER
        with storing("write to", folder):
            draft, name = tempfile.mkstemp(dir=folder, suffix=".tmp")  # mode 600
            with open(draft, "w", encoding="utf-8") as file:  # noqa: PTH123 - a descriptor
                file.write(self.model_dump_json(indent=2) + "\n")
            os.replace(name, folder / FILE)  # noqa: PTH105
        try:
            yield
        finally:
            (folder / FILE).unlink(missing_ok=True)
