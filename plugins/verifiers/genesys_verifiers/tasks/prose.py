"""Tasks on running text: which word, which order, which article, what was said before."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from random import Random

from tokenizers import Tokenizer

from genesys_verifiers.tasks.item import Item
from genesys_verifiers.tasks.vocabulary import Vocabulary

CONTEXT_WORDS = 32
PLAIN = re.compile(r"[a-z]{2,14}")
# Letters that hide another sound ("one", "use", "hour", "European") are left out.
VOWELS = re.compile(r"[ai]|e(?!u)|o(?!n[ce])")
CONSONANTS = re.compile(r"[bcdfgjklmnpqrstvwz]")


def passages(texts: Iterable[str], rng: Random) -> list[list[str]]:
    """Words of each long enough paragraph, in random order."""
    paragraphs = [p.split() for text in texts for p in text.split("\n\n")]
    long = [words for words in paragraphs if len(words) >= CONTEXT_WORDS + 12]
    rng.shuffle(long)
    return long


def _context(words: list[str], at: int) -> str:
    return " ".join(words[at - CONTEXT_WORDS : at])


def _places(words: list[str], margin: int, rng: Random) -> list[int]:
    places = list(range(CONTEXT_WORDS, len(words) - margin))
    rng.shuffle(places)
    return places


def next_word(texts: Iterable[str], vocabulary: Vocabulary, rng: Random) -> Iterator[Item]:
    """The real next word against one that is as frequent."""
    for words in passages(texts, rng):
        for at in _places(words, 1, rng):
            word, before = words[at], words[at - CONTEXT_WORDS : at]
            if word not in vocabulary.counts or word in before:
                continue
            other = vocabulary.matched(word, rng, avoid=before)
            if other:
                yield Item(_context(words, at), f" {word}", f" {other}")
                break


def recall(texts: Iterable[str], vocabulary: Vocabulary, rng: Random) -> Iterator[Item]:
    """A rare word that was said before against one as frequent that was not."""
    common = set(sorted(vocabulary.counts, key=vocabulary.counts.__getitem__)[-400:])
    for words in passages(texts, rng):
        for at in _places(words, 1, rng):
            word, before = words[at], words[at - CONTEXT_WORDS : at]
            rare = word in vocabulary.counts and word not in common and len(word) > 3
            # Not just before it: repeating the last token is what an untrained tied head does.
            if not rare or word not in before[:-3] or word in before[-3:]:
                continue
            other = vocabulary.matched(word, rng, avoid=before)
            if other:
                yield Item(_context(words, at), f" {word}", f" {other}")
                break


def word_order(texts: Iterable[str], rng: Random) -> Iterator[Item]:
    """Three words in order against the same with the first two swapped."""
    for words in passages(texts, rng):
        for at in _places(words, 3, rng):
            first, second, third = words[at : at + 3]
            if first != second and all(PLAIN.fullmatch(w) for w in (first, second, third)):
                good, bad = f" {first} {second} {third}", f" {second} {first} {third}"
                yield Item(_context(words, at), good, bad)
                break


def scrambled(texts: Iterable[str], rng: Random) -> Iterator[Item]:
    """Eight words of a sentence against the same words shuffled."""
    for words in passages(texts, rng):
        for at in _places(words, 8, rng):
            real = words[at : at + 8]
            if not all(PLAIN.fullmatch(word) for word in real) or len(set(real)) < 6:
                continue
            mixed = rng.sample(real, len(real))
            if mixed != real:
                yield Item(_context(words, at), " " + " ".join(real), " " + " ".join(mixed))
                break


def article(texts: Iterable[str], vocabulary: Vocabulary, rng: Random, an: bool) -> Iterator[Item]:
    """After ``a`` or ``an`` the real word against one as frequent that needs the other article."""
    wanted, fits, other_fits = ("an", VOWELS, CONSONANTS) if an else ("a", CONSONANTS, VOWELS)
    for words in passages(texts, rng):
        for at in _places(words, 1, rng):
            word = words[at]
            if words[at - 1] != wanted or word not in vocabulary.counts or not fits.match(word):
                continue
            other = vocabulary.matched(word, rng, words[at - CONTEXT_WORDS : at], other_fits)
            if other:
                yield Item(_context(words, at), f" {word}", f" {other}")


def next_phrase(texts: Iterable[str], tokenizer: Tokenizer, rng: Random) -> Iterator[Item]:
    """The real next four words against four from elsewhere, with as many tokens."""
    waiting: dict[int, tuple[str, str]] = {}
    for words in passages(texts, rng):
        at = rng.randrange(CONTEXT_WORDS, len(words) - 4)
        phrase = " " + " ".join(words[at : at + 4])
        size = len(tokenizer.encode(phrase).ids)
        before = _context(words, at)
        if size not in waiting:
            waiting[size] = before, phrase
            continue
        other_before, other_phrase = waiting.pop(size)
        yield Item(before, phrase, other_phrase)
        yield Item(other_before, other_phrase, phrase)
