"""What was tried before: proposals and units of the run, and of others (app. B.1.5, table 10)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from glob import has_magic
from pathlib import Path
from threading import Lock

from genesys.errors import GenesysError, SourceError
from genesys.markers import hookimpl
from genesys.passages import shortened
from genesys.population.population import Population
from genesys.population.run_file import FILE
from genesys.records import Finding, Query
from genesys_knowledge.past import PROPOSALS, UNITS, Past


class MemoryKnowledge:
    """Finds earlier proposals and units by the cosine of their TF-IDF vectors with a description.

    The population of the run is followed as it grows, so that what a session made is found by the
    next one. Equal texts are found once.

    Args:
        proposal_cutoff: Proposals with a lower score are left out.
        proposal_top: Most proposals of an answer.
        unit_cutoff: Units with a lower score are left out.
        unit_top: Most units of an answer.
        excerpt: Most characters of a finding's text.
        runs: Folders of other runs to search as well, or patterns such as ``runs/*``; they are
            read once, as they are at the first search.

    Raises:
        ValueError: A parameter is out of bounds.
    """

    def __init__(
        self,
        proposal_cutoff: float = 0.05,
        proposal_top: int = 4,
        unit_cutoff: float = 0.05,
        unit_top: int = 4,
        excerpt: int = 2000,
        runs: Sequence[str] = (),
    ) -> None:
        for name, cutoff in (("proposal", proposal_cutoff), ("unit", unit_cutoff)):
            if not 0 <= cutoff <= 1:
                raise ValueError(f"{name}_cutoff must lie in 0..1, got {cutoff}")
        for name, most in (("proposal", proposal_top), ("unit", unit_top)):
            if most < 0:
                raise ValueError(f"{name}_top must not be negative, got {most}")
        if excerpt < 1:
            raise ValueError(f"excerpt must be positive, got {excerpt}")
        self._bounds = {PROPOSALS: (proposal_cutoff, proposal_top), UNITS: (unit_cutoff, unit_top)}
        self._excerpt, self._runs = excerpt, runs
        self._own = Past()
        self._others: list[Past] | None = None
        self._unread: list[str] = []
        self._lock = Lock()  # one search at a time: the index grows

    @hookimpl
    def search(self, population: Population, query: Query) -> list[Finding]:
        """See ``genesys.hookspecs.search``.

        Raises:
            SourceError: Another run cannot be read; what the rest holds is found all the same.
        """
        if not query.description.strip():
            return []
        with self._lock:
            self._own.follow(population)
            if self._others is None:
                self._others = list(self._read())
            found = [f for kind in self._bounds for f in self._search(kind, query)]
        found.sort(key=lambda finding: finding.score, reverse=True)
        if self._unread:
            hint = "Set knowledge.memory.runs to folders of runs of this version."
            raise SourceError("memory", "; ".join(self._unread), hint, found)
        return found

    def _search(self, kind: str, query: Query) -> list[Finding]:
        cutoff, top = self._bounds[kind]
        own = self._own.shelves[kind]
        found = own.search(query.description, cutoff, top)
        for other in self._others or ():
            found += other.shelves[kind].search(query.description, cutoff, top, without=own)
        found.sort(key=lambda finding: finding.score, reverse=True)
        return [
            finding.model_copy(update={"text": shortened(finding.text, self._excerpt)})
            for finding in found[: min(top, query.limit)]
        ]

    def _read(self) -> Iterator[Past]:
        """The other runs; what cannot be read is noted."""
        from genesys.population.evolution_tree import EvolutionTree

        names: set[str] = set()
        for folder in self._folders():
            past = Past(_unique(re.sub(r"[^\w.-]+", "-", folder.absolute().name), names))
            try:
                past.follow(EvolutionTree.read(folder))
            except GenesysError as error:
                self._unread.append(f"the run {folder} cannot be read ({error})")
            else:
                yield past

    def _folders(self) -> Iterator[Path]:
        """The folders of other runs; what names none is noted."""
        for named in self._runs:
            try:
                folders = _matching(named)
            except (OSError, RuntimeError, ValueError) as error:
                self._unread.append(f"{named} names no folders ({error})")
                continue
            yield from folders
            if not folders:
                self._unread.append(f"no run lies at {named}")


def _matching(named: str) -> list[Path]:
    """A folder as it is named, or those of a pattern that hold a run.

    Raises:
        OSError, RuntimeError, ValueError: It is no pattern, or cannot be looked up.
    """
    path = Path(named).expanduser()
    if not has_magic(named):
        return [path]
    matching = Path(path.anchor).glob(str(path.relative_to(path.anchor)))
    return sorted(folder for folder in matching if (folder / FILE).is_file())


def _unique(name: str, names: set[str]) -> str:
    """The name, with a number behind it if it is taken; takes it."""
    free, number = name, 1
    while free in names:
        number += 1
        free = f"{name}-{number}"
    names.add(free)
    return free
