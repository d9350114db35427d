"""``genesys export``: a trained model as a folder that is loaded without Genesys."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.text import Text

from genesys.cli.config import compose
from genesys.registry import load


def export(folder: Path, out: Path, overrides: Sequence[str] = ()) -> None:
    """Have the configured verifier export a model that it has kept.

    Args:
        folder: That the model is kept in.
        out: The folder to write.
        overrides: Of the config.

    Raises:
        GenesysError: The verifier offers no exports, or one of the folders is wrong.
    """
    load(compose(overrides), ("verifier",)).offer("export", folder=folder, out=out)
    told = f"Wrote {out}. Its README.md says how to load it; its code was generated: read it first."
    Console().print(Text(told), soft_wrap=True)
