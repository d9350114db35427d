"""How an error reaches the person: one message on standard error."""

from __future__ import annotations

import typer

from genesys.text import clean

INTERRUPTED = 130  # the exit status after Ctrl-C


def print_error(error: Exception) -> None:
    """Print an error that was written to be read; it may quote what a design says of itself."""
    typer.secho(f"error: {clean(str(error))}", fg="red", err=True)
