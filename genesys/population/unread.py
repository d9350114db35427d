"""Records whose heavy fields are read when something asks for them.

A tree of many designs is mostly code and prose, and what goes on reads little of it. An unread
record has its light fields and knows where the rest is. Whatever needs more than a light field
(another one, a dump, a copy, a comparison, ``repr``, pickle, another record that holds it) goes
through ``__dict__`` or a field that is not there, and both read the whole row first. From then on
it is an ordinary record, its class included, so that nobody sees half of one.
"""

from __future__ import annotations

import gc
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from itertools import count, repeat
from threading import RLock
from typing import Any, Protocol, TypeVar

from pydantic import BaseModel

from genesys.records import Record

R = TypeVar("R", bound=Record)

# In the fields of an unread record; a field's name never begins so.
_ROW, _ROWS = "_row", "_rows"
_READING = RLock()
# The descriptor of a record's fields, which the unread ones hide behind a property.
_FIELDS: Any = BaseModel.__dict__["__dict__"]


class Rows(Protocol):
    """Where records are read from."""

    def whole(self, row: int, light: dict[str, Any]) -> Record:
        """The record of a row that has these light fields."""

    def derive(self, name: str, row: int) -> Any:
        """A property of the record of a row, found without reading all of it."""


def unread(
    kind: type[R],
    names: Sequence[str],
    columns: Sequence[Iterable[Any]],
    rows: Rows,
    derived: Iterable[str] = (),
) -> list[R]:
    """Unread records of a kind, one a row.

    Args:
        kind: What they will be.
        names: Of the light fields.
        columns: Of each light field, the values in all rows.
        rows: Where the records are read from.
        derived: Names of properties of the kind that ``rows`` can derive.
    """
    # Rows may be many: each loop is one of the interpreter's own.
    values = zip(*columns, count(), repeat(rows), strict=False)
    fields = list(map(dict, map(zip, repeat((*names, _ROW, _ROWS)), values)))
    lazy: Any = _class(kind, tuple(derived))
    records: list[R] = list(map(lazy.__new__, repeat(lazy, len(fields))))
    deque(map(_FIELDS.__set__, records, fields), maxlen=0)
    return records


@contextmanager
def uncollected() -> Iterator[None]:
    """Make many objects that will stay, without looking for garbage among them again and again."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


class _Unread:
    """Reads the record before anything but a light field is looked at."""

    @property
    def __dict__(self) -> dict[str, Any]:
        return _whole(self)

    @__dict__.setter
    def __dict__(self, fields: dict[str, Any]) -> None:
        """Of a record that pydantic makes, by a validation or as a copy: it has all fields."""
        _FIELDS.__set__(self, fields)
        object.__setattr__(self, "__class__", _kind(self))

    def __getattr__(self, name: str) -> Any:
        _whole(self)
        return getattr(self, name)

    def __eq__(self, other: object) -> bool:
        _whole(self)
        return self == other

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        _whole(self)
        return repr(self)

    def __reduce_ex__(self, protocol: Any) -> Any:
        _whole(self)
        return self.__reduce_ex__(protocol)


def _whole(record: Any) -> dict[str, Any]:
    """The fields of a record, which is an ordinary one now."""
    with _READING:
        if isinstance(record, _Unread):
            light = _FIELDS.__get__(record)
            found = light[_ROWS].whole(light[_ROW], light)
            for name in ("__pydantic_extra__", "__pydantic_fields_set__", "__pydantic_private__"):
                object.__setattr__(record, name, getattr(found, name))
            _FIELDS.__set__(record, found.__dict__)
            object.__setattr__(record, "__class__", _kind(record))
    fields: dict[str, Any] = _FIELDS.__get__(record)
    return fields


def _kind(record: object) -> type:
    """What an unread record becomes."""
    return type(record).__mro__[2]


def _derived(name: str) -> property:
    """A property that is found without reading the record, as long as that is unread."""

    def derive(record: Any) -> Any:
        with _READING:
            if isinstance(record, _Unread):
                fields = _FIELDS.__get__(record)
                return fields[_ROWS].derive(name, fields[_ROW])
        return getattr(record, name)

    return property(derive)


@cache
def _class(kind: type[Record], derived: tuple[str, ...]) -> type[Record]:
    about = {"__module__": kind.__module__, "__qualname__": kind.__qualname__}
    metaclass: Any = type(kind)
    properties = {name: _derived(name) for name in derived}
    made: type[Record] = metaclass(kind.__name__, (_Unread, kind), about | properties)
    return made
