"""What was measured once on this machine, and is kept in the cache."""

from __future__ import annotations

import hashlib
import json
import os
import platform
from collections.abc import Mapping
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import Any, Generic, TypeVar

from pydantic import BaseModel

from genesys.files import write_text
from genesys.resources import cache_root

R = TypeVar("R", bound=BaseModel)


class Measurement(Generic[R]):
    """A file that holds a record, named by all that it depends on.

    Args:
        record: What it holds.
        terms: What it depends on besides the processors and the version of torch, as JSON values.
        folder: Of the cache, for files of this kind.

    Attributes:
        file: The file.
    """

    def __init__(
        self, record: type[R], terms: Mapping[str, Any], folder: str = "reference"
    ) -> None:
        machine = {"processor": _processor(), "cores": os.cpu_count(), "torch": version("torch")}
        key = json.dumps({**machine, **terms}, sort_keys=True)
        name = f"{hashlib.sha256(key.encode()).hexdigest()[:16]}.json"
        self._record, self.file = record, cache_root() / folder / name

    def read(self) -> R | None:
        """The record; None if there is none, or no longer what was written."""
        with suppress(OSError, ValueError):
            return self._record.model_validate_json(self.file.read_text("utf-8"))
        return None

    def keep(self, found: R) -> None:
        """Write in one go, so that a reader never sees half of it.

        Where the cache cannot be written nothing is kept: it is measured again next time.
        """
        with suppress(OSError):
            self.file.parent.mkdir(parents=True, exist_ok=True)
            write_text(self.file, found.model_dump_json())


def _processor() -> str:
    """Name of the processor's model."""
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text("utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
