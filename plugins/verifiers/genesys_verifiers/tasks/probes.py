"""Small synthetic tasks on which a block's abilities can be told apart.

After the probes of "Mechanistic Design and Scaling of Hybrid Architectures": recall in context,
with keys and values of several tokens, or among noise; selective copying; compression; and
memorisation. Each makes sequences of tokens with the places that count: a model is trained on some
of them and scored on others.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

IGNORED = -100
Tokens = NDArray[np.int64]


@dataclass(frozen=True)
class Probe:
    """What a probe's sequences are made of.

    Attributes:
        vocabulary: Number of tokens, those with a special meaning included.
        length: Tokens of a sequence.
        noise: Share of the tokens that mean nothing, where a probe has such.
        copied: Tokens to be copied or kept, where a probe has such.
    """

    vocabulary: int = 16
    length: int = 128
    noise: float = 0.2
    copied: int = 16


@dataclass(frozen=True)
class Sample:
    """Sequences and what is to be said after each token.

    Attributes:
        ids: Of shape (N, L).
        targets: The token to be predicted at each place, or IGNORED; of shape (N, L).
    """

    ids: Tokens
    targets: Tokens


def recall(probe: Probe, count: int, rng: np.random.Generator) -> Sample:
    """Keys with their values, in pairs; a key that comes again is to be followed by its value.

    The first half of the vocabulary are keys, the second values; which belongs to which is drawn
    anew for each sequence.
    """
    half, pairs = probe.vocabulary // 2, probe.length // 2
    values = half + rng.integers(0, half, (count, half))
    keys = rng.integers(0, half, (count, pairs))
    ids = np.empty((count, 2 * pairs), dtype=np.int64)
    ids[:, ::2] = keys
    ids[:, 1::2] = np.take_along_axis(values, keys, axis=1)
    targets = np.full_like(ids, IGNORED)
    targets[:, ::2] = np.where(_again(keys), ids[:, 1::2], IGNORED)
    return Sample(ids, targets)


def noisy_recall(probe: Probe, count: int, rng: np.random.Generator) -> Sample:
    """Recall with tokens of noise between the pairs; the last token of the vocabulary is noise."""
    size = probe.vocabulary - 1
    pairs = max(1, round(probe.length * (1 - probe.noise)) // 2)
    clean = recall(_resized(probe, size - size % 2, 2 * pairs), count, rng)
    gaps = probe.length - 2 * pairs
    ids = np.full((count, probe.length), probe.vocabulary - 1, dtype=np.int64)
    targets = np.full_like(ids, IGNORED)
    # Each of the pairs and gaps takes its turn; noise never parts a key from its value.
    turns = rng.permuted(np.repeat([[2] * pairs + [1] * gaps], count, axis=0), axis=1)
    starts = np.cumsum(turns, axis=1) - turns
    first = starts[turns == 2].reshape(count, pairs)
    rows = np.arange(count)[:, None]
    for offset in (0, 1):
        ids[rows, first + offset] = clean.ids[:, offset::2]
        targets[rows, first + offset] = clean.targets[:, offset::2]
    return Sample(ids, targets)


def fuzzy_recall(probe: Probe, count: int, rng: np.random.Generator) -> Sample:
    """Recall where keys and values are two tokens long, so that one token alone says nothing."""
    half, pairs = probe.vocabulary // 2, probe.length // 4
    keys = rng.integers(0, half * half, (count, pairs))
    values = rng.integers(0, half * half, (count, half * half))
    answers = np.take_along_axis(values, keys, axis=1)
    parts = (keys // half, keys % half, half + answers // half, half + answers % half)
    ids = np.stack(parts, axis=2).reshape(count, 4 * pairs)
    targets = np.full_like(ids, IGNORED)
    again = _again(keys)
    for offset in (1, 2):
        targets[:, offset::4] = np.where(again, ids[:, offset + 1 :: 4], IGNORED)
    return Sample(ids, targets)


def selective_copying(probe: Probe, count: int, rng: np.random.Generator) -> Sample:
    """Tokens strewn among noise, to be said again in their order once the sequence asks for it.

    The last two tokens of the vocabulary are noise and the question.
    """
    noise, question = probe.vocabulary - 2, probe.vocabulary - 1
    copied, shown = probe.copied, probe.length - probe.copied
    content = rng.integers(0, noise, (count, copied))
    ids = np.full((count, probe.length), noise, dtype=np.int64)
    places = np.sort(
        rng.permuted(np.tile(np.arange(shown), (count, 1)), axis=1)[:, :copied], axis=1
    )
    np.put_along_axis(ids, places, content, axis=1)
    ids[:, shown:] = question
    targets = np.full_like(ids, IGNORED)
    targets[:, shown:] = content
    return Sample(ids, targets)


def compression(probe: Probe, count: int, rng: np.random.Generator) -> Sample:
    """Random tokens and a last one, which asks for all of them: a decoder reads them off its state.

    The place of each token is told by the decoder, so the targets are those of the tokens.
    """
    ids = rng.integers(0, probe.vocabulary - 1, (count, probe.length))
    targets = ids.copy()
    ids[:, -1] = probe.vocabulary - 1
    targets[:, -1] = IGNORED
    return Sample(ids, targets)


def memorisation(probe: Probe, count: int, rng: np.random.Generator) -> Sample:
    """Keys, each followed by a question whose answer is the same in all sequences.

    The last token of the vocabulary is the question; the facts hang off the probe alone.
    """
    half = (probe.vocabulary - 1) // 2
    facts = half + np.random.default_rng([probe.vocabulary, 0]).integers(0, half, half)
    keys = rng.integers(0, half, (count, probe.length // 2))
    ids = np.full((count, 2 * keys.shape[1]), probe.vocabulary - 1, dtype=np.int64)
    ids[:, ::2] = keys
    targets = np.full_like(ids, IGNORED)
    targets[:, 1::2] = facts[keys]
    return Sample(ids, targets)


PROBES: dict[str, Callable[[Probe, int, np.random.Generator], Sample]] = {
    "recall": recall,
    "fuzzy_recall": fuzzy_recall,
    "noisy_recall": noisy_recall,
    "selective_copying": selective_copying,
    "compression": compression,
    "memorisation": memorisation,
}


def sample(name: str, probe: Probe, count: int, seed: int) -> Sample:
    """Sequences of a probe; the same for the same seed."""
    return PROBES[name](probe, count, np.random.default_rng(seed))


def _again(keys: Tokens) -> NDArray[np.bool_]:
    """Whether each key came before in its row."""
    order = np.argsort(keys, axis=1, kind="stable")
    ranked = np.take_along_axis(keys, order, axis=1)
    same = np.zeros(keys.shape, dtype=bool)
    same[:, 1:] = ranked[:, 1:] == ranked[:, :-1]
    found = np.empty_like(same)
    np.put_along_axis(found, order, same, axis=1)
    return found


def _resized(probe: Probe, vocabulary: int, length: int) -> Probe:
    return Probe(vocabulary, length, probe.noise, probe.copied)
