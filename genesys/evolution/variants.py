"""Variants of the agents, compared on the proposals of a run (table 4)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean
from typing import Annotated, Any

from pydantic import Field

from genesys.errors import StoreError
from genesys.evolution.events import Observer
from genesys.evolution.settings import derive_seed
from genesys.evolution.single import hold_session
from genesys.gau.lines import function_lines
from genesys.population.evolution_tree import EvolutionTree
from genesys.population.population import Population
from genesys.population.spending import Spending
from genesys.records import Design, Record, Selection
from genesys.tape import Call, CallEnd


class VariantSettings(Record):
    """What ``experiment=agents_bench`` compares.

    Attributes:
        variants: Configs of group ``agent``.
        proposals: Most of them, the oldest first; None for all.
    """

    variants: Annotated[list[str], Field(min_length=1)]
    proposals: Annotated[int, Field(ge=1)] | None = None


@dataclass(frozen=True)
class Score:
    """What a variant makes of the proposals, on average.

    Attributes:
        variant: Its config.
        proposals: How many it was given.
        valid: Share of them that became a design which passes all checkers.
        attempts: At the design of a proposal, as calls of the coder that begin one; 0 for agents
            without language models.
        usd: Of a proposal.
        tokens: Of input and output, of a proposal.
        lines: Of function-body code of a valid design; None without any.
    """

    variant: str
    proposals: int
    valid: float
    attempts: float
    usd: float
    tokens: float
    lines: float | None


def proposed(population: Population, most: int | None = None) -> list[Design]:
    """The designs of a run that a proposal was accepted and implemented for, oldest first.

    Raises:
        StoreError: There is none.
    """
    found = [design for design in population.children if design.proposal]
    if not found:
        raise StoreError("The run has no design with a proposal. Let it make some first.")
    return found[:most]


def implement_all(
    config: Mapping[str, Any],
    population: Population,
    designs: Sequence[Design],
    folder: Path,
    observe: Observer,
) -> list[Path]:
    """Let the configured agent implement the proposals of designs, from their parents.

    Each has a session and a folder of its own; those that are there are not held again.

    Args:
        config: As composed from ``configs/evolve.yaml``.
        population: Has the designs and their parents.
        designs: With proposals.
        folder: Of all sessions.
        observe: Is told of everything that happens.

    Returns:
        The sessions' folders.
    """
    folders = []
    for design in designs:
        folders.append(folder / design.name)
        seed = derive_seed(config["evolution"]["seed"], "proposal", design.name)
        hold_session(
            {**config, "evolution": {**config["evolution"], "seed": seed}},
            folders[-1],
            [population.design(name) for name in design.parents],
            Selection(operator=design.operator, designs=design.parents),
            observe,
            design.proposal,
        )
    return folders


def score(variant: str, folders: Sequence[Path]) -> Score:
    """What came of sessions."""
    designs = [design for folder in folders for design in EvolutionTree.read(folder).children]
    spent = [Spending.read(folder).total for folder in folders]
    lines = [sum(function_lines(unit.code) for unit in design.units) for design in designs]
    return Score(
        variant=variant,
        proposals=len(folders),
        valid=len(designs) / len(folders),
        attempts=mean(_attempts(EvolutionTree.read_tape(folder)[0]) for folder in folders),
        usd=mean(one.usd for one in spent),
        tokens=mean(one.input_tokens + one.output_tokens for one in spent),
        lines=mean(lines) if lines else None,
    )


def _attempts(calls: Sequence[Call]) -> int:
    """How often the coder began anew: with nothing but its task before it."""
    return sum(
        call.role == "coder" and len(call.messages) == 2 and call.end is CallEnd.ANSWERED
        for call in calls
    )
