"""``genesys evolve``: hands the command line to Hydra and shows the run."""

from __future__ import annotations

import os
import socket
import sys
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TextIO, cast

from rich.console import Console

from genesys.cli.config import NAME, plain, search_path
from genesys.cli.errors import INTERRUPTED, print_error
from genesys.cli.sweep import Failures, Tagged, require_launcher
from genesys.errors import ConfigError, GenesysError
from genesys.resources import resource

if TYPE_CHECKING:
    from omegaconf import DictConfig

    from genesys.population.population import Population

MULTIRUN = ("-m", "--multirun")


def evolve(arguments: Sequence[str]) -> int:
    """Run one job, or with ``-m`` several, in turn or as Hydra's launcher has it.

    Args:
        arguments: Overrides and flags as Hydra takes them.

    Returns:
        The exit status: 0 when all jobs ended well, 1 when one failed, 130 when interrupted.

    Raises:
        ConfigError: There is no such config, no folder for the run, or no process for a job.
        MissingExtraError: The launcher is not installed.
    """
    import hydra

    require_launcher(arguments)
    job = Job()
    command = hydra.main(version_base="1.3", config_path=str(resource("configs")), config_name=NAME)
    # Hydra's parser takes overrides in one piece only: none before a flag and others behind it.
    flags = [argument for argument in arguments if argument in MULTIRUN]
    rest = [argument for argument in arguments if argument not in MULTIRUN]
    sys.argv = ["genesys evolve", *flags, *search_path(), *rest]
    os.environ["HYDRA_FULL_ERROR"] = "1"  # Hydra raises its errors, and leaves the printing to us
    try:
        command(job)()
    except Exception as error:  # not of a job, which catches its own
        raise ConfigError(str(error)) from None
    except KeyboardInterrupt:
        Console(stderr=True).print("Interrupted. The same command goes on where this one stopped.")
        return INTERRUPTED
    finally:
        failed = job.failures.take()
        for message in failed:
            print_error(GenesysError(message))
    return 1 if failed else 0


def _here() -> tuple[str, int]:
    return socket.gethostname(), os.getpid()


@dataclass(frozen=True)
class Job:
    """What Hydra calls for each job, after it was pickled to wherever the job runs.

    Attributes:
        failures: Where failing jobs tell of it, so that a sweep goes on and the command knows.
        origin: The machine and process of the command.
    """

    failures: Failures = field(default_factory=Failures)
    origin: tuple[str, int] = field(default_factory=_here)

    def __call__(self, config: DictConfig) -> float | None:
        """Run it; the best fitness of a new design, for Hydra's sweepers to maximise."""
        from hydra.core.hydra_config import HydraConfig
        from omegaconf import OmegaConf

        from genesys.population.comparison.runs import CHOICES

        hydra = HydraConfig.get()
        folder, number = Path(hydra.runtime.output_dir), hydra.job.get("num")
        config.folder = str(folder)
        OmegaConf.update(config, CHOICES, _choices(hydra.runtime.choices), force_add=True)
        try:
            os.chdir(hydra.runtime.cwd)  # paths in the config are relative to it
            return _best(run(config, folder, alone=self.origin == _here()))
        except GenesysError as error:
            told = str(error)
        except Exception as error:
            traceback.print_exc()
            told = f"{type(error).__name__}: {error}"
        if number is not None:  # one of several: they may go on for days
            told = f"The run in {folder} failed: {told}"
            print_error(GenesysError(told))
        self.failures.add(number or 0, told)
        return None


def run(config: DictConfig, folder: Path, alone: bool = True) -> Population:
    """Run one job with a display; ends with the leaderboard and the report.

    Args:
        config: Of the run.
        folder: Of the run.
        alone: Whether the terminal is its own; else each line that it prints says whose it is.

    Raises:
        GenesysError: What keeps the run from going on.
    """
    from genesys.cli.display import Display
    from genesys.cli.leaderboard import leaderboard
    from genesys.cli.report import write_report
    from genesys.evolution.run import evolve
    from genesys.population.metrics import of_run

    console = Console() if alone else _shared(folder.name)
    with Display(console) as display:
        population = evolve(plain(config), folder, display)
    if alone:
        console.print(leaderboard(population))
    tables = of_run.read(folder, population)
    report = write_report(population, folder / "report.html", title=folder.name, tables=tables)
    console.print(f"Report: {report}", soft_wrap=True)
    return population


def _shared(tag: str) -> Console:
    lines = cast("TextIO", Tagged(sys.stdout, tag))
    return Console(file=lines, force_terminal=False, highlight=False)


def _choices(groups: Mapping[str, object]) -> dict[str, object]:
    """What was chosen of each of our config groups, for those who compare runs."""
    return {g: chosen for g, chosen in groups.items() if chosen and not g.startswith("hydra/")}


def _best(population: Population) -> float | None:
    values = [population.fitness(design.name) for design in population.children]
    return max((value for value in values if value is not None), default=None)
