"""A knowledge source."""

from __future__ import annotations

from genesys.markers import hookimpl
from genesys.records import Finding, Query


class ProverbKnowledge:
    """Knows one proverb."""

    @hookimpl
    def search(self, query: Query) -> list[Finding]:
        """Answer with it, whatever is asked."""
        proverb = "Measure twice, train once."
        return [Finding(source="proverbs", title="Proverb", text=proverb, score=0.5)]
