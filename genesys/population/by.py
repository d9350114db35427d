"""What the calls of a run are told apart by; apart from the sums, so that it is light."""

from enum import StrEnum


class By(StrEnum):
    """A key that calls have in common."""

    ROLE = "role"
    MODEL = "model"
    SESSION = "session"
    OUTCOME = "outcome"
    PURPOSE = "purpose"
