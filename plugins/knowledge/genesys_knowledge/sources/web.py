"""The plugin ``knowledge.web``: a language model that searches the web (app. B.1.3)."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from tenacity import (
    AsyncRetrying,
    retry_if_exception_type,
    stop_after_attempt,
    wait_exponential,
    wait_random,
)

from genesys.errors import ConfigError, SourceError
from genesys.markers import hookimpl
from genesys.records import Finding, Query
from genesys.secrets import hide_secrets
from genesys.services import litellm
from genesys.text import clean, one_line
from genesys_knowledge.sources.cited import SOURCE, findings_of
from genesys_knowledge.sources.loop import run

LONGEST = 4000  # characters of an instruction
BUSY = {408, 409, 429, 500, 502, 503, 504, 529}
SYSTEM = """\
You look things up on the web for researchers who design blocks of autoregressive language models.
Answer from what you find now, never from memory. Prefer papers, official documentation and code
of the authors. Tell the mechanism with its equations, its cost in time and memory, and what was
measured. One fact to a line, each with its citation; leave out what nobody supports.\
"""


class _BusyError(Exception):
    """One try went wrong in a way that may pass."""


@dataclass(frozen=True, kw_only=True, eq=False)
class WebKnowledge:
    """Puts a query's instruction to a model that searches, and returns what it says of each page.

    Pages that it does not cite by number are left out, and so are lines without a citation.

    Attributes:
        model: As litellm names it, of a provider that tells citations as Perplexity does.
        api_base: Address of a server; empty for the provider's own.
        seconds: For an answer with all its tries.
        tries: Of a call.
        pause: Seconds before a second try; later ones wait longer.
        max_output_tokens: Most tokens of an answer.
        calls: Most calls of this process; each costs money, which ``budget.usd`` does not count.
        excerpt: Most characters of a finding's text.

    Raises:
        ValueError: One of them is out of bounds.
    """

    model: str = "perplexity/sonar"
    api_base: str = ""
    seconds: float = 50.0
    tries: int = 3
    pause: float = 1.0
    max_output_tokens: int = 4000
    calls: int = 100
    excerpt: int = 1500
    _calls: Iterator[int] = field(default_factory=lambda: count(1), init=False, repr=False)

    def __post_init__(self) -> None:
        for name in ("seconds", "tries", "max_output_tokens", "calls", "excerpt"):
            if getattr(self, name) <= 0:
                raise ValueError(f"{name} must be positive, got {getattr(self, name)}")
        if self.pause < 0:
            raise ValueError(f"pause must not be negative, got {self.pause}")

    def ready(self) -> None:
        """Whether the model is known and its key is there.

        Raises:
            ConfigError: It is not.
        """
        try:
            litellm().get_llm_provider(self.model)
        except litellm().exceptions.BadRequestError:
            raise ConfigError(
                f"knowledge.web.model: litellm knows no {self.model!r}; e.g. perplexity/sonar."
            ) from None
        if name := self._missing_key():
            raise ConfigError(
                f"knowledge.web needs a key in the environment: export {name}=..., or leave the "
                "source out of knowledge=[...]."
            )

    @hookimpl
    def search(self, query: Query) -> list[Finding]:
        """See ``genesys.hookspecs.search``."""
        instruction = clean(query.instruction).strip()[:LONGEST]
        if not instruction or query.limit < 1:
            return []
        if name := self._missing_key():
            raise SourceError(SOURCE, "it needs a key", f"Set {name}.")
        if next(self._calls) > self.calls:
            hint = "Raise its calls to spend more."
            raise SourceError(SOURCE, f"it has been called {self.calls} times", hint)
        return findings_of(run(self._ask(instruction)), query.limit, self.excerpt)

    def _missing_key(self) -> str:
        """The environment variable that has no key; empty if none is missing."""
        # Imported in this thread: it takes seconds, and the loop of all sources must not stand.
        environment = litellm().validate_environment
        asked = [] if self.api_base else environment(self.model)["missing_keys"]
        # litellm takes either name but asks for the first only.
        known = {"PERPLEXITYAI_API_KEY": "PERPLEXITY_API_KEY"}
        missing = [name for name in asked if not os.environ.get(known.get(name, name))]
        return next((name for name in missing if name.endswith("_API_KEY")), "")

    async def _ask(self, instruction: str) -> Any:
        """The answer, as litellm gives it."""
        tries = AsyncRetrying(
            stop=stop_after_attempt(self.tries),
            wait=wait_exponential(self.pause, max=30 * self.pause) + wait_random(0, self.pause),
            retry=retry_if_exception_type(_BusyError),
            reraise=True,
        )
        try:
            async with asyncio.timeout(self.seconds):
                return await tries(self._once, instruction)
        except TimeoutError:
            what = f"no whole answer within {self.seconds:g} s"
        except _BusyError as error:
            what = str(error)
        raise SourceError(SOURCE, what, "Try later, or leave this source out.")

    async def _once(self, instruction: str) -> Any:
        server = {"api_base": self.api_base} if self.api_base else {}
        try:
            return await litellm().acompletion(
                model=self.model,
                messages=[
                    {"role": "system", "content": SYSTEM},
                    {"role": "user", "content": instruction},
                ],
                max_tokens=self.max_output_tokens,
                timeout=self.seconds,
                num_retries=0,
                max_retries=0,
                drop_params=True,
                **server,
            )
        except Exception as error:  # litellm raises what it pleases
            status = getattr(error, "status_code", 500)
            told = one_line(hide_secrets(str(error)), 300)
            if status in BUSY:
                raise _BusyError(f"{self.model} does not answer: {told}") from None
            hint = "docs/knowledge.md tells how to set its key." if status in {401, 403} else ""
            raise SourceError(SOURCE, f"{self.model} takes no such call: {told}", hint) from None
