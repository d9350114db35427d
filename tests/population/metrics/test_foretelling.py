"""Whether units foretell a value: tables 17 and 18."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.model_selection import LeaveOneOut
from sklearn.naive_bayes import MultinomialNB
from sklearn.pipeline import make_pipeline

from genesys.population.metrics.foretelling import foretold, predictability, told_alone
from genesys.population.metrics.tables import DESIGNS, SCORES, table


def test_units_that_decide_foretell():
    rng = Random(0)
    bags = [[f"Kind{i % 4}", rng.choice("XYZ")] for i in range(80)]
    found = predictability(bags, [float(i % 4) for i in range(80)])
    assert found is not None
    assert found.leave_one_out > 0.95 > 0.5 > found.majority
    assert found.folds > 0.95
    assert found.support == (20, 20, 20, 20)


def test_units_that_say_nothing_do_not():
    rng = Random(0)
    bags = [[rng.choice("ABCD"), rng.choice("XYZ")] for _ in range(80)]
    found = predictability(bags, [rng.random() for _ in bags])
    assert found is not None
    assert found.leave_one_out < 0.45


def test_nothing_to_tell():
    assert predictability([["A"]] * 20, [0.5] * 20) is None
    assert predictability([["A"]] * 3, [0.1, 0.2, 0.3]) is None


@pytest.mark.parametrize("seed", range(4))
def test_leaving_one_out_at_once_is_fitting_for_each(seed):
    rng = Random(seed)
    bags = [rng.choices("ABCDEFGH", k=rng.randint(1, 4)) for _ in range(30)]
    bags += [[f"Own{i}", rng.choice("AB")] for i in range(6)]  # units that no other design has
    levels = np.array([rng.choice([0, 0, 1, 3]) for _ in bags])
    levels[5] = 2  # the only one at its level
    model = make_pipeline(CountVectorizer(analyzer=lambda bag: bag), MultinomialNB())
    expected = [
        model.fit([bags[i] for i in kept], levels[kept]).predict([bags[held[0]]])[0]
        for kept, held in LeaveOneOut().split(levels)
    ]
    counts = CountVectorizer(analyzer=lambda bag: bag).fit_transform(bags).tocsr()
    assert told_alone(counts, levels).tolist() == expected


def test_a_row_for_fitness_and_one_for_each_task():
    bags = [["A", "N"], ["B", "N"]] * 10
    designs = [
        {"name": f"d{i}", "units": bag, "fitness": 0.5 if i < 19 else None}
        for i, bag in enumerate(bags)
    ]
    designs.append({"name": "unknown", "units": [], "fitness": 0.9})
    scores = []
    for i in range(20):
        told = 0.2 if i % 2 else 0.8
        for scale, off in (("s", -0.1), ("m", 0.1)):  # what counts is the mean over both
            row = {"design": f"d{i}", "scale": scale, "task": "told", "value": told + off}
            scores += [row, row | {"task": "flat", "value": 0.5}]
        scores += [{"design": f"d{i}", "scale": "s", "task": "few", "value": told}] * (i < 9)
    fitness, told, *others = foretold(table(designs, DESIGNS), table(scores, SCORES)).to_pylist()
    assert (fitness["what"], fitness["leave_one_out"]) == ("fitness", None)  # all are equal
    assert (told["what"], told["leave_one_out"], told["folds"]) == ("told", 1.0, 1.0)
    # Half of them at each end of the range, and none between.
    assert [told[f"s{level}"] for level in (1, 2, 3, 4)] == [10, 0, 0, 10]
    assert told["majority"] == pytest.approx(1 / 3)
    assert [(row["what"], row["folds"]) for row in others] == [("few", None), ("flat", None)]


def test_designs_without_units_tell_nothing():
    assert (
        foretold(table([{"name": "a", "units": []}], DESIGNS), SCORES.empty_table()).num_rows == 0
    )
