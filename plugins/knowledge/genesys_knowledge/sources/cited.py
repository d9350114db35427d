"""What a language model that searches says of the pages it cites."""

from __future__ import annotations

import hashlib
import re
from typing import Any
from urllib.parse import urlsplit

from pydantic import ValidationError

from genesys.errors import SourceError
from genesys.records import Finding, first_problem
from genesys.text import one_line
from genesys_knowledge.sources.answers import Answer

SOURCE = "web"


class _Result(Answer):
    url: str
    title: str | None = None
    snippet: str | None = None


class _Told(Answer):
    """What a model that searches tells besides its text."""

    citations: tuple[str, ...] = ()
    search_results: tuple[_Result, ...] = ()


def findings_of(answer: Any, limit: int, excerpt: int) -> list[Finding]:
    """For each page that is cited, the lines that cite it and what the page itself says.

    Args:
        answer: As litellm gives it.
        limit: Most findings.
        excerpt: Most characters of a finding's text.

    Raises:
        SourceError: It is not what providers such as Perplexity document.
    """
    text, told = _read(answer)
    results = {result.url: result for result in told.search_results}
    pages = {
        url: f"{_lines(text, number)} {_said(results.get(url))}".strip()
        for number, url in enumerate(told.citations, 1)
        if _host(url) and _lines(text, number)
    }
    found = list(pages.items())[:limit]
    return [
        Finding(
            source=SOURCE,
            title=_title(url, results.get(url)),
            text=one_line(said, excerpt),
            score=1 - i / limit,
            id=_id(url),
            url=one_line(url, 500),
        )
        for i, (url, said) in enumerate(found)
    ]


def _lines(text: str, number: int) -> str:
    """The lines that cite a number, without any."""
    lines = [" ".join(line.split()) for line in text.splitlines() if f"[{number}]" in line]
    return " ".join(re.sub(r" ?\[\d+\]", "", line).strip(" -*#") for line in lines)


def _said(result: _Result | None) -> str:
    return f'The page: "{result.snippet}"' if result and result.snippet else ""


def _title(url: str, result: _Result | None) -> str:
    name = (result.title if result else None) or "Untitled"
    return one_line(f"{_host(url)}: {name}", 300)


def _host(url: str) -> str:
    """The host of a web address; empty if it is none."""
    try:
        parts = urlsplit(url)
        return (parts.hostname or "") if parts.scheme in {"http", "https"} else ""
    except ValueError:
        return ""


def _id(url: str) -> str:
    return f"web:{hashlib.sha256(url.encode()).hexdigest()[:12]}"


def _read(answer: Any) -> tuple[str, _Told]:
    try:
        told = _Told.model_validate(answer.model_dump())
    except ValidationError as error:
        what = f"its answer cannot be used: {first_problem(error)}"
        raise SourceError(SOURCE, what, "Choose another model.") from None
    return (answer.choices[0].message.content or "") if answer.choices else "", told
