"""Variants of the team, compared on the proposals of a run."""

import json
from pathlib import Path

import pytest

from genesys.cli.agents import agents
from genesys.cli.design import design
from genesys.errors import StoreError
from genesys.population.evolution_tree import EvolutionTree
from genesys.population.run_file import FILE

QUICK = ["checker=format", "sandbox.backend=process", "sandbox.allow_unconfined=true"]
TWO = [*QUICK, "llm=offline", "agents_bench.variants=[team,team_direct]"]


@pytest.fixture
def run(tmp_path, monkeypatch, capsys) -> Path:
    """A run with one proposal that the double has made a design of."""
    monkeypatch.chdir(tmp_path)
    assert design(["parents=gpt2", "agent=team", "llm=offline", "folder=mine", *QUICK]) == 0
    capsys.readouterr()
    return Path("mine")


def test_each_variant_implements_each_proposal(run, capsys):
    agents(run, TWO, as_json=True)
    team, direct = json.loads(capsys.readouterr().out)
    assert (team["variant"], direct["variant"]) == ("team", "team_direct")
    made = EvolutionTree.read(run).children[0]
    for score in (team, direct):
        assert score["proposals"] == 1
        assert score["valid"] == 1.0
        assert score["attempts"] == 1.0
        assert score["tokens"] > 1000
        assert score["lines"] > 10
        (again,) = EvolutionTree.read(Path("mine-agents", score["variant"], made.name)).children
        assert again.proposal == made.proposal
        assert again.parents == made.parents == ["gpt2"]
    assert team["tokens"] > direct["tokens"]

    before = sorted(Path("mine-agents").rglob(FILE))
    agents(run, TWO)
    shown = capsys.readouterr().out
    assert "100%" in shown
    assert "LFC" in shown
    assert sorted(Path("mine-agents").rglob(FILE)) == before


def test_a_run_without_proposals_is_told(tmp_path):
    with EvolutionTree(tmp_path / "empty", {}):
        pass
    with pytest.raises(StoreError, match="no design with a proposal"):
        agents(tmp_path / "empty", TWO)
