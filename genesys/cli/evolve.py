"""``genesys evolve``: hands the command line to Hydra and shows the run."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from genesys.cli.config import NAME, plain, search_path
from genesys.cli.errors import INTERRUPTED, print_error
from genesys.errors import ConfigError, GenesysError
from genesys.resources import resource

if TYPE_CHECKING:
    from omegaconf import DictConfig

    from genesys.population.population import Population


def evolve(arguments: Sequence[str]) -> int:
    """Run one job, or with ``-m`` several in turn.

    Args:
        arguments: Overrides and flags as Hydra takes them.

    Returns:
        The exit status: 0 when all jobs ended well, 1 when one failed, 130 when interrupted.

    Raises:
        ConfigError: There is no such config, or no folder for the run.
    """
    import hydra

    begun: list[Path] = []
    failed: list[Path] = []

    def job(config: DictConfig) -> float | None:
        folder = Path(hydra.core.hydra_config.HydraConfig.get().runtime.output_dir)
        begun.append(folder)
        config.folder = str(folder)
        try:
            return _best(run(config, folder))
        except GenesysError as error:
            # Reported here, so that a sweep goes on.
            print_error(error)
            failed.append(folder)
            return None

    command = hydra.main(version_base="1.3", config_path=str(resource("configs")), config_name=NAME)
    sys.argv = ["genesys evolve", *search_path(), *arguments]
    os.environ["HYDRA_FULL_ERROR"] = "1"  # Hydra raises its errors, and leaves the printing to us
    try:
        command(job)()
    except Exception as error:
        if begun:
            raise
        raise ConfigError(str(error)) from None
    except KeyboardInterrupt:
        Console(stderr=True).print("Interrupted. The same command goes on where this one stopped.")
        return INTERRUPTED
    return 1 if failed else 0


def run(config: DictConfig, folder: Path) -> Population:
    """Run one job with a display; ends with the leaderboard and the report.

    Raises:
        GenesysError: What keeps the run from going on.
    """
    from genesys.cli.display import Display
    from genesys.cli.leaderboard import leaderboard
    from genesys.cli.report import write_report
    from genesys.evolution.run import evolve
    from genesys.population.spending import Spending

    console = Console()
    with Display(console) as display:
        population = evolve(plain(config), folder, display)
    console.print(leaderboard(population))
    usd = Spending.read(folder).total.usd
    report = write_report(population, folder / "report.html", title=folder.name, usd=usd)
    console.print(f"Report: {report}", soft_wrap=True)
    return population


def _best(population: Population) -> float | None:
    """The best fitness of a new design, for Hydra's sweepers to maximise."""
    values = [population.fitness(design.name) for design in population.children]
    return max((value for value in values if value is not None), default=None)
