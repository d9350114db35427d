"""Statistics of trees against graphs whose figures are known."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pytest
from scipy.stats import zipf

from genesys.population.metrics.tables import DESIGNS, table
from genesys.population.metrics.trees import ancestry, power_law, tree_statistics


def test_a_star_by_hand():
    rows = [{"name": "seed", "parents": []}]
    rows += [{"name": f"d{i}", "parents": ["seed", "elsewhere"]} for i in range(4)]
    found = tree_statistics(ancestry(table(rows, DESIGNS)))
    assert (found.nodes, found.edges) == (5, 4)
    assert found.density == pytest.approx(4 / 10)
    assert found.degree == pytest.approx(8 / 5)
    assert found.degree_deviation == pytest.approx(1.2)
    assert (found.communities, found.largest_community, found.community) == (1, 5, 5)


def test_finds_two_communities():
    found = tree_statistics(nx.barbell_graph(6, 0))
    assert (found.communities, found.largest_community, found.community) == (2, 6, 6)


@pytest.mark.parametrize("alpha", [2.2, 3.0, 4.0])
def test_finds_the_exponent_that_degrees_were_drawn_with(alpha):
    degrees = zipf.rvs(alpha, size=5000, random_state=np.random.default_rng(0))
    assert power_law(degrees) == pytest.approx(alpha, rel=0.08)


def test_equal_degrees_have_no_exponent():
    assert power_law([0, 0, 2, 2]) is None


def test_an_empty_tree_has_no_statistics():
    with pytest.raises(ValueError, match="without designs"):
        tree_statistics(nx.Graph())
