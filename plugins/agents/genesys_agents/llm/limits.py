"""How many calls a provider is sent at a time and in a minute."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiolimiter import AsyncLimiter

from genesys_agents.llm.settings import LLMSettings


class Limits:
    """One gate for each provider. Used on the loop that all calls share."""

    def __init__(self, settings: LLMSettings) -> None:
        self._concurrency, self._rate = settings.concurrency, settings.calls_per_minute
        self._gates: dict[str, tuple[asyncio.Semaphore, AsyncLimiter | None]] = {}

    @asynccontextmanager
    async def turn(self, provider: str) -> AsyncIterator[None]:
        """Wait for a turn, and take it."""
        if provider not in self._gates:
            rate = AsyncLimiter(1, 60 / self._rate) if self._rate else None
            self._gates[provider] = asyncio.Semaphore(self._concurrency), rate
        places, rate = self._gates[provider]
        async with places:
            if rate:
                await rate.acquire()
            yield
