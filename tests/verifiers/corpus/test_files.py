"""A corpus from a folder of one's own."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from genesys.errors import GenesysError
from genesys_verifiers.corpus import Corpus, Document, Skipped, corpus_of, prepare
from genesys_verifiers.corpus.files import Files

TEXT = "the law and of a nation people we must have been it is not any will to be"
WORDS = TEXT.split()


def story(number: int, words: int = 120) -> str:
    return " ".join(Random(number).choices(WORDS, k=words)) + "."


def files(folder: Path, **changes: Any) -> Files:
    return Files(folder=str(folder), vocab_size=512, workers=1, **changes)


def read(config: Files) -> list[Document | Skipped]:
    return [found for part in config.parts() for found in config.read(part)]


def texts(config: Files) -> list[str]:
    return [found.text for found in read(config) if isinstance(found, Document)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two documents of each form, and everything that may be wrong with a file."""
    path = tmp_path / "text"
    (path / "deep" / "er").mkdir(parents=True)
    (path / ".git").mkdir()
    (path / ".git" / "config").write_text("hidden")
    (path / "a.txt").write_text(story(0))
    (path / "deep" / "b.md").write_text("\ufeff" + story(1), encoding="utf-8")
    (path / "c.py").write_text(story(2))
    (path / "empty.txt").write_text("")
    (path / "latin.txt").write_bytes("caf\xe9".encode("latin-1"))
    (path / "binary.dat").write_bytes(b"ab\0cd")
    rows: list[Any] = [{"text": story(3)}, {"txt": "x"}, ["no", "row"], {"text": 3}]
    lines = [json.dumps(row) for row in rows] + ["{broken", "", json.dumps({"text": story(4)})]
    lines.append('{"text": "half \\ud800 a pair"}')
    (path / "d.jsonl").write_text("\n".join(lines))
    pq.write_table(
        pa.table({"text": [story(5), None, story(6)], "n": [1, 2, 3]}),
        path / "deep" / "er" / "e.parquet",
    )
    pq.write_table(pa.table({"n": [1]}), path / "deep" / "f.parquet")
    (path / "g.parquet").write_bytes(b"no parquet")
    return path


def test_all_forms_are_read_in_order(folder: Path) -> None:
    assert texts(files(folder)) == [story(number) for number in (0, 2, 3, 4, 1, 5, 6)]
    kinds = [d.kind for d in read(files(folder)) if isinstance(d, Document)]
    assert kinds.count("code") == 1


def test_what_cannot_be_read_is_told_with_its_place(folder: Path) -> None:
    skipped = {s.where: s.why for s in read(files(folder)) if isinstance(s, Skipped)}
    assert skipped == {
        "binary.dat": "binary file",
        "latin.txt": "not UTF-8 text",
        "d.jsonl:2": "no text under 'text'",
        "d.jsonl:3": "no text under 'text'",
        "d.jsonl:4": "no text under 'text'",
        "d.jsonl:5": "broken line",
        "d.jsonl:8": "no text under 'text'",
        "deep/er/e.parquet, row 2": "no text under 'text'",
        "deep/f.parquet, row 1": "no text under 'text'",
        "g.parquet": "unreadable file",
    }


def test_another_key_and_a_nested_one(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text(json.dumps({"meta": {"body": story(1)}}))
    pq.write_table(
        pa.table({"meta": [{"body": story(2), "n": 1}], "text": ["no"]}), tmp_path / "b.parquet"
    )
    assert texts(files(tmp_path, text="meta.body")) == [story(1), story(2)]


def test_a_long_file_is_cut_at_the_end_of_a_line(tmp_path: Path) -> None:
    lines = "".join(story(number, 20) + "\n" for number in range(100))
    (tmp_path / "all.txt").write_text(lines)
    found = texts(files(tmp_path, longest=1000))
    assert "".join(found) == lines
    assert len(found) > 5
    assert all(text.endswith(".\n") for text in found)


def test_a_corpus_of_files_is_built(folder: Path, tmp_path: Path) -> None:
    (folder / "long.txt").write_text("\n\n".join(story(number) for number in range(10, 400)))
    built = prepare(files(folder, longest=2000, items_per_task=10), tmp_path)
    manifest = built.manifest()
    assert manifest["items"]["bits_per_byte"] > 10
    assert {"word_order", "next_phrase"} < set(manifest["items"])
    assert manifest["train"]["documents"] + manifest["valid"]["documents"] > 30
    assert manifest["skipped"]["counts"]["broken line"] == 1
    built.check()


def test_changed_files_make_another_corpus(folder: Path) -> None:
    before = files(folder).key()
    (folder / "a.txt").write_text("something else")
    assert files(folder).key() != before


def test_small_files_share_a_part(tmp_path: Path, monkeypatch: Any) -> None:
    for number in range(6):
        (tmp_path / f"{number}.txt").write_text(story(number))
    monkeypatch.setattr("genesys_verifiers.corpus.files.PART_BYTES", 1000)
    parts = files(tmp_path).parts()
    assert len(parts) == 2
    assert [name for part in parts for name in part] == [f"{number}.txt" for number in range(6)]


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({}, "needs a folder: corpus.folder=<path>"),
        ({"folder": "/nowhere/at/all"}, "is not a folder"),
    ],
)
def test_a_wrong_folder_is_explained(config: dict[str, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(GenesysError, match=message):
        prepare(corpus_of({"name": "files", **config}), tmp_path)


def test_nothing_usable_is_explained(tmp_path: Path) -> None:
    folder = tmp_path / "text"
    folder.mkdir()
    with pytest.raises(GenesysError, match="There is no file to read"):
        prepare(files(folder), tmp_path)
    (folder / "a.jsonl").write_text("{\n{\n")
    with pytest.raises(GenesysError, match=r"no text to train on.*'broken line': 2.*a.jsonl:1"):
        prepare(files(folder), tmp_path)


def test_tokens_can_be_read_back(tmp_path: Path) -> None:
    folder = tmp_path / "text"
    folder.mkdir()
    for number in range(60):
        (folder / f"{number}.txt").write_text(story(number))
    built: Corpus = prepare(files(folder), tmp_path)
    found = np.concatenate([np.fromfile(path, "uint16") for path in built.train_files])
    assert (found == built.end_of_text).sum() == built.manifest()["train"]["documents"] > 50
