"""``genesys verify`` from its arguments to its exit status, with a verifier that trains nothing."""

from __future__ import annotations

import json
from importlib.metadata import EntryPoint, entry_points

import pytest

from genesys import registry
from genesys.cli.verify import verify
from genesys.errors import SandboxError
from genesys.gau.folder import load_tree, save_tree
from genesys.markers import hookimpl
from genesys.records import CurvePoint, Outcome, Score, VerificationReport
from genesys.resources import resource

SCORE = Score(task="next_word", metric="acc", value=0.61, stderr=0.02, chance=0.5, untrained=0.49)


class EchoVerifier:
    """Says what it was asked; ``threads`` tells it how to end."""

    def __init__(self, threads: int = 2, **settings: object) -> None:
        self.threads = threads

    @hookimpl
    def verify(self, design, scale, seed, sandbox, progress):
        if self.threads == 13:
            raise SandboxError("no guest today")
        if self.threads == 130:
            raise KeyboardInterrupt
        tokens = 100 * round(scale.tokens / 100)
        for step in (1, 50, 100):
            progress(CurvePoint(step=step, tokens=tokens * step // 100, loss=6.5, grad_norm=1.0))
        about = {"design": design.name, "scale": scale.name, "seed": seed}
        outcome = list(Outcome)[self.threads] if self.threads < 3 else Outcome.OK
        if outcome is not Outcome.OK:
            return VerificationReport(**about, outcome=outcome, error="\x1b[2Jthe loss is nan")
        return VerificationReport(**about, parameters=101_000, tokens=tokens, scores=[SCORE])


@pytest.fixture(autouse=True)
def echo(monkeypatch):
    points = [
        *entry_points(group="genesys"),
        EntryPoint("verifier.echo", f"{__name__}:EchoVerifier", "genesys"),
    ]
    monkeypatch.setattr(registry, "entry_points", lambda group: points)


@pytest.fixture()
def run(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)

    def verified(where, *overrides, ends=3, **options):
        overrides = ["verifier.name=echo", f"verifier.threads={ends}", *overrides]
        code = verify(where, ["checker=format", *overrides], **options)
        told = capsys.readouterr()
        return code, told.out, told.err

    return verified


def test_a_seed_at_the_smallest_scale(run):
    code, out, err = run("gpt2", "seed=5")
    assert code == 0
    assert "0.1M  accuracy 0.610 ± 0.020" in out and "101k parameters" in out and "seed 5" in out
    assert "0.610 ± 0.020" in out and "0.490" in out and "0.500" in out
    assert "gpt2 at 0.1M: checking" in err
    assert "100%, loss 6.50" in err and err.rstrip().endswith("evaluating")


def test_json_goes_alone_to_standard_output_and_to_a_file(run, tmp_path):
    file = tmp_path / "report.json"
    code, out, _ = run("mamba2", "scale=0.3M", as_json=True, output=file)
    assert code == 0
    report = VerificationReport.model_validate_json(out)
    assert (report.design, report.scale, report.scores) == ("mamba2", "0.3M", [SCORE])
    assert VerificationReport.model_validate_json(file.read_text()) == report


def test_a_folder_is_checked_first_unless_told_not_to(run, tmp_path):
    tree = load_tree(resource("seeds") / "gpt2")
    save_tree(tree, tmp_path / "mine", name="mine")
    unit = tmp_path / "mine" / "units" / "RMSNorm.py"
    unit.write_text(unit.read_text().replace("CHILDREN_DECLARATIONS = []", "import os"))
    code, out, err = run("mine", as_json=True)
    assert code == 1
    assert json.loads(out)["error"].startswith("check: ")
    assert "RMSNorm" in err and "Invalid" in err
    unit.write_text("no Python")
    assert run("mine")[0] == 1


@pytest.mark.parametrize(
    ("ends", "status", "told"),
    [
        (1, 1, "design error"),
        (2, 2, "machine error"),
        (13, 2, "no guest today"),
        (130, 130, "Interrupted"),
    ],
)
def test_the_exit_status_says_whose_fault_it_is(run, ends, status, told):
    code, out, err = run("gpt2", ends=ends, checked=False)
    assert code == status
    assert told in out + err
    assert "\x1b" not in out + err


@pytest.mark.parametrize(
    ("where", "overrides", "told"),
    [
        ("gtp2", (), "Did you mean 'gpt2'? Available: geogate, gpt2"),
        ("gpt2", ("scale=0.2M",), "Did you mean '0.3M'? Available: 0.1M, 0.3M, 1M"),
        ("gpt2", ("seed=a",), "seed: input should be a valid integer"),
        ("gpt2", ("verifer.threads=1",), "Could not override 'verifer.threads'"),
        ("gpt2", ("ladder=papyrus",), "Could not find 'ladder/papyrus'"),
        (".", (), "no design folder"),
    ],
)
def test_what_cannot_be_done_is_told_before_anything_runs(run, where, overrides, told):
    code, out, err = run(where, *overrides)
    assert (code, out) == (2, "")
    assert told in " ".join(err.split())
    assert "checking" not in err


def test_an_output_without_a_folder_is_told_before_anything_runs(run, tmp_path):
    code, _, err = run("gpt2", output=tmp_path / "gone" / "report.json")
    assert code == 2
    assert "There is no folder" in err and "checking" not in err
