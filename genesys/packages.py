"""Imports what other packages offer through entry points, and names who is at fault."""

from __future__ import annotations

from importlib.metadata import EntryPoint
from typing import Any

from genesys.errors import GenesysError, PluginError


def imported(point: EntryPoint, what: str) -> Any:
    """The object of an entry point.

    Args:
        point: Of a package.
        what: It is, and whose, for messages.

    Raises:
        PluginError: It cannot be imported.
        GenesysError: Whatever the import raises of them.
    """
    try:
        return point.load()
    except GenesysError:
        raise
    except Exception as error:
        told = f"{type(error).__name__}: {error}"
        raise PluginError(f"{what} cannot be imported: {told}") from error
