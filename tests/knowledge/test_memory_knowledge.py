"""The run's own proposals and units, found by words."""

from __future__ import annotations

import pytest
import yaml

from genesys.evolution.seeds import load_seed
from genesys.population.population import Population
from genesys.records import Design, Operator, Proposal, Query
from genesys.registry import load
from genesys.resources import resource
from genesys_knowledge.memory import MemoryKnowledge
from genesys_knowledge.similarity import words


def child(name: str, abstract: str, text: str) -> Design:
    proposal = Proposal(
        name=name, abstract=abstract, text=text, operator=Operator.MUTATION, parents=["gpt2"]
    )
    update = {"name": name, "proposal": proposal, "operator": Operator.MUTATION}
    return load_seed("gpt2").model_copy(update=update)


@pytest.fixture(scope="module")
def population() -> Population:
    return Population(
        [
            load_seed("gpt2"),
            load_seed("mamba2"),
            child("decay", "Learnt decay.", "A data-dependent decay of the recurrent memory."),
            child("conv", "Short convolution.", "A depthwise convolution before attention."),
        ]
    )


def test_words() -> None:
    assert list(words("GatedMLP num_heads, RWKV6's 2D")) == [
        *("gated", "mlp", "num", "heads", "rwkv", "6", "s", "2", "d")
    ]


def test_the_best_answer_comes_first(population: Population) -> None:
    found = MemoryKnowledge().search(population, Query(keywords=["decay"], description="memory"))
    assert found[0].source == "proposals"
    assert found[0].title == "decay: Learnt decay."
    found = MemoryKnowledge().search(population, Query(description="rotary positional embeddings"))
    assert (found[0].source, found[0].title.split()[0]) == ("units", "RotaryPositionalEmbeddings")


def test_scores_limits_and_no_doubles(population: Population) -> None:
    found = MemoryKnowledge(cutoff=0).search(population, Query(description="attention", limit=50))
    assert [f.score for f in found] == sorted((f.score for f in found), reverse=True)
    assert all(0 < finding.score <= 1 for finding in found)
    assert len({finding.title for finding in found}) == len(found)
    assert sum(finding.title.startswith("MHA of") for finding in found) == 1
    few = MemoryKnowledge(cutoff=0).search(population, Query(description="attention", limit=2))
    assert sorted(finding.source for finding in few) == ["proposals", "units", "units"]
    short = MemoryKnowledge(excerpt=10).search(population, Query(description="attention"))
    assert all(len(finding.text) <= 10 for finding in short)


def test_a_text_finds_itself_with_a_high_score(population: Population) -> None:
    design = population.design("conv")
    assert design.proposal is not None
    asked = f"conv {design.proposal.abstract} {design.proposal.text}"
    best = MemoryKnowledge().search(population, Query(description=asked))[0]
    assert best.title.startswith("conv:")
    assert best.score == pytest.approx(1.0)


@pytest.mark.parametrize("query", [Query(), Query(description="!?"), Query(keywords=["zzz"])])
def test_nothing_asked_or_nothing_known(population: Population, query: Query) -> None:
    assert MemoryKnowledge().search(population, query) == []
    assert MemoryKnowledge().search(Population(), Query(keywords=["decay"])) == []


def test_the_shipped_config() -> None:
    config = yaml.safe_load((resource("configs") / "knowledge" / "memory.yaml").read_text())
    load({"knowledge": config}, kinds=["knowledge"]).require("search")
    with pytest.raises(ValueError, match="cutoff"):
        MemoryKnowledge(cutoff=2)
    with pytest.raises(ValueError, match="excerpt"):
        MemoryKnowledge(excerpt=0)
