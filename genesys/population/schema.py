"""Arrow schemas that derive from the records, and the way of a record into a row and back."""

from __future__ import annotations

from enum import Enum
from types import NoneType, UnionType
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin

import pyarrow as pa

from genesys.records import Record

R = TypeVar("R", bound=Record)

_SCALARS: dict[type, pa.DataType] = {
    str: pa.string(),
    bool: pa.bool_(),
    int: pa.int64(),
    float: pa.float64(),
}


def arrow_schema(record: type[Record]) -> pa.Schema:
    """The Arrow schema of a record: its fields in order, nested records as structs.

    Raises:
        TypeError: A field's type has no counterpart, e.g. a dict or a union of records.
    """
    return pa.schema(_fields(record))


def to_row(record: Record) -> dict[str, Any]:
    """A record as a row of its schema; enums become strings. Integers must fit 64 bits."""
    return record.model_dump(mode="python")


def from_row(record: type[R], row: dict[str, Any]) -> R:
    """The record that a row was made of.

    Raises:
        pydantic.ValidationError: The row is none of this record.
    """
    return record.model_validate(row)


def _fields(record: type[Record]) -> list[pa.Field]:
    return [_field(name, info.annotation) for name, info in record.model_fields.items()]


def _field(name: str, annotation: Any) -> pa.Field:
    options = [annotation]
    if get_origin(annotation) in (Union, UnionType):
        options = list(get_args(annotation))
    kinds = [kind for kind in options if kind is not NoneType]
    if len(kinds) != 1:
        raise TypeError(f"Field {name!r} is a union, which a table cannot hold: {annotation}")
    return pa.field(name, _data_type(name, kinds[0]), nullable=NoneType in options)


def _data_type(name: str, annotation: Any) -> pa.DataType:
    if get_origin(annotation) is Annotated:
        return _data_type(name, get_args(annotation)[0])
    if get_origin(annotation) is list:
        return pa.list_(_field("item", get_args(annotation)[0]))
    if annotation in _SCALARS:
        return _SCALARS[annotation]
    if isinstance(annotation, type) and issubclass(annotation, Record):
        return pa.struct(_fields(annotation))
    if (
        isinstance(annotation, type)
        and issubclass(annotation, str)
        and issubclass(annotation, Enum)
    ):
        return pa.string()
    raise TypeError(f"Field {name!r} has a type that a table cannot hold: {annotation}")
