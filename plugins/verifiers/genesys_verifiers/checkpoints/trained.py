"""Trained models: kept in a folder by a verification, loaded from it by a person.

::

    from genesys_verifiers.checkpoints.trained import load_model

    model = load_model("runs/default/checkpoints/gpt2-0.1M-0", trust_code=True)
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from genesys.errors import GenesysError
from genesys.files import Piece, sha256_of, write_file
from genesys.records import Design, VerificationReport, first_problem
from genesys_verifiers.settings import Positive, Task

if TYPE_CHECKING:
    from torch import nn

MODEL, BLOCK, WEIGHTS, TOKENIZER = "model.json", "gab.py", "model.safetensors", "tokenizer.json"
FILES = (BLOCK, WEIGHTS, TOKENIZER)
PACKAGES = ("genesys", "safetensors", "tokenizers", "torch")


class ModelFile(BaseModel):
    """What ``model.json`` says of the files beside it; it is written last.

    Attributes:
        format: Version of this file.
        design: Name of the design.
        scale: Name of the scale.
        seed: Of initialisation and data order.
        n_block: Number of blocks.
        embed_dim: Width.
        vocab_size: Number of tokens.
        sequence_length: Of the training, in tokens.
        block_config: The block's arguments, as in ``gab_config``.
        scores: What the model reached, by task.
        versions: Of the packages that made it.
        sha256: Hashes of the other files, by name.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal[1] = 1
    design: str
    scale: str
    seed: int
    n_block: Positive
    embed_dim: Positive
    vocab_size: Positive
    sequence_length: Positive
    block_config: dict[str, Any]
    scores: dict[str, float]
    versions: dict[str, str]
    sha256: dict[str, str]

    @classmethod
    def of(cls, folder: Path) -> ModelFile:
        """Read the file of a folder.

        Raises:
            GenesysError: There is none, or it is damaged.
        """
        try:
            return cls.model_validate_json((folder / MODEL).read_bytes())
        except FileNotFoundError:
            raise GenesysError(
                f"{folder} holds no trained model: it has no {MODEL}. Name a folder that a "
                "verification with verifier.keep_weights=true has made."
            ) from None
        except ValidationError as error:
            raise _damaged(folder / MODEL, first_problem(error)) from None
        except OSError as error:
            raise _damaged(folder / MODEL, str(error)) from None

    def check(self, folder: Path) -> None:
        """Compare the files beside it with what it says of them.

        Raises:
            GenesysError: One is missing, cut short or another.
        """
        for name in FILES:
            path = folder / name
            try:
                found = sha256_of(path)
            except OSError as error:
                raise _damaged(path, str(error)) from None
            if found != self.sha256.get(name):
                raise _damaged(path, f"it is cut short, or not the file that {MODEL} speaks of")


def keep_model(
    folder: Path,
    design: Design,
    task: Task,
    report: VerificationReport,
    weights: Sequence[Piece],
    tokenizer: Path,
) -> None:
    """Keep a trained model; a reader sees the old one, none, or the whole new one.

    Args:
        folder: For it; made when absent.
        design: The design.
        task: What it was trained with.
        report: What came out.
        weights: Pieces of safetensors.
        tokenizer: Its file.

    Raises:
        OSError: The disk refuses.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / MODEL).unlink(missing_ok=True)
    hashes = {
        BLOCK: write_file(folder / BLOCK, [task.block.encode()]),
        WEIGHTS: write_file(folder / WEIGHTS, weights),
        TOKENIZER: write_file(folder / TOKENIZER, [tokenizer.read_bytes()]),
    }
    file = ModelFile(
        design=design.name,
        scale=report.scale,
        seed=report.seed,
        n_block=report.n_block,
        embed_dim=report.embed_dim,
        vocab_size=task.vocab_size,
        sequence_length=task.settings.sequence_length,
        block_config={argument.name: json.loads(argument.json_value) for argument in design.args},
        scores={score.task: score.value for score in report.scores},
        versions={package: version(package) for package in PACKAGES},
        sha256=hashes,
    )
    write_file(folder / MODEL, [file.model_dump_json(indent=2).encode() + b"\n"])


def load_model(folder: str | Path, trust_code: bool = False) -> nn.Module:
    """A trained model, ready to be used: a ``GAM`` in eval mode, on the CPU.

    It maps token ids of shape (B, L) to logits of shape (B, L, V).

    Args:
        folder: That a verification has kept the model in.
        trust_code: Whether to run the design's code, which a machine has written, in this process
            and with all your rights.

    Raises:
        GenesysError: The code is not trusted, or the folder holds no whole model of this design.
    """
    folder = Path(folder)
    file = ModelFile.of(folder)
    if not trust_code:
        raise GenesysError(
            f"Loading {folder} runs {BLOCK}, code that was generated, unconfined and with your "
            "rights. Read it, then pass trust_code=True."
        )
    file.check(folder)
    return _built(folder, file)


def _built(folder: Path, file: ModelFile) -> nn.Module:
    import torch

    from genesys.gau.load import load_block
    from genesys.gau.model import GAM
    from genesys_verifiers.checkpoints.weights import restore

    code = (folder / BLOCK).read_text(encoding="utf-8")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(file.seed)
        try:
            block = load_block(code, f"gab_{file.sha256[BLOCK][:12]}")
            model = GAM(block.GAB, file.embed_dim, file.n_block, file.vocab_size, block.gab_config)
            restore(model, (folder / WEIGHTS).read_bytes())
        except Exception as error:  # it is generated code
            made = ", ".join(f"{package} {number}" for package, number in file.versions.items())
            raise GenesysError(
                f"The model in {folder} cannot be made: {type(error).__name__}: {error}. It was "
                f"trained with {made}; try these versions."
            ) from error
    return model.eval()


def _damaged(path: Path, reason: str) -> GenesysError:
    return GenesysError(
        f"{path} is damaged: {reason}. Copy the folder again from where it was made, or verify "
        "the design again."
    )
