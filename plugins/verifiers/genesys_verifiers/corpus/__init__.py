"""The embedded corpus: built once from installed text, then read from a cache."""

from genesys_verifiers.corpus.cache import Corpus, prepare
from genesys_verifiers.corpus.config import CorpusConfig

__all__ = ["Corpus", "CorpusConfig", "prepare"]
