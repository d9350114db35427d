"""Row ``initialization``: the block can be built, with sound parameters."""

from __future__ import annotations

import re

from genesys.records import ErrorKind
from genesys_checkers.block import Block
from genesys_checkers.claims import Overrides, Parameter, Parameters
from genesys_checkers.faults import Fault
from genesys_checkers.rows.inputs import Sizes, build

# Deep enough that a unit for every so many blocks is built.
DEPTHS = (1, 8)
# What torch says when tensors of two devices meet.
ON_TWO_DEVICES = "not on the expected device"
ON_ONE_DEVICE = "Make it with **self.factory_kwargs, and so what it is computed from."


def check(block: Block, sizes: Sizes) -> None:
    """Build the block at every width and at other depths, then in bfloat16 and without values.

    Raises:
        Fault: A unit redefines ``nn.Module``; the block cannot be built or has no parameters; or
            one starts with NaN or infinity, has another dtype than was asked for, or lies on
            another device.
    """
    _check_overrides(block)
    for depth in DEPTHS:
        build(block, sizes.width, depth)
    for width in sizes.widths:
        count = build(block, width, sizes.blocks)
        if not _parameters(block) or not count:
            raise Fault("The block has no parameters.", hint="Give it something to learn.")
        _check_values(block, "float32")
    build(block, sizes.width, sizes.blocks, "bfloat16")
    _check_values(block, "bfloat16")
    _check_without_values(block, sizes)


def _check_overrides(block: Block) -> None:
    for override in block.ask(Overrides, "overrides").overrides:
        raise block.fault_at(
            override.unit,
            rf"def {re.escape(override.name)}\b|^    {re.escape(override.name)}\b",
            f"{override.unit} redefines {override.name} of torch.nn.Module.",
            "Call it otherwise: counting, training and moving a model rely on it.",
            ErrorKind.FORBIDDEN,
        )


def _parameters(block: Block) -> list[Parameter]:
    return block.ask(Parameters, "parameters").parameters


def _check_values(block: Block, dtype: str) -> None:
    for parameter in _parameters(block):
        if not parameter.finite:
            raise block.blamed(
                parameter,
                f"Parameter {parameter.name} starts out with NaN or infinity ({dtype}).",
                "Give each parameter a finite start.",
                ErrorKind.NOT_FINITE,
            )
        if parameter.floating and parameter.dtype != dtype:
            raise block.blamed(
                parameter,
                f"Parameter {parameter.name} is {parameter.dtype} in a block of {dtype}.",
                "Make it with **self.factory_kwargs.",
                ErrorKind.DTYPE,
            )


def _check_without_values(block: Block, sizes: Sizes) -> None:
    """Build on the device ``meta``: what ends up elsewhere would do so beside a GPU too."""
    try:
        block.build(sizes.width, sizes.blocks, device="meta")
    except Fault as fault:
        if ON_TWO_DEVICES in fault.message:
            fault.hint = ON_ONE_DEVICE
            raise
        if fault.kind is not None:  # the guest has gone
            raise
        return  # what reads values while it starts cannot be built without them: no fault
    for parameter in _parameters(block):
        if parameter.device != "meta":
            raise block.blamed(
                parameter,
                f"Parameter {parameter.name} is not on the device that was asked for.",
                ON_ONE_DEVICE,
                ErrorKind.INITIALIZATION,
            )
