"""A little real text that every machine has: sources of the standard library, as bytes."""

from __future__ import annotations

import sysconfig
from pathlib import Path

import torch
from torch import Tensor

MODULES = ("argparse.py", "ast.py", "datetime.py", "inspect.py", "pathlib.py", "typing.py")


def batches(count: int, batch: int, length: int) -> list[Tensor]:
    """Batches of byte ids, each of shape (B, L), always the same ones on one Python."""
    folder = Path(sysconfig.get_path("stdlib"))
    found = [folder / name for name in MODULES if (folder / name).is_file()]
    data = torch.frombuffer(bytearray(b"".join(p.read_bytes() for p in found)), dtype=torch.uint8)
    generator = torch.Generator().manual_seed(0)
    starts = torch.randint(len(data) - length, (count, batch, 1), generator=generator)
    return list(data[starts + torch.arange(length)].long().unbind(0))
