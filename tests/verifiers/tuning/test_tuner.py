from __future__ import annotations

import itertools
from typing import Any

import pytest
import torch
import yaml

from genesys.gau.compose import compose
from genesys.gau.folder import load_tree
from genesys.gau.load import load_block
from genesys.gau.model import GAM
from genesys.resources import resource
from genesys.sandbox import Limits, Sandbox
from genesys_verifiers.corpus import Corpus
from genesys_verifiers.faults import DesignFaultError
from genesys_verifiers.opening import Opener
from genesys_verifiers.settings import Settings, Task
from genesys_verifiers.tuning import tuner
from genesys_verifiers.tuning.tuner import WIDTH_STEP, Tuner

from ..odd_blocks import EMPTY, ODD, block

SEEDS = sorted(p.name for p in resource("seeds").iterdir() if (p / "design.yaml").is_file())
NANO = yaml.safe_load((resource("configs") / "ladder" / "nano.yaml").read_text())["scales"]
LENGTH = 32
# Parameters from one to many blocks of the odd designs, at widths that suit some of them only.
GOALS = [(64, 17_000), (80, 6_000), (48, 60_000)]


@pytest.fixture
def few_tries(monkeypatch: pytest.MonkeyPatch) -> None:
    """Counting takes the square of the tries."""
    monkeypatch.setattr(tuner, "MOST_TRIES", 40)


def code(name: str) -> str:
    return compose(load_tree(resource("seeds") / name))


def plain(text: str, d_model: int, reference: int) -> tuple[int, int, int] | None:
    """The first size that fits, found by building each model whole and running it."""
    module, tries = load_block(text, "plain"), 0
    for width in range(d_model, 0, -WIDTH_STEP):
        before = -1
        for n_block in itertools.count(1):
            if tries == tuner.MOST_TRIES:
                return None
            tries += 1
            try:
                model = GAM(module.GAB, width, n_block, 16, module.gab_config)
                count = model.non_embedding_parameters()
                if 0.8 * reference < count < 1.2 * reference:
                    with torch.no_grad():
                        model(torch.zeros(1, LENGTH, dtype=torch.long))
                    return n_block, width, count
            except Exception:
                break
            if count >= 1.2 * reference or count <= before:
                break
            before = count
    return None


def tuned(text: str, d_model: int, reference: int) -> tuple[int, int, int] | None:
    try:
        size = Tuner(text, LENGTH).tune(d_model, reference)
    except DesignFaultError:
        return None
    return size.n_block, size.embed_dim, size.parameters


@pytest.fixture(scope="module")
def references() -> dict[str, int]:
    gpt2 = Tuner(code("gpt2"), LENGTH)
    return {s["name"]: gpt2.parameters(s["n_block"], s["d_model"]) for s in NANO}


def test_the_ladder_is_named_after_its_sizes(references: dict[str, int]) -> None:
    for name, count in references.items():
        assert count == pytest.approx(float(name.removesuffix("M")) * 1e6, rel=0.2)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("scale", NANO, ids=lambda s: s["name"])
def test_every_seed_gets_the_size_that_counting_finds(
    seed: str, scale: dict[str, Any], references: dict[str, int]
) -> None:
    goal = scale["d_model"], references[scale["name"]]
    found = tuned(code(seed), *goal)
    assert found is not None
    assert found == plain(code(seed), *goal)
    assert 0.8 * goal[1] < found[2] < 1.2 * goal[1]


@pytest.mark.parametrize("goal", GOALS, ids=str)
@pytest.mark.parametrize("name", ODD)
def test_every_odd_design_gets_the_size_that_counting_finds(
    name: str, goal: tuple[int, int], few_tries: None
) -> None:
    assert tuned(ODD[name], *goal) == plain(ODD[name], *goal)


def test_a_width_at_which_values_fail_is_not_taken() -> None:
    size = Tuner(ODD["a table that is too short"], LENGTH).tune(64, 17_000)
    assert size.embed_dim == 32


def test_depth_comes_before_width(references: dict[str, int]) -> None:
    size = Tuner(code("gpt2"), LENGTH).tune(64, references["0.1M"])
    assert (size.n_block, size.embed_dim) == (2, 64)


@pytest.mark.parametrize(("scale", "blocks"), [((12, 768), 10), ((24, 1024), 20)])
def test_large_scales_take_no_memory(scale: tuple[int, int], blocks: int) -> None:
    tuner = Tuner(code("gpt2"), length=512)
    wanted = tuner.parameters(*scale)
    size = tuner.tune(scale[1], wanted)
    assert (size.n_block, size.embed_dim) == (blocks, scale[1])
    # Two operations per parameter, but for the norms, and attention of each with all.
    expected = 2 * size.parameters + 4 * 512 * size.n_block * size.embed_dim
    assert size.flops == pytest.approx(expected, rel=0.01)


@pytest.mark.parametrize("name", ["reads values", "reads values at the start", "on another device"])
def test_operations_are_counted_with_values_where_need_be(name: str) -> None:
    text, (d_model, goal) = ODD[name], (64, 100_000)
    size = Tuner(text, LENGTH).tune(d_model, goal)
    assert size.flops == pytest.approx(2 * size.parameters, rel=0.03)


def test_operations_of_each_kind_of_block_count() -> None:
    size = Tuner(ODD["every third is large"], LENGTH).tune(64, 400_000)
    assert size.n_block > 6
    assert size.flops == pytest.approx(2 * size.parameters, rel=0.03)


def test_tuning_leaves_nothing_behind() -> None:
    text = ODD["keeps a tensor"]
    module = load_block(text)
    Tuner(text, LENGTH).tune(64, 50_000)
    assert not module.KEPT


def test_a_model_starts_alike_after_tuning(sandbox: Sandbox, corpus: Corpus) -> None:
    task = Task(
        block=code("rwkv6"),
        learning_rate=0.1,
        steps=1,
        seed=3,
        vocab_size=corpus.vocab_size,
        settings=Settings(threads=1),
    )
    open_ = Opener(sandbox, task, corpus, Limits(seconds=60, memory_mb=1024, threads=1))
    found = []
    for tunes in (True, False):
        with open_() as model:
            model.load()
            if tunes:
                model.tune(64, 100_000)
            model.build(1, 64)
            found.append(b"".join(piece.tobytes() for piece in model.weights()))
    assert found[0] == found[1]


def test_a_block_too_large_at_any_width_is_a_fault() -> None:
    with pytest.raises(DesignFaultError, match="no number of blocks") as fault:
        Tuner(code("gpt2"), LENGTH).tune(64, reference=100)
    assert "widths 64 to 16 were tried" in str(fault.value)
    assert "the nearest, 1 block of width 16, has" in str(fault.value)


def test_a_block_without_parameters_is_a_fault() -> None:
    with pytest.raises(DesignFaultError, match="no number of blocks"):
        Tuner(EMPTY, LENGTH).tune(64, reference=100_000)


def test_the_last_failure_is_told() -> None:
    with pytest.raises(DesignFaultError, match="RuntimeError at width 16: only even lengths"):
        Tuner(ODD["never runs"], LENGTH).tune(64, reference=100_000)


def test_a_design_that_cannot_be_built_is_a_fault() -> None:
    with pytest.raises(DesignFaultError, match="no heads") as fault:
        Tuner(block("raise ValueError('no heads')"), LENGTH).tune(64, reference=100_000)
    assert "nearest" not in str(fault.value)
