"""What a run has proposed and written, kept as it grows, to be searched by words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from genesys.population.population import Population
from genesys.records import Design, Finding, Proposal, Session
from genesys_knowledge.similarity import Index

PROPOSALS, UNITS = "proposals", "units"


@dataclass(frozen=True)
class Document:
    """What can be found: its id, a title, and a text."""

    id: str
    title: str
    text: str


class Shelf:
    """Documents of one kind, each text once; the first one stays.

    Args:
        source: What findings name as theirs: :data:`PROPOSALS` or :data:`UNITS`.
    """

    def __init__(self, source: str) -> None:
        self._source = source
        self._documents: list[Document] = []
        self._texts: set[str] = set()
        self._index = Index()

    def add(self, documents: Iterable[Document]) -> None:
        """Take in what is new of these."""
        for document in documents:
            if document.text not in self._texts:
                self._texts.add(document.text)
                self._documents.append(document)
                self._index.add([f"{document.title} {document.text}"])

    def search(
        self, asked: str, cutoff: float, most: int, without: Shelf | None = None
    ) -> list[Finding]:
        """The documents with the highest scores, best first.

        Args:
            asked: What they should be like.
            cutoff: Those with a lower score are left out.
            most: How many.
            without: What stands there is left out, too.
        """
        scores = np.array(self._index.likeness(asked))
        best: list[Finding] = []
        for number in np.argsort(-scores.round(9), kind="stable").tolist():
            document = self._documents[number]
            if scores[number] <= cutoff or len(best) == most:
                break
            if without is None or document.text not in without._texts:
                best.append(self._finding(document, float(scores[number])))
        return best

    def _finding(self, document: Document, score: float) -> Finding:
        return Finding(
            source=self._source,
            title=document.title,
            text=document.text,
            score=score,
            id=f"{self._source}:{document.id}",
        )


class Past:
    """The proposals and units of a run.

    Args:
        run: Name of the run, which stands in its ids; empty for the run at work.
    """

    def __init__(self, run: str = "") -> None:
        self._run = run
        self._begin()

    def _begin(self) -> None:
        self.shelves = {PROPOSALS: Shelf(PROPOSALS), UNITS: Shelf(UNITS)}
        self._designs = self._sessions = 0
        self._last = ("", "")

    def follow(self, population: Population) -> None:
        """Take in what has come to the population since; begin anew if it is another one."""
        if not self._leads_to(population):
            self._begin()
        for design in population.designs[self._designs :]:
            self.shelves[PROPOSALS].add(self._proposals(design))
            self.shelves[UNITS].add(self._units(design))
            self._last = (design.name, design.structural_hash)
        for session in population.sessions[self._sessions :]:
            self.shelves[PROPOSALS].add(self._given_up(session))
        self._designs, self._sessions = len(population.designs), len(population.sessions)

    def _leads_to(self, population: Population) -> bool:
        """Whether the population has grown from what was taken in."""
        if len(population.sessions) < self._sessions or len(population.designs) < self._designs:
            return False
        last = population.designs[self._designs - 1] if self._designs else None
        return last is None or (last.name, last.structural_hash) == self._last

    def _proposals(self, design: Design) -> Iterator[Document]:
        if design.proposal:
            yield self._proposal(design.name, design.name, design.proposal)

    def _given_up(self, session: Session) -> Iterator[Document]:
        """The proposal of a session that made no design."""
        if session.proposal:
            end = session.end.value.replace("_", " ")
            name = f"{session.proposal.name} (no design: {end})"
            yield self._proposal(f"session:{session.index}", name, session.proposal)

    def _proposal(self, key: str, name: str, proposal: Proposal) -> Document:
        return Document(self._id(key), f"{name}: {proposal.abstract}", proposal.text)

    def _units(self, design: Design) -> Iterator[Document]:
        for unit in design.units:
            title = f"{unit.name} of {self._id(design.name)}"
            yield Document(f"{self._id(design.name)}/{unit.name}", title, _told(unit.code))

    def _id(self, key: str) -> str:
        return f"{self._run}/{key}" if self._run else key


def _told(code: str) -> str:
    """A unit's file from its class on: what comes before is the same in all of them."""
    start = code.find("\nclass ")
    return code[start + 1 :]
