"""The part of ``genesys cost`` that is about the budget: what is spent, and what a run comes to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from genesys.cli.aims import Aims
from genesys.cli.prospects import foretold, spent
from genesys.cli.text import duration
from genesys.evolution.budget import HOUR, BudgetSettings
from genesys.evolution.outlook import Goal, Outlook, outlook
from genesys.evolution.tally import Tally, entries_of
from genesys.population.by import By
from genesys.population.ledger import Entry, Ledger
from genesys.population.population import Population
from genesys.population.spending import Spending


@dataclass(frozen=True)
class Forecast:
    """Where the budget of a run stands.

    Attributes:
        device_hours: Of its verifications so far.
        caps: On what it may spend; those of a run whose config is not known are none.
        outlook: What it will come to; None where its config is not known.
    """

    device_hours: float
    caps: BudgetSettings
    outlook: Outlook | None

    @classmethod
    def read(cls, run: Path, spending: Spending) -> Forecast:
        """That of a run folder, also while the run goes on.

        Raises:
            StoreError: The folder holds no run.
        """
        from genesys.population.evolution_tree import EvolutionTree

        population, aims, total = EvolutionTree.read(run), Aims.read(run), spending.total
        tally = Tally(Ledger.read(run) or _entries(population, spending))
        hours = tally.device_seconds / HOUR
        if aims is None:
            return cls(hours, BudgetSettings(usd=None), None)
        goal = Goal(aims.ladder.scales, aims.settings.designs, aims.settings.max_sessions)
        tokens = total.input_tokens + total.output_tokens
        foreseen = outlook(population, tally, goal, aims.caps, total.usd, tokens)
        return cls(hours, aims.caps, foreseen)

    def lines(self, spending: Spending) -> Iterator[tuple[str, str]]:
        """What a person reads: of each line what it is about, and what it says."""
        total = spending.total
        tokens = total.input_tokens + total.output_tokens
        if told := spent(total.usd, tokens, self.device_hours, self.caps):
            yield "spent", told
        if self.outlook is None:
            return
        if told := foretold(self.outlook):
            yield "forecast", told
        rungs = [f"{count:.0f} at {name}" for name, count in self.outlook.verifications.items()]
        yield "reached", f"{self.outlook.designs:.0f} designs, verifications: {', '.join(rungs)}"
        if self.outlook.seconds:
            yield "left", f"about {duration(self.outlook.seconds)} with the workers there were last"


def _entries(population: Population, spending: Spending) -> list[Entry]:
    """Of a run without a ledger, with what its calls cost."""
    costs = {
        session: {"usd": spent.usd, "tokens": spent.input_tokens + spent.output_tokens}
        for session, spent in spending.by(By.SESSION).items()
    }
    entries = entries_of(population)
    return [e.model_copy(update=costs.get(str(e.session), {})) for e in entries]
