"""What a session's searches found, and which of it the proposal relies on."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.rule import Rule
from rich.text import Text

from genesys.cli.text import count, plain
from genesys.evolution.searches import KIND
from genesys.records import Finding, Found, Query
from genesys.tape import Answer
from genesys.text import one_line


def found_in(answers: Iterable[Answer]) -> list[Found]:
    """What the searches on a tape came to, in their order."""
    texts = (answer.json_value for answer in answers if answer.kind == KIND)
    return [Found.model_validate_json(text) for text in texts]


def searches(found: Collection[Found], used: Collection[str]) -> RenderableType:
    """Each search with its passages; those that the proposal relies on are marked.

    Args:
        found: By the session's searches.
        used: Ids of what the proposal relies on.
    """
    title = Text("Searches", "bold").append("  ● is a reference of the proposal", "dim")
    parts: list[RenderableType] = [Text(), Rule(title, align="left", style="dim")]
    for number, search in enumerate(found, 1):
        parts.append(Text(f"{number}. {_asked(search.query)}", "bold"))
        lines = [*_passages(search.findings, used), *_missing(search)]
        parts.append(Padding(Group(*lines or [Text("Nothing was found.", "dim")]), (0, 0, 0, 3)))
    return Group(*parts)


def _asked(query: Query) -> str:
    fields = {
        "keywords": ", ".join(query.keywords),
        "description": query.description,
        "instruction": query.instruction,
    }
    asked = [f"{name} “{one_line(text, 100)}”" for name, text in fields.items() if text.strip()]
    return ", ".join(asked) or "a query that was not kept"


def _passages(findings: Iterable[Finding], used: Collection[str]) -> Iterator[Text]:
    for finding in findings:
        cited = bool(finding.id) and finding.id in used
        name = f"[{one_line(finding.id, 80)}] " if finding.id else ""
        line = Text("● " if cited else "  ", "green")
        line.append(name, "cyan").append(one_line(finding.title, 120), "bold" if cited else "")
        size = f"{count(len(finding.text))} characters"
        yield line.append(f"  {one_line(finding.source, 40)}, {finding.score:.2f}, {size}", "dim")


def _missing(found: Found) -> Iterator[RenderableType]:
    for missing in found.missing:
        told = f"{missing.source} gave no answer: {missing.reason}. {missing.hint}"
        yield plain(one_line(told, 400), "red")
