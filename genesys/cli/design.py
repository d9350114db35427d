"""``genesys design``: one session by itself, from given parents to a design or its end."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from pydantic import Field, field_validator
from rich.console import Console
from rich.text import Text

from genesys.cli.config import compose
from genesys.cli.conversation import PREFIX
from genesys.cli.cost import in_words
from genesys.cli.designs import find_design
from genesys.cli.errors import INTERRUPTED, print_error
from genesys.cli.findings import findings
from genesys.cli.narration import narrate
from genesys.cli.show import describe
from genesys.errors import GenesysError
from genesys.evolution.events import SessionEnded
from genesys.evolution.settings import settings_of
from genesys.population.evolution_tree import EvolutionTree
from genesys.population.spending import Spending
from genesys.records import CheckReport, Record

FOLDER = "designs"  # sessions lie below, unless the config says otherwise
MADE, GIVEN_UP, NOT_DONE = 0, 1, 2
GO_ON = "Interrupted. The same command goes on where this one stopped, and asks nothing again."
OWN = ("parents=", "operator=")


class Wanted(Record):
    """What the command takes beside the config.

    Attributes:
        parents: Seeds, paths, or designs of a run.
        operator: How the child is made; None for what takes so many parents.
    """

    parents: list[str] = Field(default_factory=list)
    operator: str | None = None

    @field_validator("parents", mode="before")
    @classmethod
    def _listed(cls, parents: object) -> object:
        """One name stands for a list of it."""
        return [parents] if isinstance(parents, str) else parents


def design(overrides: Sequence[str], run: Path | None = None, as_json: bool = False) -> int:
    """Hold one session and print what came of it; progress goes to standard error.

    Args:
        overrides: Of the config; besides, ``parents`` and ``operator``.
        run: Folder of the run that has the parents.
        as_json: Print session, design and cost as one JSON object.

    Returns:
        The exit code: 0 a design was made, 1 the session ended without one, 2 it could not be held,
        130 interrupted.
    """
    try:
        folder = _hold(overrides, run)
        return _print(folder, as_json)
    except GenesysError as error:
        print_error(error)
        return NOT_DONE
    except KeyboardInterrupt:
        Console(stderr=True).print(Text(GO_ON), soft_wrap=True)
        return INTERRUPTED


def _hold(overrides: Sequence[str], run: Path | None) -> Path:
    """Hold the session, or what is left of it; its folder."""
    from genesys.cli.display import Display
    from genesys.evolution.single import hold_session, selection_of

    config = compose(["folder=null", *(f"+{o}" if o.startswith(OWN) else o for o in overrides)])
    own = {key: config[key] for key in Wanted.model_fields if key in config}
    wanted = settings_of("design", Wanted, own)
    parents = [find_design(where, run) for where in wanted.parents]
    selection = selection_of([parent.name for parent in parents], wanted.operator)
    name = "-x-".join(selection.designs) or selection.operator.value
    folder = Path(config["folder"] or f"{FOLDER}/{name}-{config['seed']}")
    with Display(Console(stderr=True)) as display:
        hold_session(config | {"folder": str(folder)}, folder, parents, selection, display)
    return folder


def _print(folder: Path, as_json: bool) -> int:
    population = EvolutionTree.read(folder)
    session, spent = population.sessions[0], Spending.read(folder).of_session(0)
    made = population.design(session.design) if session.design else None
    console = Console()
    if as_json:
        data = {
            "folder": str(folder),
            "session": session.model_dump(mode="json"),
            "design": made.model_dump(mode="json") if made else None,
            "cost": asdict(spent),
        }
        # ASCII only: what a design put into a message cannot reach the terminal as it is.
        console.out(json.dumps(data, indent=2), highlight=False)
        return MADE if made else GIVEN_UP
    if made:
        console.print(describe(population, made.name, spent=spent if spent.tries else None))
        where = folder / "designs" / made.name
    else:
        console.print(Text(narrate(SessionEnded(session, None)) or ""), soft_wrap=True)
        if session.issues:
            console.print(findings(CheckReport(issues=session.issues)))
        if spent.tries:
            console.print(Text(in_words(spent)))
        where = folder
    console.print(Text(f"\nIt is kept in {where}"), soft_wrap=True)
    if spent.tries:
        console.print(Text(f"What was said: genesys show {PREFIX}0 --run {folder}"), soft_wrap=True)
    return MADE if made else GIVEN_UP
