"""The plugin ``knowledge.library``."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import pytest
import yaml

from genesys.errors import ConfigError, SourceError, StoreError
from genesys.files import write_text
from genesys.gau.reference import reference_unit
from genesys.records import Finding, Query
from genesys.registry import load
from genesys.resources import resource
from genesys_knowledge.library.entries import PAGE, UNVERIFIED
from genesys_knowledge.library.library import LibraryKnowledge
from genesys_knowledge.library.sync import FILE, Extra, data_folder
from genesys_knowledge.library.works import work, works


@pytest.fixture(scope="module")
def library() -> LibraryKnowledge:
    return LibraryKnowledge()


def search(library: LibraryKnowledge, description: str, limit: int = 5) -> list[Finding]:
    return library.search(Query(description=description, limit=limit))


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
def test_known_works_are_found(library: LibraryKnowledge, asked: str, key: str) -> None:
    assert f"library:{key}" in [finding.id for finding in search(library, asked)]


def test_works_are_ranked_cited_and_linked(library: LibraryKnowledge) -> None:
    found = [f for f in search(library, "attention", limit=7) if not f.text.startswith("# GAU")]
    assert len(found) == 7
    assert [f.score for f in found] == sorted((f.score for f in found), reverse=True)
    for finding in found:
        key = finding.id.removeprefix("library:")
        assert finding.source == "library" and finding.title == work(key).citation
        assert finding.url == f"{PAGE}{work(key).s2_id}"


def test_reference_units_come_with_their_code_and_work(library: LibraryKnowledge) -> None:
    found = search(library, "grouped-query attention: query heads share keys and values")
    (unit,) = [finding for finding in found if finding.id == "library:GQA"]
    assert unit.text == reference_unit("GQA").code
    assert "[gqa]" in unit.title
    assert sum(f.text.startswith("# GAU") for f in found) <= 2
    none = LibraryKnowledge(units=0)
    assert not any(f.text.startswith("# GAU") for f in search(none, "attention"))


def test_only_a_description_asks_it(library: LibraryKnowledge) -> None:
    assert library.search(Query(keywords=["attention"], instruction="attention")) == []
    assert search(library, " ") == []
    assert search(library, "zzzz") == []


def test_an_embedder_that_fails_leaves_what_words_find(
    library: LibraryKnowledge, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Refused:
        name = "refused"

        def embed(self, texts: Sequence[str]) -> None:
            raise ConfigError("the key is wrong")

    monkeypatch.setattr("genesys_knowledge.library.library.open_embedder", lambda _: Refused())
    broken = LibraryKnowledge("litellm:openai/any")
    with pytest.raises(ConfigError, match="the key is wrong"):
        broken.ready()
    with pytest.raises(SourceError, match=r"by words alone \(the key is wrong\)") as raised:
        search(broken, "attention sinks")
    assert raised.value.found == search(library, "attention sinks")


def test_what_is_unverified_is_told(library: LibraryKnowledge) -> None:
    unsure = next(work for work in works() if not work.verified)
    (found,) = [f for f in search(library, unsure.title) if f.id == f"library:{unsure.key}"]
    assert found.text.startswith(UNVERIFIED)


def test_what_was_synced_is_searched_and_linked() -> None:
    extra = Extra(
        key="lbcontextcompress",
        abstract="A zymurgy of contexts.",
        url="https://example.org/zymurgy",
        asked=datetime(2026, 1, 1, tzinfo=UTC),
    )
    data_folder().mkdir(parents=True)
    write_text(data_folder() / FILE, extra.model_dump_json())
    (found,) = search(LibraryKnowledge(), "zymurgy")
    assert (found.id, found.url) == (f"library:{extra.key}", extra.url)
    write_text(data_folder() / FILE, "{")
    with pytest.raises(StoreError, match="sync"):
        search(LibraryKnowledge(), "zymurgy")


@pytest.mark.parametrize(
    ("parameters", "error", "message"),
    [
        ({"cutoff": -0.1}, ValueError, "cutoff"),
        ({"cutoff": 1.1}, ValueError, "cutoff"),
        ({"units": -1}, ValueError, "units"),
        ({"embedder": "word2vec"}, ConfigError, "minilm"),
    ],
)
def test_wrong_parameters(parameters, error, message) -> None:
    with pytest.raises(error, match=message):
        LibraryKnowledge(**parameters)


def test_the_shipped_config() -> None:
    config = yaml.safe_load((resource("configs") / "knowledge" / "library.yaml").read_text())
    plugins = load({"knowledge": config}, kinds=["knowledge"])
    plugins.require("search")
    plugins.ready()
    with pytest.raises(ConfigError, match="mode"):
        load({"knowledge": config | {"mode": "psychic"}}, kinds=["knowledge"])
