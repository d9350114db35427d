"""Designs that want an undeserved score, or to spoil those of others."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from genesys.records import Design, Outcome, Scale, VerificationReport
from genesys.sandbox import Guest, Job, Sandbox
from genesys_verifiers.corpus import Corpus
from genesys_verifiers.lightning import LightningVerifier

from .conftest import TINY
from .designs import faulty

Verify = Callable[..., VerificationReport]

OPEN = """
def opened(name, mode):
    try:
        with open(name, mode):
            return True
    except OSError:
        return False

def spoilt(name):
    for change in (os.unlink, lambda n: os.rename(n, n + "x"), lambda n: os.truncate(n, 0)):
        try:
            change(name)
        except OSError:
            pass
    return any(opened(n, m) for n, m in ((name, "r+b"), (name, "wb"), (name + "x", "wb")))
"""
# Takes the place of the guest's own answers.
HIDDEN = """
from genesys_verifiers.guest import TrainingGuest

def hidden(self, ids, rows, columns):
    head = self._model.head.detach()
    return {{"hidden": ({}).numpy()}}

TrainingGuest.hidden = hidden
"""
ANSWER = """
from genesys_verifiers.guest import TrainingGuest

TrainingGuest.{} = lambda self, **_: {}
"""
# A hidden state for which the next token of the row is the likeliest by far.
FORESEEN = "1e3 * head[torch.tensor(ids).roll(-1, 1)[torch.tensor(rows), torch.tensor(columns)]]"


def files(corpus: Corpus) -> list[Path]:
    return sorted(path for path in corpus.folder.rglob("*") if path.is_file())


def names(corpus: Corpus) -> list[str]:
    return list(map(str, files(corpus)))


def test_the_guest_that_trains_can_read_the_training_tokens_only(
    verify: Verify, scale: Scale, corpus: Corpus
) -> None:
    tell = f"raise ValueError([name for name in {names(corpus)} if opened(name, 'rb')])"
    report = verify(faulty(training=tell, loading=OPEN), scale)
    assert report.outcome is Outcome.DESIGN_ERROR
    assert f"training, step 1: ValueError: {list(map(str, corpus.train_files))} " in report.error


def test_a_guest_that_is_scored_can_read_nothing_of_the_corpus(
    verify: Verify, scale: Scale, corpus: Corpus
) -> None:
    tell = f"raise ValueError([name for name in {names(corpus)} if opened(name, 'rb')])"
    report = verify(faulty(always=tell, loading=OPEN), scale)
    assert report.outcome is Outcome.DESIGN_ERROR
    assert "failure was ValueError at width 16: []" in report.error


def test_no_guest_can_change_the_corpus(verify: Verify, scale: Scale, corpus: Corpus) -> None:
    spoil = f"assert not any(map(spoilt, {names(corpus)}))"
    report = verify(faulty(training=spoil, loading=OPEN), scale)
    assert report.outcome is Outcome.OK, report.error
    hashes = {
        str(path.relative_to(corpus.folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files(corpus)
    }
    assert hashes.pop("manifest.json")
    assert hashes == {name: f["sha256"] for name, f in corpus.manifest()["files"].items()}


class _Overheard(Sandbox):
    """Writes down what each guest is asked."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[list[str]] = []

    @contextmanager
    def open(self, job: Job) -> Iterator[Guest]:
        asked: list[str] = []
        self.asked.append(asked)
        with super().open(job) as guest:
            call = guest.call

            def overhear(method: str, *rest: Any, **arguments: Any) -> dict[str, Any]:
                asked.append(method)
                return call(method, *rest, **arguments)

            guest.call = overhear  # type: ignore[method-assign]
            yield guest


def test_the_guest_that_trains_sees_no_token_of_the_evaluation(
    scale: Scale, corpus: Corpus, gpt2: Design, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GENESYS_CACHE", str(cache))
    with _Overheard() as sandbox:
        verifier = LightningVerifier(corpus=TINY.model_dump(), batch_size=4, threads=1)
        report = verifier.verify(gpt2, scale, 0, sandbox, lambda point: None)
    assert report.outcome is Outcome.OK, report.error
    (training,) = [asked for asked in sandbox.asked if "train" in asked]
    assert training == ["load", "build", "train", "hand_over_weights"]


@pytest.fixture
def honest(verify: Verify, scale: Scale) -> VerificationReport:
    report = verify(faulty(), scale)
    assert report.outcome is Outcome.OK, report.error
    return report


@pytest.mark.parametrize(
    "trick",
    [
        "print({'scores': [{'task': 'recall', 'metric': 'acc', 'value': 1.0}]})",
        "import genesys_verifiers.evaluation.evaluate as e, genesys_verifiers.verification as v; "
        "e._score = e.evaluate = v.audit = v._doubt = lambda *a, **k: 1.0",
        "import genesys_verifiers.evaluation.likelihood as l; l.Scorer.__call__ = lambda *a: 0.0",
        "import numpy; numpy.log = numpy.exp = lambda x, **k: x * 0",
        "from genesys.records import Score; Score.__init__ = lambda self, **k: None",
        "self.seen += 7",
    ],
)
def test_what_runs_in_a_guest_changes_no_score(
    verify: Verify, scale: Scale, honest: VerificationReport, trick: str
) -> None:
    report = verify(faulty(always=trick), scale)
    assert report.outcome is Outcome.OK, report.error
    assert report.scores == honest.scores


@pytest.mark.parametrize(
    ("trick", "told"),
    [
        ("os.write(4, b'GAUL' * 99)", "no message"),
        (HIDDEN.format("torch.ones(len(rows), 1)"), "nonsense"),
        (HIDDEN.format("torch.full((len(rows), head.shape[1]), float('inf'))"), "not finite"),
        (HIDDEN.format(FORESEEN), "looks ahead"),
        (ANSWER.format("hidden", "{'scores': 1.0}"), "nonsense"),
        (ANSWER.format("train", "{}"), "nonsense"),
        (ANSWER.format("train", "{'micro_batch': 1}"), "ends before step"),
        (
            ANSWER.format(
                "tune", "{'n_block': 9, 'embed_dim': 32, 'parameters': 10**9, 'flops': 1}"
            ),
            "1000000000 parameters instead",
        ),
        (ANSWER.format("hand_over_weights", "{}"), "nonsense"),
    ],
)
def test_answers_that_are_made_up_are_no_answers(
    verify: Verify, scale: Scale, trick: str, told: str
) -> None:
    report = verify(faulty(loading=trick), scale)
    assert report.outcome is Outcome.DESIGN_ERROR
    assert told in report.error
    assert report.scores == []


def test_a_look_ahead_that_remembers_what_it_has_said_is_found(
    verify: Verify, scale: Scale
) -> None:
    remembering = """
said = {}

def consistent(ids, rows, columns, found):
    places = [tuple(ids[row, : column + 1]) for row, column in zip(rows, columns)]
    return torch.stack([said.setdefault(*pair) for pair in zip(places, found)])
"""
    trick = HIDDEN.format(f"consistent(ids, rows, columns, {FORESEEN})")
    assert "looks ahead" in verify(faulty(loading=remembering + trick), scale).error


def test_too_good_a_loss_is_refused(
    verify: Verify, scale: Scale, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("genesys_verifiers.evaluation.evaluate.LEAST_BITS", 9.0)
    report = verify(faulty(loading="told = 'what no other design says'"), scale)
    assert report.outcome is Outcome.DESIGN_ERROR
    assert "bits per byte cannot be: it knows the texts" in report.error
    assert report.scores == []


@pytest.mark.parametrize(
    "leak",
    [
        "Y = Y + (0 if self.training or self.seen < 9 else Y.mean(1, keepdim=True))",
        "Y = Y + (self.seen > 9) * Y.roll(-1, 1)",
        "Y = Y + (0 if self.training or self.seen < 9 else Y.flip(0))",
    ],
)
def test_a_look_ahead_that_begins_in_training_is_found(
    verify: Verify, scale: Scale, leak: str
) -> None:
    report = verify(faulty(always=leak), scale)
    assert report.outcome is Outcome.DESIGN_ERROR
    assert "evaluation: the design looks ahead after training" in report.error


def test_a_design_is_its_weights(verify: Verify, scale: Scale, honest: VerificationReport) -> None:
    """What it remembers elsewhere does not reach the guest that is scored."""
    report = verify(faulty(always="Y = Y + (Y.roll(-1, 1) if self.steps > 31 else 0)"), scale)
    assert [score.untrained for score in report.scores] == [s.untrained for s in honest.scores]
    assert report.outcome is Outcome.OK
