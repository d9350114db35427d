"""Runs beside each other: table 2 and figure 12 of a multirun (sec. 5.1)."""

from genesys.population.comparison.comparison import Comparison, Estimate, Group, compare
from genesys.population.comparison.runs import LeftOut, Run

__all__ = ["Comparison", "Estimate", "Group", "LeftOut", "Run", "compare"]
