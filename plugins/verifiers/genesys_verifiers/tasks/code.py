"""Tasks on Python code: which line comes next, which bracket closes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from random import Random

from tokenizers import Tokenizer

from genesys_verifiers.tasks.item import Item

CONTEXT_CHARS = 200
FIRST_LINE = 8
SHORTEST_LINE = 8
TRIES = 40


def code_line(texts: Iterable[str], tokenizer: Tokenizer, rng: Random) -> Iterator[Item]:
    """The real next line against another line of the same file, indented alike."""
    for text in texts:
        lines = [line.rstrip() for line in text.split("\n")]
        alike = [places for places in _alike(lines, tokenizer) if len(places) > 1]
        for places in rng.sample(alike, min(TRIES, len(alike))):
            at, other = rng.sample(places, 2)
            before = "\n".join(lines[:at]).rstrip()[-CONTEXT_CHARS:]
            if lines[at] != lines[other] and lines[other] not in before:
                yield Item(before, "\n" + lines[at], "\n" + lines[other])


def _alike(lines: list[str], tokenizer: Tokenizer) -> Iterable[list[int]]:
    """Places of lines with as many tokens and the same indentation."""
    encoded = tokenizer.encode_batch(["\n" + line for line in lines])
    groups: dict[tuple[int, int], list[int]] = {}
    for at, line in enumerate(lines):
        body = line.lstrip()
        if at >= FIRST_LINE and len(body) > SHORTEST_LINE:
            groups.setdefault((len(encoded[at].ids), len(line) - len(body)), []).append(at)
    return groups.values()


def bracket(texts: Iterable[str], rng: Random, square: bool) -> Iterator[Item]:
    """``]`` against ``)`` after a name or number; ``square`` says which is right."""
    right, wrong = ("]", ")") if square else (")", "]")
    for text in texts:
        places = [at for at, sign in enumerate(text) if sign == right and at > CONTEXT_CHARS]
        for at in rng.sample(places, min(TRIES, len(places))):
            before = text[at - CONTEXT_CHARS : at]
            if before[-1].isalnum():
                yield Item(before, right, wrong)
