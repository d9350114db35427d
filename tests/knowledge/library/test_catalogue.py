"""Searching by words, by meaning and by both, with vectors that are kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from genesys.errors import StoreError
from genesys.records import Finding
from genesys_knowledge.library.catalogue import Catalogue, Entry
from genesys_knowledge.passages.passage import Mode


def finding(key: str) -> Finding:
    return Finding(source="library", id=key, title=key, text=key, score=0)


ENTRIES = [
    Entry(finding(key), words, meaning)
    for key, words, meaning in (
        ("gates", "gates of a recurrence", "forgetting"),
        ("keys", "attention over keys", "looking up"),
        ("heads", "many heads", "forgetting in parallel"),
    )
]


class Letters:
    """Counts letters: an embedder whose vectors are quick to make."""

    name, dimension = "letters", 26

    def __init__(self) -> None:
        self.asked: list[int] = []

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        self.asked.append(len(texts))
        counts = [[text.count(chr(97 + i)) for i in range(26)] for text in texts]
        vectors = np.array(counts, np.float32)
        return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)


def best(catalogue: Catalogue, asked: str, mode: Mode) -> str:
    return catalogue.search(asked, mode)[0].id


def test_words_meaning_and_both() -> None:
    catalogue = Catalogue([ENTRIES], Letters())
    assert best(catalogue, "gated recurrences", Mode.TEXT) == "gates"
    assert best(catalogue, "lookings upp", Mode.VECTOR) == "keys"
    assert best(catalogue, "forgetting in many", Mode.HYBRID) == "heads"
    by_words, by_meaning, by_both = (
        {f.id: f.score for f in catalogue.search("heads forgetting", mode)}
        for mode in (Mode.TEXT, Mode.VECTOR, Mode.HYBRID)
    )
    for key, score in by_both.items():
        assert 0 <= score <= 1
        assert score == pytest.approx(0.6 * by_words[key] + 0.4 * by_meaning[key])


def test_without_an_embedder_all_search_is_by_words() -> None:
    bare = Catalogue([ENTRIES])
    for mode in Mode:
        assert bare.search("many heads", mode) == bare.search("many heads", Mode.TEXT)
    assert all(found.score == 0 for found in bare.search(" "))


def test_words_are_weighed_within_their_group() -> None:
    more = [replace(entry, words="many heads of hounds") for entry in ENTRIES]
    alone, beside = Catalogue([ENTRIES]), Catalogue([ENTRIES, more])
    assert beside.search("many heads")[0].id == "heads"
    scores = [found.score for found in alone.search("many heads")]
    assert set(scores) <= {found.score for found in beside.search("many heads")}


def test_vectors_are_made_once(tmp_path) -> None:
    first, second = Letters(), Letters()
    Catalogue([ENTRIES], first).search("heads")
    Catalogue([ENTRIES], second).search("heads")
    assert (first.asked, second.asked) == ([3, 1], [1])
    (kept,) = (tmp_path / "cache" / "library").glob("*.npy")
    kept.write_bytes(kept.read_bytes()[:100])
    third = Letters()
    assert Catalogue([ENTRIES], third).search("heads") == Catalogue([ENTRIES], first).search(
        "heads"
    )
    assert third.asked == [3, 1]
    fourth = Letters()
    Catalogue([ENTRIES[:2]], fourth).search("heads")
    assert fourth.asked == [2, 1]


def test_an_embedder_that_has_changed() -> None:
    Catalogue([ENTRIES], Letters()).search("heads")
    other = Letters()
    other.embed = lambda texts: np.ones((len(texts), 8), np.float32)
    with pytest.raises(StoreError, match="vectors of 8 numbers, those of the library have 26"):
        Catalogue([ENTRIES], other).search("heads")


def test_a_cache_that_cannot_be_written(tmp_path) -> None:
    (tmp_path / "cache").write_text("a file")
    with pytest.raises(StoreError, match="GENESYS_CACHE"):
        Catalogue([ENTRIES], Letters()).search("heads")
