"""Builds a corpus: split, tokenizer, training tokens, evaluation items, manifest."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

from genesys.errors import GenesysError
from genesys_verifiers.corpus.cache import MANIFEST, Corpus
from genesys_verifiers.corpus.config import CorpusConfig
from genesys_verifiers.corpus.sources import Document, documents
from genesys_verifiers.tasks.generate import generate

END_OF_TEXT = "<|endoftext|>"


def build(config: CorpusConfig, folder: Path) -> None:
    """Write the corpus of ``config`` into an empty ``folder``.

    Raises:
        GenesysError: There is too little text to train on, or held-out text for the tasks.
    """
    train, valid = split(documents(config), config.valid_fraction)
    if not train:
        raise GenesysError("The corpus has no text to train on: raise the megabytes of text.")
    tokenizer = train_tokenizer((document.text for document in train), config.vocab_size)
    corpus = Corpus(folder)
    tokenizer.save(str(corpus.tokenizer_file))
    tokens = encode(tokenizer, train)
    corpus.train_folder.mkdir()
    tokens.tofile(corpus.train_file)
    items = config.items_per_task
    counts = generate(train, valid, tokenizer, tokens, items, corpus.tasks_folder)
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    manifest = {
        "config": config.model_dump(),
        "versions": config.versions(),
        "train": _summary(train) | {"tokens": len(tokens)},
        "valid": _summary(valid),
        "items": counts,
        "sha256": {str(p.relative_to(folder)): _sha256(p) for p in files},
    }
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=1), encoding="utf-8")


def split(found: list[Document], fraction: float) -> tuple[list[Document], list[Document]]:
    """Hold out whole documents, in the order of their hashes, up to a share of each kind."""
    total: dict[str, int] = {}
    for document in found:
        total[document.kind] = total.get(document.kind, 0) + len(document.text)
    train: list[Document] = []
    valid: list[Document] = []
    held = dict.fromkeys(total, 0)
    for document in found:
        if held[document.kind] < fraction * total[document.kind]:
            held[document.kind] += len(document.text)
            valid.append(document)
        else:
            train.append(document)
    return train, valid


def train_tokenizer(texts: Iterable[str], vocab_size: int) -> Tokenizer:
    """Train a byte-level BPE tokenizer; token 0 ends a text."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        special_tokens=[END_OF_TEXT],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


def encode(tokenizer: Tokenizer, found: list[Document]) -> NDArray[np.uint16]:
    """Join the tokens of all documents, each followed by the end-of-text token."""
    encoded = tokenizer.encode_batch_fast([document.text for document in found])
    return np.concatenate([np.array([*e.ids, 0], dtype=np.uint16) for e in encoded])


def _summary(found: list[Document]) -> dict[str, int]:
    return {"documents": len(found), "bytes": sum(len(d.text.encode()) for d in found)}


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
