"""How a command finds the design it is about."""

from __future__ import annotations

import shutil

import pytest

from genesys.cli.designs import find_design
from genesys.errors import GenesysError, StoreError, TreeError, UnknownNameError
from genesys.population.evolution_tree import EvolutionTree


@pytest.fixture()
def run(population, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with EvolutionTree(tmp_path / "runs" / "one", {}) as tree:
        tree.add_seed(population.design("gpt2").model_copy(update={"name": "mine"}))
    return tmp_path / "runs" / "one"


def test_seeds_paths_and_designs_of_a_run(run, seeds, tmp_path):
    assert find_design("rwkv6").name == "rwkv6"
    assert find_design("mine").root == "GPT2"
    assert find_design("mine", run).root == "GPT2"
    shutil.copytree(seeds / "ttt", tmp_path / "mine")
    assert find_design("mine").name == "ttt"  # paths come before the newest run
    assert find_design(str(seeds / "gpt2" / "units" / "RMSNorm.py")).root == "RMSNorm"


def test_an_unknown_name_gets_the_nearest(run, tmp_path, monkeypatch):
    with pytest.raises(UnknownNameError, match=r"Did you mean 'mine'\?.* of runs/one"):
        find_design("mein")
    with pytest.raises(UnknownNameError, match="Did you mean 'mine'"):
        find_design("mein", run)
    with pytest.raises(UnknownNameError, match="No design named 'gpt2'"):
        find_design("gpt2", run)
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    with pytest.raises(UnknownNameError, match=r"Did you mean 'gpt2'\?.*--run"):
        find_design("gtp2")


def test_what_is_no_design_says_so(run, tmp_path):
    with pytest.raises(StoreError, match="no run folder"):
        find_design("mine", tmp_path)
    with pytest.raises(GenesysError, match=r"no design\.yaml"):
        find_design(str(tmp_path))
    (tmp_path / "design.yaml").write_text("root: 3")
    with pytest.raises(TreeError, match="root"):
        find_design(str(tmp_path))
