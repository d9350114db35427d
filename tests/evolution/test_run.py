"""Runs that are put together from a config."""

from __future__ import annotations

import json
import re

import pytest

from genesys.cli.config import compose
from genesys.errors import GenesysError, StoreError
from genesys.evolution.run import evolve
from genesys.population.evolution_tree import EvolutionTree


class OpenedError(Exception):
    """The run could be opened; nothing more is wanted."""


def opened(event):
    if type(event).__name__ == "RunOpened":
        raise OpenedError


def open_run(folder, *overrides):
    quick = ("evolution.seeds=[gpt2]", "checker=format", "sandbox.backend=process")
    config = compose([*quick, "sandbox.allow_unconfined=true", *overrides])
    evolve(config, folder, opened)


def test_what_is_saved_besides_decides_no_result(tmp_path):
    with pytest.raises(OpenedError):
        open_run(tmp_path)
    config = json.loads((tmp_path / "run.json").read_text())["config"]
    assert "verifier.clip" in config
    assert not [key for key in config if "checkpoint" in key or "keep" in key]
    with pytest.raises(OpenedError):
        open_run(tmp_path, "verifier.keep_weights=true", "verifier.checkpoint_seconds=5", "name=b")
    with pytest.raises(OpenedError):
        open_run(tmp_path, "logger=csv", "logger.every=7")


def test_the_fitness_belongs_to_the_run(tmp_path):
    with pytest.raises(OpenedError):
        open_run(tmp_path, "fitness.terms.flops='0.25'", "fitness.terms.accuracy=1")
    weights = EvolutionTree.read(tmp_path).weights
    assert {name: weight for name, weight in weights.items() if weight} == {
        "accuracy": 1.0,
        "flops": 0.25,
    }
    with pytest.raises(StoreError, match=r"fitness\.terms\.flops: 0\.25 in the run, 0\.0 now"):
        open_run(tmp_path)


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("+fitness.terms.sped=1", "No term of the fitness named 'sped'. Did you mean 'speed'?"),
        ("fitness.terms.accuracy=0", "no term has a weight above 0"),
        ("fitness.terms.speed=-1", "terms.speed: input should be greater than or equal to 0"),
        ("fitness.terms.speed=inf", "terms.speed: input should be a finite number"),
        ("fitness.terms.speed=fast", "terms.speed: input should be a valid number"),
        ("fitness=accuracy", "Config group 'fitness'"),
        ("+fitness.weights=1", "no key 'weights'"),
    ],
)
def test_a_wrong_fitness_is_explained(override, message, tmp_path):
    with pytest.raises(GenesysError, match=re.escape(message)):
        open_run(tmp_path / "run", override)
    assert not list(tmp_path.iterdir())


def test_what_decides_results_cannot_change_in_a_run(tmp_path):
    with pytest.raises(OpenedError):
        open_run(tmp_path)
    with pytest.raises(StoreError, match=r"verifier\.clip: 1\.0 in the run, 2\.0 now"):
        open_run(tmp_path, "verifier.clip=2.0")
