"""Agreement between neighbours, in sentences from a small grammar."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from genesys_verifiers.tasks.item import Item

OPENINGS = [
    "It is well known that",
    "During the last year",
    "In this case",
    "We must remember that",
    "I hope that",
    "At the present time",
    "For these reasons",
    "When the work is done",
]
SINGULAR = ["he", "it", "she", "the President", "the law", "the nation", "the Government"]
PLURAL = ["we", "they", "the laws", "these nations", "our people", "the States", "all men"]
VERBS = [(" has", " have"), (" is", " are"), (" was", " were")]
MODALS = ["will", "shall", "must", "should", "may", "can", "to", "would", "could"]
PERFECTS = ["has", "have", "had", "having"]
FORMS = (" be", " been")


def agreement(rng: Random, second: bool) -> Iterator[Item]:
    """Endless sentences in which the last word decides between two forms of the next.

    Verbs agree with a subject in number (``it has``, ``they have``); ``be`` or ``been`` depends on
    the verb before. ``second`` says whether the plural, or ``been``, is right.
    """
    while True:
        opening, subject = rng.choice(OPENINGS), rng.choice(PLURAL if second else SINGULAR)
        if rng.random() < 0.5:
            forms, sentence = rng.choice(VERBS), f"{opening} {subject}"
        else:
            helper = rng.choice(PERFECTS if second else MODALS)
            forms, sentence = FORMS, f"{opening} {rng.choice(SINGULAR + PLURAL)} {helper}"
        yield Item(sentence, forms[second], forms[not second])
