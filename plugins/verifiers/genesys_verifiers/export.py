"""Writes a trained model as a folder that is loaded without Genesys, also by transformers.

Nothing of the design's code is run here: it is copied as text.
"""

from __future__ import annotations

import ast
import json
import shutil
import tempfile
from pathlib import Path

from genesys.errors import GenesysError
from genesys.text import one_line
from genesys_verifiers.checkpoints.trained import BLOCK, TOKENIZER, WEIGHTS, ModelFile

HERE = Path(__file__).parent / "exported"
MODELING, CODE = "modeling_genesys.py", "block.py"
# What `exported/base.py` brings along of these modules.
MODULES = ("genesys.gau", "genesys.gau.base", "genesys.gau.decl", "genesys.gau.testing")
PROVIDED = frozenset({"GABBase", "GAUBase", "UnitDecl", "gau_test"})


def export(folder: Path, out: Path) -> None:
    """Write the model that a verification has kept.

    Args:
        folder: That it is kept in.
        out: A new folder, or an empty one; it appears whole or not at all.

    Raises:
        GenesysError: The model is not whole, its block needs more of Genesys than an export brings
            along, or the folder cannot be written.
    """
    file = ModelFile.of(folder)
    file.check(folder)
    block = without_genesys((folder / BLOCK).read_text("utf-8"))
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise GenesysError(f"{out} is not empty; name a new folder.")
    texts = {
        CODE: f"{_text('base.py')}\n\n{block}",
        MODELING: _text("modeling.py"),
        "config.json": _json(config_of(file)),
        "tokenizer_config.json": _json(_tokenizer_of(file)),
        "README.md": _card(file),
    }
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{out.name}.", dir=out.parent) as draft:
            for name in (WEIGHTS, TOKENIZER):
                shutil.copyfile(folder / name, Path(draft, name))
            for name, text in texts.items():
                Path(draft, name).write_text(text, encoding="utf-8")
            Path(draft).chmod(0o755)
            Path(draft).rename(out)
            Path(draft).mkdir()  # which the context removes
    except OSError as error:
        raise GenesysError(f"{out} cannot be written: {error}") from None


def without_genesys(code: str) -> str:
    """The code of a block without its imports of Genesys, which ``exported/base.py`` replaces.

    Raises:
        GenesysError: It imports something else of Genesys.
    """
    lines = code.encode().splitlines(keepends=True)
    nodes = [n for n in ast.walk(ast.parse(code)) if isinstance(n, ast.Import | ast.ImportFrom)]
    for node in sorted(nodes, key=lambda node: (node.lineno, node.col_offset), reverse=True):
        if (names := _of_genesys(node)) is None:
            continue
        first, last = node.lineno - 1, (node.end_lineno or node.lineno) - 1
        before, after = lines[first][: node.col_offset], lines[last][node.end_col_offset :]
        if names or before or after.strip():
            new = "; ".join(f"{alias.asname} = {alias.name}" for alias in names) or "pass"
            lines[first : last + 1] = [before + new.encode() + after]
        else:
            lines[first : last + 1] = []
    return b"".join(lines).decode()


def config_of(file: ModelFile) -> dict[str, object]:
    """``config.json`` of a model."""
    return {
        "model_type": "genesys",
        "architectures": ["GenesysForCausalLM"],
        "auto_map": {
            "AutoConfig": "modeling_genesys.GenesysConfig",
            "AutoModelForCausalLM": "modeling_genesys.GenesysForCausalLM",
        },
        "vocab_size": file.vocab_size,
        "hidden_size": file.embed_dim,
        "num_hidden_layers": file.n_block,
        "norm_epsilon": 1e-5,
        "seed": file.seed,
        "tie_word_embeddings": False,
        "use_cache": False,
    }


def _of_genesys(node: ast.Import | ast.ImportFrom) -> list[ast.alias] | None:
    """The names to be bound anew in place of an import; None when it is not of Genesys."""
    modules = (
        [node.module or ""] if isinstance(node, ast.ImportFrom) else [a.name for a in node.names]
    )
    if all(module.partition(".")[0] != "genesys" for module in modules):
        return None
    known = isinstance(node, ast.ImportFrom) and modules[0] in MODULES
    if not known or any(alias.name not in PROVIDED for alias in node.names):
        raise GenesysError(
            f"{BLOCK}, line {node.lineno}: {ast.unparse(node)!r} is more of Genesys than an export "
            f"brings along, which is {', '.join(sorted(PROVIDED))}. Use load_model instead."
        )
    return [alias for alias in node.names if alias.asname not in (None, alias.name)]


def _tokenizer_of(file: ModelFile) -> dict[str, object]:
    return {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "model_max_length": file.sequence_length,
    }


def _card(file: ModelFile) -> str:
    rows = [f"| {one_line(task)} | {value:.3f} |" for task, value in file.scores.items()]
    return _text("card.md").format(
        design=one_line(file.design),
        scale=one_line(file.scale),
        count=file.n_block,
        width=file.embed_dim,
        vocab=file.vocab_size,
        length=file.sequence_length,
        seed=file.seed,
        scores="\n".join(rows),
        versions=", ".join(f"{one_line(p)} {one_line(v)}" for p, v in file.versions.items()),
    )


def _text(name: str) -> str:
    return (HERE / name).read_text("utf-8")


def _json(value: object) -> str:
    return json.dumps(value, indent=2) + "\n"
