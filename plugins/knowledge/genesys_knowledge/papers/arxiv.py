"""Preprints from arXiv: the web page with formulas as LaTeX where there is one, else the PDF."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from importlib.metadata import version
from typing import TYPE_CHECKING

from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_exponential

from genesys.errors import SourceError
from genesys.resources import cache_root

if TYPE_CHECKING:
    import httpx

SITE = "https://arxiv.org"
PAUSE = 3.0  # seconds between requests, as arXiv's terms of use ask
TRIES, TIMEOUT = 4, 60.0
BUSY = {408, 425, 429, 500, 502, 503, 504}

_NUMBER = r"(?P<number>\d{4}\.\d{4,5}|[a-z-]+(?:\.[A-Z]{2})?/\d{7})(?:v\d+)?"
_WRITTEN = re.compile(
    rf"(?:arxiv:|(?:https?://)?(?:www\.|export\.)?arxiv\.org/(?:abs|pdf|html)/)?{_NUMBER}(?:\.pdf)?",
    re.IGNORECASE,
)


class _BusyError(Exception):
    """A try that may go better later."""


def number_of(text: str) -> str:
    """The arXiv identifier in what a person wrote, without its version; empty if it is none."""
    written = _WRITTEN.fullmatch(text.strip())
    return written["number"] if written else ""


def address_of(number: str) -> str:
    """Where a person can read a preprint."""
    return f"{SITE}/abs/{number}"


def fetch_page(number: str, most_bytes: int) -> bytes | None:
    """The preprint as a web page; None where arXiv has none.

    Raises:
        SourceError: arXiv does not answer, or the page is longer than ``most_bytes``.
    """
    return _fetch(f"{SITE}/html/{number}", most_bytes)


def fetch_pdf(number: str, most_bytes: int) -> bytes:
    """The preprint as a PDF.

    Raises:
        SourceError: arXiv does not answer or knows no such preprint, or it is too long.
    """
    if (data := _fetch(f"{SITE}/pdf/{number}", most_bytes)) is None:
        raise SourceError("arxiv", f"it has no preprint {number}")
    return data


def _fetch(url: str, most_bytes: int) -> bytes | None:
    retrying = Retrying(
        stop=stop_after_attempt(TRIES),
        wait=wait_exponential(PAUSE, max=20 * PAUSE),
        retry=retry_if_exception_type(_BusyError),
        reraise=True,
    )
    try:
        return retrying(partial(_once, url, most_bytes))
    except _BusyError as error:
        raise SourceError("arxiv", str(error), "Try later; what was added is kept.") from None


def _once(url: str, most_bytes: int) -> bytes | None:
    import httpx

    _take_turn(httpx.URL(url).host)
    try:
        with _opened(url) as response:
            if response.status_code == 404:
                return None
            if response.status_code in BUSY:
                raise _BusyError(f"it answers {response.status_code}")
            if response.status_code != 200:
                raise SourceError("arxiv", f"it answers {response.status_code} for {url}")
            return _whole(response, most_bytes)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise _BusyError(f"no answer ({type(error).__name__})") from None


@contextmanager
def _opened(url: str) -> Iterator[httpx.Response]:
    import httpx

    agent = {"User-Agent": f"genesys/{version('genesys')} (+https://pypi.org/project/genesys)"}
    with (
        httpx.Client(headers=agent, timeout=TIMEOUT, follow_redirects=True) as client,
        client.stream("GET", url) as response,
    ):
        yield response


def _whole(response: httpx.Response, most_bytes: int) -> bytes:
    body = bytearray()
    for piece in response.iter_bytes():
        body += piece
        if len(body) > most_bytes:
            raise SourceError("arxiv", f"{response.url} is longer than {most_bytes >> 20} MB")
    return bytes(body)


def _take_turn(host: str) -> None:
    """Wait for this process's turn at a host, which all processes of a user share."""
    from genesys_knowledge.sources.turns import LateError, Turns

    try:
        time.sleep(Turns(cache_root() / "sources" / "turns", PAUSE).reserve(host, TIMEOUT))
    except LateError as error:
        raise _BusyError(str(error)) from None
