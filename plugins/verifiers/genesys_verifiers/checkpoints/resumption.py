"""Training checkpoints: what lets a training that was stopped go on exactly where it was.

The trusted half stores what the guest hands over and reads none of it; it only ever goes back into
a guest with the same design.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from genesys.files import Draft, Piece, sha256_of, write_file
from genesys.records import first_problem
from genesys_verifiers.checkpoints.pieces import PIECE
from genesys_verifiers.settings import Size

Array = np.ndarray[Any, Any]
Write = Callable[[Piece], None]

FILE = "training.json"

log = logging.getLogger(__name__)


class Checkpoint(BaseModel):
    """What ``training.json`` says of the state that lies beside it.

    Attributes:
        format: Version of this file.
        origin: What it belongs to: digests of design, settings and the like, by name.
        shape: Of the model: blocks and width.
        history: Loss and gradient norm of each step so far.
        seconds: Wall time that training took so far.
        file: The state's file name.
        bytes: Its length.
        sha256: Its hash.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    format: Literal[1] = 1
    origin: dict[str, str]
    shape: tuple[int, int]
    history: Annotated[list[tuple[float, float]], Field(min_length=1)]
    seconds: Annotated[float, Field(ge=0)]
    file: Annotated[str, Field(pattern=r"^training-\d+\.pt$")]
    bytes: Annotated[int, Field(ge=1)]
    sha256: str


class Checkpoints:
    """The training checkpoint of one verification: one at a time, and never half of one.

    Nothing that goes wrong here stops a training; it is told in the log.

    Args:
        folder: Of the verification; made when needed.
        origin: What a checkpoint must belong to.
        seconds: Wall time of training between two; 0 for none.
    """

    def __init__(self, folder: Path, origin: Mapping[str, str], seconds: float) -> None:
        self.seconds = seconds
        self._folder, self._origin = folder, dict(origin)

    def read(self, size: Size) -> Checkpoint | None:
        """The checkpoint, if there is one that is whole and belongs to this verification."""
        if not self.seconds or not (self._folder / FILE).exists():
            return None
        try:
            return self._whole(size)
        except ValidationError as error:
            self.refuse(first_problem(error))
        except (OSError, ValueError) as error:
            self.refuse(str(error))
        return None

    def refuse(self, reason: str) -> None:
        """Tell why a checkpoint is not used."""
        log.warning(
            "The training checkpoint in %s is not used, and training starts from the beginning: "
            "%s.",
            self._folder,
            reason,
        )

    def pieces(self, checkpoint: Checkpoint) -> Iterator[tuple[Array, bool]]:
        """The state piece by piece, and whether each is the last.

        Raises:
            OSError: It cannot be read.
        """
        with (self._folder / checkpoint.file).open("rb") as file:
            for start in range(0, checkpoint.bytes, PIECE):
                piece = np.frombuffer(file.read(PIECE), np.uint8)
                yield piece, start + PIECE >= checkpoint.bytes

    def write(
        self,
        size: Size,
        history: list[tuple[float, float]],
        seconds: float,
        hand_over: Callable[[Write], None],
    ) -> None:
        """Store a state in place of the one before.

        Args:
            size: Of the model.
            history: See :class:`Checkpoint`.
            seconds: See :class:`Checkpoint`.
            hand_over: Calls its argument with each piece of the state. What it raises is raised.
        """
        name = f"training-{len(history)}.pt"
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            with Draft(self._folder / name) as draft:
                take = _Taker(draft)
                hand_over(take)
                if take.failure:
                    raise take.failure
                checkpoint = Checkpoint(
                    origin=self._origin,
                    shape=(size.n_block, size.embed_dim),
                    history=history,
                    seconds=seconds,
                    file=name,
                    bytes=draft.size,
                    sha256=draft.commit(),
                )
            write_file(self._folder / FILE, [checkpoint.model_dump_json().encode()])
            self._clear(keep={FILE, name})
        except OSError as error:
            log.warning(
                "No training checkpoint could be written to %s (%s). Training goes on; free some "
                "space there, or it starts again from the last checkpoint when it is stopped.",
                self._folder,
                error,
            )

    def remove(self) -> None:
        """Forget the checkpoint: it is used up, or of no use."""
        try:
            self._clear()
            with suppress(OSError):
                self._folder.rmdir()  # unless it holds something else
        except OSError as error:
            log.warning("The training checkpoint in %s cannot be removed: %s.", self._folder, error)

    def _clear(self, keep: frozenset[str] | set[str] = frozenset()) -> None:
        """Remove states, and drafts that a killed process left."""
        for pattern in (FILE, "training-*.pt", ".training*.tmp"):
            for path in self._folder.glob(pattern):
                if path.name not in keep:
                    path.unlink(missing_ok=True)

    def _whole(self, size: Size) -> Checkpoint:
        found = Checkpoint.model_validate_json((self._folder / FILE).read_bytes())
        state = self._folder / found.file
        if state.stat().st_size != found.bytes:
            raise ValueError(f"{state.name} is cut short")
        if sha256_of(state) != found.sha256:
            raise ValueError(f"{state.name} has changed since it was written")
        theirs, mine = found.origin, self._origin
        if wrong := sorted(k for k in theirs | mine if theirs.get(k) != mine.get(k)):
            raise ValueError(f"it belongs to another {', '.join(wrong)}")
        if found.shape != (size.n_block, size.embed_dim):
            raise ValueError("it belongs to a model of another size")
        return found


class _Taker:
    """Writes pieces to a draft; a disk that refuses must not break off the guest's call."""

    def __init__(self, draft: Draft) -> None:
        self._draft = draft
        self.failure: OSError | None = None

    def __call__(self, piece: Piece) -> None:
        if self.failure is None:
            try:
                self._draft.write(piece)
            except OSError as error:
                self.failure = error
