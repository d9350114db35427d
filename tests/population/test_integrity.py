"""Trees that somebody has edited."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from genesys.cli.audit import audit
from genesys.errors import StoreError
from genesys.population.evolution_tree import EvolutionTree
from genesys.population.integrity import check_references, contents, references
from genesys.population.population import Population
from genesys.records import Design, Session, SessionEnd, Unit, VerificationReport


@pytest.fixture
def parts(seed: Design, child: Design, session: Callable[..., Session]) -> dict[str, Any]:
    report = VerificationReport(design="kid", scale="0.1M")
    return {"designs": [seed, child], "reports": [report], "sessions": [session(0, "kid")]}


def test_a_whole_population(parts: dict[str, Any], tmp_path: Path) -> None:
    population = Population(**parts)
    assert [*references(population), *contents(population, tmp_path)] == []
    check_references(population, tmp_path)


def changed(records: list[Any], place: int, **fields: Any) -> list[Any]:
    records = list(records)
    records[place] = records[place].model_copy(update=fields)
    return records


@pytest.mark.parametrize(
    ("part", "fields", "fault"),
    [
        ("designs", {"name": "gpt2"}, "2 designs are called 'gpt2'"),
        ("designs", {"index": 0}, "2 designs have the index 0"),
        ("designs", {"parents": ["mum"]}, "Design 'kid' has a parent 'mum', which is no design"),
        ("sessions", {"design": "kit"}, "Session 0 made 'kit', which is no design"),
        ("sessions", {"end": SessionEnd.FAILED}, "Session 0 ended failed and made 'kid'"),
        ("reports", {"design": "kit"}, "A report at 0.1M is on 'kit', which is no design"),
    ],
)
def test_names_that_lead_nowhere(
    part: str, fields: dict[str, Any], fault: str, parts: dict[str, Any], tmp_path: Path
) -> None:
    population = Population(**parts | {part: changed(parts[part], -1, **fields)})
    with pytest.raises(StoreError) as caught:
        check_references(population, tmp_path)
    assert fault in str(caught.value)
    assert str(tmp_path) in str(caught.value)


def test_parents_of_a_session(parts: dict[str, Any], tmp_path: Path) -> None:
    picked = parts["sessions"][0].selection.model_copy(update={"designs": ["mum"]})
    sessions = changed(parts["sessions"], 0, selection=picked)
    (fault,) = contents(Population(**parts | {"sessions": sessions}), tmp_path)
    assert fault == "Session 0 began with 'mum', which is no design."


def test_an_error_does_not_go_on_for_ever(parts: dict[str, Any], tmp_path: Path) -> None:
    reports = [parts["reports"][0].model_copy(update={"design": f"no{i}"}) for i in range(9)]
    with pytest.raises(StoreError, match="There is more") as caught:
        check_references(Population(**parts | {"reports": reports}), tmp_path)
    assert "no2" in str(caught.value)
    assert "no3" not in str(caught.value)


@pytest.mark.parametrize(
    ("code", "fault"),
    [
        (lambda code: code.replace("self", "this"), "its hash does not fit"),
        (lambda code: code + "\n# a comment\n", None),
        (lambda code: "print(", "Design 'kid' is no tree"),
    ],
)
def test_code_that_is_not_what_was_committed(
    code: Callable[[str], str], fault: str | None, parts: dict[str, Any], tmp_path: Path
) -> None:
    units = parts["designs"][1].units
    edited = [Unit(name=units[0].name, code=code(units[0].code)), *units[1:]]
    population = Population(**parts | {"designs": changed(parts["designs"], 1, units=edited)})
    found = list(contents(population, tmp_path))
    assert len(found) == (fault is not None)
    assert all(fault in each for each in found if fault)


def test_the_command(
    parts: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with EvolutionTree(tmp_path, {}) as tree:
        tree.add_seed(parts["designs"][0])
        tree.commit_session(parts["sessions"][0], parts["designs"][1])
    assert audit(tmp_path) == 0
    assert "all fit together" in capsys.readouterr().out
    unit = next((tmp_path / "designs" / "kid" / "units").glob("*.py"))
    unit.write_text(unit.read_text() + "\n# a person's\n")
    (tmp_path / "designs" / "gpt2" / "design.yaml").write_text("root: x")
    assert audit(tmp_path) == 1
    told = capsys.readouterr().out
    assert f"{unit} was edited" in told
    assert "The folder of 'gpt2' was edited" in told
    assert "2 faults" in told
    (tmp_path / "designs" / "nobody").mkdir()
    with EvolutionTree(tmp_path, {}) as tree:  # such edits count for nothing
        tree.commit_report(VerificationReport(design="nobody", scale="s"))
    assert audit(tmp_path) == 1
    assert "is on 'nobody'" in capsys.readouterr().out
