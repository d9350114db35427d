"""Log-likelihoods of continuations, as lm-eval asks for them, from hidden states of a guest.

The guest is given what stands before a token and, in the same row, perhaps the token itself; which
position is asked for what, it is not told. Likelihoods are made here, so they add up to one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Protocol

import numpy as np
from lm_eval.api.instance import Instance
from lm_eval.api.model import LM

from genesys_verifiers.faults import DesignFaultError

Array = np.ndarray[Any, Any]
Tokens = tuple[int, ...]
Pair = tuple[Tokens, Tokens]  # an input, and the continuation that ends one token after it

BATCH_TOKENS = 4096
CELLS = 2**19  # logits at a time: what stays in a processor's cache


class Model(Protocol):
    """What a language model is asked here."""

    def head(self) -> Array:
        """The head's weight of shape (V, D)."""

    def hidden(self, ids: Array, rows: Array, columns: Array) -> Array:
        """Hidden states of shape (N, D) at N places of ids of shape (B, L)."""


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


Scored = Sequence[tuple[Batch, Array]]


class Scorer:
    """Scores batches.

    Args:
        model: The model; its head is asked for before any tokens are shown.
    """

    def __init__(self, model: Model) -> None:
        self._model, self._head = model, model.head()

    def __call__(self, batch: Batch) -> Array:
        """Log-probabilities (nats) of the targets, of shape (N,).

        Raises:
            DesignFaultError: They are not finite.
        """
        hidden = self._model.hidden(batch.ids, batch.rows, batch.columns)
        size = max(1, CELLS // len(self._head))
        pieces = range(0, len(hidden), size)
        with np.errstate(all="ignore"):
            found = np.concatenate(
                [self._piece(hidden[i : i + size], batch.targets[i : i + size]) for i in pieces]
            )
        if not np.isfinite(found).all():
            raise DesignFaultError("the likelihoods are not finite")
        return found

    def _piece(self, hidden: Array, targets: Array) -> Array:
        logits = hidden @ self._head.T
        logits -= logits.max(axis=1, keepdims=True)
        chosen = logits[np.arange(len(targets)), targets]
        np.exp(logits, out=logits)
        result: Array = chosen.astype(np.float64) - np.log(logits.sum(axis=1))
        return result


class LikelihoodModel(LM):  # type: ignore[misc]
    """An lm-eval model.

    Inputs that two requests share run once. A context that does not fit loses its beginning.

    Args:
        model: The model.
        encode: Makes tokens of a text.
        length: Longest input, in tokens; what is longer loses its beginning.

    Attributes:
        scored: All batches so far, each with the log-probabilities that were found.
    """

    def __init__(self, model: Model, encode: Callable[[str], Tokens], length: int) -> None:
        super().__init__()
        self._score_batch = Scorer(model)
        self._encode, self._length = encode, length
        self.scored: list[tuple[Batch, Array]] = []

    def loglikelihood(
        self, requests: Sequence[Instance], disable_tqdm: bool = False
    ) -> list[tuple[float, bool]]:
        """Sum of the log-probabilities (nats) of each request's continuation.

        Whether it is the likeliest one, lm-eval's second answer, is never asked by our tasks and
        always False.
        """
        texts = [request.args for request in requests]
        # Token 0 ends a text, so it is what stands before one.
        sums = self._score(
            [((0, *self._encode(before)), self._encode(after)) for before, after in texts]
        )
        return [(value, False) for value in sums]

    def loglikelihood_rolling(
        self, requests: Sequence[Instance], disable_tqdm: bool = False
    ) -> list[float]:
        """Log-probability (nats) of each text, in windows that see one token before them."""
        windows, owners = [], []
        for owner, request in enumerate(requests):
            tokens = (0, *self._encode(request.args[0]))
            for start in range(0, len(tokens) - 1, self._length):
                windows.append((tokens[start : start + 1], tokens[start + 1 :][: self._length]))
                owners.append(owner)
        sums = [0.0] * len(requests)
        for owner, value in zip(owners, self._score(windows), strict=True):
            sums[owner] += value
        return sums

    def generate_until(self, requests: Sequence[Instance], disable_tqdm: bool = False) -> list[str]:
        """Not needed by any task here."""
        raise NotImplementedError("Genesys evaluates by likelihood only")

    def _score(self, pairs: Sequence[tuple[Tokens, Tokens]]) -> list[float]:
        asked: dict[Pair, list[int]] = {}
        for index, (before, after) in enumerate(pairs):
            whole = (*before, *after)[-self._length - 1 :]
            asked.setdefault((whole[:-1], whole[-len(after) :]), []).append(index)
        sums = [0.0] * len(pairs)
        # By length, so that little is padded; then by value, so that the order never depends on
        # the order of requests.
        for batch in self._batches(sorted(asked, key=lambda pair: (len(pair[0]), pair))):
            for pair, value in zip(batch, self._run(batch), strict=True):
                for index in asked[pair]:
                    sums[index] = value
        return sums

    def _batches(self, pairs: Iterable[Pair]) -> Iterable[list[Pair]]:
        rest = iter(pairs)
        size = max(1, BATCH_TOKENS // self._length)
        while batch := list(islice(rest, size)):
            yield batch

    def _run(self, pairs: list[Pair]) -> list[float]:
        """Score continuations of which each begins before its input ends."""
        batch = _batch(pairs)
        found = self._score_batch(batch)
        self.scored.append((batch, found))
        ends = np.cumsum([len(after) for _, after in pairs])
        return [float(part.sum()) for part in np.split(found, ends[:-1])]


def _batch(pairs: list[Pair]) -> Batch:
    inputs = list(dict.fromkeys(tokens for tokens, _ in pairs))
    row = {tokens: index for index, tokens in enumerate(inputs)}
    longest = max(map(len, inputs))
    places = [
        (row[tokens], len(tokens) - len(after) + offset, token)
        for tokens, after in pairs
        for offset, token in enumerate(after)
    ]
    rows, columns, targets = np.array(places).T
    # Padded on the right, which a causal model never sees.
    ids = np.array([[*tokens, *[0] * (longest - len(tokens))] for tokens in inputs])
    return Batch(ids, rows, columns, targets)
