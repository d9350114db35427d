"""How fast a store of passages is searched and added to, and what memory that takes.

    python benchmarks/passages.py                 # 100,000 passages, random vectors
    python benchmarks/passages.py --count 10000
    python benchmarks/passages.py --embedder minilm --count 256    # what adding costs besides

Texts are windows of the docstrings of the standard library. Each part runs in a process of its own.
"""

from __future__ import annotations

import argparse
import random
import re
import resource
import sysconfig
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from genesys_knowledge.passages.embedders import Embedder, open_embedder
from genesys_knowledge.passages.passage import Mode, Passage
from genesys_knowledge.passages.store import BATCH, PassageStore

WORDS, ASKED_WORDS, QUERIES, LIMIT, DOCUMENT = 150, 12, 100, 10, 50
MIB = 2**20
DOC = re.compile(r'"""(.*?)"""', re.DOTALL)


class Random:
    """Vectors that mean nothing, at no cost."""

    name, dimension = "random", 384

    def embed(self, texts: Sequence[str]) -> np.ndarray[Any, np.dtype[np.float32]]:
        """Vectors as an embedder makes them."""
        rng = np.random.default_rng(abs(hash(texts[0])))
        vectors = rng.standard_normal((len(texts), self.dimension), np.float32)
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def docstrings() -> list[str]:
    """The words of docstrings of the standard library."""
    files = sorted(Path(sysconfig.get_paths()["stdlib"]).glob("*.py"))
    texts = (path.read_text("utf-8", "replace") for path in files)
    return [word for text in texts for doc in DOC.findall(text) for word in doc.split()]


def window(words: Sequence[str], size: int, rng: random.Random) -> str:
    start = rng.randrange(len(words) - size)
    return " ".join(words[start : start + size])


def embedder_of(name: str) -> Embedder | None:
    return Random() if name == "random" else open_embedder(name)


def adding(folder: str, name: str, count: int) -> dict[str, float]:
    words, rng = docstrings(), random.Random(0)
    passages = [
        Passage(f"{i}", f"{i // DOCUMENT}", window(words, 5, rng), window(words, WORDS, rng))
        for i in range(count)
    ]
    embedder = embedder_of(name)
    store = PassageStore(Path(folder), embedder)
    store.add(passages[:1])  # loads what it needs
    _, bare = _spent(lambda: _embed(embedder, passages))
    seconds, whole = _spent(lambda: (store.add(passages), store.settle()))
    return {
        "embedding alone, ms of CPU a passage": bare / count * 1000,
        "adding, ms of CPU a passage": whole / count * 1000,
        "adding, passages/s": count / seconds,
        "adding, peak memory, MiB": _peak(),
    }


def _embed(embedder: Embedder | None, passages: Sequence[Passage]) -> None:
    for start in range(0, len(passages) if embedder else 0, BATCH):
        embedder.embed([passage.content for passage in passages[start : start + BATCH]])


def searching(folder: str, name: str) -> dict[str, float]:
    words, rng = docstrings(), random.Random(1)
    store = PassageStore(Path(folder), embedder_of(name))
    told: dict[str, float] = {}
    for mode in Mode:
        asked = [window(words, ASKED_WORDS, rng) for _ in range(QUERIES)]
        times = [1000 * _spent(partial(store.search, text, LIMIT, mode))[0] for text in asked]
        told[f"{mode.value}, first query, ms"] = times[0]
        told[f"{mode.value}, median, ms"] = median(times)
        told[f"{mode.value}, 95th of 100, ms"] = sorted(times)[int(0.95 * QUERIES)]
    return told | {"searching, peak memory, MiB": _peak()}


def _spent(work: Callable[[], Any]) -> tuple[float, float]:
    """Seconds of wall time and of all threads' processor time."""
    start, busy = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - start, time.process_time() - busy


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / MIB


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=100_000, help="passages")
    parser.add_argument("--embedder", default="random", help="random, none, minilm, litellm:...")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for part, arguments in ((adding, (options.count,)), (searching, ())):
            with ProcessPoolExecutor(1, get_context("spawn")) as process:
                told = process.submit(part, folder, options.embedder, *arguments).result()
            for what, value in told.items():
                print(f"{what:42} {value:10.1f}", flush=True)


if __name__ == "__main__":
    main()
