"""A store of passages on a real disk."""

from __future__ import annotations

import random
import resource
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from genesys.errors import StoreError
from genesys_knowledge.passages.embedders import Embedder
from genesys_knowledge.passages.guard import WAITS
from genesys_knowledge.passages.manifest import FILE
from genesys_knowledge.passages.passage import Mode, Passage
from genesys_knowledge.passages.rebuild import rebuild
from genesys_knowledge.passages.store import PassageStore


def ids(store: PassageStore, text: str, mode: Mode = Mode.HYBRID, limit: int = 10) -> list[str]:
    return [passage.id for passage, _ in store.search(text, limit, mode)]


def test_an_empty_store_leaves_no_trace(tmp_path: Path) -> None:
    folder = tmp_path / "store"
    store = PassageStore(folder)
    assert store.search("anything") == []
    assert len(store) == 0
    assert store.add([]) == 0
    assert not folder.exists()


def test_words_are_found_by_their_stems(tmp_path: Path, passages: list[Passage]) -> None:
    store = PassageStore(tmp_path)
    store.add(passages)
    assert sorted(ids(store, "what is a gated noodle?")) == ["p0", "p2"]
    assert ids(store, "selecting states") == ["p0"]  # in the title
    assert ids(store, "the of and") == []
    assert ids(store, 'an "unclosed AND (bracket + keys') == ["p1"]
    assert store.search("") == store.search("  ") == []
    [(found, score)] = store.search("softmax")
    assert found == passages[1]
    assert 0 < score < 1


def test_meaning_is_found_by_vectors(
    tmp_path: Path, passages: list[Passage], hashing: Embedder
) -> None:
    store = PassageStore(tmp_path, hashing)
    store.add(passages)
    [(found, score), *others] = store.search(passages[2].content, 3, Mode.VECTOR)
    assert found == passages[2]
    assert score == pytest.approx(1, abs=1e-4)
    assert all(0 <= lower < score for _, lower in others)


def test_ranks_are_fused(tmp_path: Path, passages: list[Passage], hashing: Embedder) -> None:
    store = PassageStore(tmp_path, hashing)
    store.add(passages)
    found = store.search("the softmax weighs the values", 3)
    assert [found[0][0].id, found[0][1]] == ["p1", pytest.approx(1)]  # first by either
    assert all(score <= 0.5 for _, score in found[1:])
    assert ids(store, "zzzz") == ids(store, "zzzz", Mode.VECTOR)  # no such word


def test_adding_again_costs_nothing(
    tmp_path: Path, passages: list[Passage], hashing: Embedder
) -> None:
    store = PassageStore(tmp_path, hashing)
    assert store.add([*passages, passages[0]]) == 3
    assert store.add(passages) == 0
    assert hashing.embedded == 3
    changed = Passage("p0", "d0", "Another title", "About sunflowers.")
    assert store.add([changed, *passages[1:]]) == 1
    assert hashing.embedded == 4
    assert len(store) == 3
    assert store.get("p0") == changed
    assert ids(store, "sunflower", Mode.TEXT) == ["p0"]
    assert ids(store, "gates", Mode.TEXT) == []


def test_removing(tmp_path: Path, passages: list[Passage]) -> None:
    store = PassageStore(tmp_path)
    store.add(passages)
    store.remove("d1")
    assert store.get("p1") is None
    assert ids(store, "softmax") == []
    assert len(store) == 2


def test_odd_ids_and_texts(tmp_path: Path) -> None:
    odd = Passage("it's #1; drop", "d'", "", "Null \x00 and ünïcode 'quotes'\nline")
    store = PassageStore(tmp_path)
    store.add([odd, Passage("empty", "e", "", "")])
    assert store.get(odd.id) == odd
    assert ids(store, "ünïcode") == ids(store, "quote") == [odd.id]


def test_another_embedder_is_refused(
    tmp_path: Path, passages: list[Passage], hashing: Embedder
) -> None:
    PassageStore(tmp_path, hashing).add(passages)
    with pytest.raises(StoreError, match=r"'hashing'.*now 'none'.*--rebuild"):
        PassageStore(tmp_path)


def test_another_dimension_is_refused(
    tmp_path: Path, passages: list[Passage], hashing: Embedder
) -> None:
    PassageStore(tmp_path, hashing).add(passages)
    hashing.dimension = 32  # the provider's model is another one now
    store = PassageStore(tmp_path, hashing)
    with pytest.raises(StoreError, match=r"32 numbers.*have 64.*--rebuild"):
        store.add([Passage("new", "d", "", "text")])
    with pytest.raises(StoreError, match="32 numbers"):
        store.search("text")
    assert len(rebuild(tmp_path, hashing)) == 3


def test_embedding_anew(tmp_path: Path, passages: list[Passage], hashing: Embedder) -> None:
    PassageStore(tmp_path).add(passages)
    told: list[tuple[str, int, int]] = []
    store = rebuild(tmp_path, hashing, lambda *step: told.append(step))
    assert told == [("embed passages anew", 3, 3)]
    assert ids(store, passages[1].content, Mode.VECTOR)[0] == "p1"
    assert {p.id for p in passages} == set(ids(store, "anything"))
    assert rebuild(tmp_path, hashing).search("softmax") == store.search("softmax")
    assert hashing.embedded == 3 + 1 + 1 + 2
    assert ids(rebuild(tmp_path, None), "softmax") == ["p1"]


def test_what_another_process_adds_is_found(tmp_path: Path, passages: list[Passage]) -> None:
    reader, writer = PassageStore(tmp_path), PassageStore(tmp_path)
    assert ids(reader, "softmax") == []
    writer.add(passages)
    assert ids(reader, "softmax") == ["p1"]
    writer.settle()
    assert ids(reader, "softmax") == ["p1"]


def test_a_damaged_store_is_told(tmp_path: Path, passages: list[Passage]) -> None:
    PassageStore(tmp_path).add(passages)
    (table,) = tmp_path.glob("*.lance")
    shutil.rmtree(table)
    with pytest.raises(StoreError, match="Cannot read the store of passages"):
        PassageStore(tmp_path)
    (tmp_path / FILE).write_text("{")
    with pytest.raises(StoreError, match=FILE):
        PassageStore(tmp_path)


def test_a_full_disk_is_told(tmp_path: Path, passages: list[Passage]) -> None:
    store = PassageStore(tmp_path)
    store.add(passages)
    rng = random.Random(0)
    large = Passage("large", "d", "", " ".join(rng.randbytes(8).hex() for _ in range(5000)))
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, limits[1]))  # a file of this size is full
    try:
        with pytest.raises(StoreError, match=r"Cannot write to the store .* is kept"):
            store.add([large])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    for again in (store, PassageStore(tmp_path)):
        assert len(again) == 3
        assert ids(again, "softmax") == ["p1"]
    assert store.add([large]) == 1
    assert PassageStore(tmp_path).get("large") == large


ADDER = """
import sys
from pathlib import Path
from genesys_knowledge.passages import store
from genesys_knowledge.passages.passage import Passage

store.BATCH = 8
made = [Passage(f"p{i}", "d", "", f"passage {i}") for i in range(200)]
store.PassageStore(Path(sys.argv[1])).add(made, lambda *step: print(*step, flush=True))
"""


def test_a_process_that_adds_is_waited_for_and_may_be_killed(tmp_path: Path) -> None:
    command = [sys.executable, "-c", ADDER, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout
        assert other.stdout.readline() == "add passages 8 200\n"
        other.send_signal(signal.SIGSTOP)  # in the midst of adding

        def tell(stage: str, done: int, total: int) -> None:
            told.append((stage, done))
            other.kill()

        told: list[tuple[str, int]] = []
        store = PassageStore(tmp_path)
        assert store.add([Passage("last", "d", "", "the last")], tell) == 1
    assert told == [(WAITS, 0), (WAITS, 1), ("add passages", 1)]
    kept = len(store) - 1
    assert 8 <= kept < 200
    assert len(ids(store, "passage", limit=300)) == kept
    assert ids(store, "last") == ["last"]
