from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from tokenizers import Tokenizer

from genesys.errors import GenesysError
from genesys_verifiers.corpus import Corpus, CorpusConfig, prepare
from genesys_verifiers.corpus.build import split
from genesys_verifiers.corpus.sources import Document, documents


def tiny(corpus: Corpus, **changes: object) -> CorpusConfig:
    return CorpusConfig.model_validate({**corpus.manifest()["config"], **changes})


def test_documents_are_held_out_whole(corpus: Corpus) -> None:
    found = documents(tiny(corpus))
    train, valid = split(found, 0.4)
    assert {d.digest for d in train}.isdisjoint(d.digest for d in valid)
    assert len(train) + len(valid) == len(found)
    assert {d.kind for d in train} == {d.kind for d in valid} == {"speech", "prose", "code"}


def test_doubles_count_once() -> None:
    found = documents(CorpusConfig(speeches_mb=0.2, prose_mb=0, code_mb=0))
    assert len({d.text for d in found}) == len(found)


def test_no_item_of_the_evaluation_is_in_training(corpus: Corpus) -> None:
    tokenizer = Tokenizer.from_file(str(corpus.tokenizer_file))
    train = tokenizer.decode(np.fromfile(corpus.train_file, dtype=np.uint16).tolist())
    texts = []
    for path in corpus.tasks_folder.glob("*.jsonl"):
        for row in map(json.loads, path.read_text(encoding="utf-8").splitlines()):
            real = row["choices"][row["label"]] if "choices" in row else ""
            texts.append(row.get("text", row.get("context", "")) + real)
    long = [text for text in texts if len(text) > 100]
    assert len(long) > 100
    assert not [text for text in long if text in train]


def test_tokens_and_hashes_are_as_the_manifest_says(corpus: Corpus) -> None:
    manifest = corpus.manifest()
    tokens = np.fromfile(corpus.train_file, dtype=np.uint16)
    assert len(tokens) == manifest["train"]["tokens"]
    assert (tokens == 0).sum() == manifest["train"]["documents"]
    assert tokens.max() < manifest["config"]["vocab_size"]


def test_a_second_call_builds_nothing(corpus: Corpus, cache: Path) -> None:
    started = time.perf_counter()
    assert prepare(tiny(corpus), cache) == corpus
    assert time.perf_counter() - started < 0.5


def test_another_config_has_another_folder(corpus: Corpus) -> None:
    assert tiny(corpus).key() != tiny(corpus, vocab_size=600).key()


def test_the_same_config_gives_the_same_bytes(corpus: Corpus, tmp_path: Path) -> None:
    again = prepare(tiny(corpus), tmp_path)
    assert again.manifest() == corpus.manifest()


def test_a_build_killed_in_the_middle_leaves_nothing_half_written(
    corpus: Corpus, tmp_path: Path
) -> None:
    config = tiny(corpus)
    code = (
        "import os, signal\n"
        "from pathlib import Path\n"
        "from genesys_verifiers.corpus import CorpusConfig, prepare\n"
        "import genesys_verifiers.corpus.build as build\n"
        "build.generate = lambda *_: os.kill(os.getpid(), signal.SIGKILL)\n"
        f"prepare(CorpusConfig.model_validate({config.model_dump()!r}), Path({str(tmp_path)!r}))\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    killed = subprocess.run([sys.executable, "-c", code], env=environment, check=False)
    assert killed.returncode < 0
    assert not list(tmp_path.rglob("manifest.json"))
    assert prepare(config, tmp_path).manifest() == corpus.manifest()


def test_too_little_text_is_one_clear_error(tmp_path: Path) -> None:
    config = CorpusConfig(speeches_mb=0.3, prose_mb=0, code_mb=0, vocab_size=512)
    with pytest.raises(GenesysError, match="items for task"):
        prepare(config, tmp_path)
    config = CorpusConfig(speeches_mb=0, prose_mb=0, code_mb=0)
    with pytest.raises(GenesysError, match="no text to train on"):
        prepare(config, tmp_path)


def test_a_cache_that_cannot_be_written_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "corpus").write_text("a file where a folder should be")
    with pytest.raises(GenesysError, match="GENESYS_CACHE"):
        prepare(CorpusConfig(), tmp_path)


def test_split_orders_by_hash() -> None:
    found = [Document("speech", f"text {i}") for i in range(10)]
    train, valid = split(found, 0.3)
    assert valid == found[:3]
    assert train == found[3:]
