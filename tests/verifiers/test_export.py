"""An exported model is the same model, where there is no Genesys."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch
from tokenizers import Tokenizer
from tokenizers.models import WordLevel

from genesys.errors import GenesysError
from genesys.gau.compose import compose
from genesys.gau.folder import load_tree
from genesys.records import Score, VerificationReport
from genesys.resources import resource
from genesys_verifiers.checkpoints.trained import keep_model, load_model
from genesys_verifiers.checkpoints.weights import saved
from genesys_verifiers.export import export, without_genesys
from genesys_verifiers.settings import Settings, Task

SEEDS = ("gpt2", "mamba2", "retnet", "rwkv6", "ttt")
VOCAB, WIDTH = 97, 64

# Runs where Genesys cannot be imported, and loads each folder in the way its card says.
LOAD = """
import importlib.util, sys
from pathlib import Path

class Without:
    def find_spec(self, name, path=None, target=None):
        if name.startswith("genesys"):
            raise ImportError(f"{name} is not here")

sys.meta_path.insert(0, Without())
import torch

for folder in sys.argv[1:]:
    sys.path.insert(0, folder)
    from modeling_genesys import GenesysForCausalLM
    model = GenesysForCausalLM.from_pretrained(folder)
    ids = torch.arange(40).reshape(2, 20)
    with torch.no_grad():
        out = model(ids, labels=ids)
    torch.save([out.logits, out.loss], Path(folder).with_suffix(".pt"))
    del sys.modules["modeling_genesys"], sys.path[0]
assert not [name for name in sys.modules if name.startswith("genesys")]
"""


def kept(folder: Path, name: str, code: str = "") -> Path:
    """A folder as a verification leaves it, with weights that no initialisation gives."""
    tree = load_tree(resource("seeds") / name)
    block = compose(tree) + code
    task = Task(
        block=block, learning_rate=0.1, steps=1, seed=3, vocab_size=VOCAB, settings=Settings()
    )
    report = VerificationReport(
        design=name,
        scale="tiny",
        seed=3,
        n_block=2,
        embed_dim=WIDTH,
        scores=[Score(task="recall", metric="acc", value=0.625)],
    )
    tokenizer = folder / "words.json"
    folder.mkdir(exist_ok=True)
    Tokenizer(WordLevel({"a": 0, "b": 1}, unk_token="a")).save(str(tokenizer))
    keep_model(folder / name, tree.as_design(name), task, report, [_weights(block)], tokenizer)
    return folder / name


def _weights(block: str) -> bytes:
    from genesys.gau.load import load_block
    from genesys.gau.model import GAM

    torch.manual_seed(0)
    module = load_block(block)
    model = GAM(module.GAB, WIDTH, 2, VOCAB, module.gab_config)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter), alpha=0.05)
    return saved(model)


def test_without_genesys_the_logits_are_the_same(tmp_path: Path) -> None:
    folders = [kept(tmp_path / "kept", name) for name in SEEDS]
    outs = [tmp_path / "out" / name for name in SEEDS]
    for folder, out in zip(folders, outs, strict=True):
        export(folder, out)
    subprocess.run([sys.executable, "-c", LOAD, *map(str, outs)], check=True, cwd=tmp_path)
    ids = torch.arange(40).reshape(2, 20)
    for folder, out in zip(folders, outs, strict=True):
        with torch.no_grad():
            logits = load_model(folder, trust_code=True)(ids)
        found, loss = torch.load(out.with_suffix(".pt"))
        assert torch.equal(found, logits), folder.name
        expected = torch.nn.functional.cross_entropy(
            logits[:, :-1].flatten(0, 1), ids[:, 1:].flatten()
        )
        assert torch.equal(loss, expected)


@pytest.mark.skipif(not find_spec("transformers"), reason="transformers is not installed")
def test_transformers_loads_the_same(tmp_path: Path) -> None:
    folder, out = kept(tmp_path, "rwkv6"), tmp_path / "out"
    export(folder, out)
    code = LOAD.replace(
        "from modeling_genesys import GenesysForCausalLM",
        "from transformers import AutoModelForCausalLM",
    ).replace(
        "GenesysForCausalLM.from_pretrained(folder)",
        "AutoModelForCausalLM.from_pretrained(folder, trust_remote_code=True)",
    )
    code = code.replace('del sys.modules["modeling_genesys"], ', "del ")
    environment = {**os.environ, "HF_HOME": str(tmp_path / "hub"), "HF_HUB_OFFLINE": "1"}
    subprocess.run([sys.executable, "-c", code, str(out)], check=True, env=environment)
    with torch.no_grad():
        logits = load_model(folder, trust_code=True)(torch.arange(40).reshape(2, 20))
    assert torch.equal(torch.load(out.with_suffix(".pt"))[0], logits)


def test_the_folder_is_whole_and_says_what_it_is(tmp_path: Path) -> None:
    folder, out = kept(tmp_path, "gpt2"), tmp_path / "out"
    out.mkdir()
    export(folder, out)
    assert {path.name for path in out.iterdir()} == {
        "README.md",
        "block.py",
        "config.json",
        "model.safetensors",
        "modeling_genesys.py",
        "tokenizer.json",
        "tokenizer_config.json",
    }
    config = json.loads((out / "config.json").read_text())
    assert (config["vocab_size"], config["hidden_size"], config["num_hidden_layers"]) == (97, 64, 2)
    for place in config["auto_map"].values():
        module, _, name = place.partition(".")
        assert f"class {name}(" in (out / f"{module}.py").read_text()
    assert "genesys." not in (out / "block.py").read_text()
    card = (out / "README.md").read_text()
    assert "composed by a machine" in card and "| recall | 0.625 |" in card
    assert {path.name for path in tmp_path.iterdir()} == {"gpt2", "out", "words.json"}


@pytest.mark.parametrize(
    ("code", "left"),
    [
        ("from genesys.gau import GAUBase, gau_test\nx = 1\n", "x = 1\n"),
        ("from genesys.gau import (\n    GAUBase,\n    UnitDecl as U,\n)\n", "U = UnitDecl\n"),
        ("def f():\n    from genesys.gau import GAUBase\n", "def f():\n    pass\n"),
        ("'é'; from genesys.gau import GAUBase; y = 2\n", "'é'; pass; y = 2\n"),
        ("import torch\nfrom genesysts import x\n", "import torch\nfrom genesysts import x\n"),
    ],
)
def test_imports_of_genesys_are_taken_out(code: str, left: str) -> None:
    assert without_genesys(code) == left


@pytest.mark.parametrize(
    "code", ["import genesys.gau", "from genesys.gau import GAM", "from genesys import records"]
)
def test_what_an_export_cannot_bring_along_is_refused(tmp_path: Path, code: str) -> None:
    folder = kept(tmp_path, "gpt2", f"\n{code}\n")
    with pytest.raises(GenesysError, match=r"block\.py|gab\.py, line \d+: .*load_model"):
        export(folder, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_nothing_is_overwritten_and_damage_is_told(tmp_path: Path) -> None:
    folder = kept(tmp_path, "gpt2")
    with pytest.raises(GenesysError, match="not empty"):
        export(folder, folder)
    with pytest.raises(GenesysError, match="cannot be written"):
        export(folder, folder / "gab.py" / "out")
    with (folder / "gab.py").open("a") as file:
        file.write("# more")
    with pytest.raises(GenesysError, match=r"gab\.py is damaged"):
        export(folder, tmp_path / "out")
    with pytest.raises(GenesysError, match="no trained model"):
        export(tmp_path, tmp_path / "out")
