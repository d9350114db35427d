"""What only grows, and views of it as it was at a moment, which do not change when it grows."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import count, islice
from typing import Any, Generic, TypeVar, overload

from genesys.records import Design, Operator, Outcome, Session, VerificationReport

T = TypeVar("T")

MACHINE_ERROR, DESIGN_ERROR = Outcome.MACHINE_ERROR, Outcome.DESIGN_ERROR  # looked up once


class Prefix(Sequence[T]):
    """The first items of a list that is only ever appended to; equal to such a list or tuple.

    Args:
        items: The list.
        length: How many of them there are.
    """

    __slots__ = ("_items", "_length")

    def __init__(self, items: Sequence[T], length: int) -> None:
        self._items, self._length = items, length

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[T]:
        return islice(self._items, self._length)

    @overload
    def __getitem__(self, place: int) -> T: ...
    @overload
    def __getitem__(self, place: slice) -> tuple[T, ...]: ...
    def __getitem__(self, place: int | slice) -> T | tuple[T, ...]:
        where = range(self._length)[place]
        if isinstance(where, int):
            return self._items[where]
        return tuple(self._items[i] for i in where)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, (Prefix, list, tuple)):
            return NotImplemented
        return len(self) == len(other) and all(a == b for a, b in zip(self, other, strict=True))

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return repr(tuple(self))


class ByKey(Mapping[str, T], Generic[T]):
    """Items by a key of theirs; of several with one key the first.

    Args:
        places: Where a key was first seen, in the order in which keys were.
        items: In which that is the place.
        length: How many of the items count.
    """

    __slots__ = ("_items", "_length", "_places")

    def __init__(self, places: Mapping[str, int], items: Sequence[T], length: int) -> None:
        self._places, self._items, self._length = places, items, length

    def __getitem__(self, key: str) -> T:
        return self._items[self.place(key)]

    def __contains__(self, key: object) -> bool:
        return self._places.get(key, self._length) < self._length  # type: ignore[call-overload, no-any-return]

    def __iter__(self) -> Iterator[str]:
        return (key for key, place in list(self._places.items()) if place < self._length)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def place(self, key: str) -> int:
        """Where the key was first seen; ``KeyError`` if it was not."""
        place = self._places[key]
        if place >= self._length:
            raise KeyError(key)
        return place


class Part(Generic[T]):
    """Some of the items of a list that is only ever appended to, with their places in it."""

    def __init__(self) -> None:
        self._items: list[T] = []
        self._places: list[int] = []

    def add(self, item: T, place: int) -> None:
        """Add one, whose place is behind those of the others."""
        self._items.append(item)
        self._places.append(place)

    def below(self, limit: int) -> Prefix[T]:
        """Those whose places are below a limit."""
        return Prefix(self._items, below(self._places, limit))


class History:
    """All records that a run has committed, with what is looked up in them; only added to.

    Places are positions in ``designs`` or ``reports``, and lists of them ascend, so that what there
    was at an earlier moment is the part of them below a number.

    Attributes:
        designs: In the order in which they were made.
        reports: Oldest first.
        sessions: In the order in which they ended.
        names: Place of the first design of each name.
        structures: Place of the first design of each structural hash.
        seeds: The designs that the run started from.
        children: The others.
        reports_of: Places of the reports on each design.
        spent: At each scale the places of reports that count against its budget.
        errors: Places of reports of errors that are the design's own.
        failed: Place of the first such report on each design.
        simulated: Places of reports that a simulation has made up.
        derived: What was computed from all this, and up to where.
    """

    def __init__(self) -> None:
        self.designs: list[Design] = []
        self.reports: list[VerificationReport] = []
        self.sessions: list[Session] = []
        self.names: dict[str, int] = {}
        self.structures: dict[str, int] = {}
        self.seeds = Part[Design]()
        self.children = Part[Design]()
        self.reports_of: defaultdict[str, list[int]] = defaultdict(list)
        self.spent: defaultdict[str, list[int]] = defaultdict(list)
        self.errors: list[int] = []
        self.failed: dict[str, int] = {}
        self.simulated: list[int] = []
        self.derived: dict[Any, Any] = {}

    @property
    def lengths(self) -> tuple[int, int, int]:
        """How many designs, reports and sessions there are."""
        return len(self.designs), len(self.reports), len(self.sessions)

    def add(
        self,
        designs: Iterable[Design],
        reports: Iterable[VerificationReport],
        sessions: Iterable[Session],
    ) -> None:
        """Add these behind what there is."""
        for place, design in zip(count(len(self.designs)), designs, strict=False):
            self.designs.append(design)
            self.names.setdefault(design.name, place)
            self.structures.setdefault(design.structural_hash, place)
            (self.seeds if design.operator is Operator.SEED else self.children).add(design, place)
        reports_of, spent = self.reports_of, self.spent
        for place, report in zip(count(len(self.reports)), reports, strict=False):
            self.reports.append(report)
            outcome = report.outcome
            reports_of[report.design].append(place)
            if outcome is not MACHINE_ERROR:
                spent[report.scale].append(place)
                if outcome is DESIGN_ERROR:
                    self.errors.append(place)
                    self.failed.setdefault(report.design, place)
            if report.simulated:
                self.simulated.append(place)
        self.sessions.extend(sessions)


def below(places: Sequence[int], limit: int) -> int:
    """How many of some ascending places are below a limit; at once where all are."""
    return len(places) if not places or places[-1] < limit else bisect_left(places, limit)
