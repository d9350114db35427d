"""What the library can be asked for: its works, and the reference units."""

from __future__ import annotations

from collections.abc import Sequence

from genesys.gau.reference import ReferenceUnit, reference_units
from genesys.records import Finding
from genesys_knowledge.library.catalogue import Entry
from genesys_knowledge.library.sync import Extra, synced
from genesys_knowledge.library.works import Work, work, works

SOURCE = "library"
UNVERIFIED = "By its title only, its mechanism unverified: "
PAGE = "https://www.semanticscholar.org/paper/"


def entries() -> tuple[list[Entry], list[Entry]]:
    """All works by key, and all reference units by role and name.

    Raises:
        StoreError: What was synced cannot be read.
        GenesysError: A reference unit is not whole, or names a work that is not there.
    """
    extras, units = synced(), reference_units().values()
    return (
        [_of_work(entry, extras.get(entry.key)) for entry in works()],
        [_of_unit(unit, [work(key) for key in unit.works]) for unit in units],
    )


def is_unit(finding: Finding) -> bool:
    """Whether it is a reference unit, whose names are capitalised, and no work."""
    return finding.id.removeprefix(f"{SOURCE}:")[:1].isupper()


def page(entry: Work, extra: Extra | None) -> str:
    """Where a person can read a work; empty if nowhere."""
    if extra and extra.url:
        return extra.url
    return f"{PAGE}{entry.s2_id}" if entry.s2_id else ""


def units_of(key: str) -> list[ReferenceUnit]:
    """The reference units that implement a work.

    Raises:
        GenesysError: A reference unit is not whole.
    """
    return [unit for unit in reference_units().values() if key in unit.works]


def _of_work(entry: Work, extra: Extra | None) -> Entry:
    finding = Finding(
        source=SOURCE,
        id=f"{SOURCE}:{entry.key}",
        title=entry.citation,
        text=entry.summary if entry.verified else f"{UNVERIFIED}{entry.summary}",
        url=page(entry, extra),
        score=0,
    )
    words = [entry.key, entry.title, entry.summary, *entry.tags, extra.abstract if extra else ""]
    return Entry(finding, words=" ".join(words), meaning=entry.summary)


def _of_unit(unit: ReferenceUnit, published: Sequence[Work]) -> Entry:
    of = "; ".join(entry.citation for entry in published)
    finding = Finding(
        source=SOURCE,
        id=f"{SOURCE}:{unit.name}",
        title=f"Reference unit {unit.name} ({unit.role})" + (f" of {of}" if of else ""),
        text=unit.code,
        score=0,
    )
    doc = unit.unit.docstring
    words = [unit.name, doc, *(f"{entry.title} {entry.summary}" for entry in published)]
    return Entry(finding, words=" ".join(words), meaning=doc)
