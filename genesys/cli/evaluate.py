"""``genesys eval``: scores a model that was kept, without training it again."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.text import Text

from genesys.cli.config import compose
from genesys.cli.verify import ended
from genesys.evolution.run import sandbox_of
from genesys.records import VerificationReport
from genesys.registry import load


def evaluate(folder: Path, overrides: Sequence[str] = (), as_json: bool = False) -> int:
    """Have the configured verifier score a model, and print the report.

    Args:
        folder: That the model is kept in.
        overrides: Of the config, e.g. of its tasks.
        as_json: Print the report as JSON.

    Returns:
        The exit code, as of ``genesys verify``.
    """
    return ended(lambda: _report(folder, overrides), as_json)


def _report(folder: Path, overrides: Sequence[str]) -> VerificationReport:
    config = compose(overrides)
    plugins = load(config, ("verifier",))
    Console(stderr=True).print(Text(f"evaluating {folder}"), soft_wrap=True)
    with sandbox_of(config.get("sandbox")) as sandbox:
        report: VerificationReport = plugins.offer("evaluate", folder=folder, sandbox=sandbox)
    return report
