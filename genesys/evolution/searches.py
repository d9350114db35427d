"""Asks the knowledge plugins for a session, and knows what it was shown."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from genesys.records import Finding, Found, Proposal, Query, Reference
from genesys.tape import Tape

KIND = "search"  # of answers on the tape


class Searches:
    """The knowledge plugins of the run, as an agent asks them.

    Args:
        ask: Asks them.
        tape: Of the session, which remembers what was found when the process is killed.
        tell: Is told of every search.

    Attributes:
        seen: What was found so far, by id.
    """

    def __init__(
        self, ask: Callable[[Query], Found], tape: Tape, tell: Callable[[Found], None]
    ) -> None:
        self._ask, self._tape, self._tell = ask, tape, tell
        self.seen: dict[str, Finding] = {}

    def __call__(self, query: Query) -> Found:
        """What the sources find, and which of them gave no answer."""
        asked = query.model_dump(mode="json")
        found = self._tape.answer(KIND, asked, Found, partial(self._ask, query))
        for finding in found.findings:
            if finding.id:
                self.seen.setdefault(finding.id, finding)
        self._tell(found)
        return found


def resolved(proposal: Proposal, seen: Mapping[str, Finding]) -> Proposal:
    """The proposal with those of its references that were found, each once and as it was found."""
    ids = dict.fromkeys(reference.id for reference in proposal.references)
    found = [Reference.to(seen[name]) for name in ids if name in seen]
    return proposal.model_copy(update={"references": found})
