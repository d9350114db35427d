"""The web, through a language model that searches."""

from __future__ import annotations

import json
import os
import re

import pytest

from genesys.errors import ConfigError, SourceError
from genesys.records import Query
from genesys_knowledge.sources.web import WebKnowledge

KEY = "key-of-the-test"


@pytest.fixture
def web(server, monkeypatch):
    monkeypatch.setenv("PERPLEXITYAI_API_KEY", KEY)
    quick = {"api_base": f"{server.url}/web", "pause": 0.01, "seconds": 20.0}
    return lambda **settings: WebKnowledge(**quick | settings)


def ask(source: WebKnowledge, instruction: str = "Is it fast?", limit: int = 5):
    return source.search(Query(instruction=instruction, keywords=["not for it"], limit=limit))


@pytest.mark.skipif(
    not (os.environ.get("GENESYS_LIVE_SOURCES") and os.environ.get("PERPLEXITYAI_API_KEY")),
    reason="asks the real service, for money",
)
def test_the_real_service():
    findings = ask(WebKnowledge(), "What is gated linear attention?")
    assert findings
    assert all(finding.url.startswith("http") and finding.text for finding in findings)


def test_cited_pages_become_findings(web, server):
    first, second = ask(web())
    assert first.url == "https://arxiv.org/abs/2312.06635"
    assert first.title == "arxiv.org: Gated Linear Attention"
    assert re.fullmatch(r"web:[0-9a-f]{12}", first.id)
    assert first.text == 'It is fast. It is small, too. The page: "A snippet."'
    assert (first.score, second.score) == (1.0, 0.8)
    assert second.text == "It is small, too."
    sent = json.loads(server.requests[0].body)
    assert sent["messages"][-1] == {"role": "user", "content": "Is it fast?"}
    assert sent["max_tokens"] == 4000
    assert [finding.id for finding in ask(web())] == [first.id, second.id]
    assert len(ask(web(), limit=1)) == 1


def test_without_an_instruction_nobody_is_asked(web, server):
    assert ask(web(), "  ") == []
    assert server.requests == []


def test_a_busy_service_is_asked_again_and_in_the_end_given_up(web, server, fault):
    server.faults = [fault(status=429), fault(status=503)]
    assert ask(web())
    server.always = fault(status=500)
    with pytest.raises(SourceError, match="web: perplexity/sonar does not answer"):
        ask(web())
    assert len(server.requests) == 6


def test_a_refusal_is_told_without_the_key(web, server, fault):
    body = json.dumps({"error": {"message": f"Incorrect key {KEY}"}}).encode()
    server.always = fault(status=401, body=body)
    with pytest.raises(SourceError, match="takes no such call") as caught:
        ask(web())
    assert KEY not in str(caught.value)
    assert "docs/knowledge.md" in str(caught.value)
    assert len(server.requests) == 1


def test_a_slow_service_is_given_up(web, server, fault):
    server.always = fault(stall=30)
    with pytest.raises(SourceError, match=r"no whole answer within 0\.2 s"):
        ask(web(seconds=0.2))


def test_a_changed_schema_is_told_by_its_field(web, server):
    server.garble = lambda body: body.replace(b'"url"', b'"link"')
    with pytest.raises(SourceError, match=r"search_results\.0\.url: Field required"):
        ask(web())


def test_what_nobody_supports_is_left_out(web, server):
    server.garble = lambda body: body.replace(b'"citations"', b'"links"')
    assert ask(web()) == []


@pytest.mark.parametrize("address", ["http://[abc/x", "javascript:alert(1)", "https://", ""])
def test_what_is_no_address_is_left_out(web, server, address):
    server.garble = lambda body: body.replace(b"https://arxiv.org/abs/2312.06635", address.encode())
    assert len(ask(web())) == 1


def test_endless_spaces_cost_no_time(web, server):
    server.garble = lambda body: body.replace(b"It is fast.", b"It is" + b" " * 200_000 + b"fast.")
    assert ask(web(seconds=5.0))[0].text.startswith("It is fast. It is small, too.")


def test_calls_are_counted(web):
    source = web(calls=1)
    ask(source)
    with pytest.raises(SourceError, match=r"it has been called 1 times\. Raise"):
        ask(source)


def test_the_key_is_looked_for_beforehand(monkeypatch):
    monkeypatch.delenv("PERPLEXITYAI_API_KEY", raising=False)
    monkeypatch.delenv("PERPLEXITY_API_KEY", raising=False)
    with pytest.raises(ConfigError, match="export PERPLEXITYAI_API_KEY="):
        WebKnowledge().ready()
    with pytest.raises(SourceError, match=r"it needs a key\. Set PERPLEXITYAI_API_KEY"):
        ask(WebKnowledge())
    with pytest.raises(ConfigError, match="litellm knows no 'sonarr'"):
        WebKnowledge(model="sonarr").ready()
    WebKnowledge(api_base="http://localhost:1").ready()
    monkeypatch.setenv("PERPLEXITY_API_KEY", KEY)
    WebKnowledge().ready()
