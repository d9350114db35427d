"""Small synthetic tasks on which a block's abilities can be told apart.

After the probes of "Mechanistic Design and Scaling of Hybrid Architectures" (arXiv 2403.17844):
recall in context, with keys of several tokens, or among noise; selective copying; compression; and
memorisation. They are made so that a tiny model learns them within seconds: a token shows a key and
its value at once, and sequences are short.

Every sequence has the same length and as many answers, each of them one of eight tokens that stand
nowhere in a sequence. Each probe has tokens of its own besides.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

LENGTH, ANSWERS, CHOICES = 32, 8, 8
SHOWN = LENGTH - ANSWERS
# Answers are the first tokens, in groups of CHOICES; only compression needs more than one group.
ANSWER_TOKENS = ANSWERS * CHOICES
# Keys of a recall, values of each half of a key where it has two, and of each half of a fact.
KEYS, PARTS, FACTS = 8, 6, 24

Tokens = NDArray[np.int64]


@dataclass(frozen=True)
class Sample:
    """Sequences, where they are to be answered, and the answers.

    Attributes:
        ids: Tokens of shape (N, LENGTH).
        columns: Places of shape (N, ANSWERS).
        targets: What is to be said there, of shape (N, ANSWERS).
    """

    ids: Tokens
    columns: Tokens
    targets: Tokens


def recall(count: int, rng: np.random.Generator) -> Sample:
    """Keys with their values, then questions, each for the value of a key that was shown.

    Which value belongs to which key is drawn anew for each sequence.
    """
    return _recall(SHOWN, count, rng)


def noisy_recall(count: int, rng: np.random.Generator) -> Sample:
    """Recall where every other token that is shown, at random places, is noise."""
    clean = _recall(SHOWN // 2, count, rng)
    shown = np.full((count, SHOWN), KEYS * CHOICES + KEYS)
    np.put_along_axis(shown, _places(SHOWN // 2, count, rng), clean.ids[:, : SHOWN // 2], axis=1)
    return Sample(np.hstack([shown, clean.ids[:, SHOWN // 2 :]]), clean.columns, clean.targets)


def fuzzy_recall(count: int, rng: np.random.Generator) -> Sample:
    """Recall where keys are two tokens long, so that one token alone says nothing."""
    shown = (LENGTH - 2 * ANSWERS) // 2
    keys, asked, values, targets = _pairs(PARTS**2, shown, count, rng)
    seconds = PARTS + keys % PARTS * CHOICES + values
    questions = PARTS + PARTS * CHOICES + asked % PARTS
    parts = [(keys // PARTS, seconds), (asked // PARTS, questions)]
    ids = np.hstack([np.stack(two, axis=2).reshape(count, -1) for two in parts])
    return Sample(ids, _each(np.arange(LENGTH - 2 * ANSWERS + 1, LENGTH, 2), count), targets)


def selective_copying(count: int, rng: np.random.Generator) -> Sample:
    """Tokens strewn among noise, to be said again in their order once the sequence asks for it."""
    noise, question = CHOICES, CHOICES + 1
    content = rng.integers(0, CHOICES, (count, ANSWERS))
    ids = np.full((count, LENGTH), noise)
    ids[:, SHOWN:] = question
    np.put_along_axis(ids, _places(ANSWERS, count, rng), content, axis=1)
    return Sample(ids, _each(np.arange(SHOWN, LENGTH), count), content)


def compression(count: int, rng: np.random.Generator) -> Sample:
    """Noise, random tokens, and a last one at which all of them are to be read off one state.

    For the first of them the answer is one of the first group of tokens, and so on: the head is a
    decoder with a part of its own for each.
    """
    noise, question = CHOICES, CHOICES + 1
    content = rng.integers(0, CHOICES, (count, ANSWERS))
    ids = np.full((count, LENGTH), noise)
    ids[:, -ANSWERS - 1 : -1] = content
    ids[:, -1] = question
    columns = np.full((count, ANSWERS), LENGTH - 1)
    return Sample(ids, columns, np.arange(ANSWERS) * CHOICES + content)


def memorisation(count: int, rng: np.random.Generator) -> Sample:
    """Pairs of tokens, each followed by a question whose answer is the same in all sequences."""
    noise, question = 2 * FACTS, 2 * FACTS + 1
    facts = np.random.default_rng(0).integers(0, CHOICES, (FACTS, FACTS))
    first, second = rng.integers(0, FACTS, (2, count, ANSWERS))
    ids = np.full((count, ANSWERS, LENGTH // ANSWERS), noise)
    ids[:, :, -3], ids[:, :, -2], ids[:, :, -1] = first, FACTS + second, question
    columns = np.arange(1, ANSWERS + 1) * (LENGTH // ANSWERS) - 1
    return Sample(ids.reshape(count, LENGTH), _each(columns, count), facts[first, second])


@dataclass(frozen=True)
class Probe:
    """A probe.

    Attributes:
        tokens: Number of tokens that its sequences are made of.
        make: Makes so many sequences of them.
    """

    tokens: int
    make: Callable[[int, np.random.Generator], Sample]


PROBES = {
    "in_context_recall": Probe(KEYS * CHOICES + KEYS, recall),
    "noisy_recall": Probe(KEYS * CHOICES + KEYS + 1, noisy_recall),
    "fuzzy_recall": Probe(PARTS + PARTS * CHOICES + PARTS, fuzzy_recall),
    "selective_copying": Probe(CHOICES + 2, selective_copying),
    "compression": Probe(CHOICES + 2, compression),
    "memorisation": Probe(2 * FACTS + 2, memorisation),
}
VOCABULARY = ANSWER_TOKENS + sum(probe.tokens for probe in PROBES.values())


def sample(name: str, count: int, rng: np.random.Generator) -> Sample:
    """Sequences of a probe, in the vocabulary that all probes share."""
    names = list(PROBES)
    before = sum(PROBES[other].tokens for other in names[: names.index(name)])
    found = PROBES[name].make(count, rng)
    return Sample(found.ids + ANSWER_TOKENS + before, found.columns, found.targets)


def _recall(shown: int, count: int, rng: np.random.Generator) -> Sample:
    keys, asked, values, targets = _pairs(KEYS, shown, count, rng)
    ids = np.hstack([keys * CHOICES + values, KEYS * CHOICES + asked])
    return Sample(ids, _each(np.arange(shown, shown + ANSWERS), count) + SHOWN - shown, targets)


def _pairs(
    keys: int, shown: int, count: int, rng: np.random.Generator
) -> tuple[Tokens, Tokens, Tokens, Tokens]:
    """Keys that are shown, those that are asked for, and the values of both."""
    table = rng.integers(0, CHOICES, (count, keys))
    given = rng.integers(0, keys, (count, shown))
    asked = np.take_along_axis(given, rng.integers(0, shown, (count, ANSWERS)), axis=1)
    values = [np.take_along_axis(table, some, axis=1) for some in (given, asked)]
    return given, asked, values[0], values[1]


def _places(chosen: int, count: int, rng: np.random.Generator) -> Tokens:
    """Some of the SHOWN first places of each sequence, in order."""
    shuffled = rng.permuted(_each(np.arange(SHOWN), count), axis=1)
    return np.sort(shuffled[:, :chosen], axis=1)


def _each(columns: Tokens, count: int) -> Tokens:
    return np.tile(columns, (count, 1))
