"""Records whose heavy fields are read when something asks for them.

A tree of many designs is mostly code and prose, and what goes on reads little of it. An unread
record has its light fields and knows where the rest is. Whatever needs more than a light field
(another one, a dump, a copy, a comparison, ``repr``, pickle, another record that holds it) goes
through ``__dict__`` or a field that is not there, and both read the whole row first. From then on
it is an ordinary record, its class included, so that nobody sees half of one.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from itertools import count, repeat
from threading import RLock
from typing import Any, TypeVar

from pydantic import BaseModel

from genesys.records import Record

R = TypeVar("R", bound=Record)

# In the fields of an unread record; a field's name never begins so.
_ROW, _READ = "_row", "_read"
_READING = RLock()
# The descriptor of a record's fields, which the unread ones hide behind a property.
_FIELDS: Any = BaseModel.__dict__["__dict__"]

Read = Callable[[int, dict[str, Any]], Record]


def unread(
    kind: type[R], names: Sequence[str], columns: Sequence[Iterable[Any]], read: Read
) -> list[R]:
    """Unread records of a kind, one a row.

    Args:
        kind: What they will be.
        names: Of the light fields.
        columns: Of each light field, the values in all rows.
        read: Gives the whole record, for a row and its light fields.
    """
    # Rows may be many: each loop is one of the interpreter's own.
    rows = zip(*columns, count(), repeat(read), strict=False)
    fields = list(map(dict, map(zip, repeat((*names, _ROW, _READ)), rows)))
    lazy: Any = _class(kind)
    records: list[R] = list(map(lazy.__new__, repeat(lazy, len(fields))))
    deque(map(_FIELDS.__set__, records, fields), maxlen=0)
    return records


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
            found = light[_READ](light[_ROW], light)
            for name in ("__pydantic_extra__", "__pydantic_fields_set__", "__pydantic_private__"):
                object.__setattr__(record, name, getattr(found, name))
            _FIELDS.__set__(record, found.__dict__)
            object.__setattr__(record, "__class__", _kind(record))
    fields: dict[str, Any] = _FIELDS.__get__(record)
    return fields


def _kind(record: object) -> type:
    """What an unread record becomes."""
    return type(record).__mro__[2]


@cache
def _class(kind: type[Record]) -> type[Record]:
    about = {"__module__": kind.__module__, "__qualname__": kind.__qualname__}
    metaclass: Any = type(kind)
    made: type[Record] = metaclass(kind.__name__, (_Unread, kind), about)
    return made
