"""What a worker that joins a run can be told to do."""

from __future__ import annotations

from enum import StrEnum


class Role(StrEnum):
    """Hold sessions, verify, or both."""

    DESIGNER = "designer"
    VERIFIER = "verifier"
    BOTH = "both"
