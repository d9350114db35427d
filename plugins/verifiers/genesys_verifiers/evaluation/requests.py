"""Makes tokens of the texts of lm-eval's requests."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tokenizers import Tokenizer

from genesys_verifiers.evaluation.plan import Part, Plan, Tokens

# lm-eval's arguments: a context and its continuation, or a text by itself.
Texts = tuple[str, ...]


class Planner:
    """Plans what to ask a model for requests.

    A context that does not fit loses its beginning; a text by itself is cut into windows that see
    one token before them.

    Args:
        tokenizer: Of the model.
        length: Longest input, in tokens.
        end_of_text: The token that stands before a text.
    """

    def __init__(self, tokenizer: Tokenizer, length: int, end_of_text: int) -> None:
        self._tokenizer, self._length, self._start = tokenizer, length, (end_of_text,)

    def __call__(self, requests: tuple[Texts, ...]) -> Plan:
        """The plan of requests, each a context with its continuation or a single text."""
        tokens = self.encode("".join(texts) for texts in requests)
        before = self.encode(_context(texts) for texts in requests if len(texts) > 1)
        return Plan([self._parts(texts, tokens, before) for texts in requests])

    def encode(self, texts: Iterable[str]) -> dict[str, Tokens]:
        """Tokens of each text, without special ones."""
        known = list(dict.fromkeys(texts))
        found = self._tokenizer.encode_batch_fast(known, add_special_tokens=False)
        return {text: tuple(e.ids) for text, e in zip(known, found, strict=True)}

    def _parts(
        self, texts: Texts, tokens: dict[str, Tokens], before: dict[str, Tokens]
    ) -> list[Part]:
        whole = tokens["".join(texts)]
        if len(texts) == 1:
            return list(self._windows((*self._start, *whole)))
        context = before[_context(texts)]
        # Where a token would span both, they are encoded one by one.
        if whole[: len(context)] != context:
            rest = "".join(texts)[len(_context(texts)) :]
            whole = (*context, *self.encode([rest])[rest])
        kept = (*self._start, *whole)[-self._length - 1 :]
        return [Part(kept, min(len(whole) - len(context), len(kept) - 1))]

    def _windows(self, tokens: Tokens) -> Iterator[Part]:
        for start in range(0, len(tokens) - 1, self._length):
            window = tokens[start : start + self._length + 1]
            yield Part(window, len(window) - 1)


def _context(texts: Texts) -> str:
    """The context without white space at its end, which begins the continuation instead."""
    return texts[0].rstrip()
