"""HTTP for all sources: it identifies itself, keeps its distance, backs off, and comes to an end.

Answers are kept on disk as RFC 9111 says and asked for anew with their validators. Keys are added
below the cache, so that none is ever stored.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import Any, TypeVar

import httpx
from hishel import AsyncSqliteStorage, CacheOptions
from hishel.httpx import AsyncCacheTransport
from tenacity import (
    AsyncRetrying,
    RetryCallState,
    retry_if_exception_type,
    stop_after_attempt,
    stop_before_delay,
    wait_exponential,
    wait_random,
)

from genesys.errors import SourceError
from genesys.services import retry_after
from genesys.text import one_line
from genesys_knowledge.sources.turns import Turns
from genesys_knowledge.sources.wire import Service, Wire, host_of

T = TypeVar("T")
Params = dict[str, str | int]

MOST_BYTES = 16 * 2**20  # of an answer
CACHE_BYTES = 256 * 2**20
BUSY = {408, 425, 429, 500, 502, 503, 504}
PAGE = (b"<!doctype html", b"<html")


class MalformedError(ValueError):
    """An answer that is not what its service documents; the message names the field."""


class _BusyError(Exception):
    """One try went wrong in a way that may pass; ``wait`` is what the service asks for."""

    def __init__(self, what: str, wait: float = 0.0) -> None:
        super().__init__(what)
        self.wait = wait


class Conversation:
    """Requests that share a deadline. Made by ``conversation``."""

    def __init__(
        self,
        service: Service,
        http: httpx.AsyncClient,
        cache: AsyncSqliteStorage,
        turns: Turns,
        ends: float,
    ) -> None:
        self._service, self._http, self._cache = service, http, cache
        self._turns, self._ends = turns, ends

    async def get(
        self,
        url: str,
        params: Params,
        parse: Callable[[bytes], T],
        headers: Mapping[str, str] | None = None,
    ) -> T:
        """What ``parse`` makes of the answer.

        Raises:
            SourceError: There is none after the last try, or ``parse`` raises ``MalformedError``.
        """
        request = self._http.build_request("GET", url, params=params, headers=headers)
        return await self._answer(request, parse)

    async def post(self, url: str, params: Params, body: Any, parse: Callable[[bytes], T]) -> T:
        """The same for a request with a JSON body; its answer is not kept."""
        request = self._http.build_request("POST", url, params=params, json=body)
        return await self._answer(request, parse)

    async def _answer(self, request: httpx.Request, parse: Callable[[bytes], T]) -> T:
        key = str(request.url)
        request.extensions["caching"] = {"key": key}
        body = await self._tried(request)
        try:
            if body.lstrip()[:14].lower().startswith(PAGE):
                raise MalformedError("a web page in place of data")
            return parse(body)
        except MalformedError as error:
            for entry in await self._cache.get_entries(key):
                await self._cache.remove_entry(entry.id)
            raise SourceError(
                self._service.source,
                f"its answer cannot be used: {one_line(str(error), 300)}",
                "The service may have changed; look for a newer Genesys, or leave this source out.",
            ) from None

    async def _tried(self, request: httpx.Request) -> bytes:
        """The body, after as many tries as time allows."""
        left = self._ends - asyncio.get_running_loop().time()
        tries = AsyncRetrying(
            stop=stop_after_attempt(self._service.tries) | stop_before_delay(left),
            wait=self._wait,
            retry=retry_if_exception_type(_BusyError),
            reraise=True,
        )
        try:
            return await tries(self._once, request)
        except _BusyError as error:
            raise SourceError(
                self._service.source, str(error), "Try later, or leave this source out."
            ) from None

    def _wait(self, state: RetryCallState) -> float:
        """Seconds before the next try: ever more with jitter, and what the service asks for."""
        error = state.outcome.exception() if state.outcome else None
        asked = error.wait if isinstance(error, _BusyError) else 0.0
        pause = self._service.pause
        backoff = wait_exponential(pause, max=30 * pause) + wait_random(0, pause)
        return max(asked, backoff(state))

    async def _once(self, request: httpx.Request) -> bytes:
        try:
            response = await self._http.send(request, stream=True)
            try:
                body = await self._read(response)
            finally:
                await response.aclose()
        except httpx.RequestError as error:
            what = f"{type(error).__name__} {error}".strip()
            raise _BusyError(f"{request.url.host} does not answer: {self._told(what)}") from None
        self._judge(response, body)
        return body

    async def _read(self, response: httpx.Response) -> bytes:
        body = bytearray()
        async for piece in response.aiter_bytes():
            body += piece
            if len(body) > MOST_BYTES:
                limit = f"{MOST_BYTES // 2**20} MiB"
                raise SourceError(self._service.source, f"its answer is longer than {limit}")
        return bytes(body)

    def _judge(self, response: httpx.Response, body: bytes) -> None:
        """Raise what a status other than 200 means."""
        status, source = response.status_code, self._service.source
        if status == 200:
            return
        says = f"it answers {status} {response.reason_phrase}".strip()
        if status in BUSY or (status == 403 and "retry-after" in response.headers):
            wait = retry_after(response.headers) or 0.0
            if wait:
                self._turns.postpone(host_of(response.request.url), wait)
                says += f" and asks to wait {wait:.0f} s"
            raise _BusyError(says, wait)
        if response.has_redirect_location:
            to = one_line(response.headers["location"], 200)
            raise SourceError(source, f"it has moved to {to}", "Set its base_url.")
        if status in {401, 403}:
            hint = "It may want a key; docs/knowledge.md tells how to set it."
            if self._service.key:
                hint = f"Look at the key in the environment variable {self._service.key.variable}."
            raise SourceError(source, says, hint)
        raise SourceError(source, f"{says}: {self._told(body[:2000].decode('utf-8', 'replace'))}")

    def _told(self, text: str) -> str:
        """What somebody else wrote, fit for a message."""
        if self._service.key:
            text = text.replace(self._service.key.secret, "[secret]")
        return one_line(text, 200)


@asynccontextmanager
async def conversation(service: Service) -> AsyncIterator[Conversation]:
    """Talk to a service until the block or the time is over.

    Raises:
        SourceError: The time is over, or the folder cannot be used.
    """
    cache = AsyncSqliteStorage(database_path=service.folder / "http.db", max_size=CACHE_BYTES)
    turns = Turns(service.folder / "turns", 60 / service.per_minute)
    ends = asyncio.get_running_loop().time() + service.seconds
    about = "; ".join(filter(None, ["language-model architecture discovery", service.contact]))
    agent = {"User-Agent": f"genesys/{version('genesys')} ({about})", "Accept-Encoding": "gzip"}
    cached = AsyncCacheTransport(Wire(service, turns, ends), cache, rfc=CacheOptions(shared=False))
    http = httpx.AsyncClient(transport=cached, headers=agent, timeout=service.seconds / 2)
    try:
        service.folder.mkdir(parents=True, exist_ok=True)
        async with http, asyncio.timeout_at(ends):
            yield Conversation(service, http, cache, turns, ends)
    except TimeoutError:
        raise SourceError(
            service.source,
            f"no whole answer within {service.seconds:g} s",
            "Try later, raise its seconds, or leave this source out.",
        ) from None
    except OSError as error:
        what = f"its cache {service.folder} cannot be used: {error.strerror}"
        raise SourceError(service.source, what, "Set its cache to another folder.") from None
