"""Building, sharing and checking a corpus, whatever its source."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random
from typing import Any, ClassVar, Literal

import numpy as np
import pytest
from filelock import FileLock
from tokenizers import Tokenizer, models, pre_tokenizers
from tokenizers.processors import TemplateProcessing

from genesys.errors import ConfigError, GenesysError
from genesys_verifiers.corpus import (
    Corpus,
    CorpusConfig,
    Document,
    LocalText,
    Part,
    Skipped,
    corpus_of,
    find,
    prepare,
)

SENTENCES = ["The law of the land is {}.", "We have {} of them here.", "It will be {} tomorrow."]
WORDS = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"]


def words(number: int) -> str:
    """Thirty words that no other number has in this order."""
    return " ".join(Random(number).choices(WORDS, k=30))


class Told(CorpusConfig):
    """Sentences about numbers, in parts of equal size."""

    drops_overlaps: ClassVar[bool] = True

    name: Literal["told"] = "told"
    vocab_size: int = 512
    count: int = 40
    split: Literal["train", "valid", "test"] | None = None
    repeated: str = ""
    workers: int | None = 1

    def parts(self) -> Sequence[Part]:
        return [("0",), ("1",), ("2",)]

    def read(self, part: Part) -> Iterator[Document | Skipped]:
        for number in range(self.count):
            text = SENTENCES[int(part[0])].format(words(3 * number + int(part[0])))
            split = self.split if number % 4 == 0 else "train"
            yield Document(f"kind{part[0]}", text, split if self.split else None)
        if self.repeated:
            yield Document("copied", self.repeated + part[0])
            yield Document("copied", f"{part[0]}\n{self.repeated}{part[0]}")
        yield Skipped("too odd", f"part {part[0]}, line 7")


def tiny(corpus: Corpus, **changes: object) -> LocalText:
    return LocalText.model_validate({**corpus.manifest()["config"], **changes})


def tokens(corpus: Corpus, dtype: str = "uint16") -> np.ndarray[Any, Any]:
    return np.concatenate([np.fromfile(path, dtype=dtype) for path in corpus.train_files])


def text_of(corpus: Corpus) -> str:
    tokenizer = Tokenizer.from_file(str(corpus.tokenizer_file))
    text: str = tokenizer.decode(tokens(corpus).tolist(), skip_special_tokens=False)
    return text


def test_documents_are_held_out_whole(corpus: Corpus) -> None:
    held_out = list(corpus.documents("valid"))
    train = text_of(corpus)
    assert not [document for document in held_out if document.text in train]
    kinds = corpus.manifest()["kinds"]
    assert set(kinds["train"]) == set(kinds["valid"]) == {"speech", "prose", "code"}
    assert len(held_out) == corpus.manifest()["valid"]["documents"]


def test_the_local_text_has_no_doubles() -> None:
    (part,) = LocalText().parts()
    found = list(LocalText(speeches_mb=0.2, prose_mb=0, code_mb=0).read(part))
    assert len({document.text for document in found}) == len(found) > 1
    assert found == sorted(found, key=lambda document: document.digest)


def test_no_item_of_the_evaluation_is_in_training(corpus: Corpus) -> None:
    train = text_of(corpus)
    texts = []
    for path in corpus.tasks_folder.glob("*.jsonl"):
        for row in map(json.loads, path.read_text(encoding="utf-8").splitlines()):
            real = row["choices"][row["label"]] if "choices" in row else ""
            texts.append(row.get("text", row.get("context", "")) + real)
    long = [text for text in texts if len(text) > 100]
    assert len(long) > 100
    assert not [text for text in long if text in train]


def test_tokens_and_hashes_are_as_the_manifest_says(corpus: Corpus) -> None:
    manifest, found = corpus.manifest(), tokens(corpus)
    assert len(found) == manifest["train"]["tokens"]
    assert (found == corpus.end_of_text).sum() == manifest["train"]["documents"]
    assert found.max() < manifest["config"]["vocab_size"] == corpus.vocab_size
    for name in ("documents", "bytes", "tokens"):
        assert manifest["train"][name] == sum(k[name] for k in manifest["kinds"]["train"].values())
    corpus.check()


def test_a_second_call_builds_nothing(corpus: Corpus, cache: Path) -> None:
    started = time.perf_counter()
    assert prepare(tiny(corpus), cache) == corpus == find(tiny(corpus), cache)
    assert time.perf_counter() - started < 0.5


def test_what_the_text_depends_on_names_the_folder(corpus: Corpus) -> None:
    assert tiny(corpus).key() != tiny(corpus, vocab_size=600).key()
    assert tiny(corpus).key() == tiny(corpus, workers=7).key()


def test_processes_make_no_difference(tmp_path: Path) -> None:
    alone = prepare(Told(workers=1), tmp_path / "alone").manifest()
    assert prepare(Told(workers=2), tmp_path / "both").manifest()["files"] == alone["files"]
    assert len([name for name in alone["files"] if name.startswith("train/")]) == 3


def test_shards_are_of_bounded_size(tmp_path: Path) -> None:
    one = prepare(Told(count=600), tmp_path)
    many = prepare(Told(count=600, shard_mb=0.01), tmp_path)
    assert len(many.train_files) > len(one.train_files)
    assert np.array_equal(tokens(one), tokens(many))


def test_splits_of_the_source_are_kept(tmp_path: Path) -> None:
    corpus = prepare(Told(split="valid"), tmp_path)
    found = corpus.manifest()
    assert (found["valid"]["documents"], found["train"]["documents"]) == (30, 90)
    assert "test" not in found
    assert prepare(Told(split="test"), tmp_path).manifest()["test"]["documents"] == 30


def test_what_is_copied_from_held_out_text_does_not_train(tmp_path: Path) -> None:
    line = "a long line that two documents share, " * 8
    corpus = prepare(Told(repeated=line, valid_fraction=0.5), tmp_path)
    held_out = [d.text for d in corpus.documents("valid") if d.kind == "copied"]
    train = text_of(corpus)
    assert held_out
    assert corpus.manifest()["overlapping"] > 0
    for part in "012":
        seen = f"{line}{part}" in train
        assert seen != any(f"{line}{part}" in text for text in held_out)


def test_what_is_skipped_is_told(tmp_path: Path) -> None:
    skipped = prepare(Told(), tmp_path).manifest()["skipped"]
    assert skipped["counts"] == {"too odd": 3}
    assert skipped["examples"][0] == "part 0, line 7: too odd"


def test_tasks_that_cannot_be_made_are_left_out(tmp_path: Path) -> None:
    items = prepare(Told(), tmp_path).manifest()["items"]
    assert set(items) == {"agreement", "bits_per_byte"}
    assert items["bits_per_byte"] > 0


def test_progress_names_the_stages(tmp_path: Path) -> None:
    told: list[tuple[str, int, int]] = []
    prepare(Told(), tmp_path, lambda *stage: told.append(stage))
    assert list(dict.fromkeys(stage for stage, _, _ in told)) == [
        "read",
        "hold out",
        "tokenizer",
        "tokens",
        "items",
        "check",
    ]
    assert {("read", 3, 3), ("tokenizer", 1, 1), ("tokens", 3, 3), ("items", 1, 1)} < set(told)


KILLED = """
import os, signal
from pathlib import Path
from genesys_verifiers.corpus import corpus_of, prepare
import genesys_verifiers.corpus.build as build
build.generate = lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL)
prepare(corpus_of({config!r}), Path({folder!r}))
"""


def run(code: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    return subprocess.run(
        [sys.executable, "-c", code], env=environment, check=False, text=True, capture_output=True
    )


def test_parts_that_were_read_are_not_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def read(source: Told, part: Part) -> Iterator[Document | Skipped]:
        asked.append(part[0])
        return honest(source, part)

    def interrupt(stage: str, done: int, total: int) -> None:
        if (stage, done) == ("read", 2):
            raise KeyboardInterrupt

    honest = Told.read
    monkeypatch.setattr(Told, "read", read)
    with pytest.raises(KeyboardInterrupt):
        prepare(Told(), tmp_path, interrupt)
    assert prepare(Told(), tmp_path).manifest()["train"]["documents"] > 100
    assert asked == ["0", "1", "2"]


@pytest.fixture
def texts(tmp_path: Path) -> CorpusConfig:
    """A source that another process can import: three hundred files."""
    folder = tmp_path / "texts"
    folder.mkdir()
    for number in range(300):
        (folder / f"{number}.txt").write_text(" ".join(words(5 * number + i) for i in range(5)))
    return corpus_of({"name": "files", "folder": str(folder), "vocab_size": 512, "workers": 1})


def test_a_killed_build_goes_on_with_what_is_finished(texts: CorpusConfig, tmp_path: Path) -> None:
    killed = run(KILLED.format(config=texts.model_dump(), folder=str(tmp_path)))
    assert killed.returncode < 0, killed.stderr
    assert not list(tmp_path.rglob("manifest.json"))
    (shard,) = tmp_path.rglob("train/*.bin")
    made = shard.stat().st_ino
    again = prepare(texts, tmp_path)
    assert again.train_files[0].stat().st_ino == made
    assert again.manifest() == prepare(texts, tmp_path / "elsewhere").manifest()


FULL = """
import resource
from pathlib import Path
from genesys.errors import GenesysError
from genesys_verifiers.corpus import corpus_of, prepare
resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, resource.RLIM_INFINITY))
try:
    prepare(corpus_of({config!r}), Path({folder!r}))
except GenesysError as error:
    print(error)
"""


def test_a_full_disk_is_told_and_leaves_nothing_half_written(
    texts: CorpusConfig, tmp_path: Path
) -> None:
    full = run(FULL.format(config=texts.model_dump(), folder=str(tmp_path)))
    assert "Cannot write the corpus" in full.stdout, full.stderr
    assert "GENESYS_CACHE" in full.stdout
    assert not [path for path in tmp_path.rglob("*.part") if path.is_file()]
    assert prepare(texts, tmp_path).manifest()["train"]["documents"] > 200


def test_the_second_of_two_builds_waits(tmp_path: Path) -> None:
    stages: list[str] = []
    waits = threading.Event()

    def tell(stage: str, done: int, total: int) -> None:
        stages.append(stage)
        waits.set()

    folder = tmp_path / "corpus"
    folder.mkdir()
    with FileLock(str(folder / f"told-{Told().key()}.lock")):
        thread = threading.Thread(target=prepare, args=(Told(), tmp_path, tell))
        thread.start()
        assert waits.wait(20)
        assert stages == ["wait for another process"]
    thread.join(60)
    assert find(Told(), tmp_path)


def spoil_size(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-2])


def spoil_content(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[10] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (Path.unlink, "00001-000.bin is missing"),
        (lambda path: path.write_bytes(b""), "00001-000.bin has 0 bytes instead of"),
        (spoil_size, "00001-000.bin has .* bytes instead of"),
        (spoil_content, "00001-000.bin was changed"),
    ],
)
def test_a_spoilt_shard_is_named(tmp_path: Path, spoil: Any, message: str) -> None:
    corpus = prepare(Told(), tmp_path)
    good = corpus.manifest()["files"]
    spoil(corpus.train_files[1])
    with pytest.raises(GenesysError, match=message) as error:
        corpus.check()
    assert "genesys corpus build --rebuild" in str(error.value)
    if "changed" not in message:  # a process looks at sizes each time, at hashes once
        with pytest.raises(GenesysError, match=message):
            prepare(Told(), tmp_path)
    assert prepare(Told(), tmp_path, rebuild=True).manifest()["files"] == good


def test_a_changed_shard_is_found_at_first_use(corpus: Corpus, tmp_path: Path) -> None:
    copied = Corpus(tmp_path / "corpus" / corpus.folder.name)
    shutil.copytree(corpus.folder, copied.folder)
    spoil_content(copied.train_files[0])
    with pytest.raises(GenesysError, match="was changed"):
        prepare(tiny(corpus), tmp_path)


def test_a_manifest_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    corpus = prepare(Told(), tmp_path)
    (corpus.folder / "manifest.json").write_text("{")
    with pytest.raises(GenesysError, match=r"manifest.json cannot be read"):
        corpus.check()


def test_too_little_text_is_one_clear_error(tmp_path: Path) -> None:
    config = LocalText(speeches_mb=0.3, prose_mb=0, code_mb=0, vocab_size=512)
    with pytest.raises(GenesysError, match="items for task"):
        prepare(config, tmp_path)
    config = LocalText(speeches_mb=0, prose_mb=0, code_mb=0)
    with pytest.raises(GenesysError, match="no text to train on"):
        prepare(config, tmp_path)


def test_a_cache_that_cannot_be_written_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "corpus").write_text("a file where a folder should be")
    with pytest.raises(GenesysError, match="GENESYS_CACHE"):
        prepare(Told(), tmp_path)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"name": "local_txt"}, "Did you mean 'local_text'"),
        ({"name": "local_text", "speech_mb": 1}, "Did you mean 'speeches_mb'"),
        ({"name": "local_text", "valid_fraction": 2}, "valid_fraction: Input should be less"),
        ({}, "mapping with the plugin's 'name'"),
    ],
)
def test_a_wrong_config_is_explained(config: dict[str, Any], message: str) -> None:
    with pytest.raises(GenesysError, match=message):
        corpus_of(config)


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"tokenizer": "none.json"}, GenesysError, "none.json cannot be read as a tokenizer"),
        ({"end_of_text": "<stop>"}, ConfigError, "no token <stop>"),
    ],
)
def test_a_wrong_tokenizer_is_explained(
    tmp_path: Path, changes: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        prepare(Told(**changes), tmp_path)


def test_a_tokenizer_of_ones_own(tmp_path: Path) -> None:
    end = 70_000
    entries = {word: number for number, word in enumerate(WORDS)}
    entries |= {f"<{number}>": number for number in range(len(WORDS), end)} | {"<stop>": end}
    other = Tokenizer(models.WordLevel(entries, unk_token="one"))
    other.pre_tokenizer = pre_tokenizers.Whitespace()
    other.post_processor = TemplateProcessing(single="<stop> $A", special_tokens=[("<stop>", end)])
    other.enable_truncation(4)
    other.save(str(tmp_path / "own.json"))
    built = prepare(Told(tokenizer=str(tmp_path / "own.json"), end_of_text="<stop>"), tmp_path)
    assert (built.vocab_size, built.end_of_text) == (end + 1, end)
    assert len(Tokenizer.from_file(str(built.tokenizer_file)).encode(words(1)).ids) == 30
    found = tokens(built, "uint32")
    assert found.max() == end
    assert (found == end).sum() == built.manifest()["train"]["documents"]


def test_a_hub_that_does_not_answer_is_told(tmp_path: Path) -> None:
    code = """
import os
os.environ["HF_HUB_OFFLINE"] = "1"
from genesys_verifiers.corpus.tokenizer import load
from genesys.errors import GenesysError
try:
    load("nobody/tokenizer")
except GenesysError as error:
    print(error)
"""
    found = run(code)
    assert "The hub gives no tokenizer 'nobody/tokenizer'" in found.stdout, found.stderr
    assert "corpus.tokenizer=trained" in found.stdout
