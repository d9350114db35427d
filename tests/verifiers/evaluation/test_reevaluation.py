"""A kept model scores what it scored, and is trusted no more than before."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from genesys.errors import GenesysError, SandboxError
from genesys.files import sha256_of
from genesys.records import Design, Outcome, Scale, VerificationReport
from genesys.sandbox import Job, Sandbox
from genesys_verifiers.checkpoints.trained import BLOCK, MODEL, ModelFile
from genesys_verifiers.lightning import LightningVerifier

Evaluate = Callable[..., VerificationReport]


@pytest.fixture
def verifier(cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LightningVerifier:
    from ..conftest import TINY

    monkeypatch.setenv("GENESYS_CACHE", str(cache))
    return LightningVerifier(
        corpus=TINY.model_dump(),
        batch_size=4,
        threads=1,
        memory_mb=1024,
        checkpoints=str(tmp_path),
        keep_weights=True,
    )


def with_code(folder: Path, code: str) -> Path:
    """A copy of a kept model whose block has more code, hashes and all."""
    copy = Path(shutil.copytree(folder, folder.with_name("copy")))
    block = copy / BLOCK
    block.write_text(block.read_text() + code)
    file = ModelFile.of(copy)
    hashes = {**file.sha256, BLOCK: sha256_of(block)}
    (copy / MODEL).write_text(file.model_copy(update={"sha256": hashes}).model_dump_json())
    return copy


def test_a_kept_model_is_scored_again(
    verifier: LightningVerifier, gpt2: Design, scale: Scale, sandbox: Sandbox
) -> None:
    report = verifier.verify(gpt2, scale, 0, sandbox, lambda point: None)
    folder = verifier.kept(report)
    assert folder is not None
    again = verifier.evaluate(folder, sandbox)
    assert again.outcome is Outcome.OK, again.error
    assert again.scores == report.scores
    same = ("design", "scale", "seed", "n_block", "embed_dim", "parameters")
    assert all(getattr(again, name) == getattr(report, name) for name in same)
    assert again.tokens == 0

    leaky = "\nGAB._forward = lambda self, X, **Z: X + X.mean(1, keepdim=True)\n"
    caught = verifier.evaluate(with_code(folder, leaky), sandbox)
    assert caught.outcome is Outcome.DESIGN_ERROR
    assert "looks ahead" in caught.error and not caught.scores
    with _Broken() as broken:
        assert verifier.evaluate(folder, broken).outcome is Outcome.MACHINE_ERROR
    (folder / "tokenizer.json").write_text("{}")
    with pytest.raises(GenesysError, match=r"tokenizer\.json is damaged"):
        verifier.evaluate(folder, sandbox)
    hashes = {**ModelFile.of(folder).sha256, "tokenizer.json": sha256_of(folder / "tokenizer.json")}
    other = ModelFile.of(folder).model_copy(update={"sha256": hashes})
    (folder / MODEL).write_text(other.model_dump_json())
    with pytest.raises(GenesysError, match="another tokenizer"):
        verifier.evaluate(folder, sandbox)


class _Broken(Sandbox):
    """A sandbox that cannot start guests."""

    def open(self, job: Job) -> object:  # type: ignore[override]
        raise SandboxError("no Landlock here")


def test_a_report_without_a_model_has_none(
    verifier: LightningVerifier, sandbox: Sandbox, tmp_path: Path
) -> None:
    report = VerificationReport(design="gpt2", scale="tiny")
    assert verifier.kept(report) is None
    (tmp_path / "gpt2-tiny-0").mkdir()
    (tmp_path / "gpt2-tiny-0" / MODEL).write_text("{}")
    assert verifier.kept(report) == tmp_path / "gpt2-tiny-0"
    failed = report.model_copy(update={"outcome": Outcome.DESIGN_ERROR})
    assert verifier.kept(failed) is None  # the model is of an earlier verification
    forgetful = LightningVerifier(
        corpus={"name": "local_text"}, checkpoints=str(tmp_path), keep_weights=False
    )
    assert forgetful.kept(report) is None
    with pytest.raises(GenesysError, match="no trained model"):
        verifier.evaluate(tmp_path, sandbox)
