"""The offline designer names the works that come nearest to its proposals."""

from __future__ import annotations

from collections.abc import Sequence

from genesys.records import Design, Finding, Found, Operator, Query
from genesys_agents.offline.designer import OfflineDesigner
from genesys_agents.offline.literature import CUTOFF, MOST
from genesys_knowledge.library.library import LibraryKnowledge
from genesys_knowledge.library.works import works

from .conftest import MakeContext


def finding(source: str, number: int, score: float) -> Finding:
    name = f"{source}:{number}"
    return Finding(source=source, title=name, text="x", score=score, id=name, url=f"https://{name}")


def test_it_cites_what_comes_nearest(seeds: Sequence[Design], context: MakeContext) -> None:
    asked: list[Query] = []
    found = [
        finding("papers", 1, CUTOFF),
        finding("papers", 2, CUTOFF - 0.01),
        finding("proposals", 3, 0.99),
        finding("units", 4, 0.99),
        finding("library", 5, 0.4),
        finding("library", 6, 0.9).model_copy(update={"id": ""}),
        *(finding("library", number, 0.5) for number in range(7, 9)),
    ]

    def search(query: Query) -> Found:
        asked.append(query)
        return Found(findings=found)

    proposal = OfflineDesigner().propose(context(Operator.MUTATION, seeds[:1], search=search))
    ids = [reference.id for reference in proposal.references]
    assert ids == ["library:7", "library:8", "library:5"]
    assert proposal.references[0].url == "https://library:7"
    (query,) = asked
    assert not query.keywords and not query.instruction and query.limit == MOST
    assert query.description.startswith(proposal.abstract.split(":")[0])


def test_the_library_knows_something_alike(seeds: Sequence[Design], context: MakeContext) -> None:
    library = LibraryKnowledge()
    known = {f"library:{work.key}" for work in works()}
    cited: set[str] = set()
    for seed in range(4):
        made = context(
            Operator.SCRATCH, seed=seed, search=lambda q: Found(findings=library.search(q))
        )
        cited |= {reference.id for reference in OfflineDesigner().propose(made).references}
    assert cited & known


def test_without_knowledge_it_cites_nothing(seeds: Sequence[Design], context: MakeContext) -> None:
    assert OfflineDesigner().propose(context(Operator.MUTATION, seeds[:1])).references == []
