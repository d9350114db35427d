"""Words of the training text by frequency, to find distractors that are as common."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Container, Iterable
from random import Random

from tokenizers import Tokenizer

WORD = re.compile(r"(?<= )[A-Za-z]{2,14}(?=[ ,.;:)\]\n])")
ANY = re.compile("")
# A word rarer than this in training is known to no model, so it measures nothing.
RAREST = 8
SPREAD = 1.25


class Vocabulary:
    """Counts of the words that follow a space.

    Args:
        texts: Training texts.
        tokenizer: Says how many tokens a word has.
    """

    def __init__(self, texts: Iterable[str], tokenizer: Tokenizer) -> None:
        counts = Counter(word for text in texts for word in WORD.findall(text))
        self.counts = {word: n for word, n in counts.items() if n >= RAREST}
        words = sorted(self.counts)
        lengths = [len(e.ids) for e in tokenizer.encode_batch([f" {word}" for word in words])]
        self.tokens = dict(zip(words, lengths, strict=True))
        self._by_length: dict[int, list[tuple[int, str]]] = {}
        for word in words:
            self._by_length.setdefault(self.tokens[word], []).append((self.counts[word], word))
        for ranked in self._by_length.values():
            ranked.sort()

    def matched(
        self, word: str, rng: Random, avoid: Container[str], like: re.Pattern[str] = ANY
    ) -> str | None:
        """Another word with as many tokens and within 25% of the frequency; None if there is none.

        Words in ``avoid`` are not taken, nor those that do not match ``like``. Case must agree, or
        it would give the answer away.
        """
        count = self.counts[word]
        ranked = self._by_length[self.tokens[word]]
        low = bisect_left(ranked, (int(count / SPREAD), ""))
        high = bisect_right(ranked, (int(count * SPREAD), "~"))
        for _ in range(20):
            other = ranked[rng.randrange(low, high)][1]
            fits = other.islower() == word.islower() and like.match(other)
            if fits and other != word and other not in avoid:
                return other
        return None
