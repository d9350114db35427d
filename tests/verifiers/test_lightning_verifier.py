"""The whole way through the real sandbox: good designs, and designs that go wrong."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from genesys.errors import ConfigError, SandboxError
from genesys.gau.folder import load_tree
from genesys.records import CurvePoint, Design, Outcome, Scale, VerificationReport
from genesys.resources import resource
from genesys.sandbox import Job, Limits, Sandbox
from genesys_verifiers.corpus import Corpus
from genesys_verifiers.lightning import LightningVerifier

from .designs import faulty

Verify = Callable[..., VerificationReport]


def without_times(report: VerificationReport) -> VerificationReport:
    return report.model_copy(update={"seconds": 0.0, "tokens_per_second": 0.0, "efficiency": []})


def test_a_design_is_tuned_trained_and_evaluated(
    verify: Verify, gpt2: Design, scale: Scale, corpus: Corpus
) -> None:
    report = verify(gpt2, scale)
    assert report.outcome is Outcome.OK, report.error
    assert (report.n_block, report.embed_dim) == (1, 32)
    assert report.tokens == scale.tokens == report.curve[-1].tokens
    assert report.curve[-1].loss < report.curve[0].loss
    assert {s.task for s in report.scores} == set(corpus.manifest()["items"])
    (loss,) = [s for s in report.scores if s.metric == "bits_per_byte"]
    assert loss.untrained is not None
    assert loss.value < loss.untrained
    assert report.fitness is not None
    assert report.tokens_per_second > 0


def test_efficiency_is_measured_where_the_config_wants_it(
    verify: Verify, gpt2: Design, scale: Scale
) -> None:
    short = scale.model_copy(update={"tokens": 64 * 4})
    plain = verify(gpt2, short)
    assert not plain.efficiency
    report = verify(gpt2, short, efficiency_lengths=[32])
    assert [(one.design, one.length, one.error) for one in report.efficiency] == [
        ("gpt2", 32, ""),
        ("gpt2", 32, ""),
    ]
    assert without_times(report) == without_times(plain)
    with pytest.raises(ConfigError, match="efficiency_lengths"):
        verify(gpt2, short, efficiency_lengths=[1])


@pytest.mark.parametrize("name", ["mamba2", "retnet", "rwkv6", "ttt"])
def test_seeds_are_not_accused_of_looking_ahead(verify: Verify, scale: Scale, name: str) -> None:
    design = load_tree(resource("seeds") / name).as_design(name)
    report = verify(design, scale.model_copy(update={"tokens": 64 * 4 * 4, "d_model": 64}))
    assert report.outcome is Outcome.OK, report.error


def test_the_same_seed_gives_the_same_report(verify: Verify, gpt2: Design, scale: Scale) -> None:
    assert without_times(verify(gpt2, scale)) == without_times(verify(gpt2, scale))


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ("Y = Y * (float('nan') if self.steps == 3 else 1.0)", "step 3: the loss is nan"),
        ("Y = Y + (self.up.weight * 1e9).sum() * (Y - Y.detach())", "step 1: the gradient"),
        ("assert self.steps < 4, 'four is too many'", "step 4: AssertionError: four is too many"),
        ("os._exit(0) if self.steps == 2 else None", "ended with status 0"),
        ("raise SystemExit(0)", "SystemExit"),
        ("raise type('Odd', (Exception,), {'__str__': lambda e: 1 / 0})", "Odd: it cannot"),
        ("raise ValueError('\\x1b[2J')", "\ufffd[2J"),
        ("torch.ones(2**31).sum()", "memory"),
    ],
)
def test_what_goes_wrong_in_training_is_the_designs_fault(
    verify: Verify, scale: Scale, fault: str, told: str
) -> None:
    report = verify(faulty(fault), scale)
    assert report.outcome is Outcome.DESIGN_ERROR
    assert told in report.error
    assert report.fitness is None


def test_a_slow_step_is_the_designs_fault(verify: Verify, scale: Scale) -> None:
    report = verify(
        faulty("[torch.ones(500, 500) @ torch.ones(500, 500) for _ in '.' * 60]"), scale
    )
    assert report.outcome is Outcome.DESIGN_ERROR
    assert "times the GPT reference's time" in report.error


def test_an_endless_step_ends_with_the_time_limit(verify: Verify, scale: Scale) -> None:
    report = verify(faulty("exec('while self.steps: pass')"), scale, seconds=6)
    assert report.outcome is Outcome.DESIGN_ERROR
    assert "seconds" in report.error


def test_progress_is_told_while_it_trains(
    corpus: Corpus,
    cache: Path,
    sandbox: Sandbox,
    gpt2: Design,
    scale: Scale,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("GENESYS_CACHE", str(cache))
    verifier = LightningVerifier(corpus=corpus.manifest()["config"], batch_size=4, threads=1)
    told: list[CurvePoint] = []
    report = verifier.verify(gpt2, scale, 1, sandbox, told.append)
    assert told == report.curve


class _Broken(Sandbox):
    """A sandbox that cannot start guests."""

    def open(self, job: Job) -> Any:
        raise SandboxError("no Landlock here")


class _Blind(Sandbox):
    """A sandbox whose guests cannot read the corpus."""

    def open(self, job: Job) -> Any:
        limits = (job.limits or Limits()).model_copy(update={"readable": []})
        return super().open(job.model_copy(update={"limits": limits}))


@pytest.mark.parametrize(("kind", "told"), [(_Broken, "no Landlock"), (_Blind, "Permission")])
def test_what_happens_before_the_design_is_loaded_is_the_machines_fault(
    corpus: Corpus,
    cache: Path,
    gpt2: Design,
    scale: Scale,
    kind: type[Sandbox],
    told: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("GENESYS_CACHE", str(cache))
    verifier = LightningVerifier(corpus=corpus.manifest()["config"])
    with kind() as sandbox:
        report = verifier.verify(gpt2, scale, 0, sandbox, lambda point: None)
    assert report.outcome is Outcome.MACHINE_ERROR
    assert told in report.error


def test_the_trusted_half_needs_no_torch(corpus: Corpus, cache: Path) -> None:
    code = (
        "import sys\n"
        "from genesys.gau.folder import load_tree\n"
        "from genesys.records import Scale\n"
        "from genesys.resources import resource\n"
        "from genesys.sandbox import Sandbox\n"
        "from genesys_verifiers.lightning import LightningVerifier\n"
        "assert 'lm_eval' not in sys.modules\n"
        f"verifier = LightningVerifier(corpus={corpus.manifest()['config']!r})\n"
        "design = load_tree(resource('seeds') / 'gpt2').as_design('gpt2')\n"
        "scale = Scale(name='s', n_block=1, d_model=32, tokens=1, learning_rate=0.1, trials=1)\n"
        "with Sandbox() as sandbox:\n"
        "    report = verifier.verify(design, scale, 0, sandbox, lambda point: None)\n"
        "assert report.fitness, report.error\n"
        "assert 'torch' not in sys.modules\n"
    )
    environment = {**os.environ, "GENESYS_CACHE": str(cache), "PYTHONPATH": ":".join(sys.path)}
    subprocess.run([sys.executable, "-c", code], env=environment, check=True)


def test_a_wrong_parameter_is_one_clear_error() -> None:
    with pytest.raises(ConfigError, match="vocab_size"):
        LightningVerifier(corpus={"name": "local_text", "vocab_size": 3})
    with pytest.raises(ConfigError, match="batch_sise"):
        LightningVerifier(corpus={"name": "local_text"}, batch_sise=3)
