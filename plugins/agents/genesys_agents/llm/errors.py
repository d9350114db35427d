"""Why a language model gave no answer."""

from __future__ import annotations

from genesys.errors import GenesysError


class CallFailedError(GenesysError):
    """No model answered a call: tries, time or fallbacks are used up, or it was refused."""


class ContextOverflowError(CallFailedError):
    """The messages are longer than the model takes."""


class TransientError(Exception):
    """One try went wrong in a way that may pass.

    Args:
        what: For a person.
        wait: Seconds that the provider asks to wait; None if it names none.
    """

    def __init__(self, what: str, wait: float | None = None) -> None:
        super().__init__(what)
        self.wait = wait
