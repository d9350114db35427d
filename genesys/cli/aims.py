"""What a run is to reach and may spend, from the config that it was last opened with."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import yaml

from genesys.errors import GenesysError
from genesys.evolution.budget import BudgetSettings
from genesys.evolution.ladder import Ladder
from genesys.evolution.settings import EvolutionSettings
from genesys.population.run_file import RunFile


@dataclass(frozen=True)
class Aims:
    """What a run goes by.

    Attributes:
        settings: With the designs and sessions of all generations so far.
        ladder: With the trials of all generations so far.
        caps: On what it may spend.
    """

    settings: EvolutionSettings
    ladder: Ladder
    caps: BudgetSettings

    @classmethod
    def read(cls, run: Path) -> Aims | None:
        """Those of a run folder; None where its config is missing, or is none of this version."""
        from genesys.evolution.run import CONFIG_FILE, ladder_of

        try:
            generation = RunFile.load(run).generation
            config = yaml.safe_load((run / CONFIG_FILE).read_text(encoding="utf-8"))
            return cls(
                EvolutionSettings.of(config["evolution"]).times(generation),
                ladder_of(config["ladder"]).times(generation),
                BudgetSettings.of(config.get("budget", {})),
            )
        except (OSError, yaml.YAMLError, KeyError, TypeError, AttributeError, GenesysError):
            return None
