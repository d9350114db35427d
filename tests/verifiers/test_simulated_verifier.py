"""The simulated verifier: its figures are the published ones, and its answers never change."""

from __future__ import annotations

import subprocess
import sys
import time
from random import Random

import numpy as np
import pytest

from genesys.cli.config import compose
from genesys.errors import ConfigError
from genesys.evolution.run import ladder_of
from genesys.evolution.seeds import load_seed
from genesys.population.population import Population
from genesys.records import Operator, Outcome
from genesys_agents.simulated.child import as_design, draw_plan, written
from genesys_verifiers.simulated.figures import ERROR_RATE, HERITABILITY, TASKS, seconds
from genesys_verifiers.simulated.landscape import Landscape
from genesys_verifiers.simulated.verifier import SimulatedVerifier

LANDSCAPES = range(8)
SEED = 3


def child(number, *parents):
    operator = (Operator.SCRATCH, Operator.MUTATION, Operator.CROSSOVER)[len(parents)]
    plan = draw_plan(Random(number), operator, parents)
    design = as_design(f"sim-{number}", written(plan, {p.name: p for p in parents}), parents)
    return design.model_copy(update={"operator": operator, "parents": [p.name for p in parents]})


@pytest.fixture(scope="module")
def designs():
    return [child(number) for number in range(100)]


@pytest.fixture(scope="module")
def scales():
    return ladder_of(compose(["experiment=simulation"])["ladder"]).scales


@pytest.fixture(scope="module")
def reports(designs, scales):
    """Without errors: those of each scale, in the order of landscapes and designs."""
    verifiers = [SimulatedVerifier(landscape=n, error_rate=0.0) for n in LANDSCAPES]
    return {
        scale.name: [v.verify(design, scale, SEED) for v in verifiers for design in designs]
        for scale in scales
    }


def test_fitness_is_as_published_at_each_scale(reports):
    """Means and deviations of 103, 77, 52 and 28 evaluations: 0.0195 is what the tasks come to."""
    for scale, mean in {"14M": 0.524, "31M": 0.513, "70M": 0.512, "125M": 0.508}.items():
        fitness = [report.fitness for report in reports[scale]]
        assert np.mean(fitness) == pytest.approx(mean, abs=0.006)
        assert np.std(fitness) == pytest.approx(0.0185, abs=0.0015)


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.name)
def test_scores_of_a_task_are_as_fitted(reports, task):
    found = {
        scale: np.array([s.value for r in of for s in r.scores if s.task == task.name])
        for scale, of in reports.items()
    }
    assert np.mean(found["14M"]) == pytest.approx(task.mean, abs=0.2 * task.deviation)
    assert np.std(found["14M"]) == pytest.approx(task.deviation, rel=0.1)
    between = np.corrcoef(found["14M"], found["70M"])[0, 1]
    assert between == pytest.approx(task.loading**2, abs=0.08)


def test_fitness_at_one_scale_says_little_of_another(reports):
    fitness = [[report.fitness for report in of] for of in reports.values()]
    between = np.corrcoef(fitness)[np.triu_indices(len(fitness), 1)]
    assert between.min() > 0.03  # as published
    assert between.max() < 0.31


def test_scores_have_the_errors_that_their_items_make(reports):
    score = next(s for s in reports["14M"][0].scores if s.task == "wnli")
    assert score.stderr == pytest.approx((score.value * (1 - score.value) / 71) ** 0.5)
    assert score.chance == 0.4366


@pytest.mark.parametrize("heritability", [HERITABILITY, 1.0])
def test_children_inherit_the_share_of_their_units(designs, heritability):
    """Five of a mutation's six units are its parent's."""
    pairs = [(design, child(1000 + i, design)) for i, design in enumerate(designs)]
    pairs = [(a, b) for a, b in pairs if len(a.units) == len(b.units)]
    qualities = [
        [Landscape(n, heritability).quality(design) for design in pair]
        for n in LANDSCAPES
        for pair in pairs
    ]
    assert np.corrcoef(np.transpose(qualities))[0, 1] == pytest.approx(
        heritability * 5 / 6, abs=0.07
    )
    assert np.mean(qualities) == pytest.approx(0, abs=0.2)
    assert np.std(qualities) == pytest.approx(1, abs=0.1)


def test_without_noise_scales_agree(designs, scales):
    verifier = SimulatedVerifier(noise=0.0, error_rate=0.0)
    small, large = (
        [verifier.verify(design, scale, SEED).fitness for design in designs]
        for scale in (scales[0], scales[-1])
    )
    assert np.corrcoef(small, large)[0, 1] == pytest.approx(1)
    assert large == pytest.approx([verifier.expected(design, scales[-1]) for design in designs])


def test_a_design_fails_at_all_scales_or_at_none(designs, scales):
    verifiers = [SimulatedVerifier(landscape=n) for n in LANDSCAPES]
    failed = [
        [v.verify(design, scale, seed).outcome is Outcome.DESIGN_ERROR for seed, scale in places]
        for v in verifiers
        for design in designs
        for places in [list(enumerate(scales[:2]))]
    ]
    assert all(len(set(of)) == 1 for of in failed)
    assert np.mean(failed) == pytest.approx(ERROR_RATE, abs=0.025)


def test_seeds_do_not_fail(scales):
    report = SimulatedVerifier(error_rate=1.0).verify(load_seed("gpt2"), scales[0], SEED)
    assert report.outcome is Outcome.OK


def test_machine_errors_are_drawn_anew(designs, scales):
    verifier = SimulatedVerifier(machine_error_rate=0.5, error_rate=0.0)
    outcomes = {verifier.verify(designs[0], scales[0], SEED).outcome for _ in range(100)}
    assert outcomes == {Outcome.OK, Outcome.MACHINE_ERROR}


def test_answers_do_not_depend_on_what_was_asked_before(designs, scales):
    one, other = SimulatedVerifier(), SimulatedVerifier()
    forth = {d.name: one.verify(d, scales[0], SEED) for d in designs}
    back = {d.name: other.verify(d, scales[0], SEED) for d in reversed(designs)}
    assert forth == back


def test_another_process_gives_the_same_answer(designs, scales, tmp_path):
    (tmp_path / "design.json").write_text(designs[0].model_dump_json())
    (tmp_path / "scale.json").write_text(scales[0].model_dump_json())
    program = f"""
from pathlib import Path
from genesys.records import Design, Scale
from genesys_verifiers.simulated.verifier import SimulatedVerifier
here = Path({str(tmp_path)!r})
design = Design.model_validate_json((here / "design.json").read_text())
scale = Scale.model_validate_json((here / "scale.json").read_text())
print(SimulatedVerifier().verify(design, scale, {SEED}).model_dump_json())
"""
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True).stdout
    assert told.decode().strip() == (
        SimulatedVerifier().verify(designs[0], scales[0], SEED).model_dump_json()
    )


def test_landscapes_scales_and_seeds_differ(designs, scales):
    def fitness(landscape, scale, seed):
        verifier = SimulatedVerifier(landscape=landscape, error_rate=0.0)
        return verifier.verify(designs[0], scale, seed).fitness

    places = [(0, scales[0], 0), (1, scales[0], 0), (0, scales[1], 0), (0, scales[0], 1)]
    assert len({fitness(*place) for place in places}) == 4


def test_formatting_does_not_count_and_code_does(designs):
    landscape, design = Landscape(0, 0.5), designs[0]
    root, unit, *rest = design.units
    as_comment, as_code = (
        design.model_copy(update={"units": [root, unit.model_copy(update={"code": code}), *rest]})
        for code in (f"{unit.code}\n# A comment.\n", unit.code.replace("1.", "2."))
    )
    assert landscape.quality(as_comment) == landscape.quality(design)
    assert landscape.quality(as_code) != landscape.quality(design)


def test_several_seeds_of_a_scale_give_their_mean(designs, scales):
    verifier = SimulatedVerifier(error_rate=0.0)
    scale = scales[0].model_copy(update={"seeds": 3})
    report = verifier.verify(designs[0], scale, SEED)
    single = [verifier.verify(designs[0], scales[0], SEED + i) for i in range(3)]
    for place, score in enumerate(report.scores):
        assert score.by_seed == [one.scores[place].value for one in single]
        assert score.value == pytest.approx(np.mean(score.by_seed))
        assert score.stderr > score.seed_error
    assert report.seconds == pytest.approx(3 * single[0].seconds)


def test_reports_say_that_they_are_simulated(reports):
    assert all(report.simulated for of in reports.values() for report in of)
    assert Population(reports=reports["14M"]).simulated
    assert not Population().simulated


def test_times_are_those_of_table_19(scales):
    """At 14M: 46 and 174 s for 20 tokens per parameter, of which there are 50; 30% evaluation."""
    assert seconds(263e6, 0.0) == pytest.approx(46 * 2.5 * 1.3)
    assert seconds(263e6, 0.5) == pytest.approx(174 * 2.5 * 1.3)
    assert seconds(263e6, 1.0) == pytest.approx(302 * 2.5 * 1.3)
    assert seconds(2.5e6, 0.5) == pytest.approx(seconds(250e6, 0.5) / 100)
    times = [seconds(scale.tokens, 0.5) for scale in scales]
    assert times == sorted(times)
    assert seconds(518e6, 0.5) < seconds(800e6, 0.5) < seconds(1056e6, 0.5)


def test_it_takes_its_time_if_it_is_told_to(designs, scales):
    began = time.perf_counter()
    report = SimulatedVerifier(time_scale=1e-4).verify(designs[0], scales[0], SEED)
    assert time.perf_counter() - began >= report.seconds * 1e-4


@pytest.mark.parametrize(
    "wrong", [{"heritability": 1.1}, {"noise": -1.0}, {"error_rate": 2.0}, {"time_scale": -0.1}]
)
def test_values_out_of_bounds_are_named(wrong):
    with pytest.raises(ConfigError, match=rf"verifier\.simulated\.{next(iter(wrong))} must be"):
        SimulatedVerifier(**wrong)
