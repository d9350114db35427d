import pytest

from genesys.cli.leaderboard import leaderboard
from genesys.cli.ranking import rank, scales_of
from genesys.cli.scores import scores
from genesys.population.population import Population
from genesys.records import Outcome, VerificationReport


def test_numbers_are_those_of_the_reports(population):
    ranking = rank(population, "0.1M")
    assert [row.design for row in ranking.rows][:3] == [
        "hybrid-norm",
        "gpt2-x-mamba2",
        "gpt2-shortconv",
    ]
    assert [row.rank for row in ranking.rows] == list(range(1, 10))
    best = ranking.rows[0]
    assert best.accuracy == pytest.approx(0.652)
    assert best.stderr == pytest.approx(0.012 / 6**0.5)
    assert best.bits_per_byte == pytest.approx(2.6 - 0.652)
    assert best.gain == pytest.approx(0.652 - 0.62)
    assert best.parameters == 12 * 2 * 64**2
    assert ranking.best_seed.design == "gpt2"
    assert ranking.best_child.design == "hybrid-norm"


def test_baselines(population):
    ranking = rank(population, "0.1M")
    assert ranking.untrained.accuracy == pytest.approx(0.5)
    assert ranking.untrained.bits_per_byte == pytest.approx(7.9)
    assert ranking.chance == 0.5


def test_several_reports_of_one_design_are_averaged(population):
    report = next(r for r in population.reports if r.design == "gpt2" and r.scale == "0.1M")
    better = [s.model_copy(update={"value": s.value + 0.04}) for s in report.scores]
    again = report.model_copy(update={"seed": 1, "scores": better})
    twice = Population(population.designs, [*population.reports, again])
    row = next(r for r in rank(twice, "0.1M").rows if r.design == "gpt2")
    assert row.accuracy == pytest.approx(0.64)
    assert row.stderr == pytest.approx(0.012 / 6**0.5)  # they are asked the same items


def test_no_standard_error_unless_all_tasks_have_one(population):
    report = population.reports[0]
    scores = [report.scores[0].model_copy(update={"stderr": None}), *report.scores[1:]]
    partial = Population(population.designs, [report.model_copy(update={"scores": scores})])
    assert rank(partial, "0.1M").rows[0].stderr is None


def test_what_is_not_told_apart_is_marked(population, render):
    ranking = rank(population, "0.1M")
    # Each accuracy has an error of 0.0049, so differences below 0.0136 are ties.
    alike = {row.design for row in ranking.rows if row.like_best}
    assert alike == {r.design for r in ranking.rows[1:] if r.accuracy > 0.652 - 0.0136}
    assert alike
    level = {row.design for row in ranking.rows if row.like_seed}
    assert level == {
        r.design for r in ranking.rows if not r.is_seed and abs(r.accuracy - 0.62) < 0.0136
    }
    shown = render(leaderboard(population, ["0.1M"]), 120)
    assert "≈2" in shown and "≈9" not in shown
    assert "+0.032" in shown and "≈+0.032" not in shown


def test_without_errors_nothing_is_marked(population):
    reports = [
        r.model_copy(update={"scores": [s.model_copy(update={"stderr": None}) for s in r.scores]})
        for r in population.reports
    ]
    rows = rank(Population(population.designs, reports), "0.1M").rows
    assert not any(row.like_best or row.like_seed for row in rows)


def test_other_terms_decide_the_places(population, render):
    slim = [
        r.model_copy(update={"flops": 2 * r.parameters * len(r.design)}) for r in population.reports
    ]
    whole = Population(population.designs, slim, weights={"accuracy": 1.0, "flops": 0.5})
    rows = rank(whole, "0.1M").rows
    assert rows[0].design == "gpt2"  # the shortest name
    assert rows[0].fitness == whole.fitness("gpt2", "0.1M")
    assert rows[0].accuracy == pytest.approx(0.62)
    assert "fitness" in render(leaderboard(whole), 120)
    assert "fitness" not in render(leaderboard(population), 120)


def test_failures_are_not_ranked(population):
    failure = rank(population, "0.1M").failures[0]
    assert (failure.design, failure.outcome) == ("unstable-exp", Outcome.DESIGN_ERROR)
    assert "unstable-exp" not in [row.design for row in rank(population, "0.1M").rows]


def test_faults_of_the_machine_are_counted_until_one_try_succeeds(population, render):
    trace = 'Traceback (most recent call last):\n  File "x.py", line 1, in f\nOSError: disk full'
    fault = VerificationReport(
        design="gpt2", scale="0.1M", outcome=Outcome.MACHINE_ERROR, error=trace, parameters=1
    )
    stuck = Population(population.designs, [fault, fault])
    assert "gpt2 stopped by the machine 2 times: OSError: disk full" in render(leaderboard(stuck))
    healed = Population(population.designs, [fault, *population.reports])
    assert [f.design for f in rank(healed, "0.1M").failures] == ["unstable-exp"]


def test_scales_come_smallest_first(population):
    assert scales_of(population) == ["0.1M", "0.3M"]


@pytest.mark.parametrize("width", [80, 120])
def test_shows_all_scales_baselines_and_failures(population, render, width):
    shown = render(leaderboard(population), width)
    assert "Scale 0.1M" in shown and "Scale 0.3M" in shown
    assert "0.652 ± 0.005" in shown and "+0.032" in shown
    assert "untrained" in shown and "chance" in shown
    assert "unstable-exp failed: The loss became NaN at step 112." in shown
    assert all(row.design in shown for row in rank(population, "0.1M").rows)
    assert max(map(len, shown.splitlines())) <= width


def test_long_names_stay_whole_in_a_narrow_terminal(population, render):
    long = "scaled-parallel-multi-scale-retention-a7fc"
    designs = [population.design("gpt2").model_copy(update={"name": long})]
    report = next(r for r in population.reports if r.design == "gpt2")
    renamed = Population(designs, [report.model_copy(update={"design": long})])
    shown = render(leaderboard(renamed), 80)
    first, second = shown.splitlines()[5:7]
    assert first.split()[1] + second.split()[0] == long
    assert f"{report.fitness:.3f} ± " in shown


def test_one_scale_only(population, render):
    shown = render(leaderboard(population, ["0.3M"]))
    assert "0.3M" in shown and "0.1M" not in shown


def test_nothing_verified(population, render):
    assert "No design has been verified yet." in render(leaderboard(Population(population.seeds)))
    assert "No design has been verified yet." in render(leaderboard(Population()))


def test_only_seeds(population, render):
    reports = [r for r in population.reports if r.design in ("gpt2", "mamba2")]
    shown = render(leaderboard(Population(population.seeds, reports)))
    assert "gpt2" in shown and "vs" in shown


def test_hostile_text_is_shown_as_text(hostile, render):
    shown = render(leaderboard(hostile))
    assert "\x1b" not in shown and "\u202e" not in shown
    assert "[bold red]x[/]" in shown


def test_what_is_simulated_is_said_at_its_scale(population, render):
    made_up = [
        r.model_copy(update={"simulated": True}) if r.scale == "0.1M" else r
        for r in population.reports
    ]
    shown = render(leaderboard(Population(population.designs, made_up)))
    assert "Scale 0.1M  simulated: nothing was trained\n" in shown
    assert shown.count("simulated") == 1
    assert "simulated" not in render(leaderboard(population))


@pytest.mark.parametrize("outcome", Outcome)
def test_what_is_simulated_is_said_of_a_report(population, render, outcome):
    real = population.reports[0].model_copy(update={"outcome": outcome, "error": "no"})
    assert "simulated" not in render(scores(real))
    made_up = real.model_copy(update={"simulated": True})
    assert "simulated: nothing was trained" in render(scores(made_up))
