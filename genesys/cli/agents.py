"""``genesys agents``: which parts of the team matter, as a table like the paper's table 4."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.table import Table

from genesys.cli.config import compose
from genesys.cli.text import count
from genesys.evolution.settings import settings_of
from genesys.evolution.variants import Score, VariantSettings, implement_all, proposed, score
from genesys.population.evolution_tree import EvolutionTree

EXPERIMENT = "agents_bench"


def agents(run: Path, overrides: Sequence[str], as_json: bool = False) -> None:
    """Let each variant implement the proposals of a run, and print what came of it.

    Args:
        run: The run's folder.
        overrides: Of the config.
        as_json: Print JSON instead of the table.

    Raises:
        GenesysError: The run has no proposals, or something keeps a session from being held.
    """
    from genesys.cli.display import Display

    asked = [f"experiment={EXPERIMENT}", "folder=null", *overrides]
    config = compose(asked)
    settings = settings_of(EXPERIMENT, VariantSettings, config[EXPERIMENT])
    configs = {variant: compose([*asked, f"agent={variant}"]) for variant in settings.variants}
    population = EvolutionTree.read(run)
    designs = proposed(population, settings.proposals)
    out = Path(config["folder"] or run.with_name(f"{run.name}-agents"))
    scores = []
    with Display(Console(stderr=True)) as display:
        for variant, config in configs.items():
            folders = implement_all(config, population, designs, out / variant, display)
            scores.append(score(variant, folders))
    console = Console()
    if as_json:
        console.out(json.dumps([asdict(one) for one in scores], indent=2), highlight=False)
    else:
        console.print(scores_table(scores))
        console.print(f"Sessions: {out}", soft_wrap=True)


def scores_table(scores: Sequence[Score]) -> Table:
    """Means for each variant; LFC is lines of function-body code of a valid design."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("variant")
    for name in ("proposals", "valid", "attempts", "USD", "tokens", "LFC"):
        table.add_column(name, justify="right")
    for one in scores:
        lines = "-" if one.lines is None else f"{one.lines:.0f}"
        figures = (f"{one.valid:.0%}", f"{one.attempts:.2f}", f"{one.usd:.3f}", count(one.tokens))
        table.add_row(one.variant, str(one.proposals), *figures, lines)
    return table
