"""The plugin that searches papers of one's own."""

from __future__ import annotations

from pathlib import Path

import pytest

from genesys.errors import ConfigError, SourceError
from genesys.records import Query
from genesys.testing.llm_server import Fault, LLMServer
from genesys_knowledge.papers.adding import add
from genesys_knowledge.papers.collection import PaperStore
from genesys_knowledge.papers.papers import PapersKnowledge
from genesys_knowledge.passages import remote

RERANKER = "litellm:infinity/any-reranker"
PAPERS = {
    "gates": "# Gates\nA gate decides what is kept.\n# More\nThe gate is a sigmoid of the input.",
    "noodles": "# Noodles\nBoil the noodles in salted water, and keep the gate of the yard shut.",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in PAPERS.items():
        (tmp_path / f"{name}.md").write_text(text)
    store = PaperStore(tmp_path / "store")
    assert all(added.paper for added in add([str(tmp_path)], store))
    return store.folder


def test_passages_are_found_and_cited(folder: Path) -> None:
    papers = PapersKnowledge(str(folder), cutoff=0.0)
    papers.ready()
    found = papers.search(Query(description="a sigmoid gate", limit=2))
    assert [finding.title for finding in found] == ["Gates: More", found[1].title]
    assert found[0].source == "papers"
    assert found[0].id.startswith("papers:gates-")
    assert found[0].id.endswith("#1")
    assert found[0].text == "The gate is a sigmoid of the input."
    assert 1 > found[0].score > found[1].score > 0
    assert papers.search(Query(description="a sigmoid gate", limit=2)) == found
    assert PapersKnowledge(str(folder), cutoff=0.99).search(Query(description="gate")) == []
    [short] = PapersKnowledge(str(folder), excerpt=8).search(Query(description="sigmoid"))
    assert short.text == "The gate"


def test_only_descriptions_are_for_papers(folder: Path) -> None:
    papers = PapersKnowledge(str(folder))
    assert papers.search(Query(keywords=["gate"], instruction="look for gates")) == []
    assert papers.search(Query(description=" ")) == []


def test_without_papers(tmp_path: Path) -> None:
    papers = PapersKnowledge(str(tmp_path / "none"))
    assert papers.search(Query(description="gate")) == []
    with pytest.raises(ConfigError, match=r"no papers in .*none.*genesys library add"):
        papers.ready()


def test_a_broken_store_stops_no_session(folder: Path) -> None:
    papers = PapersKnowledge(str(folder))
    (folder / "store.json").write_text("{}")
    with pytest.raises(SourceError, match=r"papers: .*store\.json: embedder: Field required"):
        papers.search(Query(description="gate"))


def test_a_reranker_has_the_last_word(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def noodles_first(_: str, documents: list[str]) -> list[float]:
        return [0.9 if "noodles" in document else 0.2 for document in documents]

    monkeypatch.setattr(remote, "FIRST_WAIT", 0.01)
    monkeypatch.setenv("INFINITY_API_KEY", "none")
    papers = PapersKnowledge(str(folder), reranker=RERANKER)
    asked = Query(description="a sigmoid gate", limit=1)
    with LLMServer(lambda _: "", rank=noodles_first) as server:
        monkeypatch.setenv("INFINITY_API_BASE", server.url)
        [found] = papers.search(asked)
    assert (found.title, found.score) == ("Noodles", 0.9)
    with LLMServer(lambda _: "", [Fault(status=503)] * 9) as server:
        monkeypatch.setenv("INFINITY_API_BASE", server.url)
        with pytest.raises(SourceError, match="no better order") as told:
            papers.search(asked)
    assert [finding.title for finding in told.value.found] == ["Gates: More"]


@pytest.mark.parametrize(
    ("parameters", "why"),
    [
        ({"cutoff": 2}, "cutoff"),
        ({"excerpt": 0}, "excerpt"),
        ({"mode": "both"}, "both"),
    ],
)
def test_wrong_parameters(parameters: dict[str, object], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        PapersKnowledge(**parameters)  # type: ignore[arg-type]
