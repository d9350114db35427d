"""Trained models that were kept: loaded as they were, or refused with what to do."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from genesys.errors import GenesysError
from genesys.gau.compose import compose
from genesys.gau.model import GAM
from genesys.gau.tree import GAUTree
from genesys.records import Design, Score, VerificationReport
from genesys_verifiers.checkpoints.trained import keep_model, load_model
from genesys_verifiers.checkpoints.weights import restore, saved
from genesys_verifiers.settings import Settings, Task

from ..designs import faulty
from ..models import gpt2 as make_gpt2


@pytest.fixture
def model() -> GAM:
    return make_gpt2(seed=3).eval()


@pytest.fixture
def folder(tmp_path: Path, gpt2: Design, model: GAM) -> Path:
    keep(tmp_path / "kept", gpt2, model)
    return tmp_path / "kept"


def keep(folder: Path, design: Design, model: nn.Module) -> None:
    (folder.parent / "tokens.json").write_text("{}")
    task = Task(
        block=compose(GAUTree.of(design)),
        learning_rate=0.1,
        steps=1,
        seed=0,
        vocab_size=64,
        settings=Settings(),
    )
    report = VerificationReport(
        design=design.name,
        scale="tiny",
        seed=0,
        n_block=2,
        embed_dim=32,
        scores=[Score(task="recall", metric="acc", value=0.75)],
    )
    data = saved(model)
    pieces = [data[:1000], data[1000:]]
    keep_model(folder, design, task, report, pieces, folder.parent / "tokens.json")


def ids() -> Tensor:
    return torch.arange(40).reshape(2, 20)


def test_a_kept_model_is_loaded_in_three_lines(folder: Path, model: GAM) -> None:
    loaded = load_model(folder, trust_code=True)
    assert isinstance(loaded, nn.Module)
    assert not loaded.training
    assert torch.equal(loaded(ids()), model(ids()))
    assert loaded.state_dict().keys() == model.state_dict().keys()


def test_loading_leaves_the_generator_alone(folder: Path) -> None:
    before = torch.get_rng_state()
    load_model(str(folder), trust_code=True)
    assert torch.equal(before, torch.get_rng_state())


def test_its_file_says_what_it_is(folder: Path, gpt2: Design) -> None:
    told = json.loads((folder / "model.json").read_text())
    assert (told["design"], told["scale"], told["n_block"], told["embed_dim"]) == (
        gpt2.name,
        "tiny",
        2,
        32,
    )
    assert told["scores"] == {"recall": 0.75}
    assert told["block_config"] == {a.name: json.loads(a.json_value) for a in gpt2.args}
    assert told["versions"]["torch"] == torch.__version__
    assert set(told["sha256"]) == {"gab.py", "model.safetensors", "tokenizer.json"}


def test_generated_code_runs_only_when_it_is_trusted(folder: Path) -> None:
    with pytest.raises(GenesysError, match="trust_code=True"):
        load_model(folder)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def change(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize("name", ["gab.py", "model.safetensors", "tokenizer.json"])
@pytest.mark.parametrize("spoil", [cut, change, Path.unlink])
def test_a_spoilt_file_is_named(folder: Path, name: str, spoil: Callable[[Path], Any]) -> None:
    spoil(folder / name)
    with pytest.raises(GenesysError, match=rf"{name} is damaged: .* verify the design again"):
        load_model(folder, trust_code=True)


@pytest.mark.parametrize("text", ["", "[]", '{"format": 2}', "\x00"])
def test_a_spoilt_manifest_is_named(folder: Path, text: str) -> None:
    (folder / "model.json").write_text(text)
    with pytest.raises(GenesysError, match=r"model\.json is damaged"):
        load_model(folder, trust_code=True)


def test_a_folder_without_a_model_says_what_makes_one(tmp_path: Path) -> None:
    with pytest.raises(GenesysError, match=r"no model\.json.*keep_weights=true"):
        load_model(tmp_path, trust_code=True)


def test_code_that_does_not_run_here_is_named_with_its_versions(tmp_path: Path, model: GAM) -> None:
    keep(tmp_path / "kept", faulty(loading="raise OSError('not here')"), model)
    with pytest.raises(GenesysError, match=r"OSError: not here.*torch 2"):
        load_model(tmp_path / "kept", trust_code=True)


def test_weights_of_another_design_are_refused(tmp_path: Path, model: GAM) -> None:
    keep(tmp_path / "kept", faulty(), model)
    with pytest.raises(GenesysError, match="which parameters there are"):
        load_model(tmp_path / "kept", trust_code=True)


def test_what_was_killed_while_it_was_kept_is_no_model(
    tmp_path: Path, folder: Path, gpt2: Design, model: GAM, monkeypatch: pytest.MonkeyPatch
) -> None:
    replace = Path.replace

    def full(self: Path, target: Path) -> Path:
        if target.name == "tokenizer.json":
            raise OSError(28, "No space left on device")
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(OSError, match="No space left"):
        keep(folder, gpt2, model)
    with pytest.raises(GenesysError, match="no trained model"):
        load_model(folder, trust_code=True)
    assert not [path for path in folder.iterdir() if path.suffix == ".tmp"]


class _Odd(nn.Module):
    """Everything that parameters and buffers can be."""

    def __init__(self) -> None:
        super().__init__()
        self.turned = nn.Parameter(torch.randn(3, 4).t())
        self.rotation = nn.Parameter(torch.randn(3, dtype=torch.complex128))
        self.small = nn.Parameter(torch.randn(2, dtype=torch.bfloat16))
        self.tied = self.small
        self.register_buffer("count", torch.tensor(3))
        self.register_buffer("view", self.count)
        self.register_buffer("mask", torch.rand(2, 2) > 0.5, persistent=False)
        self.register_buffer("cache", torch.zeros(0), persistent=False)


def test_all_kinds_of_tensors_come_back_to_the_bit() -> None:
    torch.manual_seed(0)
    trained, other = _Odd(), _Odd()
    trained.cache = torch.randn(2, 3).expand(5, 2, 3)
    restore(other, saved(trained))
    for ours, theirs in (
        (dict(trained.named_parameters()), dict(other.named_parameters())),
        (
            dict(trained.named_buffers(remove_duplicate=False)),
            dict(other.named_buffers(remove_duplicate=False)),
        ),
    ):
        assert ours.keys() == theirs.keys()
        assert all(torch.equal(ours[name], theirs[name]) for name in ours)
    assert other.state_dict().keys() == trained.state_dict().keys()


def test_equal_models_give_equal_bytes() -> None:
    assert saved(make_gpt2()) == saved(make_gpt2())
