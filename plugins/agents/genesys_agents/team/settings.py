"""How the team works (tables 10 and 11), and which of its parts are at work (table 4)."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

Times = Annotated[int, Field(ge=1)]
Rating = Annotated[float, Field(ge=0, le=5)]

_DIRECT = {
    "literature": False,
    "planner": False,
    "observer": False,
    "checks": False,
    "units": False,
    "unit_attempts": 1,
    "attempts": 1,
    "reasks": 0,
}


class TeamSettings(BaseModel):
    """Parameters of ``agent=team``.

    Attributes:
        searches: Most rounds of search before a proposal or a review.
        unit_attempts: Attempts at one unit before the design is begun anew (K_fails).
        attempts: Attempts at the design of one proposal before it is given up (K_attempts).
        reasks: How often a model is asked again for an answer that cannot be used.
        observer_rating: A unit passes the observer from this rating on.
        similar: Most past units and proposals shown for comparison.
        siblings: Most siblings shown.
        literature: Whether agents may search.
        planner: Whether the planner picks the next unit; else they are written in order.
        observer: Whether the observer judges units.
        checks: Whether checkers judge units while they are written; the whole design is always
            checked in the end.
        units: Whether the design is written unit by unit; else all of it in one answer.
        direct: Whether a single prompt makes code of a proposal: no search, planner, observer,
            checkers or second attempt, whatever else is set.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    searches: Annotated[int, Field(ge=0)] = 4
    unit_attempts: Times = 5
    attempts: Times = 5
    reasks: Annotated[int, Field(ge=0)] = 2
    observer_rating: Rating = 3.0
    similar: Annotated[int, Field(ge=0)] = 4
    siblings: Annotated[int, Field(ge=0)] = 2
    literature: bool = True
    planner: bool = True
    observer: bool = True
    checks: bool = True
    units: bool = True
    direct: bool = False

    @model_validator(mode="before")
    @classmethod
    def _bare(cls, values: Any) -> Any:
        """Without all that ``direct`` leaves out."""
        return {**values, **_DIRECT} if values.get("direct") else values
