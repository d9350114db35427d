"""What a guest says of itself, as far as it has the form that was asked for."""

from __future__ import annotations

from typing import Annotated, TypeVar

from pydantic import BaseModel, ConfigDict, Field

Text = Annotated[str, Field(max_length=4000)]
Count = Annotated[int, Field(ge=0, lt=2**62)]


class Claim(BaseModel):
    """Base of all claims: closed, no conversion."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


AnyClaim = TypeVar("AnyClaim", bound=Claim)


class Place(Claim):
    """A unit of the block: its class name and the path of the instance; empty when unknown."""

    unit: Text = ""
    path: Text = ""


class Built(Claim):
    """How many parameters a model has without the embedding."""

    parameters: Count


class UnitCall(Claim):
    """A call of a unit: whether its Y was finite, and the dtype of Y."""

    unit: Text
    path: Text
    finite: bool
    dtype: Text


class Survey(Claim):
    """The calls of units in a run, inner units first."""

    calls: list[UnitCall]


class Description(Claim):
    """Where an exception came from."""

    unit: Text = ""
    line: Count | None = None
    trace: str = ""
