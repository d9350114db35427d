"""The held-out sequences of the probes, which no guest can foresee.

Guests that train know how training sequences are made, and by what seed. So the held-out ones are
drawn from the system's entropy, once, and kept in the cache, where no guest can read.
"""

from __future__ import annotations

import hashlib
import secrets
from pathlib import Path
from typing import Any

import numpy as np
from tokenizers import Tokenizer, models

from genesys_verifiers.corpus.built import Corpus
from genesys_verifiers.corpus.config import Progress
from genesys_verifiers.tasks import probes

HELD_OUT = "held_out.npz"
SEQUENCES = 128  # of each probe


class ProbeSource:
    """What the cache holds of the probes; the same for the same code of this file and theirs.

    Attributes:
        name: Of the folder in the cache.
    """

    name = "probes"

    def key(self) -> str:
        """Changes with the way sequences are made."""
        digest = hashlib.blake2b(digest_size=8)
        for file in (probes.__file__, __file__):
            digest.update(Path(file).read_bytes())
        return digest.hexdigest()

    def build(self, folder: Path, progress: Progress) -> None:
        """Write held-out sequences of each probe, and names for the tokens."""
        progress("sequences", 0, 1)
        corpus = Corpus(folder)
        for path in (corpus.tasks_folder, corpus.train_folder):
            path.mkdir(exist_ok=True)
        rng = np.random.default_rng(secrets.randbits(128))
        found = {name: probes.sample(name, SEQUENCES, rng) for name in probes.PROBES}
        arrays: dict[str, Any] = {
            name: np.hstack([sample.ids, sample.columns, sample.targets])
            for name, sample in found.items()
        }
        np.savez(corpus.tasks_folder / HELD_OUT, **arrays)
        names = {f"<{index}>": index for index in range(probes.VOCABULARY)}
        Tokenizer(models.WordLevel(names, "<0>")).save(str(corpus.tokenizer_file))
        corpus.seal({"sequences": SEQUENCES, "tokenizer": {"vocab_size": probes.VOCABULARY}})
        progress("sequences", 1, 1)


def held_out(corpus: Corpus) -> dict[str, probes.Sample]:
    """Sequences of each probe."""
    ends = [probes.LENGTH, probes.LENGTH + probes.ANSWERS]
    with np.load(corpus.tasks_folder / HELD_OUT) as file:
        return {name: probes.Sample(*np.split(file[name], ends, axis=1)) for name in probes.PROBES}
