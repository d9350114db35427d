"""What lies below the cache: takes turns, shows the key, says for how long an answer holds."""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import httpx

from genesys.errors import SourceError
from genesys_knowledge.sources.turns import LateError, Turns


@dataclass(frozen=True)
class Key:
    """A secret that a service wants.

    Attributes:
        variable: The environment variable it is from.
        header: In which it is shown.
        value: What the header says.
        secret: What no message may say.
    """

    variable: str
    header: str
    value: str
    secret: str


@dataclass(frozen=True)
class Service:
    """Whom to ask, and with what manners.

    Attributes:
        source: The source's name, for messages.
        folder: Of the cache and the turns, which all sources share.
        seconds: For a whole conversation.
        per_minute: Most requests to a host.
        tries: Of a request.
        pause: Seconds before the second try; later ones wait longer.
        keep: Seconds for which an answer holds whose service does not say.
        contact: How the service can reach the person behind the requests; may be empty.
        key: What it wants to see; None for nothing.
    """

    source: str
    folder: Path
    seconds: float
    per_minute: float
    tries: int
    pause: float
    keep: int
    contact: str
    key: Key | None = None


class Wire(httpx.AsyncBaseTransport):
    """A transport that sends what the cache cannot answer.

    Args:
        service: Whom to ask.
        turns: At its host.
        ends: When nobody waits for an answer any more, by the clock of the loop.
    """

    def __init__(self, service: Service, turns: Turns, ends: float) -> None:
        self._service, self._turns, self._ends = service, turns, ends
        # A client, since it knows the user's proxies. A try that stalls leaves time for another.
        self._http = httpx.AsyncClient(timeout=service.seconds / 2, verify=_certificates())

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request when it is its turn.

        Raises:
            SourceError: Its turn comes too late.
        """
        await self._turn(host_of(request.url))
        response = await self._http.send(self._shown(request), stream=True)
        silent = not {"cache-control", "expires"} & response.headers.keys()
        if response.status_code in {200, 304} and silent:
            response.headers["cache-control"] = f"max-age={self._service.keep}"
        return response

    async def aclose(self) -> None:
        """Close all connections."""
        await self._http.aclose()

    def _shown(self, request: httpx.Request) -> httpx.Request:
        """The request with the key."""
        headers, key = request.headers.copy(), self._service.key
        if key:
            headers[key.header] = key.value
        return httpx.Request(
            request.method,
            request.url,
            headers=headers,
            stream=request.stream,
            extensions=request.extensions,
        )

    async def _turn(self, host: str) -> None:
        left = self._ends - asyncio.get_running_loop().time()
        try:
            wait = self._turns.reserve(host, left)
        except LateError as error:
            raise SourceError(
                self._service.source,
                f"{error}, and the time for an answer is over before",
                "Others of your sessions ask it too; raise its seconds, or have fewer designers.",
            ) from None
        await asyncio.sleep(wait)


def host_of(url: httpx.URL) -> str:
    """The host of an address, with its port where it is not the usual one."""
    return url.netloc.decode()


@cache
def _certificates() -> ssl.SSLContext:
    return httpx.create_ssl_context()
