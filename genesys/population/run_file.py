"""``run.json``: which version and which config a run folder belongs to."""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from genesys.errors import StoreError
from genesys.files import write_text
from genesys.population.fitness import EQUATION_1, Weights

FORMAT = 3
FILE = "run.json"
TERMS = "fitness.terms."  # begins the keys of their weights


class Fork(BaseModel):
    """Where a run was forked off, and what was spent before, which is not its own spending.

    Attributes:
        run: Folder of the run that it was forked from.
        designs: New ones that it began with.
        sessions: That it began with.
        reports: That it began with.
        usd: What language models had cost.
        tokens: What they had taken, in and out.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    run: str
    designs: int
    sessions: int
    reports: int
    usd: float
    tokens: int


class RunFile(BaseModel):
    """What ``run.json`` says.

    Attributes:
        format: Version of the folder's layout and tables.
        genesys: Version of the program that started the run.
        config: What decides the run's results, as dotted keys and JSON values.
        generation: The one under way, from 1.
        forked_from: Where it was forked off; None if it was not.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: int
    genesys: str
    config: dict[str, Any]
    generation: int = 1
    forked_from: Fork | None = None

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> RunFile:
        """For a run of this version that starts now."""
        return cls(format=FORMAT, genesys=version("genesys"), config=flatten(config))

    @classmethod
    def load(cls, folder: Path) -> RunFile:
        """Read a run folder's file.

        Raises:
            StoreError: The folder holds no run, or one of another format.
        """
        path = folder / FILE
        if not path.is_file():
            raise StoreError(f"{folder} is no run folder: it has no {FILE}.")
        try:
            data = json.loads(path.read_text(encoding="utf-8"))
            if data["format"] == FORMAT:
                return cls.model_validate(data)
            author, layout = data["genesys"], data["format"]
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise StoreError(f"{path} cannot be read or is damaged: {error}") from error
        raise StoreError(
            f"{folder} was written by genesys {author} in format {layout}; genesys "
            f"{version('genesys')} reads format {FORMAT}. Open it with that version, or start "
            "the run in another folder."
        )

    @property
    def weights(self) -> Weights:
        """Of the terms of the run's fitness."""
        terms = {k.removeprefix(TERMS): v for k, v in self.config.items() if k.startswith(TERMS)}
        return terms or EQUATION_1

    def save(self, folder: Path) -> None:
        """Write the file in one step."""
        absent = {"forked_from"} if self.forked_from is None else set()
        write_text(folder / FILE, self.model_dump_json(indent=2, exclude=absent) + "\n")

    def check_same(self, folder: Path, config: Mapping[str, Any]) -> None:
        """Refuse to go on with a config that would give other results.

        Raises:
            StoreError: Names each key that differs, with both values.
        """
        mine, theirs = self.config, flatten(config)
        keys = sorted(k for k in mine.keys() | theirs.keys() if mine.get(k) != theirs.get(k))
        if keys:
            changes = "; ".join(
                f"{k}: {_shown(mine, k)} in the run, {_shown(theirs, k)} now" for k in keys
            )
            raise StoreError(
                f"The run in {folder} was started with another config ({changes}). Restore these "
                "values, or start a new run in another folder."
            )


def flatten(config: Mapping[Any, Any], prefix: str = "") -> dict[str, Any]:
    """Nested mappings as one level of dotted keys; values as JSON would give them back."""
    flat: dict[str, Any] = {}
    for key, value in config.items():
        if isinstance(value, Mapping) and value:
            flat |= flatten(value, f"{prefix}{key}.")
        elif isinstance(value, list) and value and all(isinstance(v, Mapping) for v in value):
            flat |= flatten(dict(enumerate(value)), f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = json.loads(json.dumps(value))
    return flat


def _shown(config: Mapping[str, Any], key: str) -> str:
    return json.dumps(config[key]) if key in config else "absent"
