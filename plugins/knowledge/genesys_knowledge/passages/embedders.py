"""What makes vectors of texts, by the name that a config gives it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from genesys.errors import ConfigError
from genesys_knowledge.passages.manifest import NO_EMBEDDER

if TYPE_CHECKING:
    from genesys_knowledge.passages.table import Vectors

MINILM, REMOTE = "minilm", "litellm:"


class Embedder(Protocol):
    """Makes vectors of texts, near to each other where the texts mean the same."""

    @property
    def name(self) -> str:
        """By which a store knows who made its vectors."""

    @property
    def dimension(self) -> int:
        """Numbers of a vector."""

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors as float32, (texts, dimension)."""


def open_embedder(spec: str) -> Embedder | None:
    """The embedder of a config.

    Args:
        spec: ``none``; ``minilm``, a small model on this machine; or ``litellm:<model>``, a model
            as litellm names it, e.g. ``litellm:openai/text-embedding-3-small``.

    Raises:
        ConfigError: There is no such embedder.
        MissingExtraError: It is not installed.
    """
    if spec == NO_EMBEDDER:
        return None
    if spec == MINILM:
        from genesys_knowledge.passages.minilm import MiniLM

        return MiniLM()
    if model := spec.removeprefix(REMOTE) if spec.startswith(REMOTE) else "":
        from genesys_knowledge.passages.remote import RemoteEmbedder

        return RemoteEmbedder(model)
    raise ConfigError(
        f"There is no embedder {spec!r}. Write none (search by words), minilm (on this machine), "
        "or litellm:<provider>/<model>, e.g. litellm:openai/text-embedding-3-small."
    )
