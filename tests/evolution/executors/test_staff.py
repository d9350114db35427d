"""An executor that only says how a worker is started: the one in the docs."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import Any

import pytest

from genesys.errors import GenesysError, SandboxError
from genesys.evolution.executors import staff
from genesys.evolution.executors.base import Outfit
from genesys.evolution.executors.protocol import Invitation
from genesys.evolution.executors.staff import HubExecutor, Launched
from genesys.population.ledger import JobKind

PAGE = Path(__file__).parents[3] / "docs" / "plugins.md"


def test_the_executor_in_the_docs_has_workers(
    config: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With an ssh that stays here."""
    (code,) = re.findall(r"```python\n(import subprocess.*?)```", PAGE.read_text(), re.DOTALL)
    namespace: dict[str, Any] = {}
    exec(code, namespace)
    ssh = tmp_path / "bin" / "ssh"
    ssh.parent.mkdir()
    ssh.write_text('#!/bin/sh\necho "on $1"\nshift\nexec "$@"\n')
    ssh.chmod(0o755)
    monkeypatch.setenv("PATH", f"{ssh.parent}:{os.environ['PATH']}")
    executor = namespace["SSHExecutor"](["a", "b"], sys.executable, "127.0.0.1:0")
    none: Any = None
    outfit = Outfit(config, tmp_path, lambda _: None, lambda *_: None, none, none, none)
    with executor.open(outfit):
        while not all(executor.room(kind) for kind in JobKind):
            executor.wait(0.1)
        assert [executor.size(kind) for kind in JobKind] == [1, 1]
    logs = tmp_path / "workers"
    said = [
        (logs / name).read_text().splitlines()[0] for name in ("designer-1.log", "verifier-1.log")
    ]
    assert said == ["on a", "on b"]


def test_a_machine_that_starts_nothing_is_tried_again(
    config: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[str] = []

    class Full(HubExecutor):
        def launch(self, invitation: Invitation, log: Path) -> Launched:
            tried.append(invitation.name)
            raise SandboxError("No process can be started.")

    monkeypatch.setattr(staff, "FIRST_PAUSE_SECONDS", 0.0)
    monkeypatch.setattr(staff, "TEND_SECONDS", 0.0)
    none: Any = None
    outfit = Outfit(config, tmp_path, lambda _: None, lambda *_: None, none, none, none)
    executor = Full(0, 1)
    with (
        pytest.raises(GenesysError, match=r"ended 5 times .* No process can be started"),
        executor.open(outfit),
    ):
        while True:
            executor.wait(0.01)
    assert tried == ["verifier-1"] * 5
