"""Log-likelihoods of continuations, batched, as lm-eval asks for them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice

import torch
from lm_eval.api.instance import Instance
from lm_eval.api.model import LM
from tokenizers import Tokenizer
from torch.nn import functional

from genesys.gau.model import GAM

Tokens = tuple[int, ...]

BATCH_TOKENS = 4096


class LikelihoodModel(LM):  # type: ignore[misc]
    """An lm-eval model around a GAM on the CPU.

    Inputs that two requests share run once, and the head only where a continuation is scored.
    A context that does not fit loses its beginning.

    Args:
        model: In any mode; is put into evaluation mode.
        tokenizer: Of the corpus.
        length: Longest input, in tokens; what is longer loses its beginning.
    """

    def __init__(self, model: GAM, tokenizer: Tokenizer, length: int) -> None:
        super().__init__()
        self._model, self._tokenizer, self._length = model.eval(), tokenizer, length

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
        asked: dict[tuple[Tokens, Tokens], list[int]] = {}
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

    def _encode(self, text: str) -> Tokens:
        return tuple(self._tokenizer.encode(text).ids)

    def _batches(
        self, pairs: Iterable[tuple[Tokens, Tokens]]
    ) -> Iterable[list[tuple[Tokens, Tokens]]]:
        rest = iter(pairs)
        size = max(1, BATCH_TOKENS // self._length)
        while batch := list(islice(rest, size)):
            yield batch

    @torch.no_grad()
    def _run(self, batch: list[tuple[Tokens, Tokens]]) -> list[float]:
        """Score continuations of which each begins before its input ends."""
        inputs = list(dict.fromkeys(tokens for tokens, _ in batch))
        row = {tokens: index for index, tokens in enumerate(inputs)}
        longest = max(map(len, inputs))
        # Padded on the right, which a causal model never sees.
        ids = torch.tensor([[*tokens, *[0] * (longest - len(tokens))] for tokens in inputs])
        hidden = self._model.hidden(ids)
        places = [
            (row[tokens], len(tokens) - len(after) + offset)
            for tokens, after in batch
            for offset in range(len(after))
        ]
        rows, columns = torch.tensor(places).T
        logits = functional.linear(hidden[rows, columns], self._model.head).float()
        targets = torch.tensor([token for _, after in batch for token in after])
        chosen = -functional.cross_entropy(logits, targets, reduction="none")
        parts = torch.split(chosen, [len(after) for _, after in batch])
        return [float(part.sum()) for part in parts]
