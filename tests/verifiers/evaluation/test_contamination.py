from __future__ import annotations

import json
import time
from pathlib import Path

import numpy as np
import pytest
from tokenizers import Tokenizer

from genesys.errors import GenesysError
from genesys_verifiers.corpus import Corpus
from genesys_verifiers.evaluation.contamination import CHUNK, Contamination, pieces
from genesys_verifiers.evaluation.evaluate import Evaluator
from genesys_verifiers.tasks.config import TaskSet

from ..answers import Constant

RNG = np.random.default_rng(0)
TRAIN = RNG.integers(0, 50_000, 300_000).astype(np.uint16)


def run(start: int, size: int) -> tuple[int, ...]:
    return tuple(TRAIN[start : start + size].tolist())


def other(size: int) -> tuple[int, ...]:
    return tuple(RNG.integers(0, 50_000, size).tolist())


@pytest.mark.parametrize(
    ("texts", "found"),
    [
        ([(*other(5), *run(1000, 16), *other(5))], True),
        ([other(30), (*other(20), *run(299_984, 16))], True),  # the very end
        ([(*other(5), *run(1000, 15), *other(5))], False),
        ([run(77, 10)], True),  # short, but all of it
        ([(*run(77, 10), 1)], False),
        ([run(77, 7)], False),  # too short to tell
        ([other(40), other(10)], False),
        ([], False),
    ],
)
def test_runs_of_sixteen_tokens_are_found(texts: list[tuple[int, ...]], found: bool) -> None:
    assert Contamination([texts, [other(20)]])([TRAIN]).tolist() == [found, False]


def test_a_run_that_two_pieces_share_is_found(tmp_path: Path) -> None:
    file = tmp_path / "tokens.bin"
    tokens = np.resize(np.arange(40_000, dtype=np.uint16), CHUNK + 100)
    tokens[CHUNK - 8 : CHUNK + 8] = np.arange(50_000, 50_016)
    tokens.tofile(file)
    items = [[tuple(range(50_000, 50_016))], [tuple(range(60_000, 60_016))]]
    assert Contamination(items)(pieces([file], 2**16)).tolist() == [True, False]


def test_a_million_tokens_take_under_a_second(tmp_path: Path) -> None:
    file = tmp_path / "tokens.bin"
    np.resize(TRAIN, 4_000_000).tofile(file)
    contamination = Contamination([[other(size)] for size in (8, 12, 40) for _ in range(700)])
    started = time.process_time()
    assert not contamination(pieces([file], 2**16)).any()
    assert time.process_time() - started < 4


def own_items(corpus: Corpus, folder: Path, repeated: int) -> Path:
    """Twenty items of one task, of which so many hold text of the training corpus."""
    tokenizer = Tokenizer.from_file(str(corpus.tokenizer_file))
    train = next(pieces(corpus.train_files, corpus.vocab_size))
    folder.mkdir(parents=True)
    rows = []
    for index in range(20):
        start = 1000 + 100 * index
        text = tokenizer.decode(train[start : start + 60].tolist())
        seen = text if index < repeated else " ".join(sorted(text, reverse=True))
        rows.append({"context": seen.strip(), "choices": [" yes", " no"], "label": index % 2})
    (folder / "quiz.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder


@pytest.mark.parametrize(("overlap", "kept"), [("warn", 20), ("drop", 15)])
def test_overlaps_are_told_and_left_out_if_wanted(
    corpus: Corpus,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    overlap: str,
    kept: int,
) -> None:
    monkeypatch.setenv("GENESYS_CACHE", str(tmp_path))
    own_items(corpus, tmp_path / "tasks" / "bigbench-1.0.0", repeated=5)
    wanted = TaskSet.model_validate({"source": "bigbench", "overlap": overlap})
    (score,) = Evaluator(corpus, 64, wanted)(Constant())[0]
    assert score.overlap == 0.25
    assert score.stderr == pytest.approx((score.value * (1 - score.value) / kept) ** 0.5)
    assert "quiz: 5 of 20 items" in caplog.text


def test_the_training_text_is_read_once(
    corpus: Corpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GENESYS_CACHE", str(tmp_path))
    own_items(corpus, tmp_path / "tasks" / "bigbench-1.0.0", repeated=5)
    wanted = TaskSet(source="bigbench")
    (one,) = Evaluator(corpus, 64, wanted)(Constant())[0]
    monkeypatch.setattr("genesys_verifiers.evaluation.contamination.pieces", lambda files, size: [])
    (other,) = Evaluator(corpus, 64, wanted)(Constant())[0]
    assert one == other
    assert one.overlap == 0.25
    own_items(corpus, tmp_path / "again" / "tasks" / "bigbench-1.0.0", repeated=4)
    monkeypatch.setenv("GENESYS_CACHE", str(tmp_path / "again"))
    (unread,) = Evaluator(corpus, 64, wanted)(Constant())[0]
    assert unread.overlap == 0


def test_a_task_that_training_has_seen_whole_is_refused(
    corpus: Corpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GENESYS_CACHE", str(tmp_path))
    own_items(corpus, tmp_path / "tasks" / "bigbench-1.0.0", repeated=20)
    with pytest.raises(GenesysError, match=r"All items.*quiz.*tasks\.overlap=warn"):
        Evaluator(corpus, 64, TaskSet(source="bigbench", overlap="drop"))


def test_local_tasks_are_made_without_overlaps(corpus: Corpus) -> None:
    scores, _ = Evaluator(corpus, 64)(Constant())
    assert {score.overlap for score in scores} == {None}
