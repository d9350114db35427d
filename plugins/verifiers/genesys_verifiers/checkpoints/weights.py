"""What a model has learnt, as safetensors: for other guests, and for a person who keeps it."""

from __future__ import annotations

import json
from typing import Any

import safetensors.torch
import torch
from torch import Tensor, nn

from genesys_verifiers.faults import DesignFaultError


def saved(model: nn.Module) -> bytes:
    """Parameters and buffers as safetensors; complex ones as pairs of real numbers."""
    buffers = dict(model.named_buffers(remove_duplicate=False))
    tensors = {**dict(model.named_parameters()), **buffers}
    complexes = [name for name, value in tensors.items() if value.is_complex()]
    told = {"buffers": json.dumps([*buffers]), "complex": json.dumps(complexes), "format": "pt"}
    # Copies, since tensors in one file must not share memory.
    return _ordered(safetensors.torch.save({n: _plain(v) for n, v in tensors.items()}, told))


def restore(model: nn.Module, data: bytes) -> None:
    """Put them into a model that was made alike.

    Raises:
        DesignFaultError: It has other parameters than the one that was trained.
    """
    found, told = safetensors.torch.load(data), _header(data)["__metadata__"]
    complexes = json.loads(told["complex"])
    for name, value in found.items():
        whole = torch.view_as_complex(value) if name in complexes else value
        found[name] = whole.clone()  # aligned, as the library's need not be
    buffers = {name: found.pop(name) for name in json.loads(told["buffers"])}
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
        parameter.data = parameters[name].to(parameter.device)
    device = next(iter(own.values())).device
    for name, value in buffers.items():  # a cache may have grown in training
        path, _, leaf = name.rpartition(".")
        module = model.get_submodule(path)
        lasts = leaf not in module._non_persistent_buffers_set
        module.register_buffer(leaf, value.to(device), persistent=lasts)


def _plain(value: Tensor) -> Tensor:
    value = value.detach().resolve_conj().resolve_neg()
    value = torch.view_as_real(value) if value.is_complex() else value
    return value.clone(memory_format=torch.contiguous_format)


def _header(data: bytes) -> dict[str, Any]:
    """The header; of what it says beside the tensors, the library reads files only."""
    found: dict[str, Any] = json.loads(data[8 : _start(data)])
    return found


def _ordered(data: bytes) -> bytes:
    """The same with a sorted header: the library writes it in any order."""
    text = json.dumps(_header(data), sort_keys=True).encode()
    text += b" " * (-len(text) % 8)
    return b"".join((len(text).to_bytes(8, "little"), text, memoryview(data)[_start(data) :]))


def _start(data: bytes) -> int:
    return 8 + int.from_bytes(data[:8], "little")
