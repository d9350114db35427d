"""What a model has learnt, as safetensors: for other guests, and for a person who keeps it."""

from __future__ import annotations

import json

import safetensors.torch
import torch
from torch import Tensor, nn

from genesys_verifiers.faults import DesignFaultError

METADATA = "genesys"


def saved(model: nn.Module) -> bytes:
    """Parameters and buffers as safetensors; complex ones as pairs of real numbers."""
    buffers = dict(model.named_buffers(remove_duplicate=False))
    tensors = {**dict(model.named_parameters()), **buffers}
    complexes = [name for name, value in tensors.items() if value.is_complex()]
    # A single entry, since the library writes several in any order.
    told = {METADATA: json.dumps({"buffers": [*buffers], "complex": complexes})}
    # Copies, since tensors in one file must not share memory.
    return safetensors.torch.save({n: _plain(value) for n, value in tensors.items()}, told)


def restore(model: nn.Module, data: bytes) -> None:
    """Put them into a model that was made alike.

    Raises:
        DesignFaultError: It has other parameters than the one that was trained.
    """
    found, told = safetensors.torch.load(data), _metadata(data)
    for name, value in found.items():
        whole = torch.view_as_complex(value) if name in told["complex"] else value
        found[name] = whole.clone()  # aligned, as the library's need not be
    buffers = {name: found.pop(name) for name in told["buffers"]}
    put(model, found, buffers)


def put(model: nn.Module, parameters: dict[str, Tensor], buffers: dict[str, Tensor]) -> None:
    """Give a model these parameters and buffers, by name; the tensors become its own.

    Raises:
        DesignFaultError: It has other parameters.
    """
    own = dict(model.named_parameters())
    if {n: p.shape for n, p in own.items()} != {n: p.shape for n, p in parameters.items()}:
        raise DesignFaultError("training has changed which parameters there are")
    for name, parameter in own.items():
        parameter.data = parameters[name]
    for name, value in buffers.items():  # a cache may have grown in training
        path, _, leaf = name.rpartition(".")
        module = model.get_submodule(path)
        lasts = leaf not in module._non_persistent_buffers_set
        module.register_buffer(leaf, value, persistent=lasts)


def _plain(value: Tensor) -> Tensor:
    value = value.detach().resolve_conj().resolve_neg()
    value = torch.view_as_real(value) if value.is_complex() else value
    return value.clone(memory_format=torch.contiguous_format)


def _metadata(data: bytes) -> dict[str, list[str]]:
    """What the header says beside the tensors; the library gives it for files only."""
    size = int.from_bytes(data[:8], "little")
    found: dict[str, list[str]] = json.loads(
        json.loads(data[8 : 8 + size])["__metadata__"][METADATA]
    )
    return found
