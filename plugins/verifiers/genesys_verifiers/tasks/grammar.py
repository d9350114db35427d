"""Agreement in number, in sentences from a small grammar."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from genesys_verifiers.tasks.item import Item

NOUNS = [
    ("nation", "nations"), ("law", "laws"), ("report", "reports"), ("citizen", "citizens"),
    ("officer", "officers"), ("question", "questions"), ("State", "States"), ("bank", "banks"),
    ("treaty", "treaties"), ("value", "values"), ("result", "results"), ("program", "programs"),
    ("interest", "interests"), ("measure", "measures"), ("vessel", "vessels"), ("duty", "duties"),
    ("object", "objects"), ("parameter", "parameters"), ("child", "children"), ("man", "men"),
]  # fmt: skip
OPENINGS = ["It is known that the", "We believe that the", "For many years the", "I hope that the"]
BETWEEN = ["", " of the {other}", " before the {other}", " which we have seen", " in this case"]
VERBS = [(" is", " are"), (" was", " were"), (" has", " have")]


def agreement(rng: Random, plural: bool) -> Iterator[Item]:
    """Endless sentences whose verb must agree with a noun that may lie some words back."""
    while True:
        noun = rng.choice(NOUNS)[plural]
        other = rng.choice(rng.choice(NOUNS))
        subject = f"{rng.choice(OPENINGS)} {noun}{rng.choice(BETWEEN).format(other=other)}"
        verbs = rng.choice(VERBS)
        yield Item(subject, verbs[plural], verbs[not plural])
