"""The paper's corpus, from small Parquet files of the same columns."""

from __future__ import annotations

import gzip
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from random import Random
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from genesys.errors import GenesysError
from genesys.resources import resource
from genesys_verifiers.corpus import Document, Skipped, corpus_of, prepare
from genesys_verifiers.corpus.smollm import SmolLMEighth

TEXT = "the law and of a nation people we must have been it is not any will to be"
SHIPPED = yaml.safe_load((resource("configs") / "corpus" / "smollm_eighth.yaml").read_text())
SHARES = {name: subset["share"] for name, subset in SHIPPED["subsets"].items()}


def story(seed: str) -> str:
    return " ".join(Random(seed).choices(TEXT.split(), k=80))


def columns(name: str, number: int) -> dict[str, Any]:
    """A row as the data set of a subset has it."""
    text = story(f"{name} {number}")
    match name:
        case "fineweb_edu":
            score = 3.5 + number % 3 / 2  # 3.5, 4, 4.5
            return {"text": text, "id": str(number), "metadata": {"score": score, "dump": "d"}}
        case "python_edu":
            return {"text": text, "score": 3.6 + number % 2 / 10, "path": "a.py"}
        case "stackoverflow":
            return {"content": text}
        case "deepmind_math":
            return {"question": text, "answer": f"{number}"}
        case _:
            return {"text": text}


def lay(folder: Path, count: int = 400) -> Path:
    """Files of all subsets, two of each."""
    for name in SHARES:
        (folder / name / "data").mkdir(parents=True)
        for index in range(2):
            rows = [columns(name, number) for number in range(index, count, 2)]
            file = folder / name / "data" / f"train-{index}.parquet"
            pq.write_table(pa.Table.from_pylist(rows), file)
    return folder


def config(folder: Path | None, **changes: Any) -> SmolLMEighth:
    subsets = {
        name: {**subset, "sample": 1.0, "contents": None}
        for name, subset in SHIPPED["subsets"].items()
    }
    small = {"megabytes": 0.1, "held_out_mb": 0.01, "vocab_size": 512, "workers": 1}
    told = {**SHIPPED, "folder": folder and str(folder), "subsets": subsets, **small, **changes}
    found = corpus_of(told)
    assert isinstance(found, SmolLMEighth)
    return found


def read(source: SmolLMEighth, name: str) -> list[Document | Skipped]:
    return [found for part in source.parts() if part[0] == name for found in source.read(part)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return lay(tmp_path_factory.mktemp("smollm"))


def test_only_what_is_rated_well_is_read(folder: Path) -> None:
    source = config(folder)
    assert len(read(source, "fineweb_edu")) == 266  # two in three
    assert len(read(source, "python_edu")) == 200  # every other one
    assert len(read(source, "cosmopedia_v2")) == 400


def test_question_and_answer_make_one_text(folder: Path) -> None:
    found = read(config(folder), "deepmind_math")[0]
    assert isinstance(found, Document)
    assert found.text == f"{story('deepmind_math 0')}\n0"


def test_the_mixture_is_kept(folder: Path, tmp_path: Path) -> None:
    manifest = prepare(config(folder), tmp_path).manifest()
    kinds = manifest["kinds"]
    total = sum(manifest[split]["bytes"] for split in kinds)
    assert total == pytest.approx(100_000, rel=0.05)
    for name, share in SHARES.items():
        own = sum(kinds[split].get(name, {}).get("bytes", 0) for split in kinds)
        assert own / total == pytest.approx(share, abs=0.01), name


def test_two_sets_of_a_given_size_are_held_out(folder: Path, tmp_path: Path) -> None:
    built = prepare(config(folder, megabytes=0.15, held_out_mb=0.01), tmp_path)
    manifest = built.manifest()
    for split in ("valid", "test"):
        assert manifest[split]["bytes"] == pytest.approx(10_000, rel=0.4)
    valid, test = ({d.text for d in built.documents(split)} for split in ("valid", "test"))
    assert valid
    assert valid.isdisjoint(test)


def test_what_is_held_out_does_not_train(tmp_path: Path) -> None:
    """Each document of one subset has a long line of a document of another one."""
    folder = lay(tmp_path / "data", 120)
    rows = [{"text": f"Copied\n{story(f'fineweb_edu {n}')}\n{n}"} for n in range(120)]
    pq.write_table(pa.Table.from_pylist(rows), folder / "cosmopedia_v2/data/train-0.parquet")
    built = prepare(config(folder, valid_fraction=0.3, held_out_mb=0.02), tmp_path)
    assert built.manifest()["overlapping"] > 0


def test_a_sample_is_the_same_each_time(folder: Path) -> None:
    subsets = {name: {**s, "sample": 0.25} for name, s in SHIPPED["subsets"].items()}
    source = config(folder, subsets=subsets)
    found = read(source, "cosmopedia_v2")
    assert 60 < len(found) < 140
    assert found == read(source, "cosmopedia_v2")


def test_a_stream_gives_the_same_as_a_folder(folder: Path) -> None:
    subsets = {
        name: {**subset, "repo": str(folder / name), "config": None, "contents": None}
        for name, subset in SHIPPED["subsets"].items()
    }
    stream, local = (config(place, subsets=subsets) for place in (None, folder))
    for name in ("fineweb_edu", "deepmind_math"):
        assert read(stream, name) == read(local, name)
    assert len(stream.parts()) == len(local.parts())


class Contents(BaseHTTPRequestHandler):
    """Gives gzipped text by id, but not for every id, and at first nothing for one."""

    asked: list[str] = []  # noqa: RUF012

    def do_GET(self) -> None:
        self.asked.append(self.path)
        gone, busy = self.path.endswith("gone"), self.path.endswith("busy")
        early = busy and self.asked.count(self.path) < 2
        self.send_response(404 if gone else 503 if early else 200)
        self.end_headers()
        if not gone and not early:
            text = b"\xff" if self.path.endswith("odd") else f"code of {self.path}".encode()
            self.wfile.write(gzip.compress(text))

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def server() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), Contents) as http:
        thread = threading.Thread(target=http.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{http.server_port}"
        http.shutdown()
        thread.join()


def test_text_is_fetched_where_the_data_set_has_ids(tmp_path: Path, server: str) -> None:
    lay(tmp_path, 2)
    ids = ["one", "gone", "busy", "odd"]
    rows = [{"blob_id": name, "score": 4.0} for name in ids]
    for file in (tmp_path / "python_edu").rglob("*.parquet"):
        file.unlink()
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "python_edu/a.parquet")
    subset = {**SHIPPED["subsets"]["python_edu"], "contents": server + "/{blob_id}"}
    source = config(tmp_path, subsets={"python_edu": subset})
    found = read(source, "python_edu")
    assert [d.text for d in found if isinstance(d, Document)] == ["code of /one", "code of /busy"]
    assert [s.why for s in found if isinstance(s, Skipped)] == ["no text under text"] * 2


def test_a_missing_subset_is_explained(tmp_path: Path) -> None:
    lay(tmp_path, 2)
    for file in (tmp_path / "open_web_math").rglob("*.parquet"):
        file.unlink()
    with pytest.raises(GenesysError, match=r"no Parquet files in .*open_web_math.*deepmind_math"):
        prepare(config(tmp_path), tmp_path)


def test_a_hub_that_does_not_answer_is_told() -> None:
    code = f"""
import os
os.environ["HF_HUB_OFFLINE"] = os.environ["HF_DATASETS_OFFLINE"] = "1"
from genesys.errors import GenesysError
from genesys_verifiers.corpus import corpus_of
try:
    corpus_of({SHIPPED!r}).parts()
except GenesysError as error:
    print(error)
"""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, text=True, capture_output=True
    )
    assert "The hub does not give HuggingFaceTB/smollm-corpus" in done.stdout, done.stderr
    assert "corpus.folder=" in done.stdout
