"""Every record goes through its Arrow schema, and through LanceDB, without loss."""

from __future__ import annotations

from enum import Enum
from types import NoneType
from typing import Annotated, Any, get_args, get_origin

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from genesys.population.schema import arrow_schema, from_row, to_row
from genesys.population.store import RecordTable
from genesys.records import (
    CheckReport,
    Design,
    Finding,
    Operator,
    Query,
    Record,
    Scale,
    Session,
    VerificationReport,
)

KEPT = (Design, Session, VerificationReport, CheckReport, Scale, Query, Finding)
INT64 = {"min_value": -(2**63), "max_value": 2**63 - 1}


def values(annotation: Any, metadata: tuple[Any, ...] = ()) -> st.SearchStrategy[Any]:
    """Anything that a field of that annotation may hold."""
    bounds = {
        key: getattr(item, name)
        for item in metadata
        for name, key in (("ge", "min_value"), ("gt", "min_value"), ("le", "max_value"))
        if hasattr(item, name)
    }
    pattern = next((p for item in metadata if (p := getattr(item, "pattern", None))), None)
    if get_origin(annotation) is Annotated:
        inner, *extra = get_args(annotation)
        flat = [m for e in extra for m in (getattr(e, "metadata", None) or [e])]
        return values(inner, (*metadata, *flat))
    if get_origin(annotation) is list:
        return st.lists(values(get_args(annotation)[0]), max_size=3)
    if annotation is str:
        return st.from_regex(pattern.replace("$", r"\Z")) if pattern else st.text(max_size=20)
    if annotation is bool:
        return st.booleans()
    if annotation is int:
        return st.integers(**INT64 | bounds)
    if annotation is float:
        strict = any(hasattr(item, "gt") for item in metadata)
        finite = bounds or metadata
        return st.floats(
            **bounds,
            exclude_min=strict,
            **({"allow_nan": False, "allow_infinity": False} if finite else {}),
        )
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return st.sampled_from(annotation)
    if isinstance(annotation, type) and issubclass(annotation, Record):
        return records(annotation)
    return st.one_of(*(st.none() if o is NoneType else values(o) for o in get_args(annotation)))


def records(kind: type[Record]) -> st.SearchStrategy[Any]:
    fields = {
        name: values(info.annotation, tuple(info.metadata))
        for name, info in kind.model_fields.items()
    }
    return st.builds(kind, **fields)


@pytest.mark.parametrize("kind", KEPT)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_rows_give_the_record_back(kind: type[Record], data: st.DataObject) -> None:
    record = data.draw(records(kind))
    table = pa.Table.from_pylist([to_row(record)], schema=arrow_schema(kind))
    assert repr(from_row(kind, table.to_pylist()[0])) == repr(record)


def test_the_database_gives_them_back_in_order(tmp_path: Any) -> None:
    drawn: list[Design] = []

    @settings(max_examples=30, deadline=None, database=None, derandomize=True)
    @given(records(Design))
    def collect(design: Design) -> None:
        drawn.append(design)

    collect()
    table = RecordTable(tmp_path, "designs", Design, writable=True)
    for design in drawn:
        table.append(design)
    again = RecordTable(tmp_path, "designs", Design, writable=False)
    assert repr(again.read()) == repr(drawn)


def test_a_schema_follows_the_record() -> None:
    schema = arrow_schema(Design)
    assert schema.names == list(Design.model_fields)
    assert schema.field("operator").type == pa.string()
    assert not schema.field("name").nullable
    assert schema.field("proposal").nullable
    assert schema.field("units").type.value_type.names == ["name", "code"]
    assert to_row(Design(name="a", root="A", units=[]))["operator"] == Operator.SEED


class Loose(Record):
    anything: dict[str, int]


class Either(Record):
    this: int | str


@pytest.mark.parametrize("kind", [Loose, Either])
def test_what_a_table_cannot_hold_is_refused(kind: type[Record]) -> None:
    with pytest.raises(TypeError, match="table cannot hold"):
        arrow_schema(kind)


def test_compaction_keeps_the_order(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    table = RecordTable(tmp_path, "designs", Design, writable=True)
    for index in range(12):
        table.append(Design(name=f"d{index}", root="A", units=[], index=index))
        table.settle()
    monkeypatch.setattr("genesys.population.store.MAX_FRAGMENTS", 5)
    again = RecordTable(tmp_path, "designs", Design, writable=True)
    assert [design.index for design in again.read()] == list(range(12))
