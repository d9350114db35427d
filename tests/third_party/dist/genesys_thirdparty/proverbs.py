"""A knowledge source."""

from __future__ import annotations

from genesys.markers import hookimpl
from genesys.records import Finding, Query


class ProverbKnowledge:
    """Knows one proverb."""

    @hookimpl
    def search(self, query: Query) -> list[Finding]:
        """Answer with it, whatever is described."""
        proverb = Finding(
            source="proverbs",
            title="Proverb",
            text="Measure twice, train once.",
            score=0.5,
            id="proverbs:measure",
        )
        return [proverb] if query.description else []
