"""Nobody sees a record of which only a part is read."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from pydantic import TypeAdapter
from typeguard import check_type

from genesys.errors import StoreError
from genesys.population.evolution_tree import (
    DERIVED,
    OF_DESIGNS,
    OF_REPORTS,
    OF_SESSIONS,
)
from genesys.population.store import RecordTable
from genesys.population.unread import unread
from genesys.records import (
    CurvePoint,
    Design,
    Outcome,
    Record,
    Score,
    Selection,
    Session,
    VerificationReport,
)


class Holder(Record):
    one: Design
    several: list[Design]
    maybe: Design | None = None


def held(design: Design) -> Holder:
    return Holder(one=design, several=[design], maybe=design)


def reading(child: Design) -> tuple[Design, list[int]]:
    """An unread twin, and which rows were read for it."""
    rows: list[int] = []

    def whole(row: int, light: dict[str, Any]) -> Design:
        rows.append(row)
        return child.model_copy(deep=True)

    return unread(
        Design,
        OF_DESIGNS,
        [[getattr(child, name)] * 8 for name in OF_DESIGNS],
        SimpleNamespace(whole=whole),
    )[7], rows


USES: dict[str, Callable[[Design], Any]] = {
    "field": lambda d: d.units,
    "getattr": lambda d: getattr(d, "proposal", None),
    "method": lambda d: d.model_dump(),
    "part": lambda d: d.model_dump(include={"units"}),
    "json": lambda d: d.model_dump_json(indent=2),
    "repr": repr,
    "str": str,
    "list": list,
    "vars": vars,
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "model_copy": lambda d: d.model_copy(update={"name": "other"}),
    "pickle": lambda d: pickle.loads(pickle.dumps(d)),
    "fields_set": lambda d: sorted(d.model_fields_set),
    "equal": lambda d: d == d.model_copy(),
    "in a record": lambda d: held(d).model_dump(),
    "in a record as JSON": lambda d: held(d).model_dump_json(),
    "in a copy of a record": lambda d: held(d).model_copy(deep=True),
    "in a dump of a list": lambda d: TypeAdapter(list[Design]).dump_json([d]),
    "validated": lambda d: Design.model_validate(d).model_dump(),
    "validated by its own class": lambda d: type(d).model_validate(d.model_dump()),
    "validated from JSON by its own class": lambda d: type(d).model_validate_json(
        d.model_dump_json()
    ),
    "constructed by its own class": lambda d: type(d).model_construct(**d.model_dump()),
    "checked at a hook": lambda d: check_type(d, Design).units,
    "something else": lambda d: getattr(d, "nonsense", "nothing"),
}


@pytest.mark.parametrize("use", USES)
def test_whoever_looks_sees_all_of_it(use: str, child: Design) -> None:
    design, rows = reading(child)
    assert repr(USES[use](design)) == repr(USES[use](child))
    assert rows == [7]
    assert type(design) is Design


def test_it_is_equal_from_either_side(child: Design) -> None:
    for equal in (
        lambda d: d == child,
        lambda d: child == d,
        lambda d: not child != d,  # noqa: SIM202
        lambda d: (child,) == (d,),
        lambda d: d in [child],
        lambda d: d != child.model_copy(update={"args": [], "index": 9}),
    ):
        design, rows = reading(child)
        assert equal(design)
        assert rows == [7]


def test_light_fields_are_there_at_once(child: Design) -> None:
    design, rows = reading(child)
    for name in OF_DESIGNS:
        assert getattr(design, name) == getattr(child, name)
    assert isinstance(design, Design)
    assert check_type(design, Design) is design
    assert rows == []
    with pytest.raises(ValueError, match="frozen"):
        design.name = "other"  # type: ignore[misc]


def test_what_cannot_be_read_stays_unread(child: Design) -> None:
    fails = [True]

    def whole(row: int, light: dict[str, Any]) -> Design:
        if fails.pop():
            raise StoreError("The disk is gone")
        return child

    (design,) = unread(
        Design,
        OF_DESIGNS,
        [[getattr(child, name)] for name in OF_DESIGNS],
        SimpleNamespace(whole=whole),
    )
    with pytest.raises(StoreError, match="gone"):
        assert design.units
    fails.append(False)
    assert design == child


@pytest.fixture
def table(tmp_path: Path, child: Design, monkeypatch: pytest.MonkeyPatch) -> RecordTable[Design]:
    """A table of ten designs, in blocks of three; the last one is still in the journal."""
    monkeypatch.setattr("genesys.population.store.BLOCK", 3)
    table = RecordTable(tmp_path, "designs", Design, writable=True)
    for index in range(10):
        if index == 9:
            table.settle()
        table.append(child.model_copy(update={"name": f"d{index}", "index": index}))
    return table


@pytest.mark.parametrize("order", [range(10), reversed(range(10)), [8, 1, 9, 0, 2]])
def test_a_table_is_skimmed_and_read_later(table: RecordTable[Design], order: Any) -> None:
    whole, skimmed = table.read(), table.skim(OF_DESIGNS)
    assert [d.name for d in skimmed] == [d.name for d in whole]
    for row in order:
        assert skimmed[row] == whole[row]
    assert skimmed == whole


def test_rows_stay_where_they_are(
    tmp_path: Path, table: RecordTable[Design], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A reader's records are the same after the writer has gone on, and compacted the table."""
    reader = RecordTable(tmp_path, "designs", Design, writable=False).skim(OF_DESIGNS)
    writer = table.skim(OF_DESIGNS)
    table.append(table.read()[0].model_copy(update={"name": "new"}))
    table.settle()
    monkeypatch.setattr("genesys.population.store.MAX_FRAGMENTS", 1)
    again = RecordTable(tmp_path, "designs", Design, writable=True).read()
    assert again[:-1] == reader == writer


def test_another_row_in_its_place_is_told(tmp_path: Path, table: RecordTable[Design]) -> None:
    skimmed = table.skim(OF_DESIGNS)
    table.delete_index(0)
    with pytest.raises(StoreError, match="not what it was when the table was opened"):
        assert skimmed[4].units


def test_reports_and_sessions_are_skimmed_too(tmp_path: Path) -> None:
    report = VerificationReport(
        design="d0",
        scale="s",
        outcome=Outcome.OK,
        scores=[Score(task="t", metric="acc", value=0.5)],
        curve=[CurvePoint(step=1, tokens=2, loss=3.0, grad_norm=4.0)],
    )
    reports = RecordTable(tmp_path, "reports", VerificationReport, writable=True)
    reports.append(report)
    reports.settle()
    picked = Selection(operator="mutation", designs=["d0"])
    session = Session(index=3, seed=2**62, selection=picked, end="accepted", design="d1")
    sessions = RecordTable(tmp_path, "sessions", Session, writable=True)
    sessions.append(session)
    sessions.settle()
    assert [r.outcome for r in reports.skim(OF_REPORTS)] == [Outcome.OK]
    assert [r.fitness for r in reports.skim(OF_REPORTS)] == [0.5]
    (derived,) = reports.skim(OF_REPORTS, DERIVED)
    assert derived.fitness == 0.5
    assert type(derived) is not VerificationReport
    assert derived == report
    assert derived.fitness == 0.5
    assert reports.skim(OF_REPORTS) == [report]
    assert sessions.skim(OF_SESSIONS) == [session]
