"""Corpora: documents from a source, built once into training tokens, items and a manifest."""

from genesys_verifiers.corpus.built import Corpus
from genesys_verifiers.corpus.cache import find, prepare
from genesys_verifiers.corpus.config import CorpusConfig, Part, Progress, corpus_of
from genesys_verifiers.corpus.documents import Document, Skipped, Split
from genesys_verifiers.corpus.local_text import LocalText

__all__ = [
    "Corpus",
    "CorpusConfig",
    "Document",
    "LocalText",
    "Part",
    "Progress",
    "Skipped",
    "Split",
    "corpus_of",
    "find",
    "prepare",
]
