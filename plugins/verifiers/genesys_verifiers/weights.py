"""What a model has learnt, from one guest to another: the trusted half only passes the bytes on."""

from __future__ import annotations

import io

import torch

from genesys.gau.model import GAM
from genesys_verifiers.faults import DesignFaultError


def saved(model: GAM) -> bytes:
    """Parameters and buffers as bytes."""
    parameters = {name: value.detach() for name, value in model.named_parameters()}
    buffers = dict(model.named_buffers(remove_duplicate=False))
    file = io.BytesIO()
    torch.save({"parameters": parameters, "buffers": buffers}, file)
    return file.getvalue()


def restore(model: GAM, file: io.BytesIO) -> None:
    """Put them into a model that was made alike.

    Raises:
        DesignFaultError: It has other parameters than the one that was trained.
    """
    found = torch.load(file, weights_only=True)
    own = dict(model.named_parameters())
    if own.keys() != found["parameters"].keys():
        raise DesignFaultError("training has changed which parameters there are")
    with torch.no_grad():
        for name, parameter in own.items():
            parameter.copy_(found["parameters"][name])
    for name, value in found["buffers"].items():  # a cache may have grown in training
        path, _, leaf = name.rpartition(".")
        model.get_submodule(path).register_buffer(leaf, value)
