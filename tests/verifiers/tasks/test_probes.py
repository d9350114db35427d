from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from genesys_verifiers.tasks.probes import (
    ANSWER_TOKENS,
    ANSWERS,
    CHOICES,
    FACTS,
    KEYS,
    LENGTH,
    PARTS,
    PROBES,
    SHOWN,
    VOCABULARY,
    Sample,
    sample,
)

COUNT = 50
NOISE = KEYS * CHOICES + KEYS


@pytest.fixture(params=sorted(PROBES))
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def drawn(name: str, seed: int = 0, count: int = COUNT) -> Sample:
    """Sequences in the probe's own tokens."""
    return PROBES[name].make(count, np.random.default_rng(seed))


def rows(found: Sample) -> Iterator[tuple[list[int], list[int], list[int]]]:
    parts = (found.ids, found.columns, found.targets)
    return zip(*(part.tolist() for part in parts), strict=True)


def test_sequences_have_one_size_and_answers_that_stand_in_none(name: str) -> None:
    found = sample(name, COUNT, np.random.default_rng(0))
    assert found.ids.shape == (COUNT, LENGTH)
    assert found.columns.shape == found.targets.shape == (COUNT, ANSWERS)
    assert ANSWER_TOKENS <= found.ids.min() <= found.ids.max() < VOCABULARY
    assert 0 <= found.targets.min() <= found.targets.max() < ANSWER_TOKENS
    assert 0 <= found.columns.min() <= found.columns.max() < LENGTH


def test_probes_have_no_token_in_common() -> None:
    own = [set(sample(name, COUNT, np.random.default_rng(0)).ids.ravel()) for name in PROBES]
    assert len(set.union(*own)) == sum(map(len, own))


def test_a_seed_gives_the_same_sequences_and_another_others(name: str) -> None:
    one, same, other = (drawn(name, seed) for seed in (1, 1, 2))
    assert list(rows(one)) == list(rows(same))
    assert not np.array_equal(one.ids, other.ids)


def test_all_choices_are_right_equally_often(name: str) -> None:
    right = np.bincount(drawn(name, count=2000).targets.ravel() % CHOICES, minlength=CHOICES)
    assert np.abs(right / right.sum() - 1 / CHOICES).max() < 0.03


def test_recall_asks_for_values_of_keys_that_were_shown() -> None:
    for ids, columns, targets in rows(drawn("in_context_recall")):
        known = dict(divmod(token, CHOICES) for token in ids[:SHOWN])
        assert columns == list(range(SHOWN, LENGTH))
        assert targets == [known[ids[at] - KEYS * CHOICES] for at in columns]


def test_a_key_has_one_value_in_a_sequence_and_any_over_all() -> None:
    found = rows(drawn("in_context_recall"))
    shown = [{divmod(token, CHOICES) for token in ids[:SHOWN]} for ids, _, _ in found]
    assert all(len({key for key, _ in pairs}) == len(pairs) for pairs in shown)
    assert len({value for pairs in shown for key, value in pairs if key == 3}) == CHOICES


def test_noisy_recall_is_recall_once_the_noise_is_taken_out() -> None:
    for ids, columns, targets in rows(drawn("noisy_recall")):
        pairs = [token for token in ids[:SHOWN] if token != NOISE]
        known = dict(divmod(token, CHOICES) for token in pairs)
        assert len(pairs) == SHOWN // 2
        assert targets == [known[ids[at] - KEYS * CHOICES] for at in columns]


def test_fuzzy_recall_needs_both_tokens_of_a_key() -> None:
    for ids, columns, targets in rows(drawn("fuzzy_recall")):
        shown = LENGTH - 2 * ANSWERS
        known = {}
        for first, second in zip(ids[:shown:2], ids[1:shown:2], strict=True):
            key, value = divmod(second - PARTS, CHOICES)
            known[first, key] = value
        questions = [(ids[at - 1], ids[at] - PARTS - PARTS * CHOICES) for at in columns]
        assert columns == list(range(shown + 1, LENGTH, 2))
        assert targets == [known[question] for question in questions]


def test_selective_copying_asks_for_what_is_not_noise_in_order() -> None:
    for ids, columns, targets in rows(drawn("selective_copying")):
        assert [token for token in ids[:SHOWN] if token != CHOICES] == targets
        assert columns == list(range(SHOWN, LENGTH))
        assert {ids[at] for at in columns} == {CHOICES + 1}


def test_compression_asks_for_all_tokens_at_the_last_place() -> None:
    for ids, columns, targets in rows(drawn("compression")):
        assert set(columns) == {LENGTH - 1}
        assert [target % CHOICES for target in targets] == ids[-ANSWERS - 1 : -1]
        assert [target // CHOICES for target in targets] == list(range(ANSWERS))


def test_memorisation_has_the_same_facts_in_all_sequences() -> None:
    facts: dict[tuple[int, int], int] = {}
    for seed in (0, 1):
        for ids, columns, targets in rows(drawn("memorisation", seed, count=500)):
            for at, target in zip(columns, targets, strict=True):
                assert facts.setdefault((ids[at - 2], ids[at - 1]), target) == target
                assert ids[at] == 2 * FACTS + 1  # the question says nothing
    assert len(facts) == FACTS**2
