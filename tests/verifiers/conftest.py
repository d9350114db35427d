"""A small corpus, one sandbox and one seed, for all tests of the verifier."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from genesys.gau.folder import load_tree
from genesys.records import Design, Scale, VerificationReport
from genesys.resources import resource
from genesys.sandbox import Sandbox
from genesys_verifiers.corpus import Corpus, LocalText, prepare
from genesys_verifiers.lightning import LightningVerifier

TINY = LocalText(
    speeches_mb=0.6,
    prose_mb=0.1,
    code_mb=0.2,
    packages=["networkx"],
    vocab_size=512,
    valid_fraction=0.4,
    items_per_task=12,
)

Verify = Callable[..., VerificationReport]


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="session")
def corpus(cache: Path) -> Corpus:
    return prepare(TINY, cache)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as workers:
        yield workers


@pytest.fixture(scope="session")
def gpt2() -> Design:
    return load_tree(resource("seeds") / "gpt2").as_design("gpt2")


@pytest.fixture
def scale() -> Scale:
    return Scale(
        name="tiny", n_block=1, d_model=32, tokens=32 * 64 * 4, learning_rate=0.01, trials=1
    )


@pytest.fixture
def verify(
    corpus: Corpus, cache: Path, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> Verify:
    monkeypatch.setenv("GENESYS_CACHE", str(cache))

    def run(
        design: Design, scale: Scale, seconds: float = 120.0, **options: Any
    ) -> VerificationReport:
        settings = {"batch_size": 4, "threads": 1, "memory_mb": 1024, "seconds": seconds}
        verifier = LightningVerifier(corpus=TINY.model_dump(), **settings | options)
        return verifier.verify(design, scale, 0, sandbox, lambda point: None)

    return run
