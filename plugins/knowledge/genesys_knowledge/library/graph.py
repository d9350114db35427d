"""Who cites whom in the library: as a graph, as a picture, as a file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from genesys.errors import GenesysError
from genesys.files import write_text
from genesys_knowledge.library.works import Work, citing, work, works

SUFFIXES = (".html", ".svg", ".graphml")


def citations(key: str = "") -> Any:
    """The graph of citations, a ``networkx.DiGraph`` with an edge from who cites to who is cited.

    Args:
        key: Only this work, those that it cites, those that cite it, and edges among all of these.

    Raises:
        UnknownNameError: No work has the key.
    """
    import networkx

    graph = networkx.DiGraph()
    for entry in _around(key) if key else works():
        graph.add_node(entry.key, title=entry.title, year=entry.year, tags=", ".join(entry.tags))
    edges = ((key, cited) for key in graph for cited in work(key).cites)
    graph.add_edges_from([edge for edge in edges if edge[1] in graph])
    return graph


def write_graph(graph: Any, path: Path) -> None:
    """Write a graph; the suffix of the file tells the form.

    Raises:
        GenesysError: The suffix is none of :data:`SUFFIXES`, or the file cannot be written.
    """
    from genesys_knowledge.library.picture import as_html
    from genesys_knowledge.library.svg import as_svg

    writers = dict(zip(SUFFIXES, (as_html, as_svg, _as_graphml), strict=True))
    if path.suffix not in writers:
        known = ", ".join(SUFFIXES)
        raise GenesysError(f"{path}: a graph is written to a file that ends in one of {known}.")
    try:
        write_text(path, writers[path.suffix](graph))
    except OSError as error:
        raise GenesysError(f"Cannot write {path}: {error.strerror}.") from error


def _around(key: str) -> Iterator[Work]:
    yield work(key)
    for other in dict.fromkeys([*work(key).cites, *citing(key)]):
        if other != key:
            yield work(other)


def _as_graphml(graph: Any) -> str:
    import networkx

    return "\n".join(networkx.generate_graphml(graph)) + "\n"
