"""The provider ``offline``: the double of a language model, in this process, for nothing.

Its one model is ``offline/competent``: with it the whole team works without a key, a server or a
network.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from genesys.testing.llm_server import ChatRequest
from genesys_agents.llm.pricing import Usage
from genesys_agents.llm.provider import LiteLLM, Provider, Reply, Request
from genesys_agents.testing.competent import Competent
from genesys_agents.testing.misdeeds import Answer

NAME = "offline"
MODEL = f"{NAME}/competent"


class Offline:
    """Answers with a function instead of a model.

    Args:
        answer: Makes the text of an answer; None for the double that knows its trade.
    """

    def __init__(self, answer: Answer | None = None) -> None:
        self._answer = answer or Competent()

    def provider_of(self, model: str) -> str:
        """See :class:`Provider`."""
        return NAME

    def missing_keys(self, model: str, api_base: str | None) -> list[str]:
        """See :class:`Provider`."""
        return []

    def follows_schemas(self, model: str) -> bool:
        """See :class:`Provider`."""
        return False

    async def complete(self, request: Request) -> Reply:
        """See :class:`Provider`."""
        messages = [{"role": m.author, "content": m.text} for m in request.messages]
        asked = ChatRequest(0, request.model, messages, {}, "")
        text = await asyncio.to_thread(self._answer, asked)
        sent = sum(len(message.text) for message in request.messages)
        return Reply(text, Usage(sent // 4, 0, len(text) // 4), usd=0.0)


def provider_for(models: Iterable[str]) -> Provider:
    """Who serves these models: the double where they are its, else litellm."""
    return Offline() if set(models) == {MODEL} else LiteLLM()
