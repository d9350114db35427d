"""How well the reference library answers questions with known answers.

    python benchmarks/retrieval/run.py [--embedder minilm] [--half tune] [--store]

Recall@5 is the share of a question's answers among the first five works, hit@5 whether there is
any; both are means over the questions. With ``--store`` the works are also put into a store of
passages, as ``genesys library add`` does with papers, and asked there.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, median
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

from genesys_knowledge.library.catalogue import Catalogue
from genesys_knowledge.library.entries import entries, is_unit
from genesys_knowledge.library.works import works
from genesys_knowledge.passages.embedders import open_embedder
from genesys_knowledge.passages.passage import Mode, Passage
from genesys_knowledge.passages.store import PassageStore

FILE = Path(__file__).parent / "questions.jsonl"
FIRST = 5
HALVES = ("tune", "test", "all")
Search = Callable[[str], Sequence[str]]


@dataclass(frozen=True)
class Score:
    """Of one question: the share of answers found, and the seconds it took."""

    half: str
    recall: float
    seconds: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--embedder", default="none")
    parser.add_argument("--half", choices=["tune", "test"], help="only these questions")
    parser.add_argument("--store", action="store_true", help="ask a store of passages, too")
    arguments = parser.parse_args()
    questions = [json.loads(line) for line in FILE.read_text().splitlines()]
    questions = [q for q in questions if arguments.half in {None, q["half"]}]
    embedder = open_embedder(arguments.embedder)
    modes = list(Mode) if embedder else [Mode.TEXT]
    catalogue = Catalogue(entries(), embedder)
    print(_row(["searched by", *(f"{n} {h}" for n in ("recall@5", "hit@5") for h in HALVES), "ms"]))
    print(_row(["---", *["---:"] * (2 * len(HALVES) + 1)]))
    for mode in modes:
        print(_line(mode.value, ask(_of_catalogue(catalogue, mode), questions)), flush=True)
    if arguments.store:
        for mode, search in _of_stores(embedder, modes):
            print(_line(f"store: {mode.value}", ask(search, questions)), flush=True)


def ask(search: Search, questions: Sequence[dict[str, Any]]) -> list[Score]:
    search("attention")  # what is made once is not counted
    return [_ask(search, question) for question in questions]


def _ask(search: Search, question: dict[str, Any]) -> Score:
    start = perf_counter()
    first = search(question["question"])[:FIRST]
    seconds = perf_counter() - start
    answers = set(question["answers"])
    return Score(question["half"], len(answers & set(first)) / len(answers), seconds)


def _of_catalogue(catalogue: Catalogue, mode: Mode) -> Search:
    return lambda asked: [
        f.id.partition(":")[2] for f in catalogue.search(asked, mode) if not is_unit(f)
    ]


def _of_stores(embedder: Any, modes: Sequence[Mode]) -> Iterator[tuple[Mode, Search]]:
    with TemporaryDirectory() as folder:
        store = PassageStore(Path(folder), embedder)
        store.add([Passage(w.key, w.key, w.title, w.summary) for w in works()])
        for mode in modes:
            yield (
                mode,
                lambda asked, mode=mode: [
                    passage.id for passage, _ in store.search(asked, FIRST, mode)
                ],
            )


def _line(name: str, scores: Sequence[Score]) -> str:
    by_half = [[s for s in scores if half in {"all", s.half}] for half in HALVES]
    recalls = [_mean([s.recall for s in some]) for some in by_half]
    hits = [_mean([float(s.recall > 0) for s in some]) for some in by_half]
    return _row([name, *recalls, *hits, f"{median(s.seconds for s in scores) * 1000:.0f}"])


def _mean(values: Sequence[float]) -> str:
    return f"{fmean(values):.3f}" if values else ""


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    main()
