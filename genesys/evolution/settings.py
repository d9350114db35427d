"""What a person may set about a run's evolution, and the seeds that everything random hangs off."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Annotated, Any

from pydantic import Field, ValidationError

from genesys.errors import ConfigError
from genesys.records import Record


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
    """

    seed: Annotated[int, Field(ge=0, lt=2**63)] = 0
    seeds: Annotated[list[str], Field(min_length=1)]
    designs: Annotated[int, Field(ge=0)]
    max_sessions: Annotated[int, Field(ge=0)]
    accept_rating: Annotated[float, Field(ge=0, le=5)] = 4.0
    review_attempts: Annotated[int, Field(ge=1)] = 5
    verifications_per_design: Annotated[float, Field(ge=0)] = 1.0
    seed_share: Annotated[float, Field(ge=0, le=1)] = 0.34

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> EvolutionSettings:
        """Settings from a config.

        Raises:
            ConfigError: Names every key that is unknown, missing or out of bounds.
        """
        try:
            return cls.model_validate(dict(config))
        except ValidationError as error:
            lines = [_explain(problem) for problem in error.errors()]
            raise ConfigError(f"Config group 'evolution': {'; '.join(lines)}.") from None

    def times(self, generations: int) -> EvolutionSettings:
        """The settings with the designs and sessions of so many generations."""
        goal = {
            "designs": generations * self.designs,
            "max_sessions": generations * self.max_sessions,
        }
        return self.model_copy(update=goal)


def _explain(problem: Mapping[str, Any]) -> str:
    key = ".".join(str(part) for part in problem["loc"])
    if problem["type"] != "extra_forbidden":
        return f"{key}: {problem['msg'][:1].lower()}{problem['msg'][1:]} (got {problem['input']!r})"
    near = get_close_matches(key, EvolutionSettings.model_fields, n=1)
    guess = f", did you mean {near[0]!r}?" if near else ""
    return f"no key {key!r}{guess} There are: {', '.join(EvolutionSettings.model_fields)}"


def derive_seed(*parts: int | str) -> int:
    """A seed below 2**32 that depends on all parts, e.g. the run's seed, a purpose, an index."""
    digest = hashlib.sha256(json.dumps(parts).encode()).digest()
    return int.from_bytes(digest[:4], "big")
