"""``genesys designs``: what a person is told, and the exit status."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from genesys.cli.exchange import export, import_
from genesys.errors import UnknownNameError
from genesys.evolution.seeds import load_seed
from genesys.population.exchange import Form
from genesys.population.population import Population


@pytest.mark.parametrize("form", Form)
def test_out_of_a_run_and_back(
    form: Form, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    population = Population([load_seed("gpt2"), load_seed("retnet")])
    export(population, tmp_path / "out", ["retnet"], form)
    assert "Wrote 1 design to" in capsys.readouterr().out
    (tmp_path / "out" / "broken").mkdir()
    (tmp_path / "out" / "broken" / "implementation.json").write_text("{}")
    assert import_(tmp_path / "out", tmp_path / "back") == 1
    told = capsys.readouterr().out
    assert "✔ retnet" in told
    assert "✘ broken" in told
    assert "1 of 2 imported" in told
    assert "genesys check" in told


def test_as_data(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    export(Population([load_seed("gpt2")]), tmp_path / "out", (), Form.FOLDERS)
    capsys.readouterr()
    assert import_(tmp_path / "out", tmp_path / "back", as_json=True) == 0
    assert json.loads(capsys.readouterr().out) == [
        {"source": "gpt2", "name": "gpt2", "error": "", "notes": []}
    ]


def test_a_design_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError):
        export(Population([]), tmp_path / "out", ["gpt2"], Form.FOLDERS)
