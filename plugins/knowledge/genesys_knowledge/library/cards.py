"""Findings, works and reference units as a person reads them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.syntax import Syntax
from rich.table import Table
from rich.text import Text

from genesys.errors import UnknownNameError
from genesys.gau.reference import ReferenceUnit, reference_units
from genesys.records import Finding
from genesys.text import clean, one_line
from genesys_knowledge.library.entries import SOURCE, UNVERIFIED, page, units_of
from genesys_knowledge.library.sync import Extra, synced
from genesys_knowledge.library.works import Work, citing, work, works

CODE = "# GAU_IMPLEMENTATION_FILE"


def find(key: str) -> Work | ReferenceUnit:
    """What has a key: a work, or a reference unit by its name.

    Args:
        key: As in ``gla``, ``GQA``, or in the id of a finding, ``library:gla``.

    Raises:
        UnknownNameError: There is neither.
    """
    name = key.removeprefix(f"{SOURCE}:")
    if name in reference_units():
        return reference_units()[name]
    known = [entry.key for entry in works()]
    if name in known:
        return work(name)
    hint = "'genesys library search' finds works by a description."
    raise UnknownNameError("work or reference unit", name, [*known, *reference_units()], hint)


def found(findings: Sequence[Finding]) -> RenderableType:
    """Findings with their scores, best first; of reference units what they are, not their code."""
    if not findings:
        return Text("Nothing found. Describe the mechanism or the problem in other words.")
    table = Table.grid(padding=(0, 2, 1, 0))
    table.add_column(justify="right", style="dim")
    table.add_column(overflow="fold")
    for finding in findings:
        table.add_row(f"{finding.score:.2f}", Group(*_lines(finding)))
    return table


def about(entry: Work) -> dict[str, Any]:
    """All that is known of a work."""
    extra = synced().get(entry.key)
    return entry.model_dump() | {
        "url": page(entry, extra),
        "cited_by": citing(entry.key),
        "units": [f"{unit.role}/{unit.name}" for unit in units_of(entry.key)],
        "synced": extra.model_dump(mode="json") if extra else None,
    }


def card(entry: Work | ReferenceUnit) -> RenderableType:
    """A work or reference unit."""
    return _work(entry) if isinstance(entry, Work) else _unit(entry)


def _lines(finding: Finding) -> list[Text]:
    text = finding.text
    if text.startswith(CODE):
        text = f"genesys library show {finding.id.removeprefix(f'{SOURCE}:')} prints its code."
    lines = [Text(one_line(finding.title, 300), "bold"), Text(clean(text))]
    return [*lines, Text(clean(finding.url), "dim", overflow="fold")] if finding.url else lines


def _work(entry: Work) -> RenderableType:
    extra = synced().get(entry.key)
    places = ", ".join(part for part in (str(entry.year), entry.venue) if part)
    parts: list[RenderableType] = [
        Text.assemble((entry.title.strip(), "bold"), f"  [{entry.key}]"),
        Text(f"{', '.join(entry.authors)}, {places}"),
        Text(page(entry, extra), "dim"),
        Text(f"\n{'' if entry.verified else UNVERIFIED}{entry.summary}\n"),
        _fields(entry, extra),
    ]
    if extra and extra.abstract:
        parts += [Text("\nAbstract", "bold"), Padding(Text(clean(extra.abstract)), (0, 2))]
    return Group(*parts)


def _fields(entry: Work, extra: Extra | None) -> Table:
    fields = {
        "tags": ", ".join(entry.tags),
        "cites": ", ".join(entry.cites),
        "cited by": ", ".join(citing(entry.key)),
        "units": ", ".join(f"{unit.name} ({unit.role})" for unit in units_of(entry.key)),
        "arXiv": extra.arxiv if extra else "",
        "DOI": extra.doi if extra else "",
        "PDF": extra.pdf if extra else "",
    }
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(style="dim", no_wrap=True)
    table.add_column()
    for name, value in fields.items():
        if value:
            table.add_row(name, Text(clean(value)))
    return table


def _unit(unit: ReferenceUnit) -> RenderableType:
    return Group(
        Text.assemble((unit.name, "bold"), f"  reference unit, role {unit.role}"),
        Text(clean(unit.source), "dim"),
        Syntax(clean(unit.code), "python", word_wrap=True, theme="ansi_dark"),
    )
