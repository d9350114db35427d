"""A library without what the user of this machine has synced or cached."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def alone(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("GENESYS_CACHE", str(tmp_path / "cache"))
