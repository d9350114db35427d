from __future__ import annotations

from pathlib import Path

import numpy as np

from genesys_verifiers.corpus import prepare
from genesys_verifiers.probes.source import SEQUENCES, ProbeSource, held_out
from genesys_verifiers.tasks.probes import ANSWERS, LENGTH, PROBES, VOCABULARY


def test_held_out_sequences_are_drawn_once_for_a_cache(tmp_path: Path) -> None:
    one, same, other = (prepare(ProbeSource(), tmp_path / name) for name in ("a", "a", "b"))
    assert one.vocab_size == VOCABULARY
    for name in PROBES:
        first, again, elsewhere = (held_out(corpus)[name] for corpus in (one, same, other))
        assert first.ids.shape == (SEQUENCES, LENGTH)
        assert first.columns.shape == first.targets.shape == (SEQUENCES, ANSWERS)
        assert np.array_equal(first.ids, again.ids)
        assert np.array_equal(first.targets, again.targets)
        assert not np.array_equal(first.ids, elsewhere.ids)


def test_guests_that_train_may_read_nothing_of_them(tmp_path: Path) -> None:
    corpus = prepare(ProbeSource(), tmp_path)
    assert not list(corpus.train_folder.iterdir())
    assert corpus.train_folder not in corpus.tasks_folder.parents
