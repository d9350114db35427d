"""Several seeds make one report: what it says by hand, and what real trainings give."""

from __future__ import annotations

import json
from collections.abc import Callable
from math import sqrt
from pathlib import Path
from statistics import fmean, stdev

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genesys.records import CurvePoint, Design, Outcome, Scale, Score, VerificationReport
from genesys.sandbox import Sandbox
from genesys_verifiers.checkpoints.finished import FILE, Finished
from genesys_verifiers.corpus import Corpus
from genesys_verifiers.lightning import LightningVerifier
from genesys_verifiers.repeats import joined, mean_of, repeated

from .conftest import TINY

SCALE = Scale(name="s", n_block=1, d_model=32, tokens=100, learning_rate=0.01, trials=1, seeds=3)


def score(value: float, stderr: float | None = None, untrained: float | None = None) -> Score:
    return Score(
        task="t", metric="acc", value=value, stderr=stderr, chance=0.5, untrained=untrained
    )


def report(seed: int, value: float = 0.5) -> VerificationReport:
    return VerificationReport(
        design="d",
        scale="s",
        seed=seed,
        tokens=100,
        scores=[score(value)],
        curve=[CurvePoint(step=4, tokens=100, loss=1.0 + seed, grad_norm=1.0)],
        tokens_per_second=10.0 * (seed + 1),
        seconds=1.0,
    )


class Trainer:
    """Trains with a seed: says so, and what comes out."""

    def __init__(self, outcomes: dict[int, Outcome] | None = None) -> None:
        self.seeds: list[int] = []
        self._outcomes = outcomes or {}

    def __call__(
        self,
        seed: int,
        progress: Callable[[CurvePoint], None],
        done: Callable[[VerificationReport], None],
    ) -> VerificationReport:
        self.seeds.append(seed)
        made = report(seed, value=0.5 + seed / 10)
        for point in made.curve:
            progress(point)
        outcome = self._outcomes.get(seed, Outcome.OK)
        if outcome is not Outcome.OK:
            return made.model_copy(update={"outcome": outcome, "error": "step 3: boom"})
        done(made)
        return made


def run(
    trainer: Trainer,
    folder: Path | None = None,
    seeds: int = 3,
    told: list[CurvePoint] | None = None,
    origin: str = "a",
) -> VerificationReport:
    def finished(seed: int) -> Finished:
        return Finished(folder / str(seed) if folder else None, {"design": origin})

    scale = SCALE.model_copy(update={"seeds": seeds})
    return repeated(trainer, scale, 0, finished, [].append if told is None else told.append)


def test_scores_are_means_with_an_error_over_items_and_seeds() -> None:
    mean = mean_of([score(0.6, 0.03, 0.5), score(0.7, 0.03, 0.52), score(0.8, 0.03, 0.48)])
    assert mean.value == pytest.approx(0.7)
    assert mean.by_seed == [0.6, 0.7, 0.8]
    assert mean.untrained == pytest.approx(0.5)
    assert mean.seed_error == pytest.approx(0.1 / sqrt(3))
    assert mean.item_error == pytest.approx(0.03)
    assert mean.stderr == pytest.approx(sqrt(0.03**2 + 0.01 / 3))


def test_an_error_that_one_seed_lacks_is_unknown() -> None:
    mean = mean_of([score(0.6, 0.03, 0.5), score(0.7)])
    assert (mean.stderr, mean.item_error, mean.untrained) == (None, None, None)
    assert mean.seed_error == pytest.approx(0.05)


shares = st.floats(0, 1)


@given(st.lists(st.tuples(shares, shares), min_size=2, max_size=6))
def test_errors_come_apart_again(drawn: list[tuple[float, float]]) -> None:
    mean = mean_of([score(value, error) for value, error in drawn])
    values, errors = zip(*drawn, strict=True)
    assert mean.value == pytest.approx(fmean(values))
    assert mean.seed_error == pytest.approx(stdev(values) / sqrt(len(values)))
    assert mean.item_error == pytest.approx(fmean(errors), abs=1e-7)
    assert mean.stderr is not None and mean.stderr >= max(mean.seed_error, fmean(errors)) - 1e-12


def test_one_report_of_all_seeds() -> None:
    trainer, told = Trainer(), list[CurvePoint]()
    whole = run(trainer, told=told)
    assert trainer.seeds == [0, 1, 2]
    assert whole.scores[0].value == pytest.approx(0.6)
    assert (whole.seed, whole.tokens, whole.tokens_per_second) == (0, 100, 20.0)
    assert whole.seconds == 3.0
    assert [point.loss for point in whole.curve] == [1.0]
    assert [(point.step, point.tokens) for point in told] == [(4, 100), (8, 200), (12, 300)]


def test_a_single_seed_is_reported_as_it_is() -> None:
    assert run(Trainer(), seeds=1) == report(0)
    assert joined([report(0)]).scores[0].seed_error == 0.0


def test_a_seed_that_fails_is_named_and_ends_it(tmp_path: Path) -> None:
    trainer = Trainer({1: Outcome.DESIGN_ERROR})
    whole = run(trainer, tmp_path)
    assert trainer.seeds == [0, 1]
    assert (whole.seed, whole.outcome) == (0, Outcome.DESIGN_ERROR)
    assert whole.error == "with seed 1: step 3: boom"
    assert whole.seconds == 2.0
    assert not list(tmp_path.iterdir())


def test_what_is_done_is_not_done_again(tmp_path: Path) -> None:
    assert run(Trainer({2: Outcome.MACHINE_ERROR}), tmp_path).outcome is Outcome.MACHINE_ERROR
    again, told = Trainer(), list[CurvePoint]()
    assert run(again, tmp_path, told=told) == run(Trainer())
    assert again.seeds == [2]
    assert told[0].tokens == 300
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("content", [b"", b"{}", b'{"format": 2}', b"\xff\x00"])
def test_a_damaged_part_is_told_and_trained_again(
    content: bytes, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    run(Trainer({1: Outcome.MACHINE_ERROR}), tmp_path)
    (tmp_path / "0" / FILE).write_bytes(content)
    again = Trainer()
    assert run(again, tmp_path) == run(Trainer())
    assert again.seeds == [0, 1, 2]
    assert "is not used, and its seed is trained again" in caplog.text


def test_a_part_of_another_design_is_not_used(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    run(Trainer({1: Outcome.MACHINE_ERROR}), tmp_path)
    again = Trainer()
    run(again, tmp_path, origin="b")
    assert again.seeds == [0, 1, 2]
    assert "it belongs to another design" in caplog.text


def test_seeds_stay_in_range() -> None:
    trainer = Trainer()
    last = 2**63 - 1
    repeated(trainer, SCALE, last, lambda seed: Finished(None, {}), lambda point: None)
    assert trainer.seeds == [last, 0, 1]


def test_real_trainings(
    gpt2: Design,
    scale: Scale,
    corpus: Corpus,
    cache: Path,
    sandbox: Sandbox,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Two seeds are trained, the first of them once, although the second is stopped."""
    monkeypatch.setenv("GENESYS_CACHE", str(cache))
    verifier = LightningVerifier(
        corpus=TINY.model_dump(),
        batch_size=4,
        threads=1,
        memory_mb=1024,
        checkpoints=str(tmp_path),
    )
    both = scale.model_copy(update={"seeds": 2})

    def stop(point: CurvePoint) -> None:
        if point.tokens > scale.tokens:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        verifier.verify(gpt2, both, 3, sandbox, stop)
    kept = json.loads((tmp_path / "gpt2-tiny-3" / FILE).read_bytes())
    first = VerificationReport.model_validate(kept["report"])
    told: list[CurvePoint] = []
    whole = verifier.verify(gpt2, both, 3, sandbox, told.append)
    assert whole.outcome is Outcome.OK, whole.error
    assert told[0].tokens > scale.tokens  # the first seed was not trained again
    for score, alone in zip(whole.scores, first.scores, strict=True):
        assert score.by_seed[0] == alone.value
    assert any(score.seed_error for score in whole.scores)
    assert whole.curve == first.curve
    assert sorted(path.name for path in tmp_path.iterdir()) == ["gpt2-tiny-3", "gpt2-tiny-4"]
    assert not list(tmp_path.glob(f"*/{FILE}"))
