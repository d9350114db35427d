"""The shape of an evolution tree (app. E.1.2, table 15)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from statistics import fmean, pstdev

import networkx as nx
import numpy as np
import pyarrow as pa

EXPONENTS = (1.01, 20.0)


@dataclass(frozen=True)
class TreeStatistics:
    """Table 15's figures, of the graph without the edges' directions.

    Attributes:
        nodes: Designs.
        edges: Pairs of parent and child.
        density: Share of all pairs of designs that are joined.
        degree: Mean number of parents and children of a design.
        degree_deviation: Its standard deviation.
        alpha: Exponent of a power law fitted to the degrees; None if there is no fit.
        communities: Number of Louvain communities.
        largest_community: Designs in the largest.
        community: Mean number of designs in one.
    """

    nodes: int
    edges: int
    density: float
    degree: float
    degree_deviation: float
    alpha: float | None
    communities: int
    largest_community: int
    community: float


def ancestry(designs: pa.Table) -> nx.Graph[str]:
    """Designs joined to their parents; parents that are not in the table are left out."""
    names = designs["name"].to_pylist()
    graph: nx.Graph[str] = nx.Graph()
    graph.add_nodes_from(names)
    for name, parents in zip(names, designs["parents"].to_pylist(), strict=True):
        graph.add_edges_from((parent, name) for parent in parents if parent in graph)
    return graph


def tree_statistics(graph: nx.Graph[str], seed: int = 0) -> TreeStatistics:
    """The figures of a graph that has a node at least.

    Args:
        graph: Of designs, or of works that cite each other.
        seed: Of the search for communities.

    Raises:
        ValueError: The graph is empty.
    """
    if not graph:
        raise ValueError("A tree without designs has no statistics.")
    degrees = [degree for _, degree in graph.degree()]
    communities = nx.community.louvain_communities(graph, seed=seed)
    return TreeStatistics(
        nodes=graph.number_of_nodes(),
        edges=graph.number_of_edges(),
        density=nx.density(graph),
        degree=fmean(degrees),
        degree_deviation=pstdev(degrees),
        alpha=power_law(degrees),
        communities=len(communities),
        largest_community=max(map(len, communities)),
        community=len(graph) / len(communities),
    )


def power_law(degrees: Iterable[int]) -> float | None:
    """Exponent of p(x) ~ x^-alpha in the tail of the degrees.

    By maximum likelihood over whole numbers; the tail begins where the distribution comes closest
    to the fitted one (Clauset, Shalizi and Newman 2009, sec. 3).

    Returns:
        None if fewer than two different degrees are above zero.
    """
    values = np.array([degree for degree in degrees if degree > 0])
    fits = [_fit(values[values >= least]) for least in np.unique(values)[:-1]]
    return min(fits)[1] if fits else None


def _fit(tail: np.ndarray) -> tuple[float, float]:
    """Greatest distance between the distributions (Kolmogorov and Smirnov), and the exponent."""
    from scipy.optimize import minimize_scalar
    from scipy.special import zeta

    least = tail.min()
    mean = np.log(tail).mean()
    found = minimize_scalar(
        lambda alpha: alpha * mean + np.log(zeta(alpha, least)), bounds=EXPONENTS, method="bounded"
    )
    steps = np.arange(least, tail.max() + 1)
    below = np.searchsorted(np.sort(tail), steps, side="right") / len(tail)
    foretold = 1 - zeta(found.x, steps + 1) / zeta(found.x, least)
    return float(np.abs(below - foretold).max()), float(found.x)
