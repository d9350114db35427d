"""Builds a corpus: documents, splits, tokenizer, training tokens, evaluation items, manifest."""

from __future__ import annotations

import json
import shutil
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from tokenizers import Tokenizer

from genesys.errors import GenesysError
from genesys.files import whole
from genesys_verifiers.corpus import shards, splits, staging, tokenizer
from genesys_verifiers.corpus.built import Corpus
from genesys_verifiers.corpus.config import CorpusConfig, Part, Progress
from genesys_verifiers.corpus.documents import Document
from genesys_verifiers.corpus.extract import extract, fingerprints, sample_file
from genesys_verifiers.corpus.parallel import Workers
from genesys_verifiers.settings import token_type
from genesys_verifiers.tasks.generate import generate

# Of a larger corpus, so much is enough to train the tokenizer and to count words,
SAMPLE_CHARS = 200e6
# to find items in,
SEARCHED_CHARS = 20_000_000
# and to compare items with; long lines of all that is held out are compared with all training text.
COMPARED_TOKENS = 100_000_000

Labels = list[splits.Labels]


def build(config: CorpusConfig, folder: Path, progress: Progress) -> None:
    """Write the corpus of ``config`` into ``folder``, which a killed build may have begun.

    Raises:
        GenesysError: There is too little text to train on, or held-out text for the tasks.
    """
    corpus, staged = Corpus(folder), folder / "staged"
    parts = config.parts()
    _begin(corpus, staged, parts)
    with Workers(config.workers, progress) as workers:
        reading = [(config, staged, index, part) for index, part in enumerate(parts)]
        workers("read", staging.stage, _left(staged, reading, staging.notes_file))
        skipped = staging.skipped(staged, len(parts))
        labels, share = _labels(config, staging.tables(staged, len(parts)), skipped)
        chosen = [(staged, i, own, share, corpus.held_out_folder) for i, own in enumerate(labels)]
        workers("hold out", extract, chosen)
        known = fingerprints(_held_out(corpus) if config.drops_overlaps else [])
        np.save(shards.fingerprints_file(staged), known)
        sample = _sample(staged, len(parts))
        progress("tokenizer", 0, 1)
        made = _tokenizer(config, sample, corpus)
        end = tokenizer.end_of_text(made, config.end_of_text)
        progress("tokenizer", 1, 1)
        common = corpus.tokenizer_file, end, config.shard_mb * 1e6, corpus.train_folder
        encoding = [(staged, index, own, *common) for index, own in enumerate(labels)]
        workers("tokens", shards.encode, _left(staged, encoding, shards.notes_file))
    progress("items", 0, 1)
    manifest = {
        "config": config.model_dump(mode="json"),
        "versions": config.versions(),
        "tokenizer": {"vocab_size": made.get_vocab_size(), "end_of_text": end},
        **_counts(corpus, shards.counted(staged, len(parts))),
        "skipped": skipped,
        "items": _items(config, sample, corpus, made),
    }
    progress("items", 1, 1)
    shutil.rmtree(staged)
    corpus.seal(manifest)


def _left(staged: Path, jobs: list[Any], notes: Callable[[Path, int], Path]) -> list[Any]:
    """Work that no earlier build has finished."""
    return [job for index, job in enumerate(jobs) if not notes(staged, index).is_file()]


def _begin(corpus: Corpus, staged: Path, parts: Sequence[Part]) -> None:
    """Make the folders; what an earlier build made of other parts is of no use."""
    known, content = staged / "parts.json", json.dumps(parts)
    if not (known.is_file() and known.read_text(encoding="utf-8") == content):
        shutil.rmtree(corpus.folder)
    # Shards and items are made of the whole, in a moment.
    shutil.rmtree(corpus.tasks_folder, ignore_errors=True)
    for path in (staged, corpus.train_folder, corpus.held_out_folder):
        path.mkdir(parents=True, exist_ok=True)
    with whole(known) as path:
        path.write_text(content, encoding="utf-8")


def _labels(
    config: CorpusConfig, tables: list[pa.Table], skipped: dict[str, Any]
) -> tuple[Labels, float]:
    """Where the documents of each part go, and the share of them that is a sample."""
    documents = pa.concat_tables(tables)
    labels = splits.label(config, documents)
    if not np.any(labels == splits.TRAIN):
        told = f" Skipped: {skipped['counts']}, e.g. {skipped['examples']}."
        raise GenesysError(
            f"The corpus {config.name} has no text to train on: {len(documents)} documents were "
            f"read.{told if skipped['counts'] else ''} Raise the megabytes of text, or give it "
            "another folder."
        )
    ends = np.cumsum([len(table) for table in tables])[:-1]
    return np.split(labels, ends), SAMPLE_CHARS / int(documents["size"].to_numpy().sum())


def _sample(staged: Path, count: int) -> list[Document]:
    """Training documents to count words in, in the order of their hashes."""
    files = [sample_file(staged, index) for index in range(count)]
    return sorted((d for path in files for d in staging.read(path)), key=lambda d: d.digest)


def _held_out(corpus: Corpus) -> Iterable[Document]:
    yield from corpus.documents("valid")
    yield from corpus.documents("test")


def _tokenizer(config: CorpusConfig, sample: list[Document], corpus: Corpus) -> Tokenizer:
    file = corpus.tokenizer_file
    if not file.is_file():
        if config.tokenizer == tokenizer.TRAINED:
            made = tokenizer.train((document.text for document in sample), config.vocab_size)
        else:
            made = tokenizer.load(config.tokenizer)
        with whole(file) as path:
            made.save(str(path))
    return Tokenizer.from_file(str(file))


def _items(
    config: CorpusConfig, sample: list[Document], corpus: Corpus, made: Tokenizer
) -> dict[str, int]:
    """Write the items of the evaluation, and count them."""
    chosen, room = [], SEARCHED_CHARS
    for document in sorted(corpus.documents("valid"), key=lambda document: document.digest):
        if room > 0:
            chosen.append(document)
            room -= len(document.text)
    train, valid = ([_plain(config, d) for d in found] for found in (sample, chosen))
    tokens = _tokens(corpus.train_files, made.get_vocab_size())
    return generate(
        train,
        valid,
        made,
        tokens,
        config.items_per_task,
        corpus.tasks_folder,
        needs_all=config.needs_all_tasks,
    )


def _plain(config: CorpusConfig, document: Document) -> Document:
    """The document with a kind that the tasks know."""
    kind = "code" if document.kind in config.code_kinds else "prose"
    return replace(document, kind=kind)


def _tokens(files: list[Path], vocab_size: int) -> NDArray[Any]:
    """The first training tokens, from all shards alike."""
    most = COMPARED_TOKENS // max(1, len(files))
    dtype = token_type(vocab_size)
    return np.concatenate([np.fromfile(path, dtype=dtype, count=most) for path in files])


def _counts(corpus: Corpus, counted: dict[str, Any]) -> dict[str, Any]:
    """Documents, bytes and tokens by split and kind."""
    kinds: dict[str, dict[str, Counter[str]]] = {"train": counted["kinds"]}
    for document in _held_out(corpus):
        assert document.split
        of_split = kinds.setdefault(document.split, defaultdict(Counter))
        of_split[document.kind].update(documents=1, bytes=len(document.text.encode()))
    totals = {
        split: dict(sum((Counter(numbers) for numbers in found.values()), Counter()))
        for split, found in kinds.items()
    }
    return {**totals, "kinds": kinds, "overlapping": counted["overlapping"]}
