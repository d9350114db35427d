"""Search the reference library, look around in it, sync it, add papers of your own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from genesys_knowledge.passages.passage import Mode

if TYPE_CHECKING:
    from genesys_knowledge.papers.adding import Added

app = typer.Typer(
    help="The reference library, and papers of your own.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Key = Annotated[str, typer.Argument(help="Of a work, e.g. gla, or the name of a reference unit.")]


@app.command()
def search(
    asked: Annotated[str, typer.Argument(help="A description of what is wanted.")],
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=1000, help="Most works.")] = 5,
    mode: Annotated[Mode, typer.Option(help="By what, if there is an embedder.")] = Mode.HYBRID,
    embedder: Annotated[
        str, typer.Option(help="Of the works: none, minilm or litellm:<provider>/<model>.")
    ] = "none",
    as_json: AsJson = False,
) -> None:
    """Find works, reference units and passages of your own papers that fit a description."""
    from rich.console import Console

    from genesys.records import Query
    from genesys_knowledge.library.cards import found
    from genesys_knowledge.library.library import LibraryKnowledge
    from genesys_knowledge.library.own import search_papers

    library, query = LibraryKnowledge(embedder, mode.value), Query(description=asked, limit=limit)
    with Console(stderr=True).status("Searching; with a new embedder this takes a while"):
        findings = [*library.search(query), *search_papers(query, mode)]
    if as_json:
        _print_json([finding.model_dump() for finding in findings])
    else:
        Console().print(found(findings))


@app.command()
def show(key: Key, as_json: AsJson = False) -> None:
    """Show a work with its summary, citations and reference units; or a reference unit's code."""
    from rich.console import Console

    from genesys_knowledge.library.cards import about, card, find
    from genesys_knowledge.library.works import Work

    entry = find(key)
    if not as_json:
        Console().print(card(entry))
    elif isinstance(entry, Work):
        _print_json(about(entry))
    else:
        names = ("name", "role", "summary", "source", "works", "code")
        _print_json({name: getattr(entry, name) for name in names})


@app.command()
def graph(
    key: Annotated[str, typer.Argument(help="Only what this work cites and is cited by.")] = "",
    out: Annotated[
        Path, typer.Option("--out", "-o", help="The file: .html, .svg or .graphml.")
    ] = Path("library.html"),
) -> None:
    """Write who cites whom: a page to zoom in, a drawing, or GraphML for other programs."""
    from genesys_knowledge.library.graph import citations, write_graph

    found = citations(key)
    write_graph(found, out)
    typer.echo(f"{out}: {len(found)} works, {found.number_of_edges()} citations")


@app.command()
def stats(as_json: AsJson = False) -> None:
    """Count works by year and tag, who is cited most, units, your papers, what was synced."""
    from rich.console import Console

    from genesys_knowledge.library.stats import stats, table

    numbers = stats()
    if as_json:
        _print_json(numbers)
    else:
        Console().print(table(numbers))


@app.command()
def sync(
    days: Annotated[int, typer.Option(min=0, help="Ask anew for what is older.")] = 30,
) -> None:
    """Complete abstracts, identifiers and links from Semantic Scholar and arXiv.

    What has come is kept: a sync that was stopped goes on. Needs a network.
    """
    from genesys_knowledge.library.sync import sync
    from genesys_knowledge.progress import bars

    with bars() as progress:
        known = sync(progress=lambda done, total: progress("sync works", done, total), days=days)
    abstracts = sum(bool(extra.abstract) for extra in known.values())
    typer.echo(f"{len(known)} works are synced, {abstracts} with their abstract.")


@app.command()
def add(
    sources: Annotated[
        list[str] | None, typer.Argument(help="Files, folders, arXiv identifiers or addresses.")
    ] = None,
    embedder: Annotated[
        str,
        typer.Option(help="none, minilm or litellm:<provider>/<model>; that of the store if not."),
    ] = "",
    rebuild: Annotated[
        bool, typer.Option("--rebuild", help="First embed what is there by this embedder.")
    ] = False,
    folder: Annotated[Path | None, typer.Option(help="Of the store; the user's if not.")] = None,
    most_mb: Annotated[float, typer.Option(help="Larger files are not read.")] = 100,
    as_json: AsJson = False,
) -> None:
    """Add papers of your own, for 'search' and knowledge=papers. Exit status 1 if one cannot be.

    What is there already is not read again, so a command that was stopped goes on.
    """
    from dataclasses import asdict

    from genesys_knowledge.library.own import add_papers
    from genesys_knowledge.papers.adding import Outcome
    from genesys_knowledge.progress import bars

    if not sources and not rebuild:
        raise typer.BadParameter("name files, folders or arXiv identifiers", param_hint="SOURCES")
    done = []
    with bars() as progress:
        for item in add_papers(sources or [], progress, folder, embedder, rebuild, most_mb):
            done.append(item)
            if not as_json:
                typer.echo(_told(item))
    if as_json:
        _print_json(
            [asdict(i) | {"paper": i.paper.model_dump() if i.paper else None} for i in done]
        )
    if any(item.outcome is Outcome.FAILED for item in done):
        raise typer.Exit(1)


def _told(item: Added) -> str:
    """What became of a paper, on a line."""
    from genesys.text import one_line

    paper, why = item.paper, f": {item.why}" if item.why else ""
    title = f" · {paper.title} · {paper.passages} passages" if paper else ""
    return one_line(f"{item.outcome.value} {item.source}{title}{why}", 300)


def _print_json(data: Any) -> None:
    typer.echo(json.dumps(data, indent=2, ensure_ascii=False))
