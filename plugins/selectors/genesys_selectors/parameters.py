"""How a selector's parameters are declared: as fields, with the bounds that they must keep."""

from __future__ import annotations

from typing import Annotated

from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass

Share = Annotated[float, Field(ge=0, le=1)]
Weight = Annotated[float, Field(ge=0)]
Count = Annotated[int, Field(ge=0)]

# A wrong value raises ``pydantic.ValidationError``.
parameters = dataclass(frozen=True, kw_only=True, eq=False, config=ConfigDict(extra="forbid"))
