"""The standing of a scale, kept up report by report, is that of the ranking."""

from genesys.cli.ranking import rank
from genesys.cli.standing import Standing
from genesys.population.population import Population

from .conftest import SCALES, make_report


def check(population, scale):
    standing = Standing()
    for report in population.reports:
        if report.scale == scale:
            standing.add(report, population)
    ranking = rank(population, scale)
    assert len(standing) == len(ranking.rows)
    for row in ranking.rows:
        assert standing.place(row.design) == row.rank
    for ours, theirs in (
        (standing.best, ranking.best),
        (standing.best_seed, ranking.best_seed),
    ):
        assert (ours and (ours.design, ours.accuracy, ours.is_seed)) == (
            theirs and (theirs.design, theirs.accuracy, theirs.is_seed)
        )
    return standing, ranking


def test_it_is_that_of_the_ranking(population):
    for scale in SCALES:
        standing, ranking = check(population, scale.name)
        assert abs(standing.untrained - ranking.untrained.accuracy) < 1e-12
    assert standing.place("unstable-exp") is None


def test_a_design_that_is_verified_again_has_one_place(population):
    again = make_report("hybrid-norm", SCALES[0], 0.55)
    grown = Population(population.designs, [*population.reports, again])
    standing, _ = check(grown, "0.1M")
    assert standing.place("hybrid-norm") > 1


def test_nothing_is_best_of_nothing():
    assert (Standing().best, Standing().best_seed, Standing().untrained) == (None, None, None)
