"""The original system's JSON files, as far as there is a counterpart here; the rest is ignored."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator, FiniteFloat, JsonValue, ValidationError

from genesys.errors import GenesysError
from genesys.records import first_problem

METADATA = "metadata.json"
PROPOSAL = "proposal.json"
IMPLEMENTATION = "implementation.json"
VERIFICATIONS = "verifications"
RESULTS = "eval_results.json"  # an entry of a verification's report, and no file
MAX_BYTES = 32 * 2**20  # the largest that was published has 4 MB

F = TypeVar("F", bound=BaseModel)


def _told(value: Any) -> Any:
    """Null is as good as absent."""
    return "" if value is None else value


def _some(value: Any) -> Any:
    return {} if value is None else value


Text = Annotated[str, BeforeValidator(_told)]


class Metadata(BaseModel):
    """``metadata.json``: the parents are ``seed_ids``."""

    title: Text = ""
    seed_ids: list[str] = []


class Idea(BaseModel):
    """``proposal.json``; ``selection`` is the unit that a mutation changes."""

    proposal: Text = ""
    abstract: Text = ""
    selection: Text = ""
    review: Text = ""
    rating: FiniteFloat | None = None


class Declared(BaseModel):
    """What a caller says of a unit."""

    requirements: Text = ""
    inputs: list[str] = []
    outputs: list[str] = []


class UnitForm(BaseModel):
    """A unit: its tests stand beside its code, and ``children`` goes before what the code says."""

    code: str
    children: list[str] = []
    args: Annotated[dict[str, JsonValue], BeforeValidator(_some)] = {}
    gautests: Annotated[dict[str, str], BeforeValidator(_some)] = {}


class TreeForm(BaseModel):
    """The units by name; a declaration is an object, or JSON of one."""

    root: str
    units: dict[str, UnitForm]
    declares: Annotated[dict[str, JsonValue], BeforeValidator(_some)] = {}

    def declaration(self, unit: str) -> Declared:
        """What is declared of a unit; nothing where that cannot be read."""
        found = self.declares.get(unit, {})
        try:
            if isinstance(found, str):
                return Declared.model_validate_json(found)
            return Declared.model_validate(found)
        except ValidationError:
            return Declared()


class Implementation(BaseModel):
    """``implementation.json``."""

    implementation: TreeForm
    status: Text = ""


class Verification(BaseModel):
    """``verifications/<scale>.json``."""

    scale: str
    verification_report: dict[str, JsonValue] = {}


def read_form(path: Path, form: type[F]) -> F:
    """Read a file of JSON.

    Raises:
        GenesysError: It cannot be read, or it is not of that form; says what is wrong.
    """
    try:
        return form.model_validate_json(read_plain(path))
    except ValidationError as error:
        raise GenesysError(f"{path.name}: {first_problem(error)}") from None


def read_plain(path: Path, most: int = MAX_BYTES) -> bytes:
    """The contents of a file that somebody else wrote: a regular one, and not too large.

    Raises:
        GenesysError: It is none, or cannot be read.
    """
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        with os.fdopen(handle, "rb") as file:
            about = os.fstat(handle)
            if not stat.S_ISREG(about.st_mode):
                raise GenesysError(f"{path.name} is no file.")
            if about.st_size > most:
                raise GenesysError(
                    f"{path.name} has {about.st_size:,} bytes; at most {most:,} are read."
                )
            return file.read(most)
    except OSError as error:
        why = "is a symbolic link" if path.is_symlink() else f"cannot be read: {error.strerror}"
        raise GenesysError(f"{path.name} {why}.") from None
