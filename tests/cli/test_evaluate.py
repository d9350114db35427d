"""``genesys eval`` with a verifier that knows the scores."""

from __future__ import annotations

from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

import pytest

from genesys import registry
from genesys.cli.evaluate import evaluate
from genesys.errors import GenesysError
from genesys.markers import hookimpl
from genesys.records import Outcome, Score, VerificationReport


class Knowing:
    """Scores the folders ``good`` and ``bad``."""

    def __init__(self, **settings: object) -> None:
        pass

    @hookimpl
    def verify(self, design):
        return None

    def evaluate(self, folder, sandbox):
        about = {"design": "gpt2", "scale": "1M", "parameters": 1000}
        if folder == Path("bad"):
            told = "evaluation: the design looks ahead"
            return VerificationReport(**about, outcome=Outcome.DESIGN_ERROR, error=told)
        if folder == Path("stopped"):
            raise KeyboardInterrupt
        if folder != Path("good"):
            raise GenesysError(f"{folder} holds no trained model.")
        return VerificationReport(**about, scores=[Score(task="recall", metric="acc", value=0.75)])


@pytest.fixture(autouse=True)
def knowing(monkeypatch):
    points = [
        *entry_points(group="genesys"),
        EntryPoint("verifier.knowing", f"{__name__}:Knowing", "genesys"),
    ]
    monkeypatch.setattr(registry, "entry_points", lambda group: points)


@pytest.mark.parametrize(
    ("folder", "status", "told"),
    [
        ("good", 0, "accuracy 0.750"),
        ("bad", 1, "looks ahead"),
        ("ugly", 2, "ugly holds no trained model"),
        ("stopped", 130, "Interrupted"),
    ],
)
def test_the_report_is_printed_and_the_status_says_how_it_went(folder, status, told, capsys):
    assert evaluate(Path(folder), ["verifier.name=knowing"]) == status
    shown = capsys.readouterr()
    assert told in shown.out + shown.err
    assert "tokens at" not in shown.out


def test_json_is_the_report(capsys):
    assert evaluate(Path("good"), ["verifier.name=knowing"], as_json=True) == 0
    assert VerificationReport.model_validate_json(capsys.readouterr().out).fitness == 0.75


def test_a_wrong_override_is_explained(capsys):
    assert evaluate(Path("good"), ["verifier.name=knowin"]) == 2
    assert "Did you mean 'knowing'" in capsys.readouterr().err
