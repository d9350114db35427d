"""What a guest says of itself, as far as it has the form that was asked for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, TypeVar

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from genesys.sandbox import GuestRaised
from genesys.sandbox.channel import printable
from genesys_verifiers.faults import DesignFaultError

Array = np.ndarray[Any, Any]

MAX_TEXT = 2000


class Claim(BaseModel):
    """Base of all claims: closed, no conversion."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


AnyClaim = TypeVar("AnyClaim", bound=BaseModel)


class Count(Claim):
    """Non-embedding parameters."""

    parameters: Annotated[int, Field(ge=0, lt=2**63)]


class Memory(Claim):
    """Memory in MiB."""

    memory_mb: Annotated[float, Field(ge=0, lt=2**63)]


class MicroBatch(Claim):
    """Sequences that were in memory at a time."""

    micro_batch: Annotated[int, Field(ge=1, lt=2**31)]


class Pace(Claim):
    """Seconds of a step."""

    seconds: Annotated[float, Field(gt=0)]


class Compilation(Claim):
    """Why blocks were not compiled; empty if they were."""

    refused: str


class Number(Claim):
    """One-based number of a step."""

    step: Annotated[int, Field(ge=1)]


def plain(claim: type[AnyClaim], said: Mapping[str, Any]) -> AnyClaim:
    """The JSON part of an answer.

    Raises:
        DesignFaultError: It is something else.
    """
    values = {name: value for name, value in said.items() if not isinstance(value, np.ndarray)}
    try:
        return claim.model_validate(values)
    except ValidationError:
        raise nonsense() from None


def array(said: Mapping[str, Any], name: str, dtype: type, shape: tuple[int | None, ...]) -> Array:
    """An array of an answer; an axis given as None may have any size but zero.

    Raises:
        DesignFaultError: There is none of this dtype and shape.
    """
    found = said.get(name)
    if not isinstance(found, np.ndarray) or found.dtype != dtype or found.ndim != len(shape):
        raise nonsense()
    for size, wanted in zip(found.shape, shape, strict=True):
        if (size == 0) if wanted is None else (size != wanted):
            raise nonsense()
    return found


def nonsense() -> DesignFaultError:
    """What to raise for an answer that no design has by mistake."""
    return DesignFaultError("the guest answers nonsense: the design changes what measures it")


def told(error: GuestRaised) -> str:
    """An exception of a guest, with the last line of generated code that it went through."""
    if error.type == DesignFaultError.__name__:
        return error.message[:MAX_TEXT]
    where = error.details.get("where")
    place = f" ({printable(where[:MAX_TEXT])})" if isinstance(where, str) else ""
    return f"{error.type}: {error.message}"[:MAX_TEXT] + place
