"""What a guest says of itself, as far as it has the form that was asked for."""

from __future__ import annotations

from typing import Annotated, TypeVar

from pydantic import BaseModel, ConfigDict, Field

Text = Annotated[str, Field(max_length=4000)]
Count = Annotated[int, Field(ge=0, lt=2**62)]
# Units, parameters or entries of Z that a block can have.
MANY = 10_000


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
    """A call of a unit: whether its Y was finite, and the dtype of Y, or its class."""

    unit: Text
    path: Text
    finite: bool
    kind: Text


class Survey(Claim):
    """The calls of units in a run, inner units first."""

    calls: Annotated[list[UnitCall], Field(max_length=MANY)]


class Description(Claim):
    """Where an exception came from."""

    unit: Text = ""
    line: Count | None = None
    trace: str = ""


class Override(Claim):
    """A name of ``nn.Module`` that a unit redefines."""

    unit: Text
    name: Text


class Overrides(Claim):
    """All of them."""

    overrides: Annotated[list[Override], Field(max_length=MANY)]


class Owned(Claim):
    """A parameter of a block: its name there, the innermost unit that owns it, the attribute."""

    name: Text
    block: Count
    unit: Text
    attribute: Text


class Parameter(Owned):
    """What a parameter starts as."""

    dtype: Text
    floating: bool
    device: Text
    finite: bool


class Parameters(Claim):
    """All parameters of the blocks."""

    parameters: Annotated[list[Parameter], Field(max_length=MANY)]


class Gradient(Owned):
    """What became of the gradient of a parameter."""

    given: bool
    finite: bool
    zero: bool


class Gradients(Claim):
    """All parameters' gradients."""

    gradients: Annotated[list[Gradient], Field(max_length=MANY)]


class Spot(Claim):
    """A line of a unit."""

    unit: Text = ""
    line: Count | None = None


class Leaf(Claim):
    """Something in Z after a block.

    Attributes:
        block: Index of the block.
        key: Of Z.
        path: In Z[key].
        kind: ``tensor``, ``simple``, or what it is instead.
        shape: Of a tensor.
        odd: Whether a tensor has NaN or infinity.
        digest: Of its values.
        unit: That wrote it.
    """

    block: Count
    key: Text
    path: Text
    kind: Text
    shape: Annotated[list[Count], Field(max_length=8)]
    odd: bool
    digest: Text
    unit: Text


class Carried(Claim):
    """What Z holds after each block."""

    leaves: Annotated[list[Leaf], Field(max_length=MANY)]
