"""What a person may set about a run's evolution, and the seeds that everything random hangs off."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Annotated, Any, TypeVar

from pydantic import Field, FiniteFloat, ValidationError

from genesys.errors import ConfigError, UnknownNameError
from genesys.population.fitness import EQUATION_1
from genesys.population.terms import FORECAST, TERMS
from genesys.records import Record

R = TypeVar("R", bound=Record)
Weight = Annotated[FiniteFloat, Field(ge=0)]


class EvolutionSettings(Record):
    """Config group ``evolution``.

    Attributes:
        seed: Of the run; every session and verification derives its own from it.
        seeds: Names of shipped seeds, or paths of design folders.
        designs: New designs to make that are valid and do not fail verification by their fault.
        max_sessions: Sessions after which no more designs are tried for.
        accept_rating: A proposal is accepted from this review score on (table 11).
        review_attempts: Proposals per session before it is given up (table 11).
        verifications_per_design: How many verifications follow a new design while designs are
            still being made; what is left of the ladder's budget is spent afterwards.
        seed_share: Part of a higher rung's trials that seeds may take; the first rung verifies
            them all.
        ahead: Jobs that may be under way at once while results count in the order in which their
            jobs were begun: the tree then follows from config and seed alone, whatever the
            workers. None for as many as there are workers, and results that count as they come.
    """

    seed: Annotated[int, Field(ge=0, lt=2**63)] = 0
    seeds: Annotated[list[str], Field(min_length=1)]
    designs: Annotated[int, Field(ge=0)]
    max_sessions: Annotated[int, Field(ge=0)]
    accept_rating: Annotated[float, Field(ge=0, le=5)] = 4.0
    review_attempts: Annotated[int, Field(ge=1)] = 5
    verifications_per_design: Annotated[float, Field(ge=0)] = 1.0
    seed_share: Annotated[float, Field(ge=0, le=1)] = 0.34
    ahead: Annotated[int, Field(ge=1)] | None = None

    @classmethod
    def of(cls, config: Any) -> EvolutionSettings:
        """Settings from a config; see :func:`settings_of`."""
        return settings_of("evolution", cls, config)

    def times(self, generations: int) -> EvolutionSettings:
        """The settings with the designs and sessions of so many generations."""
        goal = {
            "designs": generations * self.designs,
            "max_sessions": generations * self.max_sessions,
        }
        return self.model_copy(update=goal)


class FitnessSettings(Record):
    """Config group ``fitness``.

    Attributes:
        terms: Weights of the terms of ``genesys.population.terms``, by name. The more of a term
            the better, so none is negative.
    """

    terms: dict[str, Weight] = Field(default_factory=lambda: dict(EQUATION_1))

    @classmethod
    def of(cls, config: Any) -> FitnessSettings:
        """Settings from a config; see :func:`settings_of`.

        Raises:
            UnknownNameError: There is no such term.
            ConfigError: No term counts.
        """
        settings = settings_of("fitness", cls, config)
        names = (*TERMS, FORECAST)
        for name in settings.terms:
            if name not in names:
                raise UnknownNameError("term of the fitness", name, names)
        if not any(settings.terms.values()):
            raise ConfigError(
                "Config group 'fitness': no term has a weight above 0, so nothing could be told "
                "from anything. Give one, e.g. fitness.terms.accuracy=1."
            )
        return settings


def settings_of(group: str, kind: type[R], config: Any) -> R:
    """Settings from a config group.

    Args:
        group: Its name.
        kind: The record of its settings.
        config: What a person wrote; anything.

    Raises:
        ConfigError: Names every key that is unknown, missing or out of bounds.
    """
    try:
        return kind.model_validate(config)
    except ValidationError as error:
        lines = [_explain(problem, list(kind.model_fields)) for problem in error.errors()]
        raise ConfigError(f"Config group {group!r}: {'; '.join(lines)}.") from None


def _explain(problem: Mapping[str, Any], known: list[str]) -> str:
    key = ".".join(str(part) for part in problem["loc"])
    if problem["type"] != "extra_forbidden":
        told = f"{problem['msg'][:1].lower()}{problem['msg'][1:]} (got {problem['input']!r})"
        return f"{key}: {told}" if key else told
    if len(problem["loc"]) > 1:
        return f"no key {key!r}"
    near = get_close_matches(key, known, n=1)
    guess = f", did you mean {near[0]!r}?" if near else ""
    return f"no key {key!r}{guess} There are: {', '.join(known)}"


def derive_seed(*parts: int | str) -> int:
    """A seed below 2**32 that depends on all parts, e.g. the run's seed, a purpose, an index."""
    digest = hashlib.sha256(json.dumps(parts).encode()).digest()
    return int.from_bytes(digest[:4], "big")
