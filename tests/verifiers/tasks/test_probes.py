from __future__ import annotations

import numpy as np
import pytest

from genesys_verifiers.tasks.probes import IGNORED, PROBES, Probe, Sample, sample

PROBE = Probe(vocabulary=17, length=64, noise=0.25, copied=8)
COUNT = 50


@pytest.fixture(params=sorted(PROBES))
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def rows(found: Sample) -> list[tuple[list[int], list[int]]]:
    return list(zip(found.ids.tolist(), found.targets.tolist(), strict=True))


def test_sequences_have_the_asked_size_and_the_vocabularys_tokens(name: str) -> None:
    found = sample(name, PROBE, COUNT, seed=0)
    assert found.ids.shape == found.targets.shape == (COUNT, PROBE.length)
    assert found.ids.min() >= 0
    assert found.ids.max() < PROBE.vocabulary
    asked = found.targets[found.targets != IGNORED]
    assert len(asked) > COUNT
    assert asked.min() >= 0
    assert asked.max() < PROBE.vocabulary


def test_a_seed_gives_the_same_sequences_and_another_others(name: str) -> None:
    one, same, other = (sample(name, PROBE, COUNT, seed) for seed in (1, 1, 2))
    assert np.array_equal(one.ids, same.ids)
    assert np.array_equal(one.targets, same.targets)
    assert not np.array_equal(one.ids, other.ids)


def test_recall_asks_for_the_value_that_a_key_had_before() -> None:
    for ids, targets in rows(sample("recall", PROBE, COUNT, 0)):
        known: dict[int, int] = {}
        for at in range(0, PROBE.length, 2):
            assert targets[at] == known.get(ids[at], IGNORED)
            assert targets[at + 1] == IGNORED
            known[ids[at]] = ids[at + 1]


def test_values_cannot_be_known_without_the_sequence() -> None:
    found = sample("recall", PROBE, 2000, 0)
    first = found.ids[:, 1][found.ids[:, 0] == 3]
    assert len(set(first.tolist())) == PROBE.vocabulary // 2


def test_noisy_recall_is_recall_once_the_noise_is_taken_out() -> None:
    noise = PROBE.vocabulary - 1
    for ids, targets in rows(sample("noisy_recall", PROBE, COUNT, 0)):
        assert ids.count(noise) == 16
        kept = [(i, t) for i, t in zip(ids, targets, strict=True) if i != noise]
        known: dict[int, int] = {}
        for (key, target), (value, _) in zip(kept[::2], kept[1::2], strict=True):
            assert target == known.get(key, IGNORED)
            known[key] = value


def test_fuzzy_recall_needs_both_tokens_of_a_key() -> None:
    small = Probe(vocabulary=6, length=128)
    for ids, targets in rows(sample("fuzzy_recall", small, COUNT, 0)):
        known: dict[tuple[int, int], tuple[int, int]] = {}
        for at in range(0, small.length, 4):
            key, value = (ids[at], ids[at + 1]), (ids[at + 2], ids[at + 3])
            assert (targets[at + 1], targets[at + 2]) == known.get(key, (IGNORED, IGNORED))
            assert targets[at] == targets[at + 3] == IGNORED
            known[key] = value


def test_selective_copying_asks_for_what_is_not_noise_in_order() -> None:
    noise, question = PROBE.vocabulary - 2, PROBE.vocabulary - 1
    shown = PROBE.length - PROBE.copied
    for ids, targets in rows(sample("selective_copying", PROBE, COUNT, 0)):
        assert [i for i in ids[:shown] if i != noise] == targets[shown:]
        assert set(ids[shown:]) == {question}
        assert set(targets[:shown]) == {IGNORED}


def test_compression_asks_for_all_tokens() -> None:
    for ids, targets in rows(sample("compression", PROBE, COUNT, 0)):
        assert ids[:-1] == targets[:-1]
        assert (ids[-1], targets[-1]) == (PROBE.vocabulary - 1, IGNORED)


def test_memorisation_has_the_same_facts_in_all_sequences() -> None:
    facts: dict[int, int] = {}
    for seed in (0, 1):
        for ids, targets in rows(sample("memorisation", PROBE, COUNT, seed)):
            for key, answer in zip(ids[::2], targets[1::2], strict=True):
                assert facts.setdefault(key, answer) == answer
    assert len(facts) == (PROBE.vocabulary - 1) // 2
