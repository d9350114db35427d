"""Runs that are put together from a config."""

from __future__ import annotations

import json

import pytest

from genesys.cli.config import compose
from genesys.errors import StoreError
from genesys.evolution.run import evolve


class OpenedError(Exception):
    """The run could be opened; nothing more is wanted."""


def opened(event):
    if type(event).__name__ == "RunOpened":
        raise OpenedError


def open_run(folder, *overrides):
    quick = ("evolution.seeds=[gpt2]", "checker=format", "sandbox.backend=process")
    config = compose([*quick, "sandbox.allow_unconfined=true", *overrides])
    evolve(config, folder, opened)


def test_what_is_saved_besides_decides_no_result(tmp_path):
    with pytest.raises(OpenedError):
        open_run(tmp_path)
    config = json.loads((tmp_path / "run.json").read_text())["config"]
    assert "verifier.clip" in config
    assert not [key for key in config if "checkpoint" in key or "keep" in key]
    with pytest.raises(OpenedError):
        open_run(tmp_path, "verifier.keep_weights=true", "verifier.checkpoint_seconds=5", "name=b")


def test_what_decides_results_cannot_change_in_a_run(tmp_path):
    with pytest.raises(OpenedError):
        open_run(tmp_path)
    with pytest.raises(StoreError, match=r"verifier\.clip: 1\.0 in the run, 2\.0 now"):
        open_run(tmp_path, "verifier.clip=2.0")
