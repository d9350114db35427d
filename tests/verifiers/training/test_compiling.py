"""Blocks are compiled in the guest, under its confinement; what cannot be is trained as it is."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest

from genesys.gau.compose import compose
from genesys.gau.tree import GAUTree
from genesys.sandbox import Job, Limits, Sandbox
from genesys_verifiers.corpus import Corpus
from genesys_verifiers.faults import DesignFaultError
from genesys_verifiers.opening import ENTRY, started
from genesys_verifiers.remote import RemoteModel
from genesys_verifiers.settings import Precision, Settings, Task

from ..designs import faulty
from ..odd_blocks import block as odd_block

STEPS = 6
OTHER = "if torch.compiler.is_compiling(): Y = Y.flip(-1)"


@contextmanager
def guest(
    sandbox: Sandbox, corpus: Corpus, compiler: bool = False, block: str = ""
) -> Iterator[RemoteModel]:
    """A model of one block, in a guest that may compile or may not."""
    task = Task(
        block=block or odd_block(),
        learning_rate=0.01,
        steps=STEPS,
        seed=0,
        vocab_size=corpus.vocab_size,
        train_folder=str(corpus.train_folder),
        settings=Settings(batch_size=2, sequence_length=16, threads=1),
    )
    readable = [str(corpus.train_folder)]
    limits = Limits(seconds=600, threads=1, readable=readable, compiler=compiler)
    job = Job(entry=ENTRY, payload=task.model_dump(mode="json"), limits=limits)
    with started(sandbox, job) as opened:
        model = RemoteModel(opened, corpus.vocab_size, 1024)
        model.load()
        model.build(1, 32)
        yield model


def trained(model: RemoteModel) -> bytes:
    model.train(lambda *_: None)
    return b"".join(piece.tobytes() for piece in model.weights())


def state_after(model: RemoteModel, seconds: float) -> tuple[list[np.ndarray], int]:
    pieces: list[np.ndarray] = []
    taken: list[int] = []
    model.train(lambda step, *_: taken.append(step), seconds)
    model.hand_over_state(pieces.append)
    return pieces, len(taken)


def go_on(model: RemoteModel, state: tuple[list[np.ndarray], int]) -> None:
    pieces, steps = state
    model.go_on([(piece, piece is pieces[-1]) for piece in pieces], steps)


def test_what_cannot_be_compiled_is_trained_as_it_is(sandbox: Sandbox, corpus: Corpus) -> None:
    with guest(sandbox, corpus) as model:
        model.compile(Precision.FLOAT32)
        assert not model.compiled
        assert model.note.startswith("not compiled: ")
        assert "Permission" in model.note
        assert "\n" not in model.note
        found = trained(model)
    with guest(sandbox, corpus) as model:
        assert trained(model) == found


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.skipif(not shutil.which("g++"), reason="there is no C++ compiler")
def test_compiled_training_goes_on_to_the_bit(sandbox: Sandbox, corpus: Corpus) -> None:
    with guest(sandbox, corpus, compiler=True) as model:
        assert model.compile(Precision.FLOAT32) > 0
        assert (model.compiled, model.note) == (True, "")
        state = state_after(model, seconds=1e-9)
        assert 0 < state[1] < STEPS
        whole = trained(model)
    with guest(sandbox, corpus, compiler=True) as model:
        model.compile(Precision.FLOAT32)
        go_on(model, state)
        assert trained(model) == whole
    with (
        guest(sandbox, corpus) as model,
        pytest.raises(DesignFaultError, match="compiled in one part of the training only"),
    ):
        go_on(model, state)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.skipif(not shutil.which("g++"), reason="there is no C++ compiler")
def test_what_computes_something_else_when_compiled_is_trained_as_it_is(
    sandbox: Sandbox, corpus: Corpus
) -> None:
    block = compose(GAUTree.of(faulty(always=OTHER))).replace("self.steps += 1", "pass")
    with guest(sandbox, corpus, compiler=True, block=block) as model:
        model.compile(Precision.FLOAT32)
        assert model.note == "not compiled: NotTheSameError: compiled blocks give another loss"
        found = trained(model)
    with guest(sandbox, corpus, block=block) as model:
        assert trained(model) == found
