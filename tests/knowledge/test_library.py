"""The reference library, and how it is searched."""

from __future__ import annotations

import re

import pytest

from genesys.population.population import Population
from genesys.records import Finding, Query
from genesys_knowledge.library.library import UNVERIFIED, LibraryKnowledge
from genesys_knowledge.library.works import works


def search(*keywords: str, description: str = "", limit: int = 5) -> list[Finding]:
    query = Query(keywords=list(keywords), description=description, limit=limit)
    return LibraryKnowledge().search(Population(), query)


def test_it_is_whole() -> None:
    assert len(works()) == 297
    keys = [work.key for work in works()]
    assert keys == sorted(set(keys))
    cited = [key for work in works() for key in work.cites]
    assert len(cited) == 1623
    assert set(cited) <= set(keys)
    assert sum(work.verified for work in works()) > 200


def test_summaries_can_be_read() -> None:
    for work in works():
        assert "\n" not in work.summary
        assert 40 <= len(work.summary) <= 700, work.key
        assert len(set(work.tags)) == len(work.tags) <= 4
        assert not re.search(r"[Tt]his paper|We propose|we present", work.summary), work.key


@pytest.mark.parametrize(
    ("asked", "key"),
    [
        ("linear-time sequence modeling with selective state spaces", "mamba"),
        ("retention decay recurrent parallel chunkwise", "retnet"),
        ("rotary position embedding", "roformer"),
        ("linear biases on attention scores instead of position embeddings", "alibi"),
        ("hidden state is a model updated by gradient steps at test time", "ttt"),
        ("keep the first tokens as attention sinks for streaming", "streamingllm"),
    ],
)
def test_known_works_are_found(asked: str, key: str) -> None:
    assert f"[{key}]" in " ".join(finding.title for finding in search(description=asked))


def test_findings_are_ranked_and_cited() -> None:
    found = search("attention", limit=7)
    assert len(found) == 7
    assert [f.score for f in found] == sorted((f.score for f in found), reverse=True)
    assert all(finding.source == "library" and finding.title[0] == "[" for finding in found)
    assert search() == []
    assert search("zzzz") == []


def test_what_is_unverified_is_told() -> None:
    unsure = next(work for work in works() if not work.verified)
    (found,) = [f for f in search(unsure.key, description=unsure.title) if unsure.key in f.title]
    assert found.text.startswith(UNVERIFIED)


@pytest.mark.parametrize("cutoff", [-0.1, 1.1])
def test_a_wrong_cutoff(cutoff: float) -> None:
    with pytest.raises(ValueError, match="cutoff"):
        LibraryKnowledge(cutoff)
