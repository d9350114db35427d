"""`experiment=simulation` as a whole: it runs, says what it is, and lets nothing be trained."""

from __future__ import annotations

import pytest

from genesys.cli.config import compose
from genesys.errors import ConfigError
from genesys.evolution.run import evolve
from genesys.population.evolution_tree import EvolutionTree, tree_digest
from genesys.records import Operator, Outcome
from genesys.registry import load

FEW = ["experiment=simulation", "evolution.designs=8", "evolution.seeds=[gpt2,retnet]"]


def run(folder, *overrides):
    return evolve(compose([*FEW, *overrides]), folder, lambda event: None)


def test_a_run_goes_up_the_ladder_and_says_that_it_is_simulated(tmp_path):
    population = run(tmp_path / "run", "selector.crossover_warmup=2", "selector.scratch_warmup=2")
    assert len([d for d in population.children if not population.is_erroneous(d.name)]) >= 8
    assert {d.operator for d in population.designs} >= {Operator.SEED, Operator.MUTATION}
    assert len({r.scale for r in population.reports if r.outcome is Outcome.OK}) >= 3
    assert population.simulated
    assert all(report.simulated for report in population.reports)
    read = EvolutionTree.read(tmp_path / "run")
    assert read.simulated
    assert tree_digest(read) == tree_digest(population)


def test_equal_seeds_give_equal_runs_and_others_other_landscapes(tmp_path):
    digests = [
        tree_digest(run(tmp_path / str(place), f"seed={seed}", "evolution.designs=2"))
        for place, seed in enumerate([1, 1, 2])
    ]
    assert digests[0] == digests[1] != digests[2]


def test_what_nobody_checked_is_not_trained(tmp_path):
    with pytest.raises(ConfigError, match=r"checker\.accept checks nothing.*verifier\.lightning"):
        evolve(compose([*FEW, "verifier=lightning"]), tmp_path / "run", lambda event: None)
    assert not (tmp_path / "run").exists()


def test_other_checkers_beside_it_do_not_help():
    with pytest.raises(ConfigError, match=r"Take verifier=simulated, or e\.g\. checker=symbolic"):
        load(compose(["checker=[format,accept]"])).ready()


def test_real_checkers_may_check_for_a_simulation():
    load(compose(["verifier=simulated", "checker=format"])).ready()
