"""Embeddings and rerankings by any provider that litellm reaches."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from tenacity import Retrying, retry_if_exception, stop_after_attempt, wait_random_exponential

from genesys.errors import ConfigError, SourceError
from genesys.secrets import hide_secrets
from genesys.services import litellm

if TYPE_CHECKING:
    from genesys_knowledge.passages.table import Vectors

T = TypeVar("T")

BATCH = 64  # texts of one request
MOST_CHARACTERS = 8_000  # of a text; models take about 8,000 tokens
TRIES, FIRST_WAIT, LONGEST_WAIT, TIMEOUT = 5, 0.5, 20.0, 60.0  # seconds
PASSING = {408, 409, 425, 429, 500, 502, 503, 504, 529}


class RemoteEmbedder:
    """Embeds with a model of a provider. Keys and addresses come from the environment.

    Args:
        model: As litellm names it.
    """

    def __init__(self, model: str) -> None:
        self._model, self.name = model, f"litellm:{model}"

    @cached_property
    def dimension(self) -> int:
        """Numbers of a vector; asks the provider once."""
        return int(self._request(["dimension"]).shape[1])

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors as float32, (texts, dimension).

        Raises:
            ConfigError: The model or its key is wrong.
            SourceError: The provider does not answer, or not as it should.
        """
        batches = [texts[start : start + BATCH] for start in range(0, len(texts), BATCH)]
        return np.concatenate([self._request(batch) for batch in batches])

    def _request(self, texts: Sequence[str]) -> Vectors:
        sent = [text[:MOST_CHARACTERS] or " " for text in texts]
        answer = asked(
            self._model,
            lambda litellm: litellm.embedding(
                model=self._model,
                input=sent,
                timeout=TIMEOUT,
                encoding_format="float",
            ),
        )
        try:
            items = sorted(answer.data, key=lambda item: item["index"])
            vectors = np.array([item["embedding"] for item in items], np.float32)
        except (KeyError, TypeError, ValueError) as error:
            raise SourceError(self.name, f"the answer holds no vectors ({error})") from None
        whole = vectors.ndim == 2 and len(vectors) == len(texts) and vectors.size
        if not whole or not np.isfinite(vectors).all():
            raise SourceError(self.name, f"vectors of shape {vectors.shape} for {len(texts)} texts")
        norms = np.linalg.norm(vectors, axis=1, keepdims=True)
        unit: Vectors = vectors / np.maximum(norms, 1e-12)
        return unit


def asked(model: str, call: Callable[[Any], T]) -> T:
    """What a call of litellm answers, tried again where that may help.

    Raises:
        ConfigError: The model or its key is wrong, or there is no money left.
        SourceError: The provider does not answer.
    """
    retrying = Retrying(
        stop=stop_after_attempt(TRIES),
        wait=wait_random_exponential(FIRST_WAIT, LONGEST_WAIT),
        retry=retry_if_exception(_passes),
        reraise=True,
    )
    try:
        return retrying(call, litellm())
    except Exception as error:  # litellm raises what it pleases
        raise _understood(error, model) from None


def _passes(error: BaseException) -> bool:
    return "insufficient_quota" not in str(error) and _status(error) in PASSING


def _status(error: BaseException) -> int:
    """As HTTP has it; a connection that fails counts as 503."""
    return int(getattr(error, "status_code", None) or 503)


def _understood(error: Exception, model: str) -> Exception:
    told = hide_secrets(" ".join(str(error).split())[:300])
    if _passes(error):
        return SourceError(model, f"no answer after {TRIES} tries ({told})")
    return ConfigError(
        f"The provider of {model} refuses, for its key, its name or its account; "
        f"docs/knowledge.md tells how to set them: {told}"
    )
