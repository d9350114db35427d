"""The plugin ``knowledge.library``: the reference library, without a network."""

from __future__ import annotations

from functools import cached_property
from itertools import islice
from typing import Literal

from genesys.errors import GenesysError, SourceError
from genesys.markers import hookimpl
from genesys.records import Finding, Query
from genesys.text import one_line
from genesys_knowledge.library.catalogue import Catalogue
from genesys_knowledge.library.entries import SOURCE, entries, is_unit
from genesys_knowledge.passages.embedders import open_embedder
from genesys_knowledge.passages.passage import Mode


class LibraryKnowledge:
    """Finds works and reference units by a description.

    Args:
        embedder: ``none``, ``minilm`` or ``litellm:<model>``.
        mode: By what they are found; without an embedder always by words.
        cutoff: What has a lower score is left out.
        units: Most reference units of an answer, besides the works.

    Raises:
        ConfigError: There is no such embedder.
        MissingExtraError: The embedder is not installed.
        ValueError: A parameter is out of bounds.
    """

    def __init__(
        self,
        embedder: str = "none",
        mode: Literal["hybrid", "text", "vector"] = "hybrid",
        cutoff: float = 0.05,
        units: int = 2,
    ) -> None:
        if not 0 <= cutoff <= 1:
            raise ValueError(f"cutoff must lie in 0..1, got {cutoff}")
        if units < 0:
            raise ValueError(f"units must not be negative, got {units}")
        self._embedder, self._mode = open_embedder(embedder), Mode(mode)
        self._cutoff, self._units = cutoff, units

    def ready(self) -> None:
        """Make what is made once, before a run waits for it.

        Raises:
            GenesysError: The embedder fails, or what was synced or cached cannot be read.
        """
        self._catalogue.search("ready", self._mode)

    @hookimpl
    def search(self, query: Query) -> list[Finding]:
        """See ``genesys.hookspecs.search``.

        Raises:
            SourceError: The embedder fails; what is found by words alone goes with it.
        """
        asked, catalogue = query.description, self._catalogue
        if not asked.strip():
            return []
        try:
            return self._best(catalogue.search(asked, self._mode), query.limit)
        except GenesysError as error:
            found = self._best(catalogue.search(asked, Mode.TEXT), query.limit)
            reason = f"it was searched by words alone ({one_line(str(error), 300)})"
            raise SourceError(SOURCE, reason, found=found) from None

    def _best(self, ranked: list[Finding], limit: int) -> list[Finding]:
        good = [finding for finding in ranked if finding.score > self._cutoff]
        works = islice((finding for finding in good if not is_unit(finding)), limit)
        units = islice(filter(is_unit, good), min(self._units, limit))
        return sorted([*works, *units], key=lambda finding: -finding.score)

    @cached_property
    def _catalogue(self) -> Catalogue:
        return Catalogue(entries(), self._embedder)
