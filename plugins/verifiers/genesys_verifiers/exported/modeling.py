"""A language model around the block in ``block.py``; it needs torch, and nothing else.

    from modeling_genesys import GenesysForCausalLM

    model = GenesysForCausalLM.from_pretrained("this folder")
    logits = model(input_ids).logits

With transformers installed, ``AutoModelForCausalLM.from_pretrained("this folder",
trust_remote_code=True)`` gives the same model.
"""

import importlib.util
import json
import sys
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional

try:
    from .block import GAB, gab_config
except ImportError:  # this file is not part of a package
    spec = importlib.util.spec_from_file_location(
        f"{__name__}_block", Path(__file__).with_name("block.py")
    )
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    GAB, gab_config = module.GAB, module.gab_config

try:
    from transformers import PretrainedConfig, PreTrainedModel
    from transformers.modeling_outputs import CausalLMOutput
except ImportError:

    class PretrainedConfig:
        """Stands in for the class of transformers."""

        def __init__(self, **values):
            self.__dict__.update(values)

    class PreTrainedModel(nn.Module):
        """Stands in for the class of transformers."""

        def __init__(self, config):
            super().__init__()
            self.config = config

        def post_init(self):
            """Nothing is left to do."""

    @dataclass
    class CausalLMOutput:
        """Stands in for the class of transformers."""

        loss: torch.Tensor | None = None
        logits: torch.Tensor | None = None


CONFIG, WEIGHTS = "config.json", "model.safetensors"
DTYPES = {
    "F64": torch.float64,
    "F32": torch.float32,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
    "I64": torch.int64,
    "I32": torch.int32,
    "I16": torch.int16,
    "I8": torch.int8,
    "U8": torch.uint8,
    "BOOL": torch.bool,
}


class GenesysConfig(PretrainedConfig):
    """Sizes of the model.

    Args:
        vocab_size: V, number of tokens.
        hidden_size: D, the width.
        num_hidden_layers: Number of blocks.
        norm_epsilon: Of the last LayerNorm.
        seed: Of what the block draws when it is made.
        **values: Whatever else transformers keeps.
    """

    model_type = "genesys"

    def __init__(
        self,
        vocab_size=0,
        hidden_size=0,
        num_hidden_layers=0,
        norm_epsilon=1e-5,
        seed=0,
        **values,
    ):
        super().__init__(**values)
        self.vocab_size, self.hidden_size = vocab_size, hidden_size
        self.num_hidden_layers = num_hidden_layers
        self.norm_epsilon, self.seed = norm_epsilon, seed


class GenesysForCausalLM(PreTrainedModel):
    """Embedding, blocks, a last norm, and a head that shares the embedding's weight."""

    config_class = GenesysConfig

    def __init__(self, config):
        super().__init__(config)
        width, count = config.hidden_size, config.num_hidden_layers
        self.embedding = nn.Embedding(config.vocab_size, width)
        nn.init.normal_(self.embedding.weight, std=0.02)
        self.blocks = nn.ModuleList(
            GAB(embed_dim=width, block_loc=(index, count), **gab_config) for index in range(count)
        )
        self.norm_out = nn.LayerNorm(width, eps=config.norm_epsilon)
        self.post_init()

    def forward(self, input_ids, labels=None, **others):
        """Logits of shape (B, L, V) for token ids of shape (B, L).

        Args:
            input_ids: Token ids. Texts of different lengths are padded on the right, which changes
                nothing for what stands before.
            labels: Token ids like ``input_ids``; with them the mean loss of predicting each from
                those before it is given too. -100 is left out.
            **others: Ignored.
        """
        X, Z = self.embedding(input_ids), {}
        for block in self.blocks:
            X, Z = block(X, **Z)
        logits = functional.linear(self.norm_out(X), self.embedding.weight)
        loss = None
        if labels is not None:
            loss = functional.cross_entropy(logits[:, :-1].flatten(0, 1), labels[:, 1:].flatten())
        return CausalLMOutput(loss=loss, logits=logits)

    @classmethod
    def from_pretrained(cls, pretrained_model_name_or_path, *arguments, **options):
        """The trained model from a folder: float32, on the CPU, in eval mode.

        Args:
            pretrained_model_name_or_path: The folder.
            *arguments: Ignored.
            **options: Ignored but for ``config``; convert the model with ``.to`` afterwards.
        """
        folder = Path(pretrained_model_name_or_path)
        if not (folder / WEIGHTS).is_file():
            raise OSError(f"There is no {folder / WEIGHTS}; download the folder first.")
        config = options.get("config")
        if config is None:
            config = GenesysConfig(**json.loads((folder / CONFIG).read_text("utf-8")))
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(config.seed)
            model = cls(config)
        model.take(*read_tensors(folder / WEIGHTS))
        return model.eval()

    @torch.no_grad()
    def take(self, tensors, buffers):
        """Put trained parameters and buffers in place.

        Args:
            tensors: By name.
            buffers: Names of those that are no parameters; their shapes may have changed.
        """
        for name, parameter in self.named_parameters():
            parameter.copy_(tensors[name])
        for name in buffers:
            path, _, leaf = name.rpartition(".")
            home = self.get_submodule(path)
            lasts = leaf not in home._non_persistent_buffers_set
            home.register_buffer(leaf, tensors[name], persistent=lasts)


def read_tensors(path):
    """The tensors of a safetensors file by name, and the names of those that are buffers."""
    data = path.read_bytes()
    start = 8 + int.from_bytes(data[:8], "little")
    header = json.loads(data[8:start])
    told = header.pop("__metadata__", {})
    tensors = {}
    for name, entry in header.items():
        first, end = entry["data_offsets"]
        piece, dtype = bytearray(data[start + first : start + end]), DTYPES[entry["dtype"]]
        flat = torch.frombuffer(piece, dtype=dtype) if piece else torch.empty(0, dtype=dtype)
        tensors[name] = flat.reshape(entry["shape"])
    for name in json.loads(told.get("complex", "[]")):
        tensors[name] = torch.view_as_complex(tensors[name])
    return tensors, json.loads(told.get("buffers", "[]"))
