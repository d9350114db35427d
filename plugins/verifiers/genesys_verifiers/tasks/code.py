"""Tasks on Python code: which word comes next, in which order."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from random import Random

from genesys_verifiers.tasks.item import Item
from genesys_verifiers.tasks.vocabulary import WORD, Vocabulary

CONTEXT_CHARS = 200
TRIES = 40
# Three words with one space before each, within a line.
TRIPLE = re.compile(r"(?<=\S) (\S+) (\S+) (\S+)")


def code_order(texts: Iterable[str], rng: Random) -> Iterator[Item]:
    """Three words of a line of code in order against the same with the first two swapped."""
    for text in texts:
        places = [m for m in TRIPLE.finditer(text) if m.start() > CONTEXT_CHARS]
        for place in rng.sample(places, min(TRIES, len(places))):
            first, second, third = place.groups()
            before = text[place.start() - CONTEXT_CHARS : place.start()]
            if first != second:
                good, bad = f" {first} {second} {third}", f" {second} {first} {third}"
                yield Item(before, good, bad)


def code_word(texts: Iterable[str], vocabulary: Vocabulary, rng: Random) -> Iterator[Item]:
    """The real next word of a line of code against one that is as frequent in code."""
    for text in texts:
        places = [m for m in WORD.finditer(text) if m.start() > CONTEXT_CHARS]
        for place in rng.sample(places, min(TRIES, len(places))):
            word, before = place.group(), text[place.start() - CONTEXT_CHARS : place.start() - 1]
            if word not in vocabulary.counts or before[-1].isspace():
                continue
            other = vocabulary.matched(word, rng, avoid=before.split())
            if other:
                yield Item(before, f" {word}", f" {other}")
