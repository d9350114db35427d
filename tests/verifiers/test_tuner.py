from __future__ import annotations

from types import ModuleType

import pytest
import yaml

from genesys.gau.compose import compose
from genesys.gau.folder import load_tree
from genesys.gau.load import load_block
from genesys.resources import resource
from genesys_verifiers.faults import DesignFaultError
from genesys_verifiers.tuner import Tuner

SEEDS = sorted(p.name for p in resource("seeds").iterdir() if (p / "design.yaml").is_file())
NANO = yaml.safe_load((resource("configs") / "ladder" / "nano.yaml").read_text())["scales"]


def block(name: str) -> ModuleType:
    return load_block(compose(load_tree(resource("seeds") / name)))


def tuner(module: ModuleType) -> Tuner:
    return Tuner(module.GAB, module.gab_config, length=32)


@pytest.fixture(scope="module")
def references() -> dict[str, int]:
    gpt2 = tuner(block("gpt2"))
    return {s["name"]: gpt2.parameters(s["n_block"], s["d_model"]) for s in NANO}


def test_the_ladder_is_named_after_its_sizes(references: dict[str, int]) -> None:
    for name, count in references.items():
        assert count == pytest.approx(float(name.removesuffix("M")) * 1e6, rel=0.2)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("scale", NANO, ids=lambda s: s["name"])
def test_every_seed_fits_every_scale(
    seed: str, scale: dict[str, int], references: dict[str, int]
) -> None:
    reference = references[scale["name"]]
    module = block(seed)
    size = tuner(module).tune(scale["d_model"], reference)
    assert 0.8 * reference < size.parameters < 1.2 * reference
    assert size.embed_dim % 16 == 0
    assert tuner(module).parameters(size.n_block, size.embed_dim) == size.parameters


def test_depth_comes_before_width(references: dict[str, int]) -> None:
    size = tuner(block("gpt2")).tune(64, references["0.1M"])
    assert (size.n_block, size.embed_dim) == (2, 64)


def test_a_block_too_large_at_any_width_is_a_fault() -> None:
    with pytest.raises(DesignFaultError, match="no number of blocks"):
        tuner(block("gpt2")).tune(64, reference=100)


def test_a_block_without_parameters_is_a_fault() -> None:
    code = (
        "from genesys.gau import GABBase\n"
        "class GAB(GABBase):\n"
        "    def __init__(self, embed_dim, block_loc, device=None, dtype=None, **kwargs):\n"
        "        super().__init__(embed_dim, block_loc)\n"
        "    def _forward(self, X, **Z):\n"
        "        return X, Z\n"
        "gab_config = {}\n"
    )
    with pytest.raises(DesignFaultError, match="no number of blocks"):
        tuner(load_block(code)).tune(64, reference=100_000)


def test_the_last_failure_is_told() -> None:
    module = block("gpt2")

    class Failing(module.GAB):  # type: ignore[name-defined,misc]
        def _forward(self, X, **Z):  # type: ignore[no-untyped-def]
            raise RuntimeError("only even lengths")

    with pytest.raises(DesignFaultError, match="only even lengths"):
        Tuner(Failing, module.gab_config, 32).tune(64, reference=100_000)
