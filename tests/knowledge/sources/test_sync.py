"""The library completed from Semantic Scholar and arXiv."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from genesys.errors import SourceError, StoreError
from genesys_knowledge.library.sync import FILE, sync, synced
from genesys_knowledge.library.works import works


@pytest.fixture
def go(make, server, tmp_path):
    """Sync with the double; also gives the progress that was told."""

    def go(**settings):
        steps: list[tuple[int, int]] = []
        sources = {"papers": make("semantic_scholar"), "preprints": make("arxiv")}
        known = sync(tmp_path / "data", lambda *step: steps.append(step), **sources, **settings)
        return known, steps

    return go


def test_works_get_abstracts_identifiers_and_links(go, server, tmp_path):
    known, steps = go()
    asked = [work for work in works() if work.s2_id]
    assert set(known) == {work.key for work in asked}
    assert known == synced(tmp_path / "data")
    ids = json.loads(server.requests[0].body)["ids"]
    assert ids == [work.s2_id for work in asked]
    first, third = known[asked[0].key], known[asked[2].key]
    assert first.abstract == "Recurrent form 0."  # arXiv's: Semantic Scholar may not tell it
    assert (first.arxiv, first.doi) == ("2312.00000", "10.1/0")
    assert first.url.startswith("https://www.semanticscholar.org/paper/")
    assert first.pdf == "https://arxiv.org/pdf/2312.00000"
    assert (third.abstract, third.arxiv, third.url) == ("", "", "")  # nobody knows it
    done, total = zip(*steps, strict=True)
    assert list(done) == sorted(done)
    assert done[-1] == total[-1] > len(asked)


def test_it_asks_only_for_what_is_missing_or_old(go, server, tmp_path):
    go()
    before = len(server.requests)
    go()
    assert len(server.requests) == before
    path = tmp_path / "data" / FILE
    old = (datetime.now(UTC) - timedelta(days=31)).isoformat()
    lines = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    lines[3]["asked"] = old
    path.write_text("".join(json.dumps(line) + "\n" for line in lines[:-1]), "utf-8")
    go()
    again = json.loads(server.requests[before].body)["ids"]
    keys = [line["key"] for line in (lines[3], lines[-1])]
    assert again == [work.s2_id for work in works() if work.key in keys]


def test_it_goes_on_where_it_was_stopped(go, server, fault, tmp_path):
    server.faults = [fault(), fault(), fault(status=400)]
    with pytest.raises(SourceError, match="arxiv: it answers 400"):
        go()
    kept = synced(tmp_path / "data")
    told = sum(bool(extra.abstract) for extra in kept.values())
    known, _ = go()
    assert sum(bool(extra.abstract) for extra in known.values()) > told
    assert sum(request.path.endswith("/batch") for request in server.requests) == 1


def test_what_was_known_is_not_lost(go, server, tmp_path):
    before, _ = go()
    server.garble = lambda body: json.dumps([None] * 292).encode() if body[:1] == b"[" else body
    after, _ = go(days=0)
    assert {key: e.abstract for key, e in after.items()} == {
        key: e.abstract for key, e in before.items()
    }


def test_papers_that_do_not_match_are_refused(go, server):
    server.garble = lambda body: b"[null]"
    with pytest.raises(SourceError, match="1 papers for 292 ids"):
        go()


@pytest.mark.parametrize("text", ["{", '{"key": 3}\n', "\x00", '{"key": "gla"}'])
def test_a_broken_file_is_told(tmp_path, text):
    (tmp_path / FILE).write_text(text, "utf-8")
    with pytest.raises(StoreError, match="Delete it and sync the library again"):
        synced(tmp_path)


def test_before_the_first_time_there_is_nothing(tmp_path):
    assert synced(tmp_path) == {}
