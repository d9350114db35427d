"""What a store of passages remembers of how its passages were embedded."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, ValidationError

from genesys.errors import StoreError
from genesys.files import write_text
from genesys.records import first_problem

if TYPE_CHECKING:
    from genesys_knowledge.passages.embedders import Embedder

FILE = "store.json"
NO_EMBEDDER = "none"


class Manifest(BaseModel):
    """Beside the table.

    Attributes:
        embedder: Name of the embedder.
        dimension: Numbers of a vector; 0 without an embedder.
        table: Name of the table that holds the passages.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    embedder: str
    dimension: int
    table: str


def name_of(embedder: Embedder | None) -> str:
    """The name of an embedder, or what stands for none."""
    return embedder.name if embedder else NO_EMBEDDER


def of(embedder: Embedder | None) -> Manifest:
    """The manifest of a new store. Its table bears the embedder's mark."""
    name = name_of(embedder)
    dimension = embedder.dimension if embedder else 0
    mark = sha256(f"{name} {dimension}".encode()).hexdigest()[:8]
    return Manifest(embedder=name, dimension=dimension, table=f"passages_{mark}")


def read(folder: Path) -> Manifest | None:
    """The manifest of a store; None if there is no store.

    Raises:
        StoreError: It cannot be read.
    """
    try:
        return Manifest.model_validate_json((folder / FILE).read_text("utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValidationError) as error:
        what = first_problem(error) if isinstance(error, ValidationError) else error
        raise StoreError(
            f"Cannot read {folder / FILE}: {what}. Give the store another folder, or remove this "
            "one and add its documents again."
        ) from error


def write(folder: Path, manifest: Manifest) -> None:
    """Write it in one step.

    Raises:
        OSError: The disk refuses.
    """
    write_text(folder / FILE, manifest.model_dump_json(indent=1))
