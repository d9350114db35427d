"""Writes the items of all tasks of a corpus."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from itertools import chain, islice
from pathlib import Path
from random import Random
from typing import Any

from numpy.typing import NDArray
from tokenizers import Tokenizer

from genesys.errors import GenesysError
from genesys_verifiers.corpus.documents import Document
from genesys_verifiers.tasks import code, grammar, prose
from genesys_verifiers.tasks.item import Item, rows
from genesys_verifiers.tasks.overlap import Overlap
from genesys_verifiers.tasks.vocabulary import Vocabulary

HELD_OUT = "bits_per_byte"
HELD_OUT_TEXTS = 150
HELD_OUT_CHARS = 480


def generate(
    train: list[Document],
    valid: list[Document],
    tokenizer: Tokenizer,
    tokens: NDArray[Any],
    count: int,
    folder: Path,
    needs_all: bool = True,
) -> dict[str, int]:
    """Write ``<task>.jsonl`` into ``folder`` for each task that the kinds of text allow.

    Args:
        train: Training documents, for the frequencies of words.
        valid: Held-out documents, for the items.
        tokenizer: Of the corpus.
        tokens: All training tokens; what occurs in them is no item.
        count: Items per task.
        folder: Is created.
        needs_all: Whether a task with too few items is an error; else it is left out.

    Returns:
        The number of items of each task.

    Raises:
        GenesysError: The held-out text does not give enough items.
    """
    folder.mkdir()
    overlap = Overlap(tokens, tokenizer)
    counts = {}
    for task, streams in _tasks(train, valid, tokenizer).items():
        # In turn: a model that always prefers one kind of answer then scores one half.
        pairs = zip(*(_fresh(items, overlap) for items in streams), strict=False)
        kept = list(islice(chain.from_iterable(pairs), count))
        if len(kept) < count and not needs_all:
            continue
        if len(kept) < count:
            raise GenesysError(
                f"The corpus gives {len(kept)} of {count} items for task {task!r}: lower "
                "items_per_task, or raise valid_fraction or the megabytes of text."
            )
        counts[task] = _write(folder / f"{task}.jsonl", rows(kept, Random(task)))
    texts = (text for text in _held_out_texts(valid) if not overlap(text))
    held_out = ({"text": text} for text in islice(texts, HELD_OUT_TEXTS))
    counts[HELD_OUT] = _write(folder / f"{HELD_OUT}.jsonl", held_out)
    if not counts[HELD_OUT]:
        raise GenesysError(
            "The corpus has no held-out text that does not occur in training: raise "
            "valid_fraction, or give it more text."
        )
    return counts


def _tasks(
    train: list[Document], valid: list[Document], tokenizer: Tokenizer
) -> dict[str, list[Iterator[Item]]]:
    """Streams of items by task, one for each kind of answer where a task has fixed answers.

    Each has its own random generator, so that no task depends on another.
    """
    talk = [d.text for d in valid if d.kind != "code"]
    lines = [d.text for d in valid if d.kind == "code"]
    words = Vocabulary((d.text for d in train if d.kind != "code"), tokenizer)
    tasks = {
        "next_word": [prose.next_word(talk, words, Random(1))],
        "recall": [prose.recall(talk, words, Random(2))],
        "word_order": [prose.word_order(talk, Random(3))],
        "scrambled": [prose.scrambled(talk, Random(4))],
        "next_phrase": [prose.next_phrase(talk, tokenizer, Random(5))],
        "article": [prose.article(talk, words, Random(6 + an), an=bool(an)) for an in (0, 1)],
        "agreement": [grammar.agreement(Random(8 + late), second=bool(late)) for late in (0, 1)],
    }
    if lines:
        names = Vocabulary((d.text for d in train if d.kind == "code"), tokenizer)
        tasks["code_order"] = [code.code_order(lines, Random(10))]
        tasks["code_word"] = [code.code_word(lines, names, Random(11))]
    return tasks


def _fresh(items: Iterable[Item], overlap: Overlap) -> Iterator[Item]:
    """Drop items that were had before, and those that training has seen."""
    had: set[Item] = set()
    for item in items:
        if item not in had and not overlap(item.context + item.good):
            had.add(item)
            yield item


def _held_out_texts(valid: list[Document]) -> Iterator[str]:
    """Pieces of held-out documents, one of each in turn, from within the document.

    Where all documents are short, they are taken whole.
    """
    pieces = [
        (start, document.text[start : start + HELD_OUT_CHARS])
        for document in valid
        for start in range(0, len(document.text) - HELD_OUT_CHARS, 4 * HELD_OUT_CHARS)
    ]
    if not pieces:
        return (document.text for document in valid)
    return (text for _, text in sorted(pieces, key=lambda piece: piece[0]))


def _write(path: Path, content: Iterable[dict[str, Any]]) -> int:
    lines = [json.dumps(row, ensure_ascii=False) for row in content]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return len(lines)
