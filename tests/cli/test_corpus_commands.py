"""``genesys corpus build`` and ``info``."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random

import pytest
from typer.testing import CliRunner

from genesys.cli.main import app
from genesys.errors import ConfigError, GenesysError

WORDS = ["the", "law", "and", "of", "a", "nation", "people", "we", "must", "have", "been", "it"]


@pytest.fixture
def overrides(tmp_path, monkeypatch):
    """A folder of texts, one of which is broken, and a cache that is empty."""
    monkeypatch.setenv("GENESYS_CACHE", str(tmp_path / "cache"))
    texts = tmp_path / "texts"
    texts.mkdir()
    for number in range(60):
        text = " ".join(Random(number).choices(WORDS, k=120))
        (texts / f"{number}.txt").write_text(text)
    (texts / "[red]odd.txt").write_bytes(b"\xff\xfe")
    return ["corpus=files", f"corpus.folder={texts}", "corpus.vocab_size=512", "corpus.workers=1"]


def run(*arguments):
    return CliRunner().invoke(app, ["corpus", *arguments], catch_exceptions=False)


def test_a_corpus_is_built_and_shown(overrides):
    built = run("build", *overrides)
    assert built.exit_code == 0
    for words in ("documents", "tokens", "held out", "bits_per_byte", "not UTF-8 text: 1"):
        assert words in built.output
    assert "[red]odd.txt" in built.output
    shown = run("info", "--check", *overrides)
    assert shown.exit_code == 0
    assert "as built" in shown.output


def test_json_is_the_manifest(overrides):
    run("build", *overrides)
    found = json.loads(run("info", "--json", *overrides).stdout)
    assert found["train"]["documents"] + found["valid"]["documents"] == 60
    assert found["train"]["tokens"] > 1000


def test_progress_goes_to_standard_error_only(overrides):
    built = run("build", "--json", *overrides)
    assert json.loads(built.stdout)["files"]


def test_a_corpus_that_is_not_there_is_told(overrides):
    with pytest.raises(GenesysError, match="genesys corpus build"):
        run("info", *overrides)


def test_a_changed_file_is_found_and_built_again(overrides):
    files = json.loads(run("build", "--json", *overrides).stdout)
    shard = next(name for name in files["files"] if name.startswith("train/"))
    with (Path(files["folder"]) / shard).open("r+b") as file:
        file.write(b"\x01\x02\x03")
    run("info", *overrides)
    with pytest.raises(GenesysError, match="was changed"):
        run("info", "--check", *overrides)
    run("build", "--rebuild", *overrides)
    run("info", "--check", *overrides)


def test_a_wrong_source_is_explained():
    with pytest.raises(ConfigError, match="Could not find 'corpus/filez'"):
        run("build", "corpus=filez")
    with pytest.raises(ConfigError, match=r"needs a folder: corpus\.folder"):
        run("build", "corpus=files")
