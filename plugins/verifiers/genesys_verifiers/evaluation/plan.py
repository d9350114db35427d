"""What to ask a model so that many requests are answered, with nothing asked twice.

A causal model gives the same after the same tokens, so texts that begin alike share the places
where they do: choices of one context, contexts of one task, sentences that differ in a word.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]
Tokens = tuple[int, ...]
Place = tuple[int, int, int]  # row, column, the token that comes next

BATCH_TOKENS = 2048  # a processor is slower with more


@dataclass(frozen=True)
class Part:
    """Tokens of which the last ones are scored.

    Attributes:
        tokens: All tokens.
        scored: How many at the end are scored; at least one stands before them.
    """

    tokens: Tokens
    scored: int


@dataclass(frozen=True)
class Batch:
    """Rows of tokens, padded on the right, and the places whose next token is scored.

    Attributes:
        ids: Of shape (B, L).
        rows: Of shape (N,).
        columns: Of shape (N,).
        targets: The next tokens, of shape (N,).
    """

    ids: Array
    rows: Array
    columns: Array
    targets: Array


class Plan:
    """Batches that answer requests.

    Args:
        requests: The parts that each request is the sum of.

    Attributes:
        batches: By length, so that little is padded; the same for requests in any order.
    """

    def __init__(self, requests: Sequence[Sequence[Part]]) -> None:
        inputs = sorted({part.tokens[:-1] for parts in requests for part in parts})
        homes = dict(zip(inputs, _homes(inputs), strict=True))
        wanted = [[p for part in parts for p in _places(part, homes)] for parts in requests]
        asked = sorted({place for places in wanted for place in places})
        self._sizes = [len(places) for places in wanted]
        order: dict[Place, int] = {}
        self.batches = []
        for places in _batches(asked, inputs):
            for place in places:
                order[place] = len(order)
            self.batches.append(_batch(places, inputs))
        self._wanted = np.array([order[p] for places in wanted for p in places], dtype=np.int64)

    def collect(self, answers: Sequence[tuple[Array, Array]]) -> tuple[Array, Array]:
        """Per request, the sum of log-probabilities, and whether all its tokens are the likeliest.

        Args:
            answers: Log-probabilities and whether each is the likeliest, of shape (N,), by batch.
        """
        owners = np.repeat(np.arange(len(self._sizes)), self._sizes)
        logs = np.concatenate([np.zeros(0), *(found for found, _ in answers)])[self._wanted]
        best = np.concatenate([np.zeros(0, bool), *(best for _, best in answers)])[self._wanted]
        sums = np.bincount(owners, logs, len(self._sizes))
        return sums, np.bincount(owners, ~best, len(self._sizes)) == 0


def _homes(inputs: Sequence[Tokens]) -> list[list[int]]:
    """For each column of each sorted input, the last input that is the same up to there."""
    homes: list[list[int]] = []
    after: Tokens = ()
    home: list[int] = []
    for index in reversed(range(len(inputs))):
        shared = _shared(inputs[index], after)
        home = [*home[:shared], *[index] * (len(inputs[index]) - shared)]
        homes.append(home)
        after = inputs[index]
    return homes[::-1]


def _shared(one: Tokens, other: Tokens) -> int:
    """How many tokens are the same at the start."""
    for index, (a, b) in enumerate(zip(one, other, strict=False)):
        if a != b:
            return index
    return min(len(one), len(other))


def _places(part: Part, homes: dict[Tokens, list[int]]) -> Iterator[Place]:
    home = homes[part.tokens[:-1]]
    for column in range(len(home) - part.scored, len(home)):
        yield home[column], column, part.tokens[column + 1]


def _batches(asked: Iterable[Place], inputs: Sequence[Tokens]) -> Iterator[list[Place]]:
    """Places by row, as many rows at a time as have at most BATCH_TOKENS tokens together."""
    rows: dict[int, list[Place]] = {}
    for place in asked:
        rows.setdefault(place[0], []).append(place)
    batch: list[Place] = []
    count = 0
    for row in sorted(rows, key=lambda row: (len(inputs[row]), row)):
        if count and (count + 1) * len(inputs[row]) > BATCH_TOKENS:
            yield batch
            batch, count = [], 0
        batch, count = batch + rows[row], count + 1
    if batch:
        yield batch


def _batch(places: Sequence[Place], inputs: Sequence[Tokens]) -> Batch:
    rows = {row: index for index, row in enumerate(dict.fromkeys(row for row, _, _ in places))}
    longest = max(len(inputs[row]) for row in rows)
    ids = np.zeros((len(rows), longest), dtype=np.int64)
    for row, index in rows.items():
        ids[index, : len(inputs[row])] = inputs[row]
    _, columns, targets = np.array(places).T
    return Batch(ids, np.array([rows[row] for row, _, _ in places]), columns, targets)
