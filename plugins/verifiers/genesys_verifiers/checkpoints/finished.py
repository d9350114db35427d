"""What a verification of several seeds knows already when it is stopped and taken up again."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from genesys.files import write_file
from genesys.records import VerificationReport, first_problem

FILE = "finished.json"

log = logging.getLogger(__name__)


class _Content(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal[1] = 1
    origin: dict[str, str]
    report: VerificationReport


class Finished:
    """The report of a seed that is done, for as long as others of its verification are not.

    Nothing that goes wrong here stops a verification; it is told in the log.

    Args:
        folder: Of the seed; made when needed. None to keep nothing.
        origin: What the report must belong to.
    """

    def __init__(self, folder: Path | None, origin: Mapping[str, str]) -> None:
        self._path = folder / FILE if folder else None
        self._origin = dict(origin)

    def read(self) -> VerificationReport | None:
        """The report, if there is one that is whole and belongs to this verification."""
        if not self._path or not self._path.exists():
            return None
        try:
            return self._whole(self._path)
        except ValidationError as error:
            reason = first_problem(error)
        except (OSError, ValueError) as error:
            reason = str(error)
        log.warning("%s is not used, and its seed is trained again: %s.", self._path, reason)
        return None

    def write(self, report: VerificationReport) -> None:
        """Keep a report."""
        if not self._path:
            return
        content = _Content(origin=self._origin, report=report)
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            write_file(self._path, [content.model_dump_json().encode()])
        except OSError as error:
            log.warning(
                "The report of seed %d cannot be written to %s (%s). Verification goes on; free "
                "some space there, or this seed is trained again when it is stopped.",
                report.seed,
                self._path,
                error,
            )

    def remove(self) -> None:
        """Forget it: the verification has ended."""
        if not self._path:
            return
        try:
            self._path.unlink(missing_ok=True)
            with suppress(OSError):
                self._path.parent.rmdir()  # unless it holds a model
        except OSError as error:
            log.warning("%s cannot be removed: %s.", self._path, error)

    def _whole(self, path: Path) -> VerificationReport:
        content = _Content.model_validate_json(path.read_bytes())
        theirs, mine = content.origin, self._origin
        if wrong := sorted(k for k in theirs | mine if theirs.get(k) != mine.get(k)):
            raise ValueError(f"it belongs to another {', '.join(wrong)}")
        return content.report
