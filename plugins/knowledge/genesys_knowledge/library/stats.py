"""What the library holds, in numbers."""

from __future__ import annotations

from collections import Counter
from typing import Any

from rich.columns import Columns
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from genesys.gau.reference import reference_units
from genesys_knowledge.library.own import counts
from genesys_knowledge.library.sync import synced
from genesys_knowledge.library.works import works

MOST_CITED = 15


def stats() -> dict[str, Any]:
    """Numbers of works, citations, reference units, of what was synced, and of a person's papers.

    Raises:
        StoreError: What was synced or added cannot be read.
        GenesysError: A reference unit is not whole.
    """
    extras, units = synced(), reference_units().values()
    cited = Counter(key for work in works() for key in work.cites)
    tags = Counter(tag for work in works() for tag in work.tags)
    years = Counter(work.year for work in works())
    return {
        "works": len(works()),
        "verified": sum(work.verified for work in works()),
        "citations": cited.total(),
        "years": {str(year): years[year] for year in sorted(years)},
        "tags": dict(sorted(tags.items(), key=lambda item: (-item[1], item[0]))),
        "most_cited": dict(sorted(cited.items(), key=lambda i: (-i[1], i[0]))[:MOST_CITED]),
        "units": len(units),
        "works_with_units": len({key for unit in units for key in unit.works}),
        "synced": len(extras),
        "abstracts": sum(bool(extra.abstract) for extra in extras.values()),
        "last_synced": max((e.asked.isoformat() for e in extras.values()), default=None),
        "own": counts(),
    }


def table(numbers: dict[str, Any]) -> RenderableType:
    """The numbers for a person."""
    shelves = (("year", "years"), ("tag", "tags"), ("most cited", "most_cited"))
    tables = [_counted(title, numbers[name]) for title, name in shelves]
    own = "{papers} papers of your own, {passages} passages, embedder: {embedder}"
    when = f", last on {numbers['last_synced'][:10]}" if numbers["last_synced"] else ""
    lines = (
        f"{numbers['works']} works, {numbers['verified']} of them with more than their title tells",
        f"{numbers['citations']} citations among them",
        f"{numbers['units']} reference units, of {numbers['works_with_units']} works",
        f"{numbers['synced']} works synced{when}, {numbers['abstracts']} with their abstract",
        own.format(**numbers["own"]),
    )
    return Group(*map(Text, lines), Text(), Columns(tables, padding=(0, 6)))


def _counted(title: str, counts: dict[str, int]) -> Table:
    found = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    found.add_column(title)
    found.add_column("works", justify="right")
    for name, number in counts.items():
        found.add_row(Text(name), str(number))
    return found
