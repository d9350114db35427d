"""How a source behaves when its service is busy, broken, slow or silent."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import time
from email.utils import formatdate
from itertools import pairwise

import pytest

from genesys.errors import ConfigError, GenesysError, SourceError
from genesys.registry import load

BUSY = [408, 429, 500, 502, 503, 504]


@pytest.mark.parametrize("status", BUSY)
def test_a_busy_service_is_asked_again(make, ask, server, fault, status):
    server.faults = [fault(status=status), fault(status=status)]
    assert ask(make("arxiv"), "linear attention")
    assert len(server.requests) == 3


def test_a_connection_that_breaks_is_tried_again(make, ask, server, fault):
    server.faults = [fault(reset=True)]
    assert ask(make("arxiv"), "linear attention")


def test_each_try_waits_longer(make, ask, server, fault):
    server.always = fault(status=503)
    with pytest.raises(SourceError, match="it answers 503 Service Unavailable"):
        ask(make("arxiv", pause=0.04), "linear attention")
    times = [request.at for request in server.requests]
    gaps = [later - earlier for earlier, later in pairwise(times)]
    assert len(gaps) == 3
    assert gaps[0] >= 0.04
    assert gaps[2] >= 0.16


@pytest.mark.parametrize("status", [429, 503, 403])
def test_it_waits_as_long_as_it_is_asked_to(make, ask, server, fault, status):
    server.faults = [fault(status=status, headers={"Retry-After": "0.2"})]
    assert ask(make("arxiv"), "linear attention")
    first, second = (request.at for request in server.requests)
    assert second - first >= 0.2


def test_a_date_to_wait_for_is_understood(make, ask, server, fault):
    when = formatdate(time.time() + 120, usegmt=True)
    server.always = fault(status=503, headers={"Retry-After": when})
    with pytest.raises(SourceError, match=r"asks to wait 1\d\d s"):
        ask(make("arxiv"), "linear attention")


def test_a_wait_beyond_the_deadline_is_not_begun(make, ask, server, fault):
    server.always = fault(status=429, headers={"Retry-After": "60"})
    begun = time.monotonic()
    with pytest.raises(SourceError, match="asks to wait 60 s"):
        ask(make("arxiv", seconds=5.0), "linear attention")
    with pytest.raises(SourceError, match="the next turn is in"):  # nor does anybody else ask
        ask(make("arxiv", seconds=5.0), "state space")
    assert time.monotonic() - begun < 5
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("status", "message"),
    [
        (400, "it answers 400 Bad Request: no such parameter"),
        (404, "it answers 404 Not Found: no such parameter"),
        (422, "it answers 422 Unprocessable Entity: no such parameter"),
        (401, "it answers 401 Unauthorized. Look at the key in the environment variable SEMANTIC"),
        (403, "it answers 403 Forbidden. Look at the key in the environment variable SEMANTIC"),
    ],
)
def test_what_will_not_pass_is_not_tried_again(make, ask, server, fault, status, message):
    server.always = fault(status=status, body=b"no such\nparameter")
    with pytest.raises(SourceError, match=message):
        ask(make("semantic_scholar"), "linear attention")
    assert len(server.requests) == 1


def test_it_is_not_led_elsewhere(make, ask, server, fault):
    server.always = fault(status=301, headers={"Location": "file:///etc/passwd"})
    with pytest.raises(SourceError, match=r"has moved to file:///etc/passwd\. Set its base_url"):
        ask(make("arxiv"), "linear attention")
    assert len(server.requests) == 1


def test_a_slow_service_is_given_up(make, ask, server, fault):
    server.always = fault(stall=30)
    begun = time.monotonic()
    with pytest.raises(SourceError, match=r"no whole answer within 0\.3 s"):
        ask(make("arxiv", seconds=0.3), "linear attention")
    assert time.monotonic() - begun < 10


def test_nobody_there_is_told(make, ask):
    source = make("arxiv", base_url="http://127.0.0.1:9")
    with pytest.raises(SourceError, match=r"127\.0\.0\.1 does not answer: ConnectError"):
        ask(source, "linear attention")


def test_an_answer_without_end_is_refused(make, ask, server, fault):
    server.always = fault(body=b" " * (2**24 + 1), headers={"Content-Encoding": "gzip"})
    with pytest.raises(SourceError, match="longer than 16 MiB"):
        ask(make("arxiv"), "linear attention")


def test_it_says_who_asks(make, ask, server):
    ask(make("arxiv", contact="mailto:ada@example.org"), "linear attention")
    agent = server.requests[0].headers["user-agent"]
    assert agent.startswith("genesys/")
    assert "mailto:ada@example.org" in agent


def test_requests_keep_their_distance(make, ask, server):
    source = make("semantic_scholar", per_minute=600.0)
    ask(source, "linear attention", "state space", "gated attention", "recurrent form")
    times = [request.at for request in server.requests]
    assert len(times) == 4
    assert times[-1] - times[0] > 0.2  # of 0.3; the first may take longer to arrive


ASK = """
import sys
from genesys.records import Query
from genesys_knowledge.sources.arxiv import ArxivKnowledge
source = ArxivKnowledge(base_url=sys.argv[1], cache=sys.argv[2], per_minute=300.0)
for keyword in sys.argv[3:]:
    print(len(source.search(Query(keywords=[keyword], limit=2))))
"""


def test_processes_share_turns_and_answers(make, ask, server, tmp_path):
    command = [sys.executable, "-c", ASK, f"{server.url}/arxiv", str(tmp_path)]
    asked = [*command, "linear attention", "state space"]
    with subprocess.Popen(asked, stdout=subprocess.PIPE, text=True) as other:
        until = time.monotonic() + 60
        while not server.requests and time.monotonic() < until:
            time.sleep(0.005)
        assert len(ask(make("arxiv", per_minute=300.0), "gated attention", limit=2)) == 2
        told, _ = other.communicate(timeout=60)
    assert told.split() == ["2", "1"]
    times = sorted(request.at for request in server.requests)
    assert len(times) == 3
    assert times[-1] - times[0] > 0.3  # of 0.4
    assert len(ask(make("arxiv"), "state space", limit=2)) == 1
    assert len(server.requests) == 3


def test_an_answer_is_kept_for_its_time(make, ask, server):
    for _ in range(2):
        assert ask(make("arxiv"), "linear attention")
    assert len(server.requests) == 1


def test_an_old_answer_is_asked_for_with_its_validator(make, ask, server):
    server.validates, server.headers = True, {"Cache-Control": "max-age=0"}
    first, again = (ask(make("arxiv"), "linear attention") for _ in range(2))
    assert first == again
    tags = [request.headers.get("if-none-match") for request in server.requests]
    assert tags[0] is None
    assert tags[1]


def test_a_broken_cache_does_not_matter(make, ask, server, tmp_path):
    (tmp_path / "http.db").write_bytes(b"no database" * 999)
    assert ask(make("arxiv"), "linear attention")


def test_a_cache_that_cannot_be_is_told(make, ask, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(SourceError, match=r"cannot be used: Not a directory\. Set its cache"):
        ask(make("arxiv", cache=str(tmp_path / "file" / "cache")), "linear attention")


def test_a_key_is_shown_and_never_kept(make, ask, server, fault, secret, tmp_path):
    ask(make("github"), "linear attention")
    ask(make("semantic_scholar"), "linear attention")
    assert server.requests[0].headers["authorization"] == f"Bearer {secret}"
    assert server.requests[1].headers["x-api-key"] == secret
    with sqlite3.connect(tmp_path / "http.db") as store:
        assert store.execute("SELECT count(*) FROM entries").fetchone() == (2,)
    store.close()
    assert not any(
        secret.encode() in path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()
    )
    server.always = fault(status=400, body=f"bad key {secret}".encode())
    with pytest.raises(SourceError, match=r"bad key \[secret\]"):
        ask(make("github"), "state space")


def test_without_the_key_it_needs_a_source_is_not_ready(make, ask, monkeypatch):
    monkeypatch.delenv("GITHUB_TOKEN")
    source = make("github")
    with pytest.raises(ConfigError, match="export GITHUB_TOKEN="):
        source.ready()
    with pytest.raises(SourceError, match="it needs a key"):
        ask(source, "linear attention")
    make("arxiv").ready()


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"base_url": "ftp://example.org"}, "http"),
        ({"seconds": 0}, "seconds must be positive"),
        ({"per_minute": -1}, "per_minute must be positive"),
        ({"pause": -1}, "pause must not be negative"),
        ({"contact": "ada\n"}, "contact must be plain ASCII"),
        ({"second": 3}, "Did you mean 'seconds'"),
        ({"tries": "many"}, "tries = 'many'"),
    ],
)
def test_a_wrong_setting_is_told(setting, message):
    with pytest.raises(GenesysError, match=message):
        load({"knowledge": {"name": "arxiv", **setting}}, ["knowledge"])


def test_what_came_before_an_error_is_not_lost(make, ask, server, fault):
    server.faults = [fault(), fault(status=400)]
    with pytest.raises(SourceError, match="it answers 400") as caught:
        ask(make("semantic_scholar"), "linear attention", "state space")
    assert len(caught.value.found) == 5
    server.always = fault(stall=30)
    with pytest.raises(SourceError, match="no whole answer") as caught:
        ask(make("semantic_scholar", seconds=1.0), "linear attention", "recurrent form")
    assert len(caught.value.found) == 5  # the answer that is kept
