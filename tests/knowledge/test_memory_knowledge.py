"""Earlier proposals and units, of the run and of others, found by words."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from genesys.errors import SourceError
from genesys.evolution.seeds import load_seed
from genesys.population.evolution_tree import EvolutionTree
from genesys.population.population import Population
from genesys.records import (
    Design,
    Finding,
    Operator,
    Proposal,
    Query,
    Selection,
    Session,
    SessionEnd,
)
from genesys.registry import load
from genesys.resources import resource
from genesys_knowledge.memory import MemoryKnowledge
from genesys_knowledge.similarity import words

ALL = {"proposal_cutoff": 0.0, "proposal_top": 50, "unit_cutoff": 0.0, "unit_top": 50}


def proposal(name: str, abstract: str, text: str) -> Proposal:
    return Proposal(
        name=name, abstract=abstract, text=text, operator=Operator.MUTATION, parents=["gpt2"]
    )


def child(name: str, abstract: str, text: str, index: int = 0) -> Design:
    update = {"name": name, "proposal": proposal(name, abstract, text), "index": index}
    return load_seed("gpt2").model_copy(update=update | {"operator": Operator.MUTATION})


def session(index: int, end: SessionEnd, last: Proposal | None = None, design: str = "") -> Session:
    selection = Selection(operator=Operator.MUTATION, designs=["gpt2"])
    return Session(
        index=index, seed=index, selection=selection, end=end, proposal=last, design=design
    )


DECAY = child("decay", "Learnt decay.", "A data-dependent decay of the recurrent memory.")
CONV = child("conv", "Short convolution.", "A depthwise convolution before attention.")
ROUTING = proposal("routing", "Routed experts.", "Tokens choose experts by a router.")


@pytest.fixture(scope="module")
def population() -> Population:
    return Population([load_seed("gpt2"), load_seed("mamba2"), DECAY, CONV])


def search(population: Population, description: str, limit: int = 50, **settings) -> list[Finding]:
    query = Query(description=description, limit=limit)
    return MemoryKnowledge(**settings).search(population, query)


def test_words() -> None:
    assert list(words("GatedMLP num_heads, RWKV6's 2D")) == [
        *("gated", "mlp", "num", "heads", "rwkv", "6", "s", "2", "d")
    ]


def test_the_best_answer_comes_first(population: Population) -> None:
    best = search(population, "decay of memory")[0]
    assert (best.id, best.title) == ("proposals:decay", "decay: Learnt decay.")
    best = search(population, "rotary positional embeddings")[0]
    assert best.id == "units:gpt2/RotaryPositionalEmbeddings"
    assert best.title == "RotaryPositionalEmbeddings of gpt2"
    assert best.text.startswith("class RotaryPositionalEmbeddings(GAUBase):")


def test_scores_limits_and_no_doubles(population: Population) -> None:
    found = search(population, "attention", **ALL)
    assert [f.score for f in found] == sorted((f.score for f in found), reverse=True)
    assert all(0 < finding.score <= 1 for finding in found)
    assert len({finding.id for finding in found}) == len(found)
    assert sum(finding.title.startswith("MHA of") for finding in found) == 1
    few = search(population, "attention", **ALL | {"unit_top": 2})
    assert sorted(finding.source for finding in few) == ["proposals", "units", "units"]
    few = search(population, "attention", limit=1, **ALL)
    assert sorted(finding.source for finding in few) == ["proposals", "units"]
    none = search(population, "attention", **ALL | {"proposal_cutoff": 1.0, "unit_cutoff": 1.0})
    assert none == []
    short = search(population, "attention", excerpt=30)
    assert all(len(finding.text) <= 30 for finding in short)


def test_a_text_finds_itself_with_a_high_score(population: Population) -> None:
    design = population.design("conv")
    assert design.proposal is not None
    best = search(population, f"conv {design.proposal.abstract} {design.proposal.text}")[0]
    assert best.id == "proposals:conv"
    assert best.score == pytest.approx(1.0)


@pytest.mark.parametrize(
    "query", [Query(keywords=["decay"], instruction="decay"), Query(description=" !? ")]
)
def test_only_a_description_is_answered(population: Population, query: Query) -> None:
    assert MemoryKnowledge().search(population, query) == []
    assert search(Population(), "decay") == []


def test_what_a_session_made_is_found_by_the_next() -> None:
    memory, query = MemoryKnowledge(), Query(description="decay, and experts with a router")
    before = Population([load_seed("gpt2")])
    assert not [f for f in memory.search(before, query) if f.source == "proposals"]
    made = before.grown(designs=[DECAY], sessions=[session(0, SessionEnd.ACCEPTED, design="decay")])
    assert [f.id for f in memory.search(made, query) if f.source == "proposals"] == [
        "proposals:decay"
    ]
    failed = made.grown(sessions=[session(1, SessionEnd.REJECTED_BY_CHECKER, ROUTING)])
    first, second = (f for f in memory.search(failed, query) if f.source == "proposals")
    assert {first.id, second.id} == {"proposals:decay", "proposals:session:1"}
    assert first.title == "routing (no design: rejected by checker): Routed experts."


def test_growing_and_beginning_anew_give_the_same(population: Population) -> None:
    query = Query(description="a gated convolution with attention", limit=50)
    memory = MemoryKnowledge(**ALL)
    for count in range(len(population.designs)):
        memory.search(Population(population.designs[:count]), query)
    grown = memory.search(population, query)
    anew = MemoryKnowledge(**ALL).search(population, query)
    assert [(f.id, round(f.score, 9)) for f in grown] == [(f.id, round(f.score, 9)) for f in anew]
    other = Population([load_seed("gpt2"), CONV])
    assert memory.search(other, query) == MemoryKnowledge(**ALL).search(other, query)


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """The folder of a run with a design, and with a session that made none."""
    folder = tmp_path / "runs" / "earlier run"
    with EvolutionTree(folder, {}) as tree:
        tree.add_seed(load_seed("gpt2"))
        tree.commit_session(session(0, SessionEnd.ACCEPTED, design="decay"), DECAY)
        tree.commit_session(session(1, SessionEnd.REJECTED_BY_REVIEW, ROUTING), None)
    (tmp_path / "runs" / "notes").mkdir()
    return folder


def test_other_runs_are_searched_when_asked(run: Path) -> None:
    own = Population([load_seed("gpt2"), CONV])
    for named in (str(run), f"{run.parent}/*"):
        found = search(own, "decay, a router of experts, attention", runs=[named], **ALL)
        ids = {finding.id for finding in found}
        assert {"proposals:earlier-run/decay", "proposals:earlier-run/session:1"} <= ids
        assert "units:gpt2/MHA" in ids
        assert not [name for name in ids if name.startswith("units:earlier-run")]
        assert [f.score for f in found] == sorted((f.score for f in found), reverse=True)
    assert not [f for f in search(own, "decay") if "earlier" in f.id]


def test_runs_that_cannot_be_read_are_told(run: Path, tmp_path: Path) -> None:
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "run.json").write_text("{")
    named = [str(tmp_path / "none"), str(tmp_path / "broken"), f"{tmp_path}/no*s/*", str(run)]
    named += [f"{tmp_path}/**x", "~nobody-of-this-name/run"]
    with pytest.raises(SourceError) as raised:
        search(Population([CONV]), "decay", runs=named)
    assert [f.id for f in raised.value.found if f.source == "proposals"] == [
        "proposals:earlier-run/decay"
    ]
    reasons = ["none cannot be read", "broken cannot be read", "no run lies at"]
    for told in (*reasons, "**x names no folders", "run names no folders"):
        assert told in raised.value.reason
    assert "knowledge.memory.runs" in raised.value.hint


def test_the_shipped_config() -> None:
    config = yaml.safe_load((resource("configs") / "knowledge" / "memory.yaml").read_text())
    load({"knowledge": config}, kinds=["knowledge"]).require("search")


@pytest.mark.parametrize(
    ("name", "value"), [("proposal_cutoff", 2), ("unit_cutoff", -1), ("unit_top", -1)]
)
def test_bounds(name: str, value: float) -> None:
    with pytest.raises(ValueError, match=name):
        MemoryKnowledge(**{name: value})
    with pytest.raises(ValueError, match="excerpt"):
        MemoryKnowledge(excerpt=0)
