"""Passages in the order that a model finds them to answer a question."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite

from genesys.errors import ConfigError, SourceError
from genesys_knowledge.passages.passage import Passage
from genesys_knowledge.passages.remote import TIMEOUT, asked

NONE, REMOTE = "none", "litellm:"


class Reranker:
    """Asks a model of a provider. Keys and addresses come from the environment.

    Args:
        model: As litellm names it.
    """

    def __init__(self, model: str) -> None:
        self._model = model

    def rerank(
        self, text: str, passages: Sequence[Passage], limit: int
    ) -> list[tuple[Passage, float]]:
        """The best passages with the model's scores, cut to 0..1, the best first.

        Raises:
            ConfigError: The model or its key is wrong.
            SourceError: The provider does not answer, or not as it should.
        """
        if not passages:
            return []
        answer = asked(
            self._model,
            lambda litellm: litellm.rerank(
                model=self._model,
                query=text,
                documents=[passage.content for passage in passages],
                top_n=min(limit, len(passages)),
                return_documents=False,
                timeout=TIMEOUT,
            ),
        )
        try:
            scores = {int(r["index"]): float(r["relevance_score"]) for r in answer.results}
            if min(scores, default=0) < 0 or not all(map(isfinite, scores.values())):
                raise ValueError("a place or a score is none")
            found = [(passages[i], max(0.0, min(1.0, score))) for i, score in scores.items()]
        except (IndexError, KeyError, TypeError, ValueError) as error:
            raise SourceError(self._model, f"the answer is no ranking ({error})") from None
        return sorted(found, key=lambda pair: -pair[1])[:limit]


def open_reranker(spec: str) -> Reranker | None:
    """The reranker of a config: ``none``, or ``litellm:<model>``.

    Raises:
        ConfigError: There is no such reranker.
    """
    if spec == NONE:
        return None
    if spec.startswith(REMOTE) and len(spec) > len(REMOTE):
        return Reranker(spec.removeprefix(REMOTE))
    raise ConfigError(
        f"There is no reranker {spec!r}. Write none, or litellm:<provider>/<model>, e.g. "
        "litellm:cohere/rerank-v3.5."
    )
