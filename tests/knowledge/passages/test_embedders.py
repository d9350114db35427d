"""Embedders and rerankers: the one on this machine, and those of providers over real HTTP."""

from __future__ import annotations

from importlib.util import find_spec

import numpy as np
import pytest

from genesys.errors import ConfigError, MissingExtraError, SourceError
from genesys.testing.llm_server import Fault, LLMServer
from genesys_knowledge.passages import minilm, remote
from genesys_knowledge.passages.embedders import open_embedder
from genesys_knowledge.passages.passage import Passage
from genesys_knowledge.passages.reranker import open_reranker

KEY = "sk-a-secret-of-the-test"
MODEL = "openai/any-embedding"


def lengths(texts: list[str]) -> list[list[float]]:
    return [[float(len(text)), 1.0] for text in texts]


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote, "FIRST_WAIT", 0.01)
    monkeypatch.setattr(remote, "LONGEST_WAIT", 0.02)


def serve(monkeypatch: pytest.MonkeyPatch, *faults: Fault | None) -> LLMServer:
    server = LLMServer(lambda _: "", faults, key=KEY, embed=lengths, rank=overlaps)
    monkeypatch.setenv("OPENAI_API_BASE", server.url)
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("INFINITY_API_BASE", server.url)
    monkeypatch.setenv("INFINITY_API_KEY", KEY)
    return server


def overlaps(question: str, documents: list[str]) -> list[float]:
    asked = set(question.split())
    return [len(asked & set(document.split())) / len(asked) for document in documents]


def test_names_of_embedders() -> None:
    assert open_embedder("none") is None
    for wrong in ("", "minillm", "litellm:"):
        with pytest.raises(ConfigError, match=r"none .*minilm .*litellm:<provider>"):
            open_embedder(wrong)


def test_a_provider_embeds_in_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    with serve(monkeypatch) as server:
        embedder = open_embedder(f"litellm:{MODEL}")
        assert embedder
        assert embedder.dimension == embedder.dimension == 2
        vectors = embedder.embed(["a" * n for n in range(1, 131)])
        assert [len(r.body["input"]) for r in server.requests] == [1, 64, 64, 2]
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, rtol=1e-6)
    np.testing.assert_allclose(vectors[:, 0] / vectors[:, 1], np.arange(1, 131), rtol=1e-5)


def test_a_busy_provider_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    faults = [Fault(status=429), Fault(status=503), Fault(cut=10), None]
    with serve(monkeypatch, *faults) as server:
        embedder = open_embedder(f"litellm:{MODEL}")
        assert embedder
        assert embedder.embed(["text"]).shape == (1, 2)
        assert len(server.requests) == 4


def test_a_provider_that_never_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    with serve(monkeypatch, *[Fault(status=503)] * 9) as server:
        embedder = open_embedder(f"litellm:{MODEL}")
        assert embedder
        with pytest.raises(SourceError, match="no answer after 5 tries"):
            embedder.embed(["text"])
        assert len(server.requests) == 5


def test_a_wrong_key_is_told_and_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    refused = Fault(status=401, error=f"Incorrect API key: {KEY}")
    with serve(monkeypatch, refused) as server:
        embedder = open_embedder(f"litellm:{MODEL}")
        assert embedder
        with pytest.raises(ConfigError, match="key") as told:
            embedder.embed(["text"])
        assert len(server.requests) == 1
    assert KEY not in str(told.value)


@pytest.mark.parametrize(
    "data", [b"[]", b'[{"index": 0}]', b'[{"index": 0, "embedding": []}]', b"null"]
)
def test_an_answer_without_vectors(monkeypatch: pytest.MonkeyPatch, data: bytes) -> None:
    with serve(monkeypatch, *[Fault(raw=b'{"data": ' + data + b"}")] * 5):
        embedder = open_embedder(f"litellm:{MODEL}")
        assert embedder
        with pytest.raises(SourceError):
            embedder.embed(["text"])


def test_a_provider_ranks_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    passages = [Passage(f"{i}", "d", "", text) for i, text in enumerate(["a b", "a", "c"])]
    reranker = open_reranker("litellm:infinity/any-reranker")
    assert reranker
    assert open_reranker("none") is None
    assert reranker.rerank("a b", [], 3) == []
    with serve(monkeypatch, Fault(status=503)):
        ranked = reranker.rerank("a b", passages[::-1], 2)
    assert ranked == [(passages[0], 1.0), (passages[1], 0.5)]
    for odd in (b'"index": 99, "relevance_score": 1', b'"index": -1, "relevance_score": 1'):
        fault = Fault(raw=b'{"id": "", "results": [{' + odd + b"}]}")
        with serve(monkeypatch, fault), pytest.raises(SourceError, match="no ranking"):
            reranker.rerank("a", passages, 2)
    with pytest.raises(ConfigError, match="no reranker 'cohere'"):
        open_reranker("cohere")


def test_a_missing_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(minilm, "PACKAGE", "not_installed_anywhere")
    with pytest.raises(MissingExtraError, match=r"pip install 'genesys\[minilm\]'"):
        open_embedder("minilm")


@pytest.mark.skipif(not find_spec(minilm.PACKAGE), reason="the extra minilm is not installed")
def test_minilm_knows_what_texts_mean() -> None:
    embedder = open_embedder("minilm")
    assert embedder
    texts = [
        "A cat sits on the mat.",
        "A kitten rests upon a rug.",
        "The central bank raised its interest rate. " * 20,
        "",
    ]
    vectors = embedder.embed(texts)
    assert vectors.shape == (4, embedder.dimension)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, rtol=1e-5)
    alike, other = vectors[0] @ vectors[1], vectors[0] @ vectors[2]
    assert alike > 0.5 > 0.2 > other
    np.testing.assert_allclose(embedder.embed(texts[:1])[0], vectors[0], atol=1e-5)  # no padding
    published = [0.12653524, -0.03285073, -0.02905965, 0.044407]  # by its authors' code
    np.testing.assert_allclose(vectors[0][:4], published, atol=1e-5)
